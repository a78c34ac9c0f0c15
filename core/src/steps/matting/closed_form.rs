//! Closed-form matting (Levin, Lischinski, Weiss: A Closed-Form Solution to Natural Image Matting, 2006), in the
//! unknown band only, with the network's matte as a prior.
//!
//! Alpha is to be locally a linear function of colour; that is a sparse system of equations over the unknown pixels,
//! solved by conjugate gradients with a multigrid preconditioner. Where more is unknown than can be solved at once,
//! the picture's half is solved first and only what stays between 0 and 1 is solved again.

mod band;
mod cells;
mod conjugate_gradient;
mod laplacian;
mod multigrid;
mod stencil;
mod system;

use rayon::prelude::*;

use super::Method;
use crate::{
    Result,
    files::Profile,
    pixels::{Alpha, Rgb, Size},
    steps::{
        guided_filter::coefficients,
        planes::{Plane, between, shrink_plane, shrink_rgb},
        trimap::{Region, Trimap},
    },
};
use laplacian::Guide;

/// What can be set about the equations and their solution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosedForm {
    /// Variance of a window's colours (channels 0 to 1) below which it counts as flat.
    pub epsilon: f64,
    /// How the prior is weighed against the picture's structure, whose own weights are about 1.
    pub prior: PriorWeight,
    /// The residual's length that ends the search, as a share of what it was at the start.
    pub tolerance: f64,
    /// Most steps of the search.
    pub most_steps: usize,
    /// Most unknown pixels that are solved for at once; about 300 bytes each.
    pub most_unknown: usize,
}

/// How the prior is weighed, pixel by pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorWeight {
    /// Where the network is torn (α = ½).
    pub torn: f32,
    /// Where it is sure (α = 0 or 1); between the two by (2α − 1)⁴.
    pub sure: f32,
    /// Added where there is no sure background or no sure subject for a long way, as in the holes of a net: there
    /// colours have nothing to start from.
    pub remote: f32,
}

/// From how far away, as a share of the diagonal, a pixel is as remote as can be.
const REMOTE: f32 = 0.05;
/// A picture with a shorter side than this is always solved as a whole.
const LEAST_SIDE: u32 = 64;
/// Alpha of a half-size solution that is solved again at full size.
const BETWEEN: std::ops::Range<f32> = 0.02..0.98;

impl Default for ClosedForm {
    fn default() -> Self {
        Self {
            epsilon: 1e-7,
            prior: PriorWeight { torn: 1e-5, sure: 3e-4, remote: 3e-4 },
            tolerance: 1e-3,
            most_steps: 300,
            most_unknown: 1_500_000,
        }
    }
}

impl Method for ClosedForm {
    fn alpha(&self, color: &Rgb, _: Option<&Profile>, trimap: &Trimap, prior: Option<&Alpha>) -> Result<Alpha> {
        assert_eq!(color.size(), trimap.size(), "picture and trimap are of one size");
        let prior = prior.map(|matte| Plane { size: matte.size(), values: matte.values().to_vec() });
        let found = self.level(&Guide::Full(color), trimap, prior.as_ref());
        Ok(Alpha::new(found.size, found.values))
    }
}

impl ClosedForm {
    /// Solves one size, by way of half of it where too much is unknown.
    fn level(&self, guide: &Guide<'_>, trimap: &Trimap, prior: Option<&Plane>) -> Plane {
        let size = trimap.size();
        let most = self.most_unknown as f32 / size.area() as f32;
        if trimap.unknown_share() <= most || size.width.min(size.height) < LEAST_SIDE {
            let start = prior.cloned().unwrap_or_else(|| Plane::filled(size, 0.5));
            return system::solve(guide, trimap, prior, start, self);
        }
        let colors = guide.halved(size);
        let half = prior.map(|prior| shrink_plane(prior, 2));
        let coarse = self.level(&Guide::Shrunk(&colors), &trimap.halved(), half.as_ref());
        let start = enlarge(guide, size, &colors, &coarse, self.epsilon as f32);
        let narrowed = narrow(trimap, &coarse);
        if narrowed.unknown_share() > most {
            return settle(start, trimap);
        }
        system::solve(guide, &narrowed, prior, start, self)
    }
}

impl Guide<'_> {
    /// The colours at half the size.
    fn halved(&self, size: Size) -> Vec<[f32; 3]> {
        match self {
            Self::Full(color) => shrink_rgb(color, 2).1,
            Self::Shrunk(colors) => {
                let channel =
                    |c: usize| shrink_plane(&Plane { size, values: colors.iter().map(|color| color[c]).collect() }, 2);
                let [red, green, blue] = [0, 1, 2].map(channel);
                red.values.iter().zip(green.values).zip(blue.values).map(|((&r, g), b)| [r, g, b]).collect()
            }
        }
    }
}

/// Carries a half-size solution up by what it is locally in colour: `α = a · colour + b` (the paper's section 5).
fn enlarge(guide: &Guide<'_>, size: Size, colors: &[[f32; 3]], coarse: &Plane, epsilon: f32) -> Plane {
    let fitted = coefficients(colors, coarse, 1, epsilon.max(1e-6));
    let (columns, rows) = (coarse.size.width as usize, coarse.size.height as usize);
    let width = size.width as usize;
    let mut values = vec![0.0; size.area()];
    values.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        let (top, bottom, down) = between(y, 2, rows);
        for (x, value) in row.iter_mut().enumerate() {
            let (left, right, across) = between(x, 2, columns);
            let model: [f32; 4] = std::array::from_fn(|k| {
                let at = |row: usize, column: usize| fitted.values[row * columns + column][k];
                let upper = at(top, left) + across * (at(top, right) - at(top, left));
                let lower = at(bottom, left) + across * (at(bottom, right) - at(bottom, left));
                upper + down * (lower - upper)
            });
            let [red, green, blue] = guide.at(y * width + x).map(|channel| channel as f32);
            *value = (model[0] * red + model[1] * green + model[2] * blue + model[3]).clamp(0.0, 1.0);
        }
    });
    Plane { size, values }
}

/// The trimap with all known where the half-size solution and its neighbours are all 0 or all 1.
fn narrow(trimap: &Trimap, coarse: &Plane) -> Trimap {
    let (columns, rows) = (coarse.size.width as usize, coarse.size.height as usize);
    let settled = |cell: usize| {
        let (x, y) = (cell % columns, cell / columns);
        let near = (y.saturating_sub(1)..(y + 2).min(rows))
            .flat_map(|row| &coarse.values[row * columns + x.saturating_sub(1)..row * columns + (x + 2).min(columns)]);
        let (least, most) = near.fold((1.0_f32, 0.0_f32), |(least, most), &value| (least.min(value), most.max(value)));
        match (least, most) {
            (_, most) if most < BETWEEN.start => Region::Background,
            (least, _) if least > BETWEEN.end => Region::Subject,
            _ => Region::Unknown,
        }
    };
    let cells: Vec<Region> = (0..coarse.values.len()).into_par_iter().with_min_len(4096).map(settled).collect();
    let width = trimap.size().width as usize;
    let region = |(i, &region): (usize, &Region)| match region {
        Region::Unknown => cells[i / width / 2 * columns + i % width / 2],
        known => known,
    };
    Trimap::new(trimap.size(), trimap.regions().iter().enumerate().map(region).collect())
}

/// What is known is as the trimap says.
fn settle(mut alpha: Plane, trimap: &Trimap) -> Plane {
    for (value, region) in alpha.values.iter_mut().zip(trimap.regions()) {
        match region {
            Region::Background => *value = 0.0,
            Region::Subject => *value = 1.0,
            Region::Unknown => {}
        }
    }
    alpha
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Samples;

    /// A ramp of alpha across, over colours that are locally one line each: what closed form finds exactly.
    fn composite(size: Size) -> (Rgb, Alpha) {
        let alpha: Vec<f32> = (0..size.area())
            .map(|i| {
                let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
                let waves = 6.0 * (y / 5.0).sin() + 3.0 * (y / 1.7).cos();
                ((x - size.width as f32 / 2.0 + waves) / (size.width as f32 / 8.0) + 0.5).clamp(0.0, 1.0)
            })
            .collect();
        let samples =
            alpha.iter().flat_map(|&a| [0.9 * a + 0.05, 0.5 - 0.2 * a, 0.8 * (1.0 - a)].map(|v| (v * 65535.0) as u16));
        (Rgb::new(size, Samples::Sixteen(samples.collect())), Alpha::new(size, alpha))
    }

    /// Sure on both sides of the middle third.
    fn thirds(size: Size) -> Trimap {
        let region = |i: usize| match i as u32 % size.width {
            x if x < size.width / 3 => Region::Background,
            x if x > size.width * 2 / 3 => Region::Subject,
            _ => Region::Unknown,
        };
        Trimap::new(size, (0..size.area()).map(region).collect())
    }

    fn mean_difference(a: &Alpha, b: &Alpha) -> f32 {
        a.values().iter().zip(b.values()).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.values().len() as f32
    }

    #[test]
    fn a_known_composite_is_taken_apart_again() {
        let size = Size::new(150, 90);
        let (color, truth) = composite(size);
        let how = ClosedForm { tolerance: 1e-6, ..ClosedForm::default() };
        let found = how.alpha(&color, None, &thirds(size), None).unwrap();
        let difference = mean_difference(&found, &truth);
        assert!(difference < 0.003, "{difference}");
    }

    #[test]
    fn solving_half_first_finds_the_same() {
        let size = Size::new(301, 203);
        let (color, truth) = composite(size);
        let how = ClosedForm { most_unknown: 15_000, tolerance: 1e-6, ..ClosedForm::default() };
        let found = how.alpha(&color, None, &thirds(size), None).unwrap();
        let difference = mean_difference(&found, &truth);
        assert!(difference < 0.003, "{difference}");
    }

    #[test]
    fn a_strong_prior_is_kept_and_a_weak_one_gives_way() {
        let size = Size::new(120, 80);
        let (color, truth) = composite(size);
        let prior = Alpha::new(size, truth.values().iter().map(|alpha| alpha * 0.6 + 0.1).collect());
        let weight = |all| PriorWeight { torn: all, sure: all, remote: 0.0 };
        let solve = |all| {
            ClosedForm { prior: weight(all), ..ClosedForm::default() }
                .alpha(&color, None, &thirds(size), Some(&prior))
                .unwrap()
        };
        let strong = solve(1e4);
        let kept = thirds(size)
            .regions()
            .iter()
            .zip(strong.values().iter().zip(prior.values()))
            .all(|(region, (a, b))| *region != Region::Unknown || (a - b).abs() < 1e-2);
        assert!(kept);
        assert!(mean_difference(&solve(1e-6), &truth) < 0.01);
    }

    #[test]
    fn nothing_unknown_and_tiny_pictures_are_no_trouble() {
        for size in [Size::new(1, 1), Size::new(2, 5), Size::new(3, 3)] {
            let color = Rgb::filled(size, [9, 99, 199]);
            for region in [Region::Background, Region::Unknown, Region::Subject] {
                let trimap = Trimap::new(size, vec![region; size.area()]);
                let found =
                    ClosedForm::default().alpha(&color, None, &trimap, Some(&Alpha::filled(size, 0.3))).unwrap();
                let expected = [0.0, 0.3, 1.0]
                    [[Region::Background, Region::Unknown, Region::Subject].iter().position(|&r| r == region).unwrap()];
                assert!(
                    found.values().iter().all(|value| (value - expected).abs() < 1e-3),
                    "{size} {region:?} {found:?}"
                );
            }
        }
    }
}
