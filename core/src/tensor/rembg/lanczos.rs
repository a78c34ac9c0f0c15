//! Pillow's 8-bit Lanczos resize, bit for bit, because a network answers a step of one with a step of ten.
//!
//! Weights are rounded to 22 binary places, the columns are done before the rows, and what lies between
//! is 8-bit again (Pillow, `Resample.c`).

use rayon::prelude::*;

const PLACES: u32 = 22;
const LOBES: f64 = 3.0;

/// The weights of one output sample: the first input sample they belong to, and the weights.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes interleaved 8-bit samples of `N` channels; sizes are width and height.
pub fn resize<const N: usize>(samples: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let across = if from[0] == to[0] { samples.to_vec() } else { columns::<N>(samples, from[0], to[0]) };
    if from[1] == to[1] { across } else { rows(&across, to[0] * N, from[1], to[1]) }
}

fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = LOBES * stretch;
    let window = |index: usize| {
        let center = (index as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let last = ((center + support + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..last).map(|input| lanczos((input as f64 - center + 0.5) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| {
            let scaled = weight / sum * f64::from(1 << PLACES);
            (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
        };
        Window { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
    if (-LOBES..LOBES).contains(&x) { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

fn columns<const N: usize>(samples: &[u8], from: usize, to: usize) -> Vec<u8> {
    let windows = windows(from, to);
    let rows = samples.par_chunks_exact(from * N);
    rows.flat_map_iter(|row| {
        windows.iter().flat_map(|window| {
            let pixels = row[window.first * N..].chunks_exact(N);
            let mut sums = [1_i32 << (PLACES - 1); N];
            for (pixel, weight) in pixels.zip(&window.weights) {
                sums.iter_mut().zip(pixel).for_each(|(sum, &sample)| *sum += i32::from(sample) * weight);
            }
            sums.map(shorten)
        })
    })
    .collect()
}

fn rows(samples: &[u8], stride: usize, from: usize, to: usize) -> Vec<u8> {
    let windows = windows(from, to);
    let mut out = vec![0; stride * to];
    out.par_chunks_exact_mut(stride).zip(&windows).for_each(|(out, window)| {
        let mut sums = vec![1_i32 << (PLACES - 1); stride];
        for (row, weight) in samples[window.first * stride..].chunks_exact(stride).zip(&window.weights) {
            sums.iter_mut().zip(row).for_each(|(sum, &sample)| *sum += i32::from(sample) * weight);
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = shorten(sum));
    });
    out
}

fn shorten(sum: i32) -> u8 {
    (sum >> PLACES).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resizes_as_pillow_does() {
        // Pillow 12.3 of `bytes(i * 37 % 256 for i in range(12))` as 4 × 3 grey: to 7 × 5, and to 2 × 2.
        let source: Vec<u8> = (0..12_u32).map(|i| (i * 37 % 256) as u8).collect();
        assert_eq!(
            resize::<1>(&source, [4, 3], [7, 5]),
            [
                0, 0, 15, 31, 60, 108, 131, 59, 67, 92, 131, 130, 84, 61, 145, 153, 178, 240, 209, 70, 0, 87, 98, 123,
                162, 161, 115, 92, 21, 33, 58, 74, 103, 151, 174
            ]
        );
        assert_eq!(resize::<1>(&source, [4, 3], [2, 2]), [87, 100, 116, 129]);
    }
}
