//! What a finished matte shows: where the subject is, how sure it is, and what speaks against it.

use std::fmt;

use rayon::prelude::*;

use crate::{
    pixels::{Alpha, Rect, Size},
    steps::{pieces, planes::shrink_alpha},
};

/// What a matte shows.
pub struct Found {
    /// The box of everything that is not haze.
    pub subject: Option<Rect>,
    /// Mean of the matte.
    pub coverage: f32,
    /// Mean of |2α − 1| over everything that is not haze.
    pub confidence: f32,
    /// What speaks against it.
    pub doubts: Vec<Doubt>,
}

/// Something about a matte that often goes with a wrong one, or with a subject that needs a second look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doubt {
    /// Nowhere half opaque.
    NothingFound,
    /// Much of it is neither subject nor background: this share of what is not haze.
    Uncertain(f32),
    /// It lies in several pieces: so many of at least a hundredth of the whole, the largest less than nine tenths.
    SeveralPieces(usize),
    /// It covers little of the picture: this share.
    Small(f32),
    /// It reaches the picture's edge, where it may be cut off: along this share of it.
    TouchesFrame(f32),
}

impl Doubt {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingFound => "nothing_found",
            Self::Uncertain(_) => "uncertain",
            Self::SeveralPieces(_) => "several_pieces",
            Self::Small(_) => "small",
            Self::TouchesFrame(_) => "touches_frame",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f32| (share * 100.0).round();
        match *self {
            Self::NothingFound => formatter.write_str("nothing was found"),
            Self::Uncertain(share) => {
                write!(formatter, "{} % of it is neither subject nor background", percent(share))
            }
            Self::SeveralPieces(count) => write!(formatter, "it lies in {count} pieces"),
            Self::Small(share) => write!(formatter, "it covers only {:.1} % of the picture", share * 100.0),
            Self::TouchesFrame(share) => {
                write!(formatter, "it touches {} % of the picture's edge and may be cut off", percent(share))
            }
        }
    }
}

/// Alpha from which a pixel counts for the subject's box: haze must not widen it.
const IN_BOX: f32 = 8.0 / 255.0;
/// A matte that is nowhere this opaque has found nothing.
const SUBJECT: f32 = 0.5;

/// Alpha between these is counted as undecided.
const UNDECIDED: std::ops::Range<f32> = 0.2..0.8;
/// From this share of undecided pixels on it is said. Of the pictures that this was chosen on, 8 of 12 failures lie
/// above it and 2 of 31 others.
const MUCH: f32 = 0.2;
/// Coverage below which it is said.
const LITTLE: f32 = 0.05;
/// Share of the picture's edge from which it is said.
const TOUCHING: f32 = 0.02;
/// The least share of all that makes a piece count, and the largest piece's share below which they are told of.
const PIECE: f32 = 0.01;
const WHOLE: f32 = 0.9;
/// The longer side of the grid that pieces are counted on.
const GRID: u32 = 512;

impl Found {
    /// Looks at a finished matte.
    pub fn in_matte(matte: &Alpha) -> Self {
        let all = Row::all_of(matte);
        let area = matte.size().area() as f64;
        let subject = all.subject();
        let confidence = if all.opaque > 0.0 { (all.decided / all.opaque) as f32 } else { 0.0 };
        let coverage = (all.sum / area) as f32;
        let undecided = if all.opaque > 0.0 { (all.undecided / all.opaque) as f32 } else { 0.0 };
        let doubts = match subject {
            None => vec![Doubt::NothingFound],
            Some(_) => doubts(matte, coverage, undecided),
        };
        Self { subject, coverage, confidence, doubts }
    }
}

/// The box of the subject in a matte; `None` when it is nowhere half opaque.
pub fn subject_box(matte: &Alpha) -> Option<Rect> {
    Row::all_of(matte).subject()
}

fn doubts(matte: &Alpha, coverage: f32, undecided: f32) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if undecided >= MUCH {
        doubts.push(Doubt::Uncertain(undecided));
    }
    let block = matte.size().width.max(matte.size().height).div_ceil(GRID).max(1) as usize;
    let weights = pieces::find(&shrink_alpha(matte, block), |_| true).weights;
    let (total, largest) = (weights.iter().sum::<f32>(), weights.iter().copied().fold(0.0, f32::max));
    if largest < WHOLE * total {
        doubts.push(Doubt::SeveralPieces(weights.iter().filter(|&&weight| weight >= PIECE * total).count()));
    }
    if coverage < LITTLE {
        doubts.push(Doubt::Small(coverage));
    }
    let touching = touching_frame(matte);
    if touching >= TOUCHING {
        doubts.push(Doubt::TouchesFrame(touching));
    }
    doubts
}

/// The share of the picture's outermost pixels that are subject.
fn touching_frame(matte: &Alpha) -> f32 {
    let width = matte.size().width as usize;
    let rows = matte.values().chunks_exact(width);
    let last = rows.len() - 1;
    let (mut inside, mut count) = (0, 0);
    for (y, row) in rows.enumerate() {
        let step = if y == 0 || y == last { 1 } else { (width - 1).max(1) };
        row.iter().step_by(step).for_each(|&alpha| {
            inside += usize::from(alpha >= SUBJECT);
            count += 1;
        });
    }
    inside as f32 / count as f32
}

/// What one row of a matte, or several joined, hold.
#[derive(Default)]
struct Row {
    columns: Option<(u32, u32)>,
    rows: Option<(u32, u32)>,
    greatest: f32,
    sum: f64,
    /// How many pixels are at least [`IN_BOX`].
    opaque: f64,
    /// Sum of |2α − 1| over those.
    decided: f64,
    /// How many of those are [`UNDECIDED`].
    undecided: f64,
}

impl Row {
    fn all_of(matte: &Alpha) -> Self {
        let width = matte.size().width as usize;
        let rows = matte.values().par_chunks(width).enumerate().map(|(y, row)| Self::of(y as u32, row));
        rows.reduce(Self::default, Self::join)
    }

    fn subject(&self) -> Option<Rect> {
        let found = self.columns.filter(|_| self.greatest >= SUBJECT).zip(self.rows);
        found.map(|((left, right), (top, bottom))| Rect {
            left,
            top,
            size: Size::new(right - left + 1, bottom - top + 1),
        })
    }

    fn of(y: u32, row: &[f32]) -> Self {
        let mut found = Self::default();
        for (x, &alpha) in row.iter().enumerate() {
            found.sum += f64::from(alpha);
            if alpha >= IN_BOX {
                found.greatest = found.greatest.max(alpha);
                found.opaque += 1.0;
                found.decided += f64::from((2.0 * alpha - 1.0).abs());
                found.undecided += f64::from(u8::from(UNDECIDED.contains(&alpha)));
                let x = x as u32;
                found.columns = Some(found.columns.map_or((x, x), |(left, _)| (left, x)));
                found.rows = Some((y, y));
            }
        }
        found
    }

    fn join(self, other: Self) -> Self {
        let widest = |a: Option<(u32, u32)>, b: Option<(u32, u32)>| match (a, b) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        Self {
            columns: widest(self.columns, other.columns),
            rows: widest(self.rows, other.rows),
            greatest: self.greatest.max(other.greatest),
            sum: self.sum + other.sum,
            opaque: self.opaque + other.opaque,
            decided: self.decided + other.decided,
            undecided: self.undecided + other.undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(200, 100);

    /// A matte of rectangles of one alpha: left, top, width, height.
    fn rectangles(alpha: f32, rectangles: &[[usize; 4]]) -> Alpha {
        let mut matte = Alpha::filled(SIZE, 0.0);
        for [left, top, width, height] in rectangles {
            for y in *top..top + height {
                matte.values_mut()[y * 200 + left..y * 200 + left + width].fill(alpha);
            }
        }
        matte
    }

    #[test]
    fn each_doubt_has_a_matte_that_raises_it_alone() {
        type Case<'a> = (f32, &'a [[usize; 4]], &'a [&'a str]);
        let cases: [Case<'_>; 7] = [
            (1.0, &[[50, 20, 60, 60]], &[]),
            (0.0, &[], &["nothing_found"]),
            (0.6, &[[50, 20, 60, 60]], &["uncertain"]),
            (1.0, &[[20, 20, 60, 60], [120, 20, 60, 60]], &["several_pieces"]),
            // A crumb is no second piece.
            (1.0, &[[20, 20, 60, 60], [120, 20, 2, 2]], &[]),
            (1.0, &[[50, 20, 20, 20]], &["small"]),
            (1.0, &[[50, 40, 60, 60]], &["touches_frame"]),
        ];
        for (alpha, shapes, expected) in cases {
            let found = Found::in_matte(&rectangles(alpha, shapes));
            let codes: Vec<_> = found.doubts.iter().map(Doubt::code).collect();
            assert_eq!(codes, expected, "{shapes:?} of {alpha}");
        }
    }

    #[test]
    fn an_undecided_matte_is_less_sure_than_a_decided_one() {
        let confidence = |alpha| Found::in_matte(&rectangles(alpha, &[[50, 20, 60, 60]])).confidence;
        assert!(confidence(0.6) < 0.3 && confidence(1.0) == 1.0);
    }

    #[test]
    fn a_single_row_touches_with_all_it_has() {
        let matte = Alpha::new(Size::new(4, 1), vec![0.0, 1.0, 1.0, 0.0]);
        assert_eq!(touching_frame(&matte), 0.5);
    }
}
