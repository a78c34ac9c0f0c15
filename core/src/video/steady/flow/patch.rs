//! Looking for one patch of a frame in another.

use super::{
    MOST_OUTSIDE,
    pyramid::{Level, PAD},
};

/// Pixels along a side of a patch.
pub const PATCH: usize = 8;
/// Pixels of a patch.
const AREA: usize = PATCH * PATCH;
/// Most steps of one search.
const STEPS: usize = 5;
/// A step of so few pixels, squared, is the last.
const CLOSE: f32 = 0.04 * 0.04;
/// Added to the Hessian's diagonal (squared slopes of brightness, summed over the patch): a patch without texture stays.
const FLAT: f32 = 32.0;

/// Where a patch was found.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Pixels to the right and down from its own place.
    pub vector: [f32; 2],
    /// Sum of the squared differences there.
    pub misfit: f32,
}

/// A patch at one place, and the frame it is looked for in.
pub struct Search<'a> {
    target: &'a Level,
    /// Where the patch begins.
    pub column: usize,
    /// Where the patch begins.
    pub row: usize,
    values: [f32; AREA],
    slopes: [[f32; AREA]; 2],
    /// The inverse of the Hessian: across, mixed, down.
    inverse: [f32; 3],
}

impl<'a> Search<'a> {
    /// The patch of `source` whose first pixel is at column `x`, row `y`.
    pub fn new(source: &Level, target: &'a Level, x: usize, y: usize) -> Self {
        let (mut values, mut slopes) = ([0.0; AREA], [[0.0; AREA]; 2]);
        for row in 0..PATCH {
            let start = (y + row + PAD) * source.stride + x + PAD;
            values[row * PATCH..(row + 1) * PATCH].copy_from_slice(&source.values[start..start + PATCH]);
            let start = (y + row) * source.size.width as usize + x;
            for (column, slope) in source.slopes[start..start + PATCH].iter().enumerate() {
                (slopes[0][row * PATCH + column], slopes[1][row * PATCH + column]) = (slope[0], slope[1]);
            }
        }
        // Brightness as a whole may change: only what differs from the patch's mean counts.
        slopes.iter_mut().for_each(centre);
        let product = |a: usize, b: usize| dot(&slopes[a], &slopes[b]);
        let (xx, xy, yy) = (product(0, 0) + FLAT, product(0, 1), product(1, 1) + FLAT);
        let determinant = xx * yy - xy * xy;
        let inverse = [yy / determinant, -xy / determinant, xx / determinant];
        Self { target, column: x, row: y, values, slopes, inverse }
    }

    /// How a vector fits, as near to it as the other frame reaches.
    pub fn found(&self, vector: [f32; 2]) -> Found {
        let vector = self.inside(vector);
        let differences = self.differences(vector);
        Found { vector, misfit: dot(&differences, &differences) }
    }

    /// The better fitting of what was found and another vector.
    pub fn better(&self, found: Found, other: Option<[f32; 2]>) -> Found {
        let other = other.filter(|other| *other != found.vector).map(|other| self.found(other));
        other.filter(|other| other.misfit < found.misfit).unwrap_or(found)
    }

    /// Steps downhill. What ends farther than a patch away, or fits worse, was lost, and stays where it was.
    pub fn descend(&self, first: Found) -> Found {
        let mut vector = first.vector;
        for _ in 0..STEPS {
            let differences = self.differences(vector);
            let (x, y) = (dot(&self.slopes[0], &differences), dot(&self.slopes[1], &differences));
            let step = [self.inverse[0] * x + self.inverse[1] * y, self.inverse[1] * x + self.inverse[2] * y];
            vector = self.inside([vector[0] - step[0], vector[1] - step[1]]);
            if step[0] * step[0] + step[1] * step[1] < CLOSE {
                break;
            }
        }
        let last = self.found(vector);
        let far = f32::hypot(vector[0] - first.vector[0], vector[1] - first.vector[1]) > PATCH as f32;
        if far || last.misfit > first.misfit { first } else { last }
    }

    /// How much brighter each pixel is where it went, apart from what the whole patch gained.
    #[inline]
    pub fn differences(&self, vector: [f32; 2]) -> [f32; AREA] {
        let (x, y) = (self.column as f32 + vector[0] + PAD as f32, self.row as f32 + vector[1] + PAD as f32);
        let (left, top) = (x as usize, y as usize);
        let (across, down) = (x - left as f32, y - top as f32);
        let shares = [(1.0 - across) * (1.0 - down), across * (1.0 - down), (1.0 - across) * down, across * down];
        let mut differences = [0.0; AREA];
        for (row, out) in differences.as_chunks_mut::<PATCH>().0.iter_mut().enumerate() {
            let start = (top + row) * self.target.stride + left;
            let above = &self.target.values[start..start + PATCH + 1];
            let below = &self.target.values[start + self.target.stride..start + self.target.stride + PATCH + 1];
            let values = &self.values[row * PATCH..(row + 1) * PATCH];
            for column in 0..PATCH {
                out[column] = shares[0] * above[column]
                    + shares[1] * above[column + 1]
                    + shares[2] * below[column]
                    + shares[3] * below[column + 1]
                    - values[column];
            }
        }
        centre(&mut differences);
        differences
    }

    /// The vector, no farther beyond the border than the padding reaches.
    fn inside(&self, vector: [f32; 2]) -> [f32; 2] {
        let size = self.target.size;
        let limit = |part: f32, origin: usize, side: u32| {
            let most = side as f32 + MOST_OUTSIDE - (PATCH + origin) as f32;
            part.clamp(-MOST_OUTSIDE - origin as f32, most)
        };
        [limit(vector[0], self.column, size.width), limit(vector[1], self.row, size.height)]
    }
}

fn centre(values: &mut [f32; AREA]) {
    let mean = lanes(values.as_chunks().0.iter().copied()) / AREA as f32;
    values.iter_mut().for_each(|value| *value -= mean);
}

fn dot(a: &[f32; AREA], b: &[f32; AREA]) -> f32 {
    let rows = a.as_chunks::<PATCH>().0.iter().zip(b.as_chunks::<PATCH>().0);
    lanes(rows.map(|(a, b)| std::array::from_fn(|k| a[k] * b[k])))
}

/// Adds up column by column first, which a processor does for many columns at once.
fn lanes(rows: impl Iterator<Item = [f32; PATCH]>) -> f32 {
    let sums = rows.fold([0.0; PATCH], |sums: [f32; PATCH], row| std::array::from_fn(|k| sums[k] + row[k]));
    sums.iter().sum()
}
