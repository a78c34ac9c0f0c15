//! A closer look: the network sees the subject alone when it is small in the picture.
//!
//! A network that sees 1024 pixels of a side sees 300 of a subject that takes up a third; looking again at that third
//! alone shows it what it could not tell before.

use crate::{
    Result,
    pixels::{Alpha, Rect, Size},
    steps::planes::{Plane, box_mean, change_by_grid, shrink_alpha},
};

/// How much is seen around the subject, as a share of its longer side: things are told by what surrounds them.
const SURROUNDINGS: f32 = 0.25;
/// When the subject and its surroundings are more than this share of the picture, a closer look shows little more and
/// may lose what the whole picture tells.
const WORTH_IT: f64 = 0.6;
/// How decided a first look must be for its word to stand against a second that agrees less than this.
const SURE: f32 = 0.9;
const AGREEMENT: f32 = 0.8;
/// From this alpha on the first look is sure of a place, and how thick it must be around it to stand, as a share of the
/// subject's diagonal.
const CORE: f32 = 0.9;
const THICKNESS: f32 = 0.01;
/// The longer side of the grid on which that is judged.
const GRID: u32 = 1024;

/// The matte after a second look at the part of the picture where the first, `matte`, found something; `look` gives the
/// matte of a part. What the first saw thick and sure stays: a flower pot close up may be taken for a thing of its own.
/// All of the first stays when a second look is not worth it, finds nothing, or contradicts a sure first.
///
/// # Errors
/// What `look` reports.
pub fn look_closer(matte: Alpha, look: impl FnOnce(Rect) -> Result<Alpha>) -> Result<Alpha> {
    let Some(subject) = opaque(&matte) else { return Ok(matte) };
    let Some(part) = around(subject, matte.size()) else { return Ok(matte) };
    let mut closer = placed(&look(part)?, part, matte.size());
    if opaque(&closer).is_none() || (decided(&matte) >= SURE && agreement(&matte, &closer) < AGREEMENT) {
        return Ok(matte);
    }
    keep_core(&mut closer, &matte, subject.size.diagonal());
    Ok(closer)
}

/// Raises `closer` to `first` where that is thick and sure.
fn keep_core(closer: &mut Alpha, first: &Alpha, diagonal: f32) {
    let size = first.size();
    let block = size.width.max(size.height).div_ceil(GRID).max(1) as usize;
    let small = shrink_alpha(first, block);
    let radius = ((THICKNESS * diagonal / block as f32).round() as usize).max(1);
    let one_where = |plane: &Plane, inside: &(dyn Fn(usize) -> bool + Sync)| {
        let values = (0..plane.values.len()).map(|cell| f32::from(u8::from(inside(cell)))).collect();
        Plane { size: plane.size, values }
    };
    let sure = one_where(&small, &|cell| small.values[cell] > CORE);
    let covered = box_mean(&sure, radius);
    let thick = box_mean(&one_where(&covered, &|cell| covered.values[cell] > 0.999), radius);
    let core = one_where(&thick, &|cell| thick.values[cell] > 1e-6 && sure.values[cell] > 0.0);

    change_by_grid(closer, &core, block, |value, index, core| *value = value.max(core * first.values()[index]));
}

/// A matte of a part as one of the whole picture, 0 outside.
pub fn placed(small: &Alpha, part: Rect, size: Size) -> Alpha {
    let mut matte = Alpha::filled(size, 0.0);
    let (width, left) = (size.width as usize, part.left as usize);
    let rows = small.values().chunks_exact(part.size.width as usize);
    for (row, target) in rows.zip(matte.values_mut().chunks_exact_mut(width).skip(part.top as usize)) {
        target[left..left + row.len()].copy_from_slice(row);
    }
    matte
}

/// The box of everything at least half opaque.
fn opaque(matte: &Alpha) -> Option<Rect> {
    let width = matte.size().width as usize;
    let (mut rows, mut columns) = (None, None);
    for (y, row) in matte.values().chunks_exact(width).enumerate() {
        let (Some(left), Some(right)) = (row.iter().position(|&a| a >= 0.5), row.iter().rposition(|&a| a >= 0.5))
        else {
            continue;
        };
        rows = Some((rows.map_or(y, |(top, _)| top), y));
        columns = Some(columns.map_or((left, right), |(l, r): (usize, usize)| (l.min(left), r.max(right))));
    }
    let ((top, bottom), (left, right)) = rows.zip(columns)?;
    let size = Size::new((right - left + 1) as u32, (bottom - top + 1) as u32);
    Some(Rect { left: left as u32, top: top as u32, size })
}

/// The box with its surroundings; `None` when that is too much of the picture.
fn around(subject: Rect, size: Size) -> Option<Rect> {
    let margin = (SURROUNDINGS * subject.size.width.max(subject.size.height) as f32).round() as u32;
    let (left, top) = (subject.left.saturating_sub(margin), subject.top.saturating_sub(margin));
    let right = (subject.left + subject.size.width + margin).min(size.width);
    let bottom = (subject.top + subject.size.height + margin).min(size.height);
    let part = Rect { left, top, size: Size::new(right - left, bottom - top) };
    ((part.size.pixels() as f64) < WORTH_IT * size.pixels() as f64).then_some(part)
}

/// Mean of |2α − 1| where there is any alpha to speak of.
fn decided(matte: &Alpha) -> f32 {
    let (mut sum, mut count) = (0.0_f64, 0.0_f64);
    for &alpha in matte.values().iter().filter(|&&alpha| alpha >= 0.03) {
        sum += f64::from((2.0 * alpha - 1.0).abs());
        count += 1.0;
    }
    if count > 0.0 { (sum / count) as f32 } else { 0.0 }
}

/// Intersection over union of two mattes, soft.
fn agreement(a: &Alpha, b: &Alpha) -> f32 {
    let pairs = || a.values().iter().zip(b.values());
    let both: f64 = pairs().map(|(&a, &b)| f64::from(a.min(b))).sum();
    let either: f64 = pairs().map(|(&a, &b)| f64::from(a.max(b))).sum();
    if either > 0.0 { (both / either) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(100, 60);

    fn square(alpha: f32, left: usize, top: usize, side: usize) -> Alpha {
        let mut matte = Alpha::filled(SIZE, 0.0);
        for y in top..top + side {
            matte.values_mut()[y * 100 + left..y * 100 + left + side].fill(alpha);
        }
        matte
    }

    /// What a second look gives that sees `whole`, and how often it was asked for.
    fn after(first: Alpha, whole: &Alpha) -> (Alpha, usize) {
        let mut looks = 0;
        let matte = look_closer(first, |part| {
            looks += 1;
            let rows = part.top..part.top + part.size.height;
            let pixel = |y: u32| (part.left..part.left + part.size.width).map(move |x| (y * 100 + x) as usize);
            Ok(Alpha::new(part.size, rows.flat_map(pixel).map(|i| whole.values()[i]).collect()))
        });
        (matte.expect("looking cannot fail here"), looks)
    }

    #[test]
    fn a_second_look_at_something_small_is_believed() {
        let truth = square(1.0, 40, 20, 10);
        let (matte, looks) = after(square(0.7, 39, 19, 12), &truth);
        assert_eq!((matte, looks), (truth, 1));
    }

    #[test]
    fn what_was_thick_and_sure_stays_though_the_second_look_loses_it() {
        // A leaf that is half opaque on a pot that is sure; the closer look sees the leaf only.
        let mut first = square(1.0, 40, 30, 12);
        (15..30).for_each(|y| first.values_mut()[y * 100 + 40..y * 100 + 52].fill(0.55));
        let mut leaf = Alpha::filled(SIZE, 0.0);
        (15..30).for_each(|y| leaf.values_mut()[y * 100 + 40..y * 100 + 52].fill(1.0));
        let (matte, _) = after(first, &leaf);
        let at = |x: usize, y: usize| matte.values()[y * 100 + x];
        assert_eq!((at(46, 20), at(46, 36), at(46, 50)), (1.0, 1.0, 0.0));
    }

    #[test]
    fn what_fills_the_picture_and_what_is_empty_are_not_looked_at_again() {
        for first in [square(1.0, 5, 2, 55), square(0.0, 0, 0, 1)] {
            let (matte, looks) = after(first.clone(), &square(1.0, 0, 0, 1));
            assert_eq!((matte, looks), (first, 0));
        }
    }

    #[test]
    fn a_sure_first_look_stands_against_a_contrary_second_and_an_unsure_one_does_not() {
        let contrary = square(1.0, 40, 20, 5);
        let sure = square(1.0, 38, 18, 14);
        assert_eq!(after(sure.clone(), &contrary).0, sure);
        assert_eq!(after(square(0.7, 38, 18, 14), &contrary).0, contrary);
        let nothing = Alpha::filled(SIZE, 0.0);
        let torn = square(0.6, 38, 18, 14);
        assert_eq!(after(torn.clone(), &nothing).0, torn);
    }
}
