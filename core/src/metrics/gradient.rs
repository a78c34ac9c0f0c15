//! The gradient error: how differently two mattes rise and fall.

use crate::pixels::Alpha;

const SIGMA: f64 = 1.4;

/// Sum of squared differences of the mattes' Gaussian gradient magnitudes, in thousands.
pub fn error(matte: &Alpha, truth: &Alpha) -> f64 {
    let (first, second) = (magnitude(matte), magnitude(truth));
    first.iter().zip(second).map(|(a, b)| (f64::from(*a) - f64::from(b)).powi(2)).sum::<f64>() / 1000.0
}

/// Gaussian and its derivative, as far as they matter, and the norm of their product.
fn kernels() -> (Vec<f64>, Vec<f64>) {
    let tail = 1e-2_f64;
    let root = (std::f64::consts::TAU).sqrt() * SIGMA;
    let half = (SIGMA * (-2.0 * (root * tail).ln()).sqrt()).ceil() as i32;
    let gaussian: Vec<f64> = (-half..=half).map(|r| (-f64::from(r * r) / (2.0 * SIGMA * SIGMA)).exp() / root).collect();
    let derivative: Vec<f64> =
        (-half..=half).zip(&gaussian).map(|(r, g)| -f64::from(r) * g / (SIGMA * SIGMA)).collect();
    let norm: f64 = gaussian.iter().flat_map(|a| derivative.iter().map(move |b| (a * b).powi(2))).sum::<f64>().sqrt();
    (gaussian, derivative.into_iter().map(|value| value / norm).collect())
}

fn magnitude(alpha: &Alpha) -> Vec<f32> {
    let (gaussian, derivative) = kernels();
    let across = filter(&filter(alpha.values(), alpha, &derivative, Axis::Columns), alpha, &gaussian, Axis::Rows);
    let down = filter(&filter(alpha.values(), alpha, &gaussian, Axis::Columns), alpha, &derivative, Axis::Rows);
    across.iter().zip(down).map(|(a, b)| a.hypot(b)).collect()
}

#[derive(Clone, Copy)]
enum Axis {
    Columns,
    Rows,
}

/// Correlates along one axis; beyond the border the nearest value goes on.
fn filter(values: &[f32], like: &Alpha, kernel: &[f64], axis: Axis) -> Vec<f32> {
    let (width, height) = (like.size().width as i64, like.size().height as i64);
    let half = kernel.len() as i64 / 2;
    (0..width * height)
        .map(|i| {
            let (x, y) = (i % width, i / width);
            let sum: f64 = kernel
                .iter()
                .zip(-half..)
                .map(|(weight, offset)| {
                    let (x, y) = match axis {
                        Axis::Columns => ((x + offset).clamp(0, width - 1), y),
                        Axis::Rows => (x, (y + offset).clamp(0, height - 1)),
                    };
                    weight * f64::from(values[(y * width + x) as usize])
                })
                .sum();
            sum as f32
        })
        .collect()
}
