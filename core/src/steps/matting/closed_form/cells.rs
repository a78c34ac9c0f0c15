//! A coarse grid of the equations: cells in each of which the solution is a linear function of colour.

use rayon::prelude::*;

use super::band::Band;

/// What a cell adds to alpha: `m₀ + m₁ r + m₂ g + m₃ b`, with colours as distances from the cell's mean.
pub type Model = [f32; 4];
/// Coefficients between the models of two cells, column by column.
pub type Block = [Model; 4];

/// Fewest cells a thread gets.
const GRAIN: usize = 1024;
/// How much of a cell's own solution a smoothing step takes.
const DAMPING: f32 = 0.6;
/// Added to the diagonal as a share of it: a cell of one colour, or of colours on a line, has no model of its own.
const RIDGE: f64 = 1e-6;
/// Added to the diagonal where it is nought.
const LEAST: f64 = 1e-12;

/// The matrix over the cells of a [`Band`].
pub struct Cells {
    /// Numbers of the 3 × 3 cells around each, row by row; its own where there is none.
    neighbours: Vec<[u32; 9]>,
    /// Coefficients of the 3 × 3 cells around each; zeros where there is none.
    blocks: Vec<[Block; 9]>,
    /// Inverse of each cell's own block.
    inverses: Vec<Block>,
}

impl Cells {
    /// The matrix whose blocks around cell `number` are `blocks(number, column)`.
    pub fn new(band: &Band, blocks: impl Fn(usize, u32) -> [[[f64; 4]; 4]; 9] + Sync) -> Self {
        let places: Vec<(u32, usize)> =
            (0..band.size.height as usize).flat_map(|y| band.row(y as isize).iter().map(move |&x| (x, y))).collect();
        let (blocks, inverses) = places
            .par_iter()
            .enumerate()
            .with_min_len(GRAIN / 16)
            .map(|(number, &(x, _))| {
                let mut around = blocks(number, x);
                (0..4).for_each(|k| around[4][k][k] += RIDGE * around[4][k][k] + LEAST);
                let own = inverse(&around[4]);
                (around.map(|block| block.map(|column| column.map(|value| value as f32))), own)
            })
            .unzip();
        let neighbours = places.iter().enumerate().map(|(number, &(x, y))| neighbours(band, number, x, y)).collect();
        Self { neighbours, blocks, inverses }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.inverses.len()
    }

    /// The numbers and coefficients of the cells around one, where there are any.
    pub fn around(&self, number: usize) -> impl Iterator<Item = (usize, &Block)> {
        self.neighbours[number].iter().map(|&other| other as usize).zip(&self.blocks[number])
    }

    /// Each cell's solution on its own.
    pub fn solve_each(&self, wanted: &[Model]) -> Vec<Model> {
        self.map(|number| product(&self.inverses[number], &wanted[number]))
    }

    /// The first smoothing step, from nothing.
    pub fn begin(&self, wanted: &[Model]) -> Vec<Model> {
        self.map(|number| product(&self.inverses[number], &wanted[number]).map(|value| DAMPING * value))
    }

    /// A smoothing step.
    pub fn smooth(&self, found: &[Model], wanted: &[Model]) -> Vec<Model> {
        self.map(|number| {
            let step = product(&self.inverses[number], &self.missing(number, found, wanted));
            std::array::from_fn(|k| found[number][k] + DAMPING * step[k])
        })
    }

    /// `wanted − matrix · found`.
    pub fn residual(&self, found: &[Model], wanted: &[Model]) -> Vec<Model> {
        self.map(|number| self.missing(number, found, wanted))
    }

    fn missing(&self, number: usize, found: &[Model], wanted: &[Model]) -> Model {
        self.around(number).fold(wanted[number], |left, (other, block)| {
            let product = product(block, &found[other]);
            std::array::from_fn(|k| left[k] - product[k])
        })
    }

    fn map(&self, one: impl Fn(usize) -> Model + Sync + Send) -> Vec<Model> {
        (0..self.len()).into_par_iter().with_min_len(GRAIN).map(one).collect()
    }
}

/// The numbers of the cells around one.
fn neighbours(band: &Band, number: usize, x: u32, y: usize) -> [u32; 9] {
    std::array::from_fn(|k| {
        let row = (y + k / 3) as isize - 1;
        let found = (x + k as u32 % 3).checked_sub(1).and_then(|x| band.row(row).binary_search(&x).ok());
        found.map_or(number as u32, |at| band.rows[row as usize] + at as u32)
    })
}

#[inline]
fn product(block: &Block, model: &Model) -> Model {
    let [a, b, c, d] = block;
    std::array::from_fn(|k| a[k] * model[0] + b[k] * model[1] + c[k] * model[2] + d[k] * model[3])
}

/// The inverse of a symmetric positive matrix, whose units differ by orders of magnitude (Gauss and Jordan's way).
fn inverse(matrix: &[[f64; 4]; 4]) -> Block {
    let scale: [f64; 4] = std::array::from_fn(|k| 1.0 / matrix[k][k].max(LEAST).sqrt());
    let mut left: [[f64; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| matrix[i][j] * scale[i] * scale[j]));
    let mut right: [[f64; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    for k in 0..4 {
        let pivot = 1.0 / left[k][k].max(RIDGE);
        (0..4).for_each(|j| {
            left[k][j] *= pivot;
            right[k][j] *= pivot;
        });
        for i in (0..4).filter(|&i| i != k) {
            let factor = left[i][k];
            for j in 0..4 {
                left[i][j] -= factor * left[k][j];
                right[i][j] -= factor * right[k][j];
            }
        }
    }
    std::array::from_fn(|i| std::array::from_fn(|j| (right[i][j] * scale[i] * scale[j]) as f32))
}
