//! A small matte becomes one of the frame's size, following the frame's own luma where the matte varies.

use std::ops::Range;

use crate::pixels::{Alpha, Size, unit_to_u8};

/// Cells to each side of a cell that its slope is fitted on.
const RADIUS: usize = 2;
/// Variance of luma (0 to 1) below which it counts as flat.
const EPSILON: f32 = 1e-3;
/// Share of the matte's variation that luma must explain for detail to be added, and for all of it.
const EXPLAINED: (f32, f32) = (0.3, 0.7);
/// What counts as 0, 1 and unchanged.
const NOTHING: f32 = 1.5 / 255.0;

/// Enlarges a matte to `size` as bytes, 255 meaning 1.
///
/// Between the small matte's values it is interpolated; to that is added the frame's fine luma (what the small copy
/// lost) times the local slope of matte over luma, as a guided filter fits it (He, Sun, Tang: Guided Image Filtering,
/// 2013). Unlike the whole filter this smooths nothing: the small matte has its edges already.
///
/// `small_luma` is of the matte's size, `luma` of `size`; `alpha` is filled anew.
pub(super) fn enlarge(matte: &Alpha, small_luma: &[u8], luma: &[u8], size: Size, alpha: &mut Vec<u8>) {
    if matte.size() == size {
        alpha.clear();
        alpha.extend(matte.values().iter().map(|value| unit_to_u8(*value)));
        return;
    }
    // Every sample is written; what a frame before left need not be cleared.
    alpha.resize(size.area(), 0);
    let from = matte.size();
    let small = Coarse { matte: matte.values(), luma: small_luma, size: from, slopes: Vec::new(), active: Vec::new() };
    let small = small.with_slopes();
    let columns = Columns::new(size.width as usize, from.width as usize);
    let mut row = Row::default();
    let rows = alpha.chunks_exact_mut(size.width as usize).zip(luma.chunks_exact(size.width as usize));
    for (y, (alpha, luma)) in rows.enumerate() {
        row.fill(&small, place(y, size.height as usize, from.height as usize));
        columns.fill(&row, luma, alpha);
    }
}

/// The small copy, and what is found out about it.
struct Coarse<'a> {
    matte: &'a [f32],
    luma: &'a [u8],
    size: Size,
    /// The matte's slope over luma, in alpha for one step of luma.
    slopes: Vec<f32>,
    /// Whether the matte varies around the cell.
    active: Vec<bool>,
}

/// One row between rows of the small copy.
#[derive(Default)]
struct Row {
    /// The rows it lies between.
    between: Option<(usize, usize)>,
    /// What is between these two: columns that are alike, one stretch after the other.
    stretches: Vec<Stretch>,
    /// Matte, slope and mean luma, where the matte varies.
    coarse: Vec<f32>,
    slope: Vec<f32>,
    mean: Vec<f32>,
}

/// Columns of the small copy, each up to the next one.
struct Stretch {
    columns: Range<usize>,
    /// The matte where it does not vary.
    value: Option<u8>,
}

impl Row {
    fn fill(&mut self, small: &Coarse<'_>, (top, bottom, down): (usize, usize, f32)) {
        let width = small.size.width as usize;
        if self.between.replace((top, bottom)) != Some((top, bottom)) {
            small.stretches(top, bottom, &mut self.stretches);
        }
        for values in [&mut self.coarse, &mut self.slope, &mut self.mean] {
            values.resize(width, 0.0);
        }
        let mix = |above: f32, below: f32| above + down * (below - above);
        for stretch in self.stretches.iter().filter(|stretch| stretch.value.is_none()) {
            let columns = stretch.columns.start..(stretch.columns.end + 1).min(width);
            let rows = |values| {
                let (above, below): (&[f32], &[f32]) = part(values, width, (top, bottom), &columns);
                above.iter().zip(below)
            };
            for (row, values) in [(&mut self.coarse, small.matte), (&mut self.slope, &small.slopes)] {
                row[columns.clone()].iter_mut().zip(rows(values)).for_each(|(row, (a, b))| *row = mix(*a, *b));
            }
            let (above, below) = part(small.luma, width, (top, bottom), &columns);
            let lumas = above.iter().zip(below);
            let means = self.mean[columns.clone()].iter_mut().zip(lumas);
            means.for_each(|(mean, (a, b))| *mean = mix(f32::from(*a), f32::from(*b)));
        }
    }
}

/// Columns of two rows.
fn part<'a, T>(
    values: &'a [T],
    width: usize,
    (top, bottom): (usize, usize),
    columns: &Range<usize>,
) -> (&'a [T], &'a [T]) {
    (&values[top * width..][columns.clone()], &values[bottom * width..][columns.clone()])
}

/// Where each column lies among the small copy's.
struct Columns {
    /// First column that lies to the right of each small column's centre, and beyond the last one the width.
    starts: Vec<usize>,
    shares: Vec<f32>,
    small: usize,
}

impl Columns {
    fn new(width: usize, small: usize) -> Self {
        let mut starts = vec![width; small + 1];
        let mut shares = Vec::with_capacity(width);
        for x in 0..width {
            let (left, _, share) = place(x, width, small);
            starts[left] = starts[left].min(x);
            shares.push(share);
        }
        for left in (0..small).rev() {
            starts[left] = starts[left].min(starts[left + 1]);
        }
        Self { starts, shares, small }
    }

    fn fill(&self, row: &Row, luma: &[u8], alpha: &mut [u8]) {
        for Stretch { columns, value } in &row.stretches {
            if let Some(value) = value {
                alpha[self.starts[columns.start]..self.starts[columns.end]].fill(*value);
                continue;
            }
            for left in columns.clone() {
                let (right, span) = ((left + 1).min(self.small - 1), self.starts[left]..self.starts[left + 1]);
                let between = |values: &[f32]| (values[left], values[right] - values[left]);
                let (coarse, slope, mean) = (between(&row.coarse), between(&row.slope), between(&row.mean));
                let samples = alpha[span.clone()].iter_mut().zip(&luma[span.clone()]).zip(&self.shares[span]);
                for ((alpha, luma), share) in samples {
                    let at = |(from, way): (f32, f32)| from + share * way;
                    *alpha = unit_to_u8(at(coarse) + at(slope) * (f32::from(*luma) - at(mean)));
                }
            }
        }
    }
}

/// The two small cells that a place lies between, and the share of the second.
fn place(at: usize, length: usize, small: usize) -> (usize, usize, f32) {
    let exact = ((at as f32 + 0.5) * small as f32 / length as f32 - 0.5).clamp(0.0, (small - 1) as f32);
    let first = exact as usize;
    (first, (first + 1).min(small - 1), exact - first as f32)
}

impl Coarse<'_> {
    fn with_slopes(mut self) -> Self {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let values = self.matte;
        self.active = vec![false; values.len()];
        let mut lively = vec![false; width];
        for y in 0..height {
            let (row, under) = (&values[y * width..][..width], &values[(y + 1).min(height - 1) * width..][..width]);
            let right = row[1..].iter().chain(row.last());
            for ((lively, value), (right, under)) in lively.iter_mut().zip(row).zip(right.zip(under)) {
                let steps = |other: f32| (value - other).abs() >= NOTHING;
                *lively = steps(*right) | steps(*under) | (*value >= NOTHING) & (*value < 1.0 - NOTHING);
            }
            for x in (0..width).filter(|x| lively[*x]) {
                for row in y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height) {
                    self.active[row * width..][x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width)].fill(true);
                }
            }
        }
        let slope = |i: usize| slope(values, self.luma, (width, height), (i % width, i / width));
        self.slopes = (0..values.len()).map(|i| if self.active[i] { slope(i) } else { 0.0 }).collect();
        self
    }

    /// What lies between two rows. Where nothing varies the matte is as good as 0 or 1.
    fn stretches(&self, top: usize, bottom: usize, stretches: &mut Vec<Stretch>) {
        let width = self.size.width as usize;
        let (above, below) = part(&self.active, width, (top, bottom), &(0..width));
        let varies = |left: usize| above[left] | below[left];
        stretches.clear();
        for left in 0..width {
            let value = if varies(left) || varies((left + 1).min(width - 1)) {
                None
            } else {
                Some(if self.matte[top * width + left] > 0.5 { 255 } else { 0 })
            };
            match stretches.last_mut().filter(|stretch| stretch.value == value) {
                Some(stretch) => stretch.columns.end = left + 1,
                None => stretches.push(Stretch { columns: left..left + 1, value }),
            }
        }
    }
}

fn slope(values: &[f32], luma: &[u8], (width, height): (usize, usize), (x, y): (usize, usize)) -> f32 {
    let (mut count, mut sum_p, mut sum_l, mut sum_pl, mut sum_ll, mut sum_pp) = (0.0_f32, 0.0, 0.0, 0.0, 0.0, 0.0);
    for row in y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height) {
        for column in x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width) {
            let (p, l) = (values[row * width + column], f32::from(luma[row * width + column]) / 255.0);
            count += 1.0;
            sum_p += p;
            sum_l += l;
            sum_pl += p * l;
            sum_ll += l * l;
            sum_pp += p * p;
        }
    }
    let (p, l) = (sum_p / count, sum_l / count);
    let (both, luma_alone, matte_alone) = (sum_pl / count - p * l, sum_ll / count - l * l, sum_pp / count - p * p);
    let explained = both * both / (luma_alone * matte_alone).max(1e-9);
    let share = ((explained - EXPLAINED.0) / (EXPLAINED.1 - EXPLAINED.0)).clamp(0.0, 1.0);
    share * both / (luma_alone + EPSILON) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_where_luma_has_it() {
        // A disc four times larger than the matte that is known of it.
        let (small, size) = (Size::new(64, 48), Size::new(256, 192));
        let inside = |x: f32, y: f32, scale: f32| f32::hypot(x - 31.3 * scale, y - 24.2 * scale) < 15.4 * scale;
        let plane = |size: Size, scale: f32| -> Vec<f32> {
            (0..size.area())
                .map(|i| {
                    let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
                    let hits = (0..64).filter(|s| {
                        inside(x + (s % 8) as f32 / 8.0 + 0.0625, y + (s / 8) as f32 / 8.0 + 0.0625, scale)
                    });
                    hits.count() as f32 / 64.0
                })
                .collect()
        };
        let (truth, known) = (plane(size, 4.0), plane(small, 1.0));
        let luma = |values: &[f32]| values.iter().map(|a| (60.0 + 120.0 * a) as u8).collect::<Vec<_>>();
        let matte = Alpha::new(small, known.clone());
        let error = |alpha: &[u8]| -> f32 {
            alpha.iter().zip(&truth).map(|(a, t)| (f32::from(*a) / 255.0 - t).abs()).sum::<f32>()
        };
        let (mut guided, mut plain) = (Vec::new(), Vec::new());
        enlarge(&matte, &luma(&known), &luma(&truth), size, &mut guided);
        enlarge(&matte, &vec![90; small.area()], &vec![90; size.area()], size, &mut plain);
        assert!(error(&guided) < 0.35 * error(&plain), "{} of {}", error(&guided), error(&plain));
        assert_eq!((guided[0], guided[96 * 256 + 128]), (0, 255));
    }

    #[test]
    fn sizes_that_do_not_divide_each_other_are_filled_whole() {
        for (from, to) in [((7, 5), (31, 17)), ((1, 1), (9, 4)), ((8, 8), (8, 8)), ((30, 20), (10, 10))] {
            let (from, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
            let mut alpha = Vec::new();
            enlarge(&Alpha::filled(from, 1.0), &vec![50; from.area()], &vec![50; to.area()], to, &mut alpha);
            assert_eq!(alpha, vec![255; to.area()], "{from} to {to}");
        }
    }
}
