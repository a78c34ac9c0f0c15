//! The network's layers: a U-Net of four scales that looks at half the resolution and ends at the whole.

/// What `training/export.py` wrote: for each layer in turn its weights as signed bytes `[outputs, inputs, 3, 3]`, then what each
/// output's bytes are multiplied by, then each output's bias, both in single precision, little-endian.
const WEIGHTS: &[u8] = include_bytes!("weights.bin");

/// What the network sees of a pixel: red, green and blue, the matte as it was found, the matte after the guided filter.
pub const CHANNELS: usize = 5;

/// Sides of a picture that it takes are multiples of this.
pub const MULTIPLE: usize = 16;

/// Inputs and outputs of all layers, in the order in which they are used.
const LAYERS: [(usize, usize); 22] = [
    (CHANNELS * 4, 16),
    (16, 32),
    (32, 32),
    (32, 32),
    (32, 48),
    (48, 48),
    (48, 48),
    (48, 64),
    (64, 64),
    (64, 64),
    (64, 64),
    (64, 64),
    (64 + 48, 48),
    (48, 48),
    (48, 48),
    (48 + 32, 32),
    (32, 32),
    (32, 32),
    (32 + 16, 16),
    (16, 24),
    (6 + CHANNELS, 8),
    (8, 1),
];

/// A 3 × 3 convolution's numbers.
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// `[outputs, inputs, 3, 3]`.
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
}

/// All layers, in the order in which they are used.
pub fn layers() -> Vec<Layer> {
    let mut rest = WEIGHTS;
    let mut bytes = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken
    };
    let numbers = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&quad| f32::from_le_bytes(quad)).collect::<Vec<_>>();
    let read = |(inputs, outputs): (usize, usize)| {
        let whole = bytes(outputs * inputs * 9);
        let (scales, bias) = (numbers(bytes(outputs * 4)), numbers(bytes(outputs * 4)));
        let rows = whole.chunks_exact(inputs * 9).zip(scales);
        let weights = rows.flat_map(|(row, scale)| row.iter().map(move |&byte| f32::from(byte.cast_signed()) * scale));
        Layer { inputs, outputs, weights: weights.collect(), bias }
    };
    LAYERS.into_iter().map(read).collect()
}

/// What the network is made of: computed by one, written down by another.
pub trait Arithmetic {
    /// Channels of a picture.
    type Values: Clone;

    /// The next layer's convolution, every `step`-th window along and down.
    fn convolved(&mut self, values: &Self::Values, step: usize) -> Self::Values;
    /// Negative values become 0.
    fn rectified(&mut self, values: Self::Values) -> Self::Values;
    /// Value by value.
    fn sum(&mut self, first: Self::Values, second: &Self::Values) -> Self::Values;
    /// The same values where the answer depends on them from here on: all that follows looks a few pixels far.
    fn narrowed(&mut self, values: Self::Values) -> Self::Values {
        values
    }
    /// The channels of the coarse, twice as wide and high, linear between the pixels' middles, and then those of the fine.
    fn doubled_beside(&mut self, coarse: &Self::Values, fine: &Self::Values) -> Self::Values;
    /// Half as wide and high: of every channel, the four pixels of a square become four, in the order of reading.
    fn folded(&mut self, values: &Self::Values) -> Self::Values;
    /// The reverse of [`folded`](Self::folded), and then the channels of the other.
    fn unfolded_beside(&mut self, folded: &Self::Values, other: &Self::Values) -> Self::Values;
}

/// What is to be added to the filtered matte, of [`CHANNELS`] that are each less by ½.
pub fn correction<A: Arithmetic>(on: &mut A, seen: &A::Values) -> A::Values {
    let folded = on.folded(seen);
    let half = on.convolved(&folded, 1);
    let half = on.rectified(half);
    let quarter = coarser(on, &half, 1);
    let eighth = coarser(on, &quarter, 1);
    let sixteenth = coarser(on, &eighth, 2);
    let eighth = finer(on, &sixteenth, &eighth);
    let eighth = residual(on, eighth);
    let eighth = on.rectified(eighth);
    let quarter = finer(on, &eighth, &quarter);
    let quarter = residual(on, quarter);
    let quarter = on.rectified(quarter);
    let half = on.narrowed(half);
    let half = finer(on, &quarter, &half);
    let half = on.rectified(half);
    let half = on.convolved(&half, 1);
    let half = on.rectified(half);
    let whole = on.unfolded_beside(&half, seen);
    let fine = on.convolved(&whole, 1);
    let fine = on.rectified(fine);
    on.convolved(&fine, 1)
}

/// The next scale: half as wide and high, after so many residual blocks.
fn coarser<A: Arithmetic>(on: &mut A, values: &A::Values, blocks: usize) -> A::Values {
    let mut coarse = on.convolved(values, 2);
    for _ in 0..blocks {
        coarse = residual(on, coarse);
    }
    on.rectified(coarse)
}

/// What the coarser scale knows, brought to the finer one and seen together with it.
fn finer<A: Arithmetic>(on: &mut A, coarse: &A::Values, fine: &A::Values) -> A::Values {
    let both = on.doubled_beside(coarse, fine);
    on.convolved(&both, 1)
}

/// Two convolutions whose result is added.
fn residual<A: Arithmetic>(on: &mut A, values: A::Values) -> A::Values {
    let inner = on.rectified(values.clone());
    let inner = on.convolved(&inner, 1);
    let inner = on.rectified(inner);
    let inner = on.convolved(&inner, 1);
    on.sum(inner, &values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    use crate::steps::edge_network::{
        area::Area,
        convolution::{Computing, convolutions},
    };

    /// What `training/export.py` printed for its pattern: column, row, answer of the network in its training program.
    const ANSWERS: [(usize, usize, f32); 5] =
        [(0, 0, 0.140044), (5, 3, 0.166892), (31, 20, 0.322655), (40, 33, 0.157598), (63, 47, 0.078712)];

    #[test]
    fn the_weights_are_of_these_layers() {
        let bytes = LAYERS.iter().map(|(inputs, outputs)| outputs * inputs * 9 + outputs * 8).sum::<usize>();
        assert_eq!(WEIGHTS.len(), bytes);
    }

    #[test]
    fn it_answers_as_in_its_training_program() {
        let (columns, rows) = (4, 3);
        let (width, height) = (columns * MULTIPLE, rows * MULTIPLE);
        let mut computing = Computing::with(convolutions());
        let whole = Rc::new(Area::new(columns, rows, vec![true; columns * rows]));
        let mut seen = computing.planes(&whole, MULTIPLE, CHANNELS);
        seen.change(|y, columns, values| {
            for (x, pixel) in columns.zip(values.chunks_exact_mut(CHANNELS)) {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let index = (channel * height + y) * width + x;
                    *value = (index * 7919 % 1009) as f32 / 1008.0 - 0.5;
                }
            }
        });
        let core = Rc::new(Area::new(columns * 2, rows * 2, vec![true; columns * rows * 4]));
        let correction = computing.correction(&seen, &core);
        for (x, y, answer) in ANSWERS {
            let got = correction.part(y, x..x + 1)[0];
            assert!((got - answer).abs() < 1e-4, "at {x},{y}: {got}, not {answer}");
        }
    }

    #[test]
    fn what_is_asked_for_does_not_depend_on_how_much_is() {
        let whole = Rc::new(Area::new(4, 4, vec![true; 16]));
        let mut computing = Computing::with(convolutions());
        let mut seen = computing.planes(&whole, MULTIPLE, CHANNELS);
        seen.change(|y, columns, values| {
            for (at, value) in (columns.start * CHANNELS..).zip(values) {
                *value = ((y * 613 + at * 7919) % 1009) as f32 / 1008.0 - 0.5;
            }
        });
        let all = computing.correction(&seen, &Rc::new(Area::new(8, 8, vec![true; 64])));
        // Asked for is the cell in the fourth column and row; those around it are computed too.
        let near = |cell: usize| (2..=4).contains(&(cell % 8)) && (2..=4).contains(&(cell / 8));
        let core = Rc::new(Area::new(8, 8, (0..64).map(near).collect()));
        let some = computing.correction(&seen, &core);
        for y in 24..32 {
            assert_eq!(all.part(y, 24..32), some.part(y, 24..32), "row {y}");
        }
        assert!(all.part(16, 16..40) != some.part(16, 16..40), "what lies outside counts as 0");
    }
}
