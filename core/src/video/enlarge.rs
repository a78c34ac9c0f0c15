//! A small matte becomes one of the frame's size, following the frame's own luma where the matte varies.

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
    alpha.clear();
    if matte.size() == size {
        alpha.extend(matte.values().iter().map(|value| unit_to_u8(*value)));
        return;
    }
    alpha.resize(size.area(), 0);
    let from = matte.size();
    let (slopes, active) = slopes(matte, small_luma);
    let columns = Columns::new(size.width as usize, from.width as usize);
    let small_width = from.width as usize;
    let (mut coarse, mut slope, mut mean) = (vec![0.0; small_width], vec![0.0; small_width], vec![0.0; small_width]);
    let mut lively = vec![false; small_width];
    for y in 0..size.height as usize {
        let (top, bottom, down) = place(y, size.height as usize, from.height as usize);
        let (top, bottom) = (top * small_width, bottom * small_width);
        for x in 0..small_width {
            let mix = |values: &[f32]| values[top + x] + down * (values[bottom + x] - values[top + x]);
            coarse[x] = mix(matte.values());
            slope[x] = mix(&slopes);
            let (above, below) = (f32::from(small_luma[top + x]), f32::from(small_luma[bottom + x]));
            mean[x] = above + down * (below - above);
            lively[x] = active[top + x] | active[bottom + x];
        }
        let row = y * size.width as usize..(y + 1) * size.width as usize;
        columns.fill(
            &Row { coarse: &coarse, slope: &slope, mean: &mean, lively: &lively },
            &luma[row.clone()],
            &mut alpha[row],
        );
    }
}

/// One row between rows of the small copy.
struct Row<'a> {
    coarse: &'a [f32],
    slope: &'a [f32],
    mean: &'a [f32],
    lively: &'a [bool],
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

    fn fill(&self, row: &Row<'_>, luma: &[u8], alpha: &mut [u8]) {
        for left in 0..self.small {
            let right = (left + 1).min(self.small - 1);
            let span = self.starts[left]..self.starts[left + 1];
            if !(row.lively[left] || row.lively[right]) {
                alpha[span].fill(unit_to_u8(row.coarse[left]));
                continue;
            }
            for x in span {
                let mix = |values: &[f32]| values[left] + self.shares[x] * (values[right] - values[left]);
                let detail = mix(row.slope) * (f32::from(luma[x]) - mix(row.mean));
                alpha[x] = unit_to_u8(mix(row.coarse) + detail);
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

/// For each cell the matte's slope over luma, in alpha for one step of luma, and whether the matte varies around it.
fn slopes(matte: &Alpha, luma: &[u8]) -> (Vec<f32>, Vec<bool>) {
    let (width, height) = (matte.size().width as usize, matte.size().height as usize);
    let values = matte.values();
    let mut active = vec![false; values.len()];
    for y in 0..height {
        for x in 0..width {
            let value = values[y * width + x];
            let near = |other: f32| (value - other).abs() < NOTHING;
            let still =
                near(values[y * width + (x + 1).min(width - 1)]) && near(values[(y + 1).min(height - 1) * width + x]);
            if !still || (NOTHING..1.0 - NOTHING).contains(&value) {
                for row in y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height) {
                    active[row * width..][x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width)].fill(true);
                }
            }
        }
    }
    let slopes = (0..values.len())
        .map(|i| if active[i] { slope(values, luma, (width, height), (i % width, i / width)) } else { 0.0 })
        .collect();
    (slopes, active)
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
