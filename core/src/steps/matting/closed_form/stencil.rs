//! A symmetric matrix over a [`Band`] that couples pixels a few columns and rows apart.

use rayon::prelude::*;

use super::band::Band;

/// Side of the square of pixels that are coupled.
const R: usize = 5;
/// Pixels in the square.
const N: usize = R * R;
/// Fewest unknowns a thread gets.
pub const GRAIN: usize = 4096;

/// For every unknown pixel the coefficients of those in a square of 5 × 5 around it.
///
/// Unknown pixels of one row of the square have consecutive numbers: stored are the first number of each row and the
/// coefficients from there on, with zeros behind. Vectors that are multiplied have five zeros more than there are unknowns.
pub struct Stencil {
    /// Number of the first unknown pixel of each row of the square.
    pub starts: Vec<[u32; R]>,
    /// Coefficients, row by row of the square.
    pub values: Vec<[f32; N]>,
    /// The diagonal's inverse.
    pub inverse_diagonal: Vec<f32>,
}

impl Stencil {
    /// Builds the matrix from the square of coefficients around every unknown pixel, of which those at known pixels are
    /// passed over.
    pub fn pack(band: &Band, mut squares: Vec<[f32; N]>) -> Self {
        let reach = (R / 2) as isize;
        let inverse_diagonal = squares.iter().map(|square| 1.0 / square[N / 2]).collect();
        let mut starts = Vec::with_capacity(squares.len());
        for y in 0..band.size.height as usize {
            let mut first = [0_usize; R];
            for (&column, number) in band.row(y as isize).iter().zip(band.numbers(y)) {
                let x = column as isize;
                let square = std::mem::replace(&mut squares[number], [0.0; N]);
                starts.push(std::array::from_fn(|k| {
                    let row_y = y as isize + k as isize - reach;
                    let row = band.row(row_y);
                    while row.get(first[k]).is_some_and(|&other| (other as isize) < x - reach) {
                        first[k] += 1;
                    }
                    let near = row[first[k]..].iter().take_while(|&&other| other as isize <= x + reach);
                    for (slot, &other) in near.enumerate() {
                        squares[number][k * R + slot] = square[k * R + (other as isize - x + reach) as usize];
                    }
                    if row.is_empty() { 0 } else { band.rows[row_y as usize] + first[k] as u32 }
                }));
            }
        }
        Self { starts, values: squares, inverse_diagonal }
    }

    /// How many unknowns there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// A vector of zeros that can be multiplied.
    pub fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.len() + R]
    }

    /// One row of the matrix times `x`.
    #[inline]
    pub fn row_times(&self, number: usize, x: &[f32]) -> f32 {
        let (starts, values) = (&self.starts[number], &self.values[number]);
        // Four and one: what fits a vector register, and the rest.
        let (mut four, mut rest) = ([0.0_f32; 4], 0.0_f32);
        for (values, &start) in values.as_chunks::<R>().0.iter().zip(starts) {
            let part = &x[start as usize..][..R];
            (0..4).for_each(|slot| four[slot] += values[slot] * part[slot]);
            rest += values[4] * part[4];
        }
        four.iter().sum::<f32>() + rest
    }

    /// Calls `put(number, row · x, out)` for every unknown, on all threads.
    pub fn for_each(&self, x: &[f32], out: &mut [f32], put: impl Fn(usize, f32, &mut f32) + Sync) {
        out[..self.len()].par_chunks_mut(GRAIN).enumerate().for_each(|(chunk, out)| {
            for (offset, out) in out.iter_mut().enumerate() {
                let number = chunk * GRAIN + offset;
                put(number, self.row_times(number, x), out);
            }
        });
    }
}
