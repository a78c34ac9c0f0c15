//! Planes with interleaved channels, and 3 × 3 convolutions over them in as wide registers as the processor has.

use std::{slice, sync::OnceLock};

use pulp::{Arch, NullaryFnOnce};

use super::network::{self, Arithmetic, Layer, layers};

/// Channels side by side in every pixel, row by row, in single precision, with a border of one pixel of zeros.
#[derive(Debug, Clone)]
pub struct Planes {
    width: usize,
    height: usize,
    channels: usize,
    values: Vec<f32>,
}

impl Planes {
    /// How many rows there are.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All zeros.
    pub fn zeros(width: usize, height: usize, channels: usize) -> Self {
        Self { width, height, channels, values: vec![0.0; (width + 2) * (height + 2) * channels] }
    }

    /// The pixels of a row, without its border.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.values[self.start(y)..][..self.width * self.channels]
    }

    /// The pixels of a row, without its border.
    pub fn row_mut(&mut self, y: usize) -> &mut [f32] {
        let start = self.start(y);
        &mut self.values[start..][..self.width * self.channels]
    }

    fn start(&self, y: usize) -> usize {
        ((y + 1) * (self.width + 2) + 1) * self.channels
    }
}

/// The network's convolutions, made ready once.
pub fn convolutions() -> &'static [Convolution] {
    static CONVOLUTIONS: OnceLock<Vec<Convolution>> = OnceLock::new();
    CONVOLUTIONS.get_or_init(|| layers().iter().map(Convolution::new).collect())
}

/// Computes the network.
pub struct Computing<'a>(slice::Iter<'a, Convolution>);

impl<'a> Computing<'a> {
    pub fn with(convolutions: &'a [Convolution]) -> Self {
        Self(convolutions.iter())
    }

    /// What is to be added to the filtered matte: one value a pixel.
    pub fn correction(mut self, seen: &Planes) -> Planes {
        network::correction(&mut self, seen)
    }
}

impl Arithmetic for Computing<'_> {
    type Values = Planes;

    fn convolved(&mut self, values: &Planes, step: usize) -> Planes {
        self.0.next().expect("a layer for every convolution").over(values, step)
    }

    fn rectified(&mut self, values: &Planes) -> Planes {
        Planes { values: values.values.iter().map(|value| value.max(0.0)).collect(), ..*values }
    }

    fn sum(&mut self, first: &Planes, second: &Planes) -> Planes {
        let values = first.values.iter().zip(&second.values).map(|(first, second)| first + second).collect();
        Planes { values, ..*first }
    }

    fn beside(&mut self, first: &Planes, second: &Planes) -> Planes {
        let channels = first.channels + second.channels;
        let mut both = Planes::zeros(first.width, first.height, channels);
        for y in 0..first.height {
            let pixels = first.row(y).chunks_exact(first.channels).zip(second.row(y).chunks_exact(second.channels));
            for (into, (one, other)) in both.row_mut(y).chunks_exact_mut(channels).zip(pixels) {
                let (front, back) = into.split_at_mut(one.len());
                front.copy_from_slice(one);
                back.copy_from_slice(other);
            }
        }
        both
    }

    fn doubled(&mut self, planes: &Planes) -> Planes {
        let channels = planes.channels;
        let mut wide = Planes::zeros(planes.width * 2, planes.height, channels);
        for y in 0..planes.height {
            let from = planes.row(y);
            for (x, into) in wide.row_mut(y).chunks_exact_mut(channels).enumerate() {
                let (near, far) = neighbours(x, planes.width);
                mix(into, &from[near * channels..][..channels], &from[far * channels..][..channels]);
            }
        }
        let mut both = Planes::zeros(planes.width * 2, planes.height * 2, channels);
        for y in 0..both.height {
            let (near, far) = neighbours(y, planes.height);
            mix(both.row_mut(y), wide.row(near), wide.row(far));
        }
        both
    }

    fn folded(&mut self, planes: &Planes) -> Planes {
        let (channels, four) = (planes.channels, planes.channels * 4);
        let mut out = Planes::zeros(planes.width / 2, planes.height / 2, four);
        for y in 0..planes.height {
            let pairs = planes.row(y).chunks_exact(channels * 2);
            for (pair, into) in pairs.zip(out.row_mut(y / 2).chunks_exact_mut(four)) {
                for (c, square) in into.chunks_exact_mut(4).enumerate() {
                    square[y % 2 * 2..][..2].copy_from_slice(&[pair[c], pair[channels + c]]);
                }
            }
        }
        out
    }

    fn unfolded(&mut self, planes: &Planes) -> Planes {
        let channels = planes.channels / 4;
        let mut out = Planes::zeros(planes.width * 2, planes.height * 2, channels);
        for y in 0..out.height {
            let from = planes.row(y / 2);
            for (x, into) in out.row_mut(y).chunks_exact_mut(channels).enumerate() {
                let pixel = &from[x / 2 * planes.channels..][..planes.channels];
                for (value, square) in into.iter_mut().zip(pixel.chunks_exact(4)) {
                    *value = square[y % 2 * 2 + x % 2];
                }
            }
        }
        out
    }
}

/// Of a row twice as long, the nearest and the second nearest place of the row.
fn neighbours(at: usize, length: usize) -> (usize, usize) {
    let near = at / 2;
    (near, if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(length - 1) })
}

fn mix(into: &mut [f32], near: &[f32], far: &[f32]) {
    into.iter_mut().zip(near).zip(far).for_each(|((into, near), far)| *into = 0.75 * near + 0.25 * far);
}

/// Outputs that are computed at once, and for how many pixels: they fill the registers of AVX2.
const OUTPUTS: usize = 8;
const PIXELS: usize = 8;

/// A 3 × 3 convolution.
#[derive(Debug)]
pub struct Convolution {
    inputs: usize,
    outputs: usize,
    /// For each eight outputs: row, column and input of the window, then the output.
    weights: Vec<[f32; OUTPUTS]>,
    bias: Vec<[f32; OUTPUTS]>,
}

impl Convolution {
    /// From a layer's numbers, laid out for the registers.
    fn new(&Layer { inputs, outputs, ref weights, ref bias }: &Layer) -> Self {
        let blocks = outputs.div_ceil(OUTPUTS);
        let output = |block: usize, k: usize| Some(block * OUTPUTS + k).filter(|&output| output < outputs);
        let laid = (0..blocks * 9 * inputs).map(|at| {
            let (block, place, input) = (at / (9 * inputs), at / inputs % 9, at % inputs);
            std::array::from_fn(|k| output(block, k).map_or(0.0, |o| weights[(o * inputs + input) * 9 + place]))
        });
        let bias = (0..blocks).map(|block| std::array::from_fn(|k| output(block, k).map_or(0.0, |o| bias[o])));
        Self { inputs, outputs, weights: laid.collect(), bias: bias.collect() }
    }

    fn over(&self, planes: &Planes, step: usize) -> Planes {
        assert_eq!(planes.channels, self.inputs, "channels of planes and weights");
        let mut out = Planes::zeros(planes.width / step, planes.height / step, self.outputs);
        let arch = Arch::new();
        // Where products cannot be added without rounding in between, doing so in software is slow.
        let fused = cfg!(target_arch = "aarch64") || !matches!(arch, Arch::Scalar);
        arch.dispatch(Run { convolution: self, planes, step, out: &mut out, fused });
        out
    }
}

struct Run<'a> {
    convolution: &'a Convolution,
    planes: &'a Planes,
    step: usize,
    out: &'a mut Planes,
    fused: bool,
}

impl NullaryFnOnce for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if self.fused { self.rows::<true>() } else { self.rows::<false>() }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn rows<const FUSED: bool>(self) {
        let Self { convolution, planes, step, out, .. } = self;
        let (width, outputs) = (out.width, out.channels);
        let length = (planes.width + 2) * planes.channels;
        for y in 0..out.height {
            let rows: [&[f32]; 3] = std::array::from_fn(|k| &planes.values[(y * step + k) * length..][..length]);
            let into = out.row_mut(y);
            for (block, bias) in convolution.bias.iter().enumerate() {
                let weights = &convolution.weights[block * 9 * planes.channels..][..9 * planes.channels];
                for x in (0..width).step_by(PIXELS) {
                    // A last group that is cut off takes pixels that were done before once more.
                    let x = x.min(width.saturating_sub(PIXELS));
                    let sums = windows::<FUSED>(&rows, weights, bias, x * step, (planes.channels, step));
                    for (pixel, sums) in into[x * outputs..].chunks_exact_mut(outputs).zip(&sums) {
                        let own = &mut pixel[block * OUTPUTS..];
                        let count = own.len().min(OUTPUTS);
                        own[..count].copy_from_slice(&sums[..count]);
                    }
                }
            }
        }
    }
}

/// Eight outputs of eight windows, whose first begins at the column `left`.
#[inline(always)]
fn windows<const FUSED: bool>(
    rows: &[&[f32]; 3],
    weights: &[[f32; OUTPUTS]],
    bias: &[f32; OUTPUTS],
    left: usize,
    (channels, step): (usize, usize),
) -> [[f32; OUTPUTS]; PIXELS] {
    let mut sums = [*bias; PIXELS];
    // The three pixels of a window's row lie side by side.
    let length = 3 * channels;
    for (row, weights) in rows.iter().zip(weights.chunks_exact(length)) {
        let pixels: [&[f32]; PIXELS] = std::array::from_fn(|p| {
            let start = ((left + p * step) * channels).min(row.len() - length);
            &row[start..][..length]
        });
        for (i, weights) in weights.iter().enumerate() {
            for (sums, pixel) in sums.iter_mut().zip(&pixels) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = if FUSED { pixel[i].mul_add(*weight, *sum) } else { pixel[i] * weight + *sum };
                }
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes(width: usize, height: usize, channels: usize) -> Planes {
        let mut planes = Planes::zeros(width, height, channels);
        for y in 0..height {
            for (i, value) in planes.row_mut(y).iter_mut().enumerate() {
                *value = ((y * 31 + i * 17) % 23) as f32 / 10.0 - 1.0;
            }
        }
        planes
    }

    #[test]
    fn a_convolution_is_the_sum_over_its_window() {
        for (width, height, inputs, outputs, step) in
            [(12, 5, 3, 1, 1), (16, 6, 2, 11, 2), (9, 4, 5, 24, 1), (4, 4, 2, 8, 1)]
        {
            let planes = planes(width, height, inputs);
            let weights: Vec<f32> = (0..outputs * inputs * 9).map(|i| (i * 7 % 13) as f32 / 6.0 - 1.0).collect();
            let bias: Vec<f32> = (0..outputs).map(|i| i as f32 / 3.0).collect();
            let layer = Layer { inputs, outputs, weights, bias };
            let got = Convolution::new(&layer).over(&planes, step);
            let Layer { weights, bias, .. } = layer;
            assert_eq!((got.width, got.height, got.channels), (width / step, height / step, outputs));
            let at = |x: isize, y: isize, c: usize| {
                let inside = (0..width as isize).contains(&x) && (0..height as isize).contains(&y);
                if inside { planes.row(y as usize)[x as usize * inputs + c] } else { 0.0 }
            };
            for y in 0..got.height {
                for (i, &value) in got.row(y).iter().enumerate() {
                    let (x, o) = (i / outputs, i % outputs);
                    let mut sum = bias[o];
                    for (c, place) in (0..inputs).flat_map(|c| (0..9).map(move |place| (c, place))) {
                        let (column, row) = ((x * step + place % 3) as isize - 1, (y * step + place / 3) as isize - 1);
                        sum += weights[(o * inputs + c) * 9 + place] * at(column, row, c);
                    }
                    assert!((value - sum).abs() < 1e-4, "{inputs}→{outputs} at {x},{y}: {value}, not {sum}");
                }
            }
        }
    }

    #[test]
    fn folding_and_unfolding_give_back_what_was() {
        let (planes, mut on) = (planes(8, 6, 3), Computing::with(&[]));
        let folded = on.folded(&planes);
        let back = on.unfolded(&folded);
        assert!((0..6).all(|y| planes.row(y) == back.row(y)));
    }

    #[test]
    fn doubling_is_linear_between_the_middles_of_pixels() {
        let mut planes = Planes::zeros(2, 1, 1);
        planes.row_mut(0).copy_from_slice(&[0.0, 4.0]);
        let doubled = Computing::with(&[]).doubled(&planes);
        assert_eq!(
            (doubled.row(0), doubled.row(1)),
            ([0.0, 1.0, 3.0, 4.0].as_slice(), [0.0, 1.0, 3.0, 4.0].as_slice())
        );
    }
}
