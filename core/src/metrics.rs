//! Distances between mattes, as the field measures them: SAD, MAE, MSE, gradient and connectivity error.
//!
//! Conventions follow the evaluation of Rhemann et al. (A Perceptually Motivated Online Benchmark
//! for Image Matting, CVPR 2009) and of Deep Image Matting; alpha is 0 to 1.

mod connectivity;
mod gradient;
pub mod moving;

use serde::Serialize;

use crate::{Error, Kind, Result, pixels::Alpha};

/// Distances between two mattes; 0 is equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distances {
    /// Sum of absolute differences, in thousands.
    pub sad: f64,
    /// Mean absolute difference, 0 to 1.
    pub mae: f64,
    /// Mean squared difference, 0 to 1.
    pub mse: f64,
    /// Gradient error: squared differences of Gaussian gradients (σ 1.4), summed, in thousands.
    pub grad: f64,
    /// Connectivity error (θ 0.15, steps of 0.1), summed, in thousands.
    pub conn: f64,
    /// Intersection over union of what is at least half opaque; 1 when both are empty.
    pub iou: f64,
    /// Greatest absolute difference anywhere, 0 to 1.
    pub max: f64,
}

/// Measures how far `matte` is from `truth`.
///
/// # Errors
/// [`Kind::SizeMismatch`] when they differ in size.
pub fn compare(matte: &Alpha, truth: &Alpha) -> Result<Distances> {
    if matte.size() != truth.size() {
        let message = format!("one matte is {}, the other {}", matte.size(), truth.size());
        return Err(Error::new(Kind::SizeMismatch, message));
    }
    let pairs = || matte.values().iter().zip(truth.values()).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let count = matte.values().len() as f64;
    let absolute: f64 = pairs().map(|(a, b)| (a - b).abs()).sum();
    let squared: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
    let both = pairs().filter(|(a, b)| *a >= 0.5 && *b >= 0.5).count() as f64;
    let either = pairs().filter(|(a, b)| *a >= 0.5 || *b >= 0.5).count() as f64;
    Ok(Distances {
        sad: absolute / 1000.0,
        mae: absolute / count,
        mse: squared / count,
        grad: gradient::error(matte, truth),
        conn: connectivity::error(matte, truth),
        iou: if either > 0.0 { both / either } else { 1.0 },
        max: pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    fn disc(radius: f32) -> Alpha {
        let size = Size::new(64, 48);
        let values = (0..size.area()).map(|i| {
            let distance = f32::hypot((i % 64) as f32 - 32.0, (i / 64) as f32 - 24.0);
            (radius - distance + 0.5).clamp(0.0, 1.0)
        });
        Alpha::new(size, values.collect())
    }

    #[test]
    fn a_matte_is_no_distance_from_itself() {
        let distances = compare(&disc(15.0), &disc(15.0)).unwrap();
        assert_eq!((distances.sad, distances.grad, distances.conn, distances.iou), (0.0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn distances_agree_with_the_reference_implementation() {
        // Values of the project's Python reference (numpy, scipy) for these two discs.
        let distances = compare(&disc(15.0), &disc(12.0)).unwrap();
        let expected = [0.254_064_57, 0.072_764_19, 2.115_234_45, 0.257_470_68];
        for (name, got, expected) in [
            ("sad", distances.sad, expected[0]),
            ("mse", distances.mse, expected[1]),
            ("grad", distances.grad, expected[2]),
            ("conn", distances.conn, expected[3]),
        ] {
            assert!((got - expected).abs() <= 2e-3 * expected, "{name}: {got}, reference {expected}");
        }
    }

    #[test]
    fn sizes_must_agree() {
        let other = Alpha::filled(Size::new(3, 3), 0.0);
        assert_eq!(compare(&disc(5.0), &other).unwrap_err().kind(), Kind::SizeMismatch);
    }
}
