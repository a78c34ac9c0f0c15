//! Distances between the mattes of clips: how differently they change from frame to frame.

use crate::{Error, Kind, Result, pixels::Alpha};

/// How differently two clips' mattes change: the mean over pairs of frames of the root of the mean of
/// `((aₜ − aₜ₋₁) − (bₜ − bₜ₋₁))²`, times 100 (dtSSD as Lin et al. use it in Robust High-Resolution Video Matting, WACV 2022).
/// 0 for fewer than two frames.
///
/// # Errors
/// [`Kind::SizeMismatch`] when the clips differ in length, or frames in size.
pub fn dt_ssd(mattes: &[Alpha], truths: &[Alpha]) -> Result<f64> {
    check(mattes, truths)?;
    let pairs = mattes.windows(2).zip(truths.windows(2)).map(|(matte, truth)| {
        let change = |pair: &[Alpha], i: usize| f64::from(pair[1].values()[i]) - f64::from(pair[0].values()[i]);
        let count = matte[0].values().len();
        let squares: f64 = (0..count).map(|i| (change(matte, i) - change(truth, i)).powi(2)).sum();
        (squares / count as f64).sqrt()
    });
    Ok(100.0 * mean(pairs))
}

/// How much the squared error changes along the picture's motion: the mean of `|eₜ(x) − eₜ₋₁(x + vₜ(x))|` with `e` the
/// squared difference from the truth, times 1000 (MESSDdt of Erofeev et al., Perceptually Motivated Benchmark for Video
/// Matting, BMVC 2015). An error that travels with the subject disturbs less than one that flickers.
///
/// `motions` has one entry for each frame but the first: for every pixel, how many pixels to the right and down its place
/// in the frame before lies. Between pixels errors are interpolated; beyond the border the nearest pixel's is taken.
///
/// # Errors
/// [`Kind::SizeMismatch`] when the clips differ in length, frames in size, or motions do not fit them.
pub fn messd_dt(mattes: &[Alpha], truths: &[Alpha], motions: &[Vec<[f32; 2]>]) -> Result<f64> {
    check(mattes, truths)?;
    let fits = |(motion, matte): (&Vec<[f32; 2]>, &Alpha)| motion.len() == matte.values().len();
    if motions.len() + 1 != mattes.len().max(1) || !motions.iter().zip(mattes).all(fits) {
        return Err(Error::new(Kind::SizeMismatch, "the motions are not those of the frames but the first"));
    }
    let errors: Vec<Vec<f64>> = mattes.iter().zip(truths).map(|(matte, truth)| squared(matte, truth)).collect();
    let pairs = errors.windows(2).zip(motions).map(|(pair, motion)| {
        let width = mattes[0].size().width as usize;
        let height = mattes[0].size().height as usize;
        let changes = pair[1].iter().zip(motion).enumerate().map(|(index, (now, [x, y]))| {
            let x = ((index % width) as f64 + f64::from(*x)).clamp(0.0, (width - 1) as f64);
            let y = ((index / width) as f64 + f64::from(*y)).clamp(0.0, (height - 1) as f64);
            (now - sample(&pair[0], width, x, y)).abs()
        });
        changes.sum::<f64>() / pair[1].len() as f64
    });
    Ok(1000.0 * mean(pairs))
}

fn check(mattes: &[Alpha], truths: &[Alpha]) -> Result<()> {
    let alike = |alpha: &Alpha| mattes.first().is_some_and(|first| first.size() == alpha.size());
    if mattes.len() == truths.len() && mattes.iter().chain(truths).all(alike) {
        return Ok(());
    }
    let message = format!("{} and {} mattes are no two clips of one size and length", mattes.len(), truths.len());
    Err(Error::new(Kind::SizeMismatch, message))
}

fn squared(matte: &Alpha, truth: &Alpha) -> Vec<f64> {
    matte.values().iter().zip(truth.values()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).collect()
}

/// Between the four pixels around a place that lies inside.
fn sample(values: &[f64], width: usize, x: f64, y: f64) -> f64 {
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(values.len() / width - 1));
    let (across, down) = (x - left as f64, y - top as f64);
    let row = |y: usize| (1.0 - across) * values[y * width + left] + across * values[y * width + right];
    (1.0 - down) * row(top) + down * row(bottom)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    /// Values that are no pattern, the same in any language.
    fn clip(seed: u32) -> Vec<Alpha> {
        let size = Size::new(13, 9);
        let value = |t: u32, i: u32| ((i * 73 + t * 151 + seed * 59 + i * i * 7) % 256) as u8;
        (0..4).map(|t| Alpha::from_u8(size, &(0..13 * 9).map(|i| value(t, i)).collect::<Vec<_>>())).collect()
    }

    #[test]
    fn they_agree_with_the_reference_implementation() {
        let motions: Vec<Vec<[f32; 2]>> = (0..3_u8)
            .map(|t| {
                (0..13 * 9_u8).map(|i| [f32::from(i % 5) * 0.75 - 1.5, f32::from(t) - f32::from(i % 3) * 0.5]).collect()
            })
            .collect();
        let (mattes, truths) = (clip(1), clip(2));
        // Values of the project's Python reference (numpy, scipy) for these two clips.
        for (name, got, expected) in [
            ("dtSSD", dt_ssd(&mattes, &truths).unwrap(), 69.454576),
            ("MESSDdt", messd_dt(&mattes, &truths, &motions).unwrap(), 204.510954),
        ] {
            assert!((got - expected).abs() < 1e-4 * expected, "{name}: {got}, reference {expected}");
        }
    }

    #[test]
    fn a_clip_is_no_distance_from_itself_and_others_must_fit() {
        let clip = clip(3);
        let still = vec![vec![[0.0; 2]; 13 * 9]; 3];
        assert_eq!(dt_ssd(&clip, &clip).unwrap(), 0.0);
        assert_eq!(messd_dt(&clip, &clip, &still).unwrap(), 0.0);
        assert_eq!(dt_ssd(&clip, &clip[1..]).unwrap_err().kind(), Kind::SizeMismatch);
        assert_eq!(messd_dt(&clip, &clip, &still[1..]).unwrap_err().kind(), Kind::SizeMismatch);
        assert_eq!(messd_dt(&[], &[], &[]).unwrap(), 0.0);
    }
}
