//! The matting Laplacian (Levin, Lischinski, Weiss: A Closed-Form Solution to Natural Image Matting, 2006/2008).

use rayon::prelude::*;

use super::band::Band;
use crate::pixels::Rgb;

/// Colours of a grid, channels 0 to 1.
pub enum Guide<'a> {
    /// A picture at full size.
    Full(&'a Rgb),
    /// A picture that was shrunk: its cells' mean colours.
    Shrunk(&'a [[f32; 3]]),
}

impl Guide<'_> {
    /// The colour of one cell.
    #[inline]
    pub fn at(&self, index: usize) -> [f64; 3] {
        match self {
            Self::Full(color) => color.unit(index).map(f64::from),
            Self::Shrunk(colors) => colors[index].map(f64::from),
        }
    }
}

/// Mean and inverse covariance of one 3 × 3 window: `[μ r, g, b, Δ⁻¹ rr, rg, rb, gg, gb, bb]`.
type Window = [f64; 9];

/// The Laplacian's rows at the unknown pixels: for each the coefficients of the 5 × 5 pixels around it, in row order.
///
/// `epsilon` regularises the windows' covariance. Windows lie wholly inside the picture.
pub fn rows(guide: &Guide<'_>, band: &Band, epsilon: f64) -> Vec<[f32; 25]> {
    let height = band.size.height as usize;
    let rows: Vec<Vec<[f32; 25]>> = (0..height)
        .into_par_iter()
        .with_min_len(16)
        .map_init(Windows::default, |windows, y| {
            windows.move_to(guide, band, y, epsilon);
            band.row(y as isize).iter().map(|&x| row(guide, band, windows, x as usize, y)).collect()
        })
        .collect();
    rows.into_iter().flatten().collect()
}

/// The windows centred in three rows, kept from row to row.
#[derive(Default)]
struct Windows {
    rows: [(Option<usize>, Vec<Option<Window>>); 3],
}

impl Windows {
    /// Makes the windows of rows `y - 1` to `y + 1` present where the band's row `y` needs them.
    fn move_to(&mut self, guide: &Guide<'_>, band: &Band, y: usize, epsilon: f64) {
        let (width, height) = (band.size.width as usize, band.size.height as usize);
        for center in (y.saturating_sub(1).max(1)..=y + 1).filter(|&center| center + 1 < height) {
            let (held, windows) = &mut self.rows[center % 3];
            if *held != Some(center) {
                windows.clear();
                windows.resize(width, None);
                *held = Some(center);
            }
            for &x in band.row(y as isize) {
                let (first, last) =
                    ((x as usize).saturating_sub(1).max(1), (x as usize + 2).min(width.saturating_sub(1)));
                for (held, x) in windows.iter_mut().take(last).skip(first).zip(first..) {
                    if held.is_none() {
                        *held = Some(window(guide, width, x, center, epsilon));
                    }
                }
            }
        }
    }

    fn at(&self, x: usize, y: usize) -> Option<&Window> {
        self.rows[y % 3].1.get(x)?.as_ref()
    }
}

/// Mean and inverse of the regularised covariance of the window around `(x, y)`.
fn window(guide: &Guide<'_>, width: usize, x: usize, y: usize, epsilon: f64) -> Window {
    let colors: [[f64; 3]; 9] = std::array::from_fn(|k| guide.at((y + k / 3 - 1) * width + x + k % 3 - 1));
    let mean: [f64; 3] = std::array::from_fn(|c| colors.iter().map(|color| color[c]).sum::<f64>() / 9.0);
    let covariance =
        |a: usize, b: usize| colors.iter().map(|color| (color[a] - mean[a]) * (color[b] - mean[b])).sum::<f64>() / 9.0;
    let ridge = epsilon / 9.0;
    let (rr, rg, rb) = (covariance(0, 0) + ridge, covariance(0, 1), covariance(0, 2));
    let (gg, gb, bb) = (covariance(1, 1) + ridge, covariance(1, 2), covariance(2, 2) + ridge);
    // By elimination (LDLᵀ): in a high-contrast grey picture the determinant by cofactors is mere rounding.
    let (lg, lb) = (rg / rr, rb / rr);
    let (second, across) = ((gg - lg * rg).max(ridge), gb - lg * rb);
    let low = across / second;
    let third = (bb - lb * rb - low * across).max(ridge);
    let far = lg * low - lb;
    let (irr, irg, irb) =
        (1.0 / rr + lg * lg / second + far * far / third, -lg / second - far * low / third, far / third);
    let (igg, igb, ibb) = (1.0 / second + low * low / third, -low / third, 1.0 / third);
    let [mr, mg, mb] = mean;
    [mr, mg, mb, irr, irg, irb, igg, igb, ibb]
}

/// One pixel's row: over the nine windows that hold it, `δ(i, j) − (1 + (Iᵢ − μ)ᵀ Δ⁻¹ (Iⱼ − μ)) / 9`.
fn row(guide: &Guide<'_>, band: &Band, windows: &Windows, x: usize, y: usize) -> [f32; 25] {
    let (width, height) = (band.size.width as usize, band.size.height as usize);
    let mut around = [[0.0_f64; 3]; 25];
    for (k, color) in around.iter_mut().enumerate() {
        let (row, column) = ((y + k / 5).wrapping_sub(2), (x + k % 5).wrapping_sub(2));
        if row < height && column < width {
            *color = guide.at(row * width + column);
        }
    }
    let own = around[12];
    let mut sums = [0.0_f64; 25];
    for k in 0..9 {
        let (center_y, center_x) = ((y + k / 3).wrapping_sub(1), (x + k % 3).wrapping_sub(1));
        if center_y == 0 || center_y.wrapping_add(1) >= height || center_x == 0 || center_x.wrapping_add(1) >= width {
            continue;
        }
        let Some(&[mr, mg, mb, rr, rg, rb, gg, gb, bb]) = windows.at(center_x, center_y) else { continue };
        let (r, g, b) = (own[0] - mr, own[1] - mg, own[2] - mb);
        let pull = [rr * r + rg * g + rb * b, rg * r + gg * g + gb * b, rb * r + gb * g + bb * b];
        for j in 0..9 {
            let slot = (k / 3 + j / 3) * 5 + k % 3 + j % 3;
            let other = around[slot];
            let alike = pull[0] * (other[0] - mr) + pull[1] * (other[1] - mg) + pull[2] * (other[2] - mb);
            sums[slot] -= (1.0 + alike) / 9.0;
        }
    }
    // Each row sums to nought, so the diagonal follows from the rest, to the last digit.
    sums[12] = 0.0;
    sums[12] = -sums.iter().sum::<f64>();
    sums.map(|sum| sum as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    /// A picture's name and its colour by index.
    type Case = (&'static str, fn(usize) -> [f32; 3]);

    #[test]
    fn what_is_linear_in_colour_costs_next_to_nothing() {
        let size = Size::new(40, 30);
        let cases: [Case; 3] = [
            ("chequered", |i| [((i % 40 + i / 40) % 2) as f32; 3]),
            ("grey grain", |i| [(i * 7919 % 101) as f32 / 100.0; 3]),
            ("coloured grain", |i| [i * 7919 % 101, i * 31 % 97, i * 57 % 89].map(|v| v as f32 / 101.0)),
        ];
        for (name, color) in cases {
            let colors: Vec<[f32; 3]> = (0..size.area()).map(color).collect();
            let band = Band::new(size, |_| true);
            let squares = rows(&Guide::Shrunk(&colors), &band, 1e-7);
            for (i, square) in squares.iter().enumerate() {
                let (x, y) = (i % 40, i / 40);
                let product: f32 = (0..25)
                    .map(|k| ((y + k / 5).wrapping_sub(2), (x + k % 5).wrapping_sub(2), square[k]))
                    .filter(|(row, column, _)| *row < 30 && *column < 40)
                    .map(|(row, column, value)| value * colors[row * 40 + column][1])
                    .sum();
                assert!(product.abs() < 1e-4, "{name} at {x},{y}: {product}");
            }
        }
    }
}
