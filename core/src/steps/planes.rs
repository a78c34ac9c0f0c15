//! Planes of `f32` and the linear-time filters that steps are made of: block means, box means, Gaussian blur.

use std::ops::{AddAssign, Range};

use rayon::prelude::*;

use crate::pixels::{Alpha, Rgb, Samples, Size};

/// One channel of `f32`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Width and height.
    pub size: Size,
    /// One value a pixel.
    pub values: Vec<f32>,
}

impl Plane {
    /// A plane of one value.
    #[must_use]
    pub fn filled(size: Size, value: f32) -> Self {
        Self { size, values: vec![value; size.area()] }
    }

    /// The values of one row.
    #[must_use]
    pub fn row(&self, y: usize) -> &[f32] {
        let width = self.size.width as usize;
        &self.values[y * width..(y + 1) * width]
    }
}

/// The size of a picture shrunk by blocks of `block` × `block` pixels, the last ones cut off by the border.
#[must_use]
pub fn shrunk(size: Size, block: usize) -> Size {
    Size::new(size.width.div_ceil(block as u32), size.height.div_ceil(block as u32))
}

/// Means of a matte over blocks of `block` × `block` pixels.
#[must_use]
pub fn shrink_alpha(alpha: &Alpha, block: usize) -> Plane {
    shrunk_values(alpha.values(), alpha.size(), block)
}

/// Means of a plane over blocks of `block` × `block` values.
#[must_use]
pub fn shrink_plane(plane: &Plane, block: usize) -> Plane {
    shrunk_values(&plane.values, plane.size, block)
}

fn shrunk_values(values: &[f32], size: Size, block: usize) -> Plane {
    let values = block_means::<1, f32, f64, f64, _>(values, size, block, |[mean]| mean as f32);
    Plane { size: shrunk(size, block), values }
}

/// Means of a colour picture over blocks of `block` × `block` pixels, channels 0 to 1.
#[must_use]
pub fn shrink_rgb(color: &Rgb, block: usize) -> (Size, Vec<[f32; 3]>) {
    let (size, unit) = (color.size(), |mean: [f64; 3], most: f64| mean.map(|value| (value * (1.0 / most)) as f32));
    let means = match color.samples() {
        Samples::Eight(samples) => eight_bit_means(samples, size, block, |mean| unit(mean, 255.0)),
        Samples::Sixteen(samples) => {
            block_means::<3, u16, u32, f64, _>(samples, size, block, |mean| unit(mean, 65535.0))
        }
    };
    (shrunk(size, block), means)
}

/// A colour picture of means over blocks of `block` × `block` pixels, rounded to 8 bits.
#[must_use]
pub fn shrink_picture(color: &Rgb, block: usize) -> Rgb {
    let (size, eight) = (color.size(), |mean: [f64; 3], scale: f64| mean.map(|value| (value * scale + 0.5) as u8));
    let means = match color.samples() {
        Samples::Eight(samples) => eight_bit_means(samples, size, block, |mean| eight(mean, 1.0)),
        Samples::Sixteen(samples) => {
            block_means::<3, u16, u32, f64, _>(samples, size, block, |mean| eight(mean, 1.0 / 257.0))
        }
    };
    Rgb::new(shrunk(size, block), Samples::Eight(means.into_flattened()))
}

/// As [`block_means`] of colours in 8 bits; most sums down a block fit 16.
fn eight_bit_means<Taken: Copy + Default + Send>(
    samples: &[u8],
    size: Size,
    block: usize,
    take: impl Fn([f64; 3]) -> Taken + Sync,
) -> Vec<Taken> {
    if block <= usize::from(u16::MAX / 255) {
        block_means::<3, u8, u16, u32, _>(samples, size, block, take)
    } else {
        block_means::<3, u8, u32, f64, _>(samples, size, block, take)
    }
}

/// What `take` makes of the means over blocks of pixels with `N` channels side by side.
///
/// Sums go down the columns first, whole rows at once, in numbers in which they, and totals of a block, are as good as exact: in
/// what order others add up makes no difference.
fn block_means<const N: usize, Sample, Sum, Total, Taken>(
    samples: &[Sample],
    size: Size,
    block: usize,
    take: impl Fn([f64; N]) -> Taken + Sync,
) -> Vec<Taken>
where
    Sample: Copy + Sync,
    Sum: Copy + Default + AddAssign + From<Sample> + Into<Total>,
    Total: Copy + Default + AddAssign + Into<f64>,
    Taken: Copy + Default + Send,
{
    let small = shrunk(size, block);
    let (stride, across) = (size.width as usize * N, small.width as usize);
    let mut all = vec![Taken::default(); small.area()];
    let bands = all.par_chunks_mut(across).zip(samples.par_chunks(stride * block));
    bands.for_each_init(Vec::new, |sums: &mut Vec<Sum>, (taken, band)| {
        sums.clear();
        sums.resize(stride, Sum::default());
        for row in band.chunks_exact(stride) {
            sums.iter_mut().zip(row).for_each(|(sum, &sample)| *sum += Sum::from(sample));
        }
        let height = band.len() / stride;
        let mean = |sums: &[Sum], share: f64| {
            let mut totals = [Total::default(); N];
            for column in sums.as_chunks::<N>().0 {
                (0..N).for_each(|channel| totals[channel] += column[channel].into());
            }
            take(totals.map(|total| total.into() * share))
        };
        let (whole, rest) = sums.split_at(size.width as usize / block * block * N);
        let share = 1.0 / (block * height) as f64;
        taken.iter_mut().zip(whole.chunks_exact(block * N)).for_each(|(taken, sums)| *taken = mean(sums, share));
        if let (false, Some(last)) = (rest.is_empty(), taken.last_mut()) {
            *last = mean(rest, 1.0 / (rest.len() / N * height) as f64);
        }
    });
    all
}

/// The mean over a square of `2 × radius + 1` pixels around each, the part of it inside the plane.
#[must_use]
pub fn box_mean(plane: &Plane, radius: usize) -> Plane {
    let (width, height) = (plane.size.width as usize, plane.size.height as usize);
    if radius == 0 {
        return plane.clone();
    }
    let mut across = vec![0.0_f32; plane.values.len()];
    for (row, out) in plane.values.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        // In f64, for a running sum of f32 drifts over thousands of columns.
        let mut sum: f64 = row[..radius.min(width)].iter().map(|&value| f64::from(value)).sum();
        for x in 0..width {
            if x + radius < width {
                sum += f64::from(row[x + radius]);
            }
            if x > radius {
                sum -= f64::from(row[x - radius - 1]);
            }
            let count = (x + radius + 1).min(width) - x.saturating_sub(radius);
            out[x] = (sum / count as f64) as f32;
        }
    }
    let mut values = vec![0.0_f32; plane.values.len()];
    let mut sums = vec![0.0_f64; width];
    for row in across.chunks_exact(width).take(radius) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    for y in 0..height {
        if y + radius < height {
            let row = &across[(y + radius) * width..(y + radius + 1) * width];
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        if y > radius {
            let row = &across[(y - radius - 1) * width..(y - radius) * width];
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum -= f64::from(value));
        }
        let share = 1.0 / ((y + radius + 1).min(height) - y.saturating_sub(radius)) as f64;
        let out = &mut values[y * width..(y + 1) * width];
        out.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = (sum * share) as f32);
    }
    Plane { size: plane.size, values }
}

/// A Gaussian blur of standard deviation `sigma` pixels, by three box means (Wells 1986); the border is extended by its mean.
#[must_use]
pub fn gaussian_blur(plane: &Plane, sigma: f32) -> Plane {
    if sigma <= 0.0 {
        return plane.clone();
    }
    // Three boxes of width w have the variance (w² − 1) / 4.
    let width = (4.0 * sigma * sigma + 1.0).sqrt();
    let radius = ((width - 1.0) / 2.0).round() as usize;
    let radius = radius.clamp(1, plane.size.width.max(plane.size.height) as usize);
    (0..3).fold(plane.clone(), |plane, _| box_mean(&plane, radius))
}

/// Where a pixel of a large picture falls between the cells of one shrunk by `block`: left cell, right cell, share of the right.
#[inline]
#[must_use]
pub fn between(position: usize, block: usize, cells: usize) -> (usize, usize, f32) {
    let at = ((position as f32 + 0.5) / block as f32 - 0.5).max(0.0);
    let low = (at as usize).min(cells - 1);
    (low, (low + 1).min(cells - 1), (at - low as f32).min(1.0))
}

/// The pixels [`between`] this of the columns of cells and the next, in a row of `width`.
#[must_use]
pub fn reach(column: usize, block: usize, columns: usize, width: usize) -> Range<usize> {
    // From this cell's middle to the next one's; the first and the last reach to the border.
    // The middle of a last cell that is cut off can lie behind that.
    let start = if column == 0 { 0 } else { (column * block + block / 2).min(width) };
    let end = if column + 1 == columns { width } else { ((column + 1) * block + block / 2).min(width) };
    start..end
}

/// The place within `length` that a place behind its end mirrors.
#[must_use]
pub fn mirrored(at: usize, length: usize) -> usize {
    let period = (2 * (length - 1)).max(1);
    let at = at % period;
    at.min(period - at)
}

/// Changes every value of a matte by what a grid of one cell for each `block` × `block` pixels says there:
/// `change(value, its index, the grid between its cells)`.
pub fn change_by_grid(matte: &mut Alpha, grid: &Plane, block: usize, change: impl Fn(&mut f32, usize, f32) + Sync) {
    change_between_cells(matte, grid, block, |_, _| true, change);
}

/// As [`change_by_grid`], but leaves out values between cells of 0.
pub fn change_where_not_zero(
    matte: &mut Alpha,
    grid: &Plane,
    block: usize,
    change: impl Fn(&mut f32, usize, f32) + Sync,
) {
    change_between_cells(matte, grid, block, |left, right| left != 0.0 || right != 0.0, change);
}

fn change_between_cells(
    matte: &mut Alpha,
    grid: &Plane,
    block: usize,
    is_changed: impl Fn(f32, f32) -> bool + Sync,
    change: impl Fn(&mut f32, usize, f32) + Sync,
) {
    let width = matte.size().width as usize;
    let (columns, rows) = (grid.size.width as usize, grid.size.height as usize);
    let shares: Vec<f32> = (0..width).map(|x| between(x, block, columns).2).collect();
    matte.values_mut().par_chunks_mut(width).enumerate().for_each_init(Vec::new, |mixed, (y, values)| {
        let (top, bottom, down) = between(y, block, rows);
        mixed.clear();
        mixed.extend(grid.row(top).iter().zip(grid.row(bottom)).map(|(upper, lower)| upper + down * (lower - upper)));
        for (column, &left) in mixed.iter().enumerate() {
            let right = *mixed.get(column + 1).unwrap_or(&left);
            if is_changed(left, right) {
                for x in reach(column, block, columns, width) {
                    change(&mut values[x], y * width + x, left + shares[x] * (right - left));
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Plane {
        let size = Size::new(width, height);
        Plane { size, values: (0..size.area()).map(|i| (i * 37 % 101) as f32 / 100.0).collect() }
    }

    #[test]
    fn box_mean_is_the_mean_of_what_lies_inside() {
        for (width, height, radius) in [(7, 5, 1), (7, 5, 3), (3, 9, 20), (1, 1, 2)] {
            let plane = ramp(width, height);
            let mean = box_mean(&plane, radius);
            for y in 0..height as usize {
                for x in 0..width as usize {
                    let rows = y.saturating_sub(radius)..(y + radius + 1).min(height as usize);
                    let columns = x.saturating_sub(radius)..(x + radius + 1).min(width as usize);
                    let inside: Vec<f32> = rows.flat_map(|y| plane.row(y)[columns.clone()].to_vec()).collect();
                    let expected = inside.iter().sum::<f32>() / inside.len() as f32;
                    let got = mean.row(y)[x];
                    assert!((got - expected).abs() < 1e-5, "{width}×{height} r{radius} at {x},{y}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn blocks_at_the_border_average_what_is_there() {
        let alpha = Alpha::new(Size::new(5, 3), (0..15).map(|i| i as f32 / 15.0).collect());
        let small = shrink_alpha(&alpha, 2);
        assert_eq!(small.size, Size::new(3, 2));
        assert!((small.values[2] - (4.0 + 9.0) / 2.0 / 15.0).abs() < 1e-6);
        assert!((small.values[5] - 14.0 / 15.0).abs() < 1e-6);
    }

    #[test]
    fn what_ends_goes_on_as_in_a_mirror() {
        let along: Vec<usize> = (0..9).map(|at| mirrored(at, 4)).collect();
        assert_eq!(along, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!((mirrored(5, 1), mirrored(5, 2)), (0, 1));
    }

    #[test]
    fn a_grid_is_read_between_its_cells() {
        let grid = Plane { size: Size::new(2, 1), values: vec![0.0, 1.0] };
        let mut matte = Alpha::filled(Size::new(8, 2), 0.5);
        change_by_grid(&mut matte, &grid, 4, |value, index, weight| *value = weight + index as f32);
        for (index, value) in matte.values().iter().enumerate() {
            let expected = ((index % 8) as f32 / 4.0 - 0.375).clamp(0.0, 1.0);
            assert!((value - index as f32 - expected).abs() < 1e-5, "{index}: {value}");
        }
        change_where_not_zero(&mut matte, &grid, 4, |value, _, _| *value = -1.0);
        assert!(matte.values().iter().all(|&value| value == -1.0), "all lie next to the second cell");
        let zeros = Plane::filled(grid.size, 0.0);
        change_where_not_zero(&mut matte, &zeros, 4, |value, _, _| *value = 1.0);
        assert!(matte.values().iter().all(|&value| value == -1.0));
    }

    #[test]
    fn what_cells_reach_is_every_pixel_once_whatever_is_cut_off() {
        for (width, block) in [(1, 1), (3, 5), (20, 5), (21, 5), (22, 5), (4096, 5), (17, 8)] {
            let columns = shrunk(Size::new(width, 1), block).width as usize;
            let reached: Vec<usize> =
                (0..columns).flat_map(|column| reach(column, block, columns, width as usize)).collect();
            assert_eq!(reached, (0..width as usize).collect::<Vec<_>>(), "{width} by {block}");
            let row = vec![0; width as usize];
            assert!((0..columns).all(|column| row.get(reach(column, block, columns, width as usize)).is_some()));
        }
    }

    #[test]
    fn a_blur_keeps_the_mean_and_has_the_asked_variance() {
        let size = Size::new(201, 1);
        let mut plane = Plane::filled(size, 0.0);
        plane.values[100] = 1.0;
        let blurred = gaussian_blur(&plane, 6.0);
        let total: f32 = blurred.values.iter().sum();
        let variance: f32 = blurred.values.iter().enumerate().map(|(x, v)| v * (x as f32 - 100.0).powi(2)).sum();
        assert!((total - 1.0).abs() < 1e-3 && (variance.sqrt() - 6.0).abs() < 0.5, "{total} {}", variance.sqrt());
    }
}
