//! Which pixels are surely subject, surely background, or to be found out.

use rayon::prelude::*;

use super::planes::{Plane, box_mean, shrink_alpha, shrunk};
use crate::pixels::{Alpha, Rect, Size};

/// What is known of one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Region {
    /// Surely background: alpha 0.
    Background = 0,
    /// To be found out.
    Unknown = 128,
    /// Surely subject: alpha 1.
    Subject = 255,
}

impl Region {
    /// What a grey value of 0 to 1 means: the nearest of 0, ½ and 1.
    #[must_use]
    pub fn nearest(value: f32) -> Self {
        match value {
            _ if value < 0.25 => Self::Background,
            _ if value > 0.75 => Self::Subject,
            _ => Self::Unknown,
        }
    }
}

/// A picture divided into sure subject, sure background and unknown, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimap {
    size: Size,
    regions: Vec<Region>,
}

/// Alpha from which a matte's pixel is not sure background, and up to which it is not sure subject.
const SOFT: (f32, f32) = (0.04, 0.96);
/// The grid that widths are measured on: its cells' side as a share of the diagonal.
const CELL: f32 = 0.001;
/// Cells over whose surroundings the width of the soft edge is averaged.
const SURROUNDINGS: usize = 8;
/// How far the unknown band reaches beyond the soft edge: a multiple of the edge's own width, at least and at most
/// these shares of the diagonal.
const REACH: f32 = 0.7;
const LEAST: f32 = 0.002;
const MOST: f32 = 0.015;

impl Trimap {
    /// Wraps one region a pixel.
    ///
    /// # Panics
    /// When the number of regions is not `width × height`.
    #[must_use]
    pub fn new(size: Size, regions: Vec<Region>) -> Self {
        assert_eq!(regions.len(), size.area(), "one region a pixel for {size}");
        Self { size, regions }
    }

    /// The trimap around a network's matte: what the matte is torn about and a margin around it are unknown.
    ///
    /// The margin grows with the local width of the soft edge, measured as the area of 4α(1 − α) over the amount by
    /// which alpha changes, and all lengths scale with the picture: hair gets a wide band, a crisp outline a thin one.
    #[must_use]
    pub fn around(matte: &Alpha) -> Self {
        let size = matte.size();
        let block = ((CELL * size.diagonal()).round() as usize).max(1);
        let small = shrink_alpha(matte, block);
        let reach = reaches(&small, block, size.diagonal());
        let wide = spread(&reach, small.size);
        let (width, columns) = (size.width as usize, small.size.width as usize);
        let mut regions = vec![Region::Unknown; size.area()];
        let rows = regions.par_chunks_mut(width).zip(matte.values().par_chunks(width)).enumerate();
        rows.for_each(|(y, (regions, alphas))| {
            let cells = &wide[y / block * columns..][..columns];
            for (x, (region, &alpha)) in regions.iter_mut().zip(alphas).enumerate() {
                *region = match alpha {
                    _ if cells[x / block] > 0.0 => Region::Unknown,
                    _ if alpha <= SOFT.0 => Region::Background,
                    _ if alpha >= SOFT.1 => Region::Subject,
                    _ => Region::Unknown,
                };
            }
        });
        Self { size, regions }
    }

    /// A trimap read from a picture's grey values: 0 background, 128 unknown, 255 subject, others by the nearest.
    #[must_use]
    pub fn from_values(values: &Alpha) -> Self {
        let regions = values.values().iter().map(|&value| Region::nearest(value)).collect();
        Self { size: values.size(), regions }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// A part of the picture's regions.
    ///
    /// # Panics
    /// When it does not lie inside.
    #[must_use]
    pub fn part(&self, part: Rect) -> Self {
        let (width, left) = (self.size.width as usize, part.left as usize);
        let rows = self.regions.chunks_exact(width).skip(part.top as usize).take(part.size.height as usize);
        let regions = rows.flat_map(|row| &row[left..left + part.size.width as usize]).copied().collect();
        Self::new(part.size, regions)
    }

    /// As a matte: 0, ½ where unknown, 1.
    #[must_use]
    pub fn values(&self) -> Alpha {
        let value = |region: &Region| match region {
            Region::Background => 0.0,
            Region::Unknown => 0.5,
            Region::Subject => 1.0,
        };
        Alpha::new(self.size, self.regions.iter().map(value).collect())
    }

    /// Whether both kinds are marked somewhere, without which nothing can be found out.
    #[must_use]
    pub fn marks_both(&self) -> bool {
        [Region::Background, Region::Subject].iter().all(|kind| self.regions.contains(kind))
    }

    /// The regions, row by row.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Share of the picture that is unknown, 0 to 1.
    #[must_use]
    pub fn unknown_share(&self) -> f32 {
        let unknown = self.regions.par_iter().filter(|&&region| region == Region::Unknown).count();
        unknown as f32 / self.regions.len() as f32
    }

    /// How far each pixel lies from the nearest sure background and from the nearest sure subject: the greater of the
    /// two, as a share of the diagonal, at most 1. Measured on a grid of few pixels.
    #[must_use]
    pub fn remoteness(&self) -> Remoteness {
        let block = ((CELL * self.size.diagonal()).round() as usize).max(1);
        let size = shrunk(self.size, block);
        let (width, columns) = (self.size.width as usize, size.width as usize);
        let far = self.size.diagonal() / block as f32;
        let (mut background, mut subject) = (vec![0.0; size.area()], vec![0.0; size.area()]);
        let cells = background.par_chunks_mut(columns).zip(subject.par_chunks_mut(columns));
        cells.zip(self.regions.par_chunks(width * block)).for_each(|((background, subject), rows)| {
            for row in rows.chunks(width) {
                for ((regions, background), subject) in row.chunks(block).zip(&mut *background).zip(&mut *subject) {
                    if regions.contains(&Region::Background) {
                        *background = far;
                    }
                    if regions.contains(&Region::Subject) {
                        *subject = far;
                    }
                }
            }
        });
        let (background, subject) = rayon::join(|| spread(&background, size), || spread(&subject, size));
        let cells = background.iter().zip(&subject).map(|(a, b)| 1.0 - a.min(*b).max(0.0) / far).collect();
        Remoteness { block, columns, width, cells }
    }

    /// The trimap at another size: every pixel takes the region of the nearest.
    #[must_use]
    pub fn resized(&self, size: Size) -> Self {
        let nearest =
            |at: u32, from: u32, to: u32| ((u64::from(at) * 2 + 1) * u64::from(from) / (u64::from(to) * 2)) as usize;
        let columns: Vec<usize> = (0..size.width).map(|x| nearest(x, self.size.width, size.width)).collect();
        let mut regions = Vec::with_capacity(size.area());
        for y in 0..size.height {
            let row = nearest(y, self.size.height, size.height) * self.size.width as usize;
            regions.extend(columns.iter().map(|column| self.regions[row + column]));
        }
        Self { size, regions }
    }

    /// The trimap at half the size; a cell is known where its pixels that are known are all of one region, so that
    /// thin marks survive.
    #[must_use]
    pub fn halved(&self) -> Self {
        let size = shrunk(self.size, 2);
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let mut regions = Vec::with_capacity(size.area());
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let (right, below) = ((x + 1).min(width - 1), (y + 1).min(height - 1));
                let four = [y * width + x, y * width + right, below * width + x, below * width + right];
                let has = |region| four.iter().any(|&index| self.regions[index] == region);
                regions.push(match (has(Region::Background), has(Region::Subject)) {
                    (true, false) => Region::Background,
                    (false, true) => Region::Subject,
                    _ => Region::Unknown,
                });
            }
        }
        Self { size, regions }
    }
}

/// How far pixels lie from what is known; see [`Trimap::remoteness`].
pub struct Remoteness {
    block: usize,
    columns: usize,
    width: usize,
    cells: Vec<f32>,
}

impl Remoteness {
    /// At one pixel, by its index.
    #[must_use]
    pub fn at(&self, index: usize) -> f32 {
        self.cells[index / self.width / self.block * self.columns + index % self.width / self.block]
    }
}

/// How many cells the band reaches beyond each soft cell; negative where the matte is decided.
fn reaches(matte: &Plane, block: usize, diagonal: f32) -> Vec<f32> {
    let (width, height) = (matte.size.width as usize, matte.size.height as usize);
    let change = |i: usize| {
        let (x, y) = (i % width, i / width);
        let across = if x + 1 < width { matte.values[i + 1] - matte.values[i] } else { 0.0 };
        let down = if y + 1 < height { matte.values[i + width] - matte.values[i] } else { 0.0 };
        f32::hypot(across, down)
    };
    let plane = |values: Vec<f32>| box_mean(&Plane { size: matte.size, values }, SURROUNDINGS).values;
    let soft = plane(matte.values.iter().map(|&alpha| 4.0 * alpha * (1.0 - alpha)).collect());
    let change = plane((0..matte.values.len()).map(change).collect());
    let cells = |share: f32| share * diagonal / block as f32;
    let reach = |(i, &alpha): (usize, &f32)| {
        if alpha <= SOFT.0 || alpha >= SOFT.1 {
            return -1.0;
        }
        // A straight ramp of width w has the area 2/3 w.
        let width = 1.5 * soft[i] / change[i].max(1e-6);
        (REACH * width).clamp(cells(LEAST), cells(MOST))
    };
    matte.values.iter().enumerate().map(reach).collect()
}

/// Spreads reaches: what is left of the farthest-reaching one at each cell, by two passes of a chamfer distance.
fn spread(reach: &[f32], size: Size) -> Vec<f32> {
    let width = size.width as usize;
    let mut left = reach.to_vec();
    for y in 0..size.height as usize {
        let (done, rest) = left.split_at_mut(y * width);
        let row = &mut rest[..width];
        if let Some(above) = done.rchunks_exact(width).next() {
            take_beside(row, above);
        }
        (1..width).for_each(|x| row[x] = row[x].max(row[x - 1] - 1.0));
    }
    for y in (0..size.height as usize).rev() {
        let (rest, done) = left.split_at_mut((y + 1) * width);
        let row = &mut rest[y * width..];
        if let Some(below) = done.chunks_exact(width).next() {
            take_beside(row, below);
        }
        (1..width).rev().for_each(|x| row[x - 1] = row[x - 1].max(row[x] - 1.0));
    }
    left
}

/// What reaches a row of cells from the row beside it.
fn take_beside(row: &mut [f32], other: &[f32]) {
    const DIAGONAL: f32 = std::f32::consts::SQRT_2;
    let last = row.len() - 1;
    for (x, cell) in row.iter_mut().enumerate() {
        let diagonal = other[x.saturating_sub(1)].max(other[(x + 1).min(last)]) - DIAGONAL;
        *cell = cell.max(other[x] - 1.0).max(diagonal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disc whose edge is `soft` pixels wide.
    fn disc(side: u32, soft: f32) -> Alpha {
        let size = Size::new(side, side);
        let middle = side as f32 / 2.0;
        let alpha = |i: usize| {
            let distance = f32::hypot((i as u32 % side) as f32 - middle, (i as u32 / side) as f32 - middle);
            ((middle * 0.6 - distance) / soft + 0.5).clamp(0.0, 1.0)
        };
        Alpha::new(size, (0..size.area()).map(alpha).collect())
    }

    #[test]
    fn the_band_is_as_wide_as_the_edge_is_soft_and_scales_with_the_picture() {
        let share = |side, soft| Trimap::around(&disc(side, soft)).unknown_share();
        assert!(share(400, 16.0) > 2.0 * share(400, 4.0));
        let (small, large) = (share(400, 12.0), share(1200, 36.0));
        assert!((small / large - 1.0).abs() < 0.15, "{small} {large}");
        assert_eq!(Trimap::around(&Alpha::filled(Size::new(30, 20), 1.0)).unknown_share(), 0.0);
    }

    #[test]
    fn the_band_holds_what_the_matte_is_torn_about() {
        let matte = disc(300, 20.0);
        let trimap = Trimap::around(&matte);
        for (region, &alpha) in trimap.regions().iter().zip(matte.values()) {
            assert!(*region == Region::Unknown || !(0.05..0.95).contains(&alpha));
        }
        assert!(trimap.regions().contains(&Region::Subject) && trimap.regions().contains(&Region::Background));
    }

    #[test]
    fn values_are_read_by_the_nearest_and_sizes_too() {
        let read = Trimap::from_values(&Alpha::from_u8(Size::new(4, 1), &[20, 100, 160, 250]));
        use Region::{Background, Subject, Unknown};
        assert_eq!(read.regions(), [Background, Unknown, Unknown, Subject]);
        let twice = read.resized(Size::new(8, 2));
        assert_eq!(
            twice.regions()[8..],
            [Background, Background, Unknown, Unknown, Unknown, Unknown, Subject, Subject]
        );
        assert_eq!(twice.resized(Size::new(4, 1)), read);
        assert_eq!(twice.halved(), read);
    }

    #[test]
    fn remote_is_what_lies_far_from_either_kind() {
        let size = Size::new(200, 100);
        let region = |i: usize| match i % 200 {
            0..20 => Region::Background,
            20..40 => Region::Unknown,
            40..100 => Region::Subject,
            _ => Region::Unknown,
        };
        let remoteness = Trimap::new(size, (0..size.area()).map(region).collect()).remoteness();
        // Twenty pixels of a diagonal of 223 lie between the two kinds; the right border is 179 from the background.
        assert!(remoteness.at(50 * 200 + 30) < 0.1 && remoteness.at(50 * 200 + 199) > 0.7);
    }
}
