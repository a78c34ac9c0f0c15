//! Convolutions of 3 × 3 over part of a tile, in as wide registers as the processor has.

use std::{array, rc::Rc, sync::OnceLock};

use pulp::{Arch, NullaryFnOnce};

use super::{
    area::{Area, Planes, Spare},
    network::{self, Arithmetic, Layer, layers},
};

/// The network's convolutions, made ready once.
pub fn convolutions() -> &'static [Convolution] {
    static CONVOLUTIONS: OnceLock<Vec<Convolution>> = OnceLock::new();
    CONVOLUTIONS.get_or_init(|| layers().iter().map(Convolution::new).collect())
}

/// Computes the network, tile after tile.
pub struct Computing<'a> {
    convolutions: &'a [Convolution],
    next: usize,
    spare: Spare,
    core: Option<Rc<Area>>,
}

impl<'a> Computing<'a> {
    pub fn with(convolutions: &'a [Convolution]) -> Self {
        Self { convolutions, next: 0, spare: Spare::default(), core: None }
    }

    /// Room for so many channels of an area, in cells of `side` pixels.
    pub fn planes(&self, area: &Rc<Area>, side: usize, channels: usize) -> Planes {
        Planes::new(area, side, channels, &self.spare)
    }

    /// What is to be added to the filtered matte: one value a pixel of `core`, a part of the area in cells half as wide. It is
    /// right where it does not touch what lies outside.
    pub fn correction(&mut self, seen: &Planes, core: &Rc<Area>) -> Planes {
        self.next = 0;
        self.core = Some(Rc::clone(core));
        network::correction(self, seen)
    }
}

impl Arithmetic for Computing<'_> {
    type Values = Planes;

    fn convolved(&mut self, values: &Planes, step: usize) -> Planes {
        self.next += 1;
        self.convolutions[self.next - 1].over(values, step)
    }

    fn rectified(&mut self, mut values: Planes) -> Planes {
        values.change(|_, _, values| values.iter_mut().for_each(|value| *value = value.max(0.0)));
        values
    }

    fn sum(&mut self, mut first: Planes, second: &Planes) -> Planes {
        first.change(|y, columns, values| {
            values.iter_mut().zip(second.part(y, columns)).for_each(|(first, second)| *first += second);
        });
        first
    }

    fn narrowed(&mut self, values: Planes) -> Planes {
        let Some(core) = &self.core else { return values };
        let mut out = self.planes(core, values.side() / 2, values.channels());
        out.change(|y, columns, into| into.copy_from_slice(values.part(y, columns)));
        out
    }

    fn doubled_beside(&mut self, coarse: &Planes, fine: &Planes) -> Planes {
        let channels = coarse.channels() + fine.channels();
        let mut both = self.planes(fine.area(), fine.side(), channels);
        let mut between = vec![0.0; coarse.width() * coarse.channels()];
        both.change(|y, columns, values| {
            let (near, far) = neighbours(y, coarse.height());
            // One pixel more on both sides.
            let seen = (columns.start / 2).saturating_sub(1)..(columns.end / 2 + 1).min(coarse.width());
            let mixed = &mut between[seen.start * coarse.channels()..seen.end * coarse.channels()];
            mix(mixed, coarse.part(near, seen.clone()), coarse.part(far, seen));
            let pixels =
                values.chunks_exact_mut(channels).zip(fine.part(y, columns.clone()).chunks_exact(fine.channels()));
            for (x, (into, fine)) in columns.zip(pixels) {
                let (near, far) = neighbours(x, coarse.width());
                let pixel = |x: usize| &between[x * coarse.channels()..][..coarse.channels()];
                let (front, back) = into.split_at_mut(coarse.channels());
                mix(front, pixel(near), pixel(far));
                back.copy_from_slice(fine);
            }
        });
        both
    }

    fn folded(&mut self, planes: &Planes) -> Planes {
        let (channels, four) = (planes.channels(), planes.channels() * 4);
        let mut out = self.planes(planes.area(), planes.side() / 2, four);
        out.change(|y, columns, values| {
            for below in 0..2 {
                let from = planes.part(y * 2 + below, columns.start * 2..columns.end * 2);
                for (pair, into) in from.chunks_exact(channels * 2).zip(values.chunks_exact_mut(four)) {
                    for (c, square) in into.chunks_exact_mut(4).enumerate() {
                        square[below * 2..][..2].copy_from_slice(&[pair[c], pair[channels + c]]);
                    }
                }
            }
        });
        out
    }

    fn unfolded_beside(&mut self, folded: &Planes, other: &Planes) -> Planes {
        let (front, channels) = (folded.channels() / 4, folded.channels() / 4 + other.channels());
        let mut out = self.planes(folded.area(), folded.side() * 2, channels);
        out.change(|y, columns, values| {
            let from = folded.part(y / 2, columns.start / 2..columns.end / 2);
            let other = other.part(y, columns).chunks_exact(other.channels());
            for (x, (into, other)) in values.chunks_exact_mut(channels).zip(other).enumerate() {
                let pixel = &from[x / 2 * folded.channels()..][..folded.channels()];
                for (value, square) in into[..front].iter_mut().zip(pixel.chunks_exact(4)) {
                    *value = square[y % 2 * 2 + x % 2];
                }
                into[front..].copy_from_slice(other);
            }
        });
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

/// A 3 × 3 convolution.
#[derive(Debug)]
pub struct Convolution {
    inputs: usize,
    outputs: usize,
    /// Outputs that are computed at once.
    block: usize,
    /// For each block of outputs: row, column and input of the window, then the output.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Convolution {
    /// From a layer's numbers, laid out for the registers.
    fn new(&Layer { inputs, outputs, ref weights, ref bias }: &Layer) -> Self {
        let block = match (inputs, outputs) {
            (NARROW, 1) => 1,
            _ if outputs.is_multiple_of(WIDE) => WIDE,
            _ => NARROW,
        };
        let blocks = outputs.div_ceil(block);
        let laid = (0..blocks * 9 * inputs * block).map(|at| {
            let (window, output) = (at / block % (9 * inputs), at / (9 * inputs * block) * block + at % block);
            let (place, input) = (window / inputs, window % inputs);
            if output < outputs { weights[(output * inputs + input) * 9 + place] } else { 0.0 }
        });
        let mut bias = bias.clone();
        bias.resize(blocks * block, 0.0);
        Self { inputs, outputs, block, weights: laid.collect(), bias }
    }

    fn over(&self, planes: &Planes, step: usize) -> Planes {
        assert_eq!(planes.channels(), self.inputs, "channels of planes and weights");
        let mut out = planes.another(planes.side() / step, self.outputs);
        let arch = Arch::new();
        // Where products cannot be added without rounding in between, doing so in software is slow.
        let fused = cfg!(target_arch = "aarch64") || !matches!(arch, Arch::Scalar);
        arch.dispatch(Run { convolution: self, planes, step, out: &mut out, fused });
        out
    }
}

/// Outputs and pixels that are computed at once: both pairs fill eight registers of AVX2, and the first reads less.
const WIDE: usize = 16;
const WIDE_PIXELS: usize = 4;
const NARROW: usize = 8;
const NARROW_PIXELS: usize = 8;

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
        match (self.convolution.block, self.fused) {
            (1, true) => self.rows_of_one::<true>(),
            (1, false) => self.rows_of_one::<false>(),
            (WIDE, true) => self.rows::<true, WIDE, WIDE_PIXELS>(),
            (WIDE, false) => self.rows::<false, WIDE, WIDE_PIXELS>(),
            (_, true) => self.rows::<true, NARROW, NARROW_PIXELS>(),
            (_, false) => self.rows::<false, NARROW, NARROW_PIXELS>(),
        }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn rows<const FUSED: bool, const OUTPUTS: usize, const PIXELS: usize>(self) {
        let Self { convolution, planes, step, out, .. } = self;
        let outputs = convolution.outputs;
        let (weights, bias) = (convolution.weights.as_chunks::<OUTPUTS>().0, convolution.bias.as_chunks::<OUTPUTS>().0);
        let area = Rc::clone(out.area());
        // A closure would be compiled without the processor's wide registers where it does not become part of this function.
        for (y, columns) in area.parts(out.side()) {
            let values = out.part_mut(y, columns.clone());
            let rows: [&[f32]; 3] = array::from_fn(|k| planes.with_border(y * step + k));
            for (block, (weights, bias)) in weights.chunks_exact(9 * convolution.inputs).zip(bias).enumerate() {
                for x in (0..columns.len()).step_by(PIXELS) {
                    // A last group that is cut off takes pixels that were done before once more, where there are some.
                    let x = x.min(columns.len().saturating_sub(PIXELS));
                    let left = (columns.start + x) * step;
                    let sums =
                        windows::<FUSED, OUTPUTS, PIXELS>(&rows, weights, bias, left, (convolution.inputs, step));
                    for (pixel, sums) in values[x * outputs..].chunks_exact_mut(outputs).zip(&sums) {
                        let own = &mut pixel[block * OUTPUTS..];
                        let count = own.len().min(OUTPUTS);
                        own[..count].copy_from_slice(&sums[..count]);
                    }
                }
            }
        }
    }
}

impl Run<'_> {
    /// A single output of [`NARROW`] inputs: a register holds a pixel's inputs, not its outputs.
    #[inline(always)]
    fn rows_of_one<const FUSED: bool>(self) {
        let Self { convolution, planes, step, out, .. } = self;
        let weights = convolution.weights.as_chunks::<NARROW>().0;
        let area = Rc::clone(out.area());
        for (y, columns) in area.parts(out.side()) {
            let left = columns.start * step;
            let rows: [&[[f32; NARROW]]; 3] =
                array::from_fn(|k| &planes.with_border(y * step + k).as_chunks().0[left..]);
            for (x, value) in out.part_mut(y, columns).iter_mut().enumerate() {
                let mut sums = [0.0; NARROW];
                for (row, weights) in rows.iter().zip(weights.chunks_exact(3)) {
                    for (pixel, weights) in row[x * step..][..3].iter().zip(weights) {
                        for i in 0..NARROW {
                            sums[i] = if FUSED {
                                pixel[i].mul_add(weights[i], sums[i])
                            } else {
                                pixel[i] * weights[i] + sums[i]
                            };
                        }
                    }
                }
                let mut sum = convolution.bias[0];
                for part in sums {
                    sum += part;
                }
                *value = sum;
            }
        }
    }
}

/// All outputs of a block for several windows, whose first begins at the column `left` of rows with a border.
#[inline(always)]
fn windows<const FUSED: bool, const OUTPUTS: usize, const PIXELS: usize>(
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
        let pixels: [&[f32]; PIXELS] = array::from_fn(|p| {
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

    /// All of a tile of so many pixels; multiples of `side`.
    fn whole(width: usize, height: usize, side: usize, channels: usize) -> Planes {
        let area = Area::new(width / side, height / side, vec![true; width / side * (height / side)]);
        pattern(&Rc::new(area), side, channels)
    }

    fn pattern(area: &Rc<Area>, side: usize, channels: usize) -> Planes {
        // Room that was used before, of which only what is cleared or written may count.
        let used = Spare::default();
        used.borrow_mut().extend(vec![vec![f32::NAN; 1 << 14]; 4]);
        let mut planes = Planes::new(area, side, channels, &used);
        planes.change(|y, columns, values| {
            for (i, value) in (columns.start * channels..).zip(values) {
                *value = ((y * 31 + i * 17) % 23) as f32 / 10.0 - 1.0;
            }
        });
        planes
    }

    #[test]
    fn a_convolution_is_the_sum_over_its_window_and_nothing_counts_outside_the_area() {
        let ring = Area::new(4, 3, [1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1].map(|cell| cell > 0).to_vec());
        let ring = Rc::new(ring);
        let seen = [
            (whole(12, 6, 2, 3), 1, 1),
            (whole(16, 6, 2, 2), 11, 2),
            (whole(9, 4, 1, 5), 24, 1),
            (whole(4, 4, 1, 2), 8, 1),
            (whole(10, 6, 2, 3), 32, 2),
            (pattern(&ring, 2, 3), 16, 1),
            (pattern(&ring, 8, 2), 32, 2),
            (pattern(&ring, 4, 3), 8, 1),
            (pattern(&ring, 4, NARROW), 1, 1),
            (whole(10, 6, 2, NARROW), 1, 2),
        ];
        for (planes, outputs, step) in seen {
            let (inputs, width, height) = (planes.channels(), planes.width(), planes.height());
            let weights: Vec<f32> = (0..outputs * inputs * 9).map(|i| (i * 7 % 13) as f32 / 6.0 - 1.0).collect();
            let bias: Vec<f32> = (0..outputs).map(|i| i as f32 / 3.0).collect();
            let layer = Layer { inputs, outputs, weights, bias };
            let mut got = Convolution::new(&layer).over(&planes, step);
            let Layer { weights, bias, .. } = layer;
            assert_eq!((got.width(), got.height(), got.channels()), (width / step, height / step, outputs));
            let at = |x: isize, y: isize, c: usize| {
                let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return 0.0 };
                let inside = x < width && y < height && planes.area().has(x / planes.side(), y / planes.side());
                if inside { planes.part(y, x..x + 1)[c] } else { 0.0 }
            };
            let mut count = 0;
            got.change(|y, columns, values| {
                count += columns.len();
                for (i, &mut value) in values.iter_mut().enumerate() {
                    let (x, o) = (columns.start + i / outputs, i % outputs);
                    let mut sum = bias[o];
                    for (c, place) in (0..inputs).flat_map(|c| (0..9).map(move |place| (c, place))) {
                        let (column, row) = ((x * step + place % 3) as isize - 1, (y * step + place / 3) as isize - 1);
                        sum += weights[(o * inputs + c) * 9 + place] * at(column, row, c);
                    }
                    assert!((value - sum).abs() < 1e-4, "{inputs}→{outputs} at {x},{y}: {value}, not {sum}");
                }
            });
            assert_eq!(count, planes.area().count() * got.side() * got.side());
        }
    }

    #[test]
    fn folding_and_unfolding_give_back_what_was() {
        let (planes, mut on) = (whole(8, 6, 2, 3), Computing::with(&[]));
        let other = pattern(planes.area(), 2, 2);
        let folded = on.folded(&planes);
        let back = on.unfolded_beside(&folded, &other);
        for y in 0..6 {
            let pixels = planes.part(y, 0..8).chunks(3).zip(other.part(y, 0..8).chunks(2));
            for (pixel, (first, second)) in back.part(y, 0..8).chunks(5).zip(pixels) {
                assert_eq!(pixel, [first, second].concat());
            }
        }
    }

    #[test]
    fn doubling_is_linear_between_the_middles_of_pixels() {
        let mut coarse = whole(2, 1, 1, 1);
        let fine = pattern(coarse.area(), 2, 1);
        coarse.change(|_, _, values| values.copy_from_slice(&[0.0, 4.0]));
        let doubled = Computing::with(&[]).doubled_beside(&coarse, &fine);
        for y in 0..2 {
            let f = fine.part(y, 0..4);
            assert_eq!(doubled.part(y, 0..4), [0.0, f[0], 1.0, f[1], 3.0, f[2], 4.0, f[3]]);
        }
    }
}
