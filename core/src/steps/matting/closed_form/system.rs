//! The equations of one size, from colours to alpha.

use rayon::prelude::*;

use super::{
    ClosedForm, PriorWeight, REMOTE,
    band::Band,
    conjugate_gradient, laplacian,
    laplacian::Guide,
    multigrid::Multigrid,
    settle,
    stencil::{GRAIN, Stencil},
};
use crate::steps::{
    planes::Plane,
    trimap::{Region, Trimap},
};

/// Added to the diagonal without a prior, so that what no colour reaches stays as it was at the start.
const REST: f32 = 1e-7;

/// Without a prior the search starts far from its end, and its residual must fall by so much more.
const ALONE: f64 = 0.01;

/// Finds alpha at the unknown pixels, beginning at `start`; known ones become 0 or 1.
pub fn solve(guide: &Guide<'_>, trimap: &Trimap, prior: Option<&Plane>, start: Plane, how: &ClosedForm) -> Plane {
    let mut alpha = settle(start, trimap);
    let band = Band::new(alpha.size, |index| trimap.regions()[index] == Region::Unknown);
    if band.len() == 0 {
        return alpha;
    }
    let mut squares = laplacian::rows(guide, &band, how.epsilon);
    let mut residual = negative_products(&band, &squares, &alpha);
    let weights = weights(trimap, &band, prior, &how.prior);
    for (number, index) in band.indices().enumerate() {
        let weight = weights[number];
        squares[number][12] += weight;
        let wanted = prior.map_or(alpha.values[index], |prior| prior.values[index]);
        residual[number] += weight * (wanted - alpha.values[index]);
    }
    let matrix = Stencil::pack(&band, squares);
    let colors: Vec<[f32; 3]> = band.indices().map(|index| guide.at(index).map(|channel| channel as f32)).collect();
    let grids = Multigrid::new(&band, &matrix, &colors);
    let mut found = matrix.zeros();
    residual.resize(found.len(), 0.0);
    found.iter_mut().zip(band.indices()).for_each(|(found, index)| *found = alpha.values[index]);
    let tolerance = if prior.is_some() { how.tolerance } else { how.tolerance * ALONE };
    conjugate_gradient::solve(&matrix, &mut found, &mut residual, tolerance, how.most_steps, |residual, out| {
        grids.apply(&matrix, residual, out);
    });
    for (index, found) in band.indices().zip(found) {
        alpha.values[index] = found.clamp(0.0, 1.0);
    }
    alpha
}

/// The prior's weight at every unknown pixel.
fn weights(trimap: &Trimap, band: &Band, prior: Option<&Plane>, weight: &PriorWeight) -> Vec<f32> {
    let Some(prior) = prior else { return vec![REST; band.len()] };
    let remoteness = trimap.remoteness();
    let one = |index: usize| {
        let sure = (2.0 * prior.values[index] - 1.0).powi(4);
        let remote = (remoteness.at(index) / REMOTE).min(1.0).powi(4);
        REST + weight.torn + sure * (weight.sure - weight.torn) + remote * weight.remote
    };
    band.indices().collect::<Vec<_>>().into_par_iter().with_min_len(GRAIN).map(one).collect()
}

/// `− L α` at every unknown pixel.
fn negative_products(band: &Band, squares: &[[f32; 25]], alpha: &Plane) -> Vec<f32> {
    let (width, height) = (band.size.width as usize, band.size.height as usize);
    let one = |(index, square): (usize, &[f32; 25])| {
        let (x, y) = (index % width, index / width);
        let product = |k: usize| {
            let (row, column) = ((y + k / 5).wrapping_sub(2), (x + k % 5).wrapping_sub(2));
            let inside = row < height && column < width;
            if inside { square[k] * alpha.values[row * width + column] } else { 0.0 }
        };
        -(0..25).map(product).sum::<f32>()
    };
    band.indices().collect::<Vec<_>>().into_par_iter().zip(squares).with_min_len(GRAIN).map(one).collect()
}
