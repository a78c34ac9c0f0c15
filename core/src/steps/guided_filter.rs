//! The colour guided filter (He, Sun, Tang: Guided Image Filtering, ECCV 2010), as coefficients on a small grid.

use rayon::prelude::*;

use super::planes::{Plane, box_mean};
use crate::pixels::Size;

/// For each cell the local linear model `alpha = a · colour + b` that follows the guide's edges.
#[derive(Debug, Clone)]
pub struct Coefficients {
    /// Width and height of the grid.
    pub size: Size,
    /// `[a red, a green, a blue, b]` for each cell, already averaged over the windows that contain it.
    pub values: Vec<[f32; 4]>,
    /// How much of the matte's variation around the cell the models explain, 0 to 1.
    pub explained: Vec<f32>,
    /// Whether the matte varies near the cell; where it does not, the model is a constant.
    pub active: Vec<bool>,
}

/// Fits the model over windows of `radius` cells; `epsilon` is the guide's variance below which it is taken for flat.
///
/// `guide` has one colour of 0 to 1 a cell, `matte` one alpha a cell.
#[must_use]
pub fn coefficients(guide: &[[f32; 3]], matte: &Plane, radius: usize, epsilon: f32) -> Coefficients {
    let size = matte.size;
    let p = &matte.values;
    let plane = |value: &(dyn Fn(usize) -> f32 + Sync)| {
        let values = (0..p.len()).map(value).collect();
        box_mean(&Plane { size, values }, radius).values
    };
    // Means of I (3), p, I·p (3), I·I (6) and p·p, in the paper's letters.
    let sources: [&(dyn Fn(usize) -> f32 + Sync); 14] = [
        &|i| guide[i][0],
        &|i| guide[i][1],
        &|i| guide[i][2],
        &|i| p[i],
        &|i| guide[i][0] * p[i],
        &|i| guide[i][1] * p[i],
        &|i| guide[i][2] * p[i],
        &|i| guide[i][0] * guide[i][0],
        &|i| guide[i][0] * guide[i][1],
        &|i| guide[i][0] * guide[i][2],
        &|i| guide[i][1] * guide[i][1],
        &|i| guide[i][1] * guide[i][2],
        &|i| guide[i][2] * guide[i][2],
        &|i| p[i] * p[i],
    ];
    let means: Vec<Vec<f32>> = sources.par_iter().map(|source| plane(*source)).collect();
    let windows: Vec<Window> = (0..p.len())
        .into_par_iter()
        .map(|i| {
            let mean: [f32; 14] = std::array::from_fn(|k| means[k][i]);
            Window::fitted(&mean, epsilon)
        })
        .collect();
    drop(means);
    let smooth: Vec<Vec<f32>> = (0..6)
        .into_par_iter()
        .map(|k| {
            let values = windows.iter().map(|window| window.number(k)).collect();
            box_mean(&Plane { size, values }, radius).values
        })
        .collect();
    let values = (0..p.len()).map(|i| std::array::from_fn(|k| smooth[k][i])).collect();
    let explained = smooth[5].iter().zip(&smooth[4]).map(|(&all, &share)| all / share.max(1e-6)).collect();
    let active = smooth[4].iter().map(|&share| share > 0.0).collect();
    Coefficients { size, values, explained, active }
}

/// Variance of the matte from which it counts as varying.
const VARIES: f32 = 1e-5;

/// What one window tells.
struct Window {
    model: [f32; 4],
    /// 1 where the matte varies, else 0.
    varies: f32,
    /// The share of its variance that the model explains; 0 where it does not vary.
    explained: f32,
}

impl Window {
    fn fitted(mean: &[f32; 14], epsilon: f32) -> Self {
        let [r, g, b, p, rp, gp, bp, ..] = *mean;
        let variance = mean[13] - p * p;
        let model = model(mean, epsilon);
        if variance <= VARIES {
            return Self { model, varies: 0.0, explained: 0.0 };
        }
        let covariance = [rp - r * p, gp - g * p, bp - b * p];
        let explained: f32 = covariance.iter().zip(&model).map(|(covariance, slope)| covariance * slope).sum();
        Self { model, varies: 1.0, explained: (explained / variance).clamp(0.0, 1.0) }
    }

    fn number(&self, k: usize) -> f32 {
        match k {
            0..4 => self.model[k],
            4 => self.varies,
            _ => self.explained,
        }
    }
}

/// The least-squares model of one window from its means: `a = (Σ + ε)⁻¹ cov(I, p)`, `b = p̄ − a · Ī`.
fn model(mean: &[f32; 14], epsilon: f32) -> [f32; 4] {
    let [r, g, b, p, rp, gp, bp, rr, rg, rb, gg, gb, bb, _] = *mean;
    let (srr, srg, srb) = (rr - r * r + epsilon, rg - r * g, rb - r * b);
    let (sgg, sgb, sbb) = (gg - g * g + epsilon, gb - g * b, bb - b * b + epsilon);
    let (cr, cg, cb) = (rp - r * p, gp - g * p, bp - b * p);
    // Cofactors of the symmetric 3 × 3 matrix.
    let (irr, irg, irb) = (sgg * sbb - sgb * sgb, srb * sgb - srg * sbb, srg * sgb - srb * sgg);
    let (igg, igb, ibb) = (srr * sbb - srb * srb, srb * srg - srr * sgb, srr * sgg - srg * srg);
    let determinant = srr * irr + srg * irg + srb * irb;
    if determinant.abs() < 1e-20 {
        return [0.0, 0.0, 0.0, p];
    }
    let ar = (irr * cr + irg * cg + irb * cb) / determinant;
    let ag = (irg * cr + igg * cg + igb * cb) / determinant;
    let ab = (irb * cr + igb * cg + ibb * cb) / determinant;
    [ar, ag, ab, p - ar * r - ag * g - ab * b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matte_that_is_linear_in_colour_is_found_again() {
        let size = Size::new(16, 16);
        let guide: Vec<[f32; 3]> =
            (0..256).map(|i| [(i % 16) as f32 / 16.0, (i / 16) as f32 / 16.0, ((i * 7) % 13) as f32 / 13.0]).collect();
        let values = guide.iter().map(|c| 0.5 * c[0] + 0.3 * c[1] + 0.1 * c[2] + 0.05).collect();
        let found = coefficients(&guide, &Plane { size, values }, 3, 1e-7);
        let [r, g, b, offset] = found.values[8 * 16 + 8];
        assert!(found.explained[8 * 16 + 8] > 0.99);
        for (got, expected) in [(r, 0.5), (g, 0.3), (b, 0.1), (offset, 0.05)] {
            assert!((got - expected).abs() < 1e-2, "{got} for {expected}");
        }
    }

    #[test]
    fn a_matte_that_the_guide_does_not_show_is_not_explained() {
        let size = Size::new(16, 16);
        let values = (0..256).map(|i| if i % 16 < 8 { 0.0 } else { 1.0 }).collect();
        let found = coefficients(&vec![[0.5; 3]; 256], &Plane { size, values }, 3, 1e-4);
        assert!(found.active[8 * 16 + 8] && found.explained[8 * 16 + 8] < 0.01);
    }

    #[test]
    fn a_flat_matte_is_nowhere_active() {
        let size = Size::new(8, 8);
        let guide = vec![[0.2, 0.4, 0.6]; 64];
        let found = coefficients(&guide, &Plane::filled(size, 0.7), 2, 1e-4);
        assert!(found.active.iter().all(|active| !active));
        assert!(found.values.iter().all(|model| (model[3] - 0.7).abs() < 1e-5));
    }
}
