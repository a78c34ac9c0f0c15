//! What MatAnyone remembers of a clip: the first frame for good, four more of every fifth, and the frame before.

use std::collections::VecDeque;

use crate::{Result, engine::Tensor, models::parts::Part};

/// Every so many frames one is remembered.
const EVERY: u32 = 5;
/// How many are remembered beside the first.
const FRAMES: usize = 4;

/// Where a frame is found again.
pub struct Keys {
    /// `[1, channels, height, width]`.
    pub key: Tensor,
    /// How sharply each place is meant, `[1, 1, height, width]`.
    pub shrinkage: Tensor,
}

/// A remembered frame: planes of its places.
struct Frame {
    key: Tensor,
    shrinkage: Tensor,
    value: Tensor,
}

/// What is remembered of a clip; it does not grow with it.
pub struct Memory {
    first: Frame,
    later: VecDeque<Frame>,
    /// Frames since one was remembered.
    since: u32,
    /// What the decoder and the mask encoder hand on from frame to frame, `[1, 1, channels, height, width]`.
    pub sensory: Tensor,
    /// Sums over the remembered frames that describe the subject, `[1, 1, summaries, channels + 1]`.
    pub summaries: Tensor,
    /// The matte of the frame before, `[1, 1, height, width]` of the networks' input.
    pub last_matte: Tensor,
    /// What that matte is worth remembering as, `[1, 1, channels, height, width]`.
    pub last_value: Tensor,
    last_pixels: Tensor,
}

impl Memory {
    /// A sensory memory of nothing for frames with these features `[1, _, height, width]`.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`](crate::Kind::ModelMismatch) when the network does not tell how many channels that has.
    pub fn blank(pixels: &Tensor, mask_encoder: &Part) -> Result<Tensor> {
        let channels = mask_encoder.length("sensory", 2)?;
        let shape = vec![1, 1, channels, pixels.shape[2], pixels.shape[3]];
        let area: usize = shape.iter().product();
        Ok(Tensor::new(shape, vec![0.0; area]))
    }

    /// A memory of one frame, its matte and what that is worth remembering as.
    pub fn of(
        keys: &Keys,
        pixels: &Tensor,
        (matte, value): (Tensor, Tensor),
        sensory: Tensor,
        summaries: Tensor,
    ) -> Self {
        Self {
            first: Frame::new(keys, &value),
            later: VecDeque::with_capacity(FRAMES + 1),
            since: 0,
            sensory,
            summaries,
            last_matte: matte,
            last_value: value,
            last_pixels: pixels.clone(),
        }
    }

    /// Takes note of a frame that has passed.
    pub fn passed(&mut self, pixels: &Tensor, (matte, value): (Tensor, Tensor), sensory: Tensor) {
        self.since += 1;
        self.sensory = sensory;
        (self.last_matte, self.last_value, self.last_pixels) = (matte, value, pixels.clone());
    }

    /// Whether the frame that has passed is one to be remembered.
    pub fn is_due(&self) -> bool {
        self.since >= EVERY
    }

    /// Remembers the frame that has passed, with the sensory memory that took its matte in.
    pub fn add(&mut self, keys: &Keys, sensory: Tensor, summaries: &Tensor) {
        self.since = 0;
        self.sensory = sensory;
        self.summaries.values.iter_mut().zip(&summaries.values).for_each(|(sum, value)| *sum += value);
        self.later.push_back(Frame::new(keys, &self.last_value));
        if self.later.len() > FRAMES {
            self.later.pop_front();
        }
    }

    /// All of it as tensors: frames since one was remembered, what is known of the last frame, then each remembered frame.
    pub fn tensors(&self) -> Vec<Tensor> {
        let since = Tensor::new(vec![1], vec![self.since as f32]);
        let last = [&self.sensory, &self.summaries, &self.last_matte, &self.last_value, &self.last_pixels];
        let frames = [&self.first].into_iter().chain(&self.later);
        let planes = frames.flat_map(|frame| [&frame.key, &frame.shrinkage, &frame.value]);
        [since].into_iter().chain(last.into_iter().chain(planes).cloned()).collect()
    }

    /// The memory of which these are the [`tensors`](Self::tensors); nothing for others.
    pub fn from_tensors(tensors: Vec<Tensor>) -> Option<Self> {
        let mut tensors = tensors.into_iter();
        let since = tensors.next()?.values.first().map(|since| *since as u32)?;
        let (sensory, summaries) = (tensors.next()?, tensors.next()?);
        let (last_matte, last_value, last_pixels) = (tensors.next()?, tensors.next()?, tensors.next()?);
        let mut frames = VecDeque::new();
        while let Some(key) = tensors.next() {
            frames.push_back(Frame { key, shrinkage: tensors.next()?, value: tensors.next()? });
        }
        let first = frames.pop_front()?;
        Some(Self { first, later: frames, since, sensory, summaries, last_matte, last_value, last_pixels })
    }

    /// The inputs of the readout that come of it: the first frame's places, then the others', the latest last.
    pub fn recall(&self) -> [(&'static str, Tensor); 4] {
        let all = |plane: fn(&Frame) -> &Tensor| {
            let frames: Vec<&Tensor> = std::iter::once(&self.first).chain(&self.later).map(plane).collect();
            joined(&frames)
        };
        [
            ("last_pix_feat", self.last_pixels.clone()),
            ("mem_key", all(|frame| &frame.key)),
            ("mem_shrinkage", all(|frame| &frame.shrinkage)),
            ("mem_value", all(|frame| &frame.value)),
        ]
    }
}

impl Frame {
    fn new(keys: &Keys, value: &Tensor) -> Self {
        Self { key: keys.key.clone(), shrinkage: keys.shrinkage.clone(), value: value.clone() }
    }
}

/// Tensors `[…, channels, height, width]` of one shape, their places side by side: `[1, channels, places of all]`.
fn joined(frames: &[&Tensor]) -> Tensor {
    let shape = &frames[0].shape;
    let (channels, places) = (shape[shape.len() - 3], shape[shape.len() - 2] * shape[shape.len() - 1]);
    let mut values = Vec::with_capacity(channels * places * frames.len());
    for channel in 0..channels {
        for frame in frames {
            values.extend_from_slice(&frame.values[channel * places..(channel + 1) * places]);
        }
    }
    Tensor::new(vec![1, channels, places * frames.len()], values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(number: f32, shape: &[usize]) -> Tensor {
        Tensor::new(shape.to_vec(), vec![number; shape.iter().product()])
    }

    #[test]
    fn the_first_frame_stays_and_of_every_fifth_the_last_four() {
        let keys = |number: f32| Keys { key: plane(number, &[1, 2, 1, 2]), shrinkage: plane(number, &[1, 1, 1, 2]) };
        let last = |number: f32| (plane(number, &[1, 1, 16, 32]), plane(number, &[1, 1, 3, 1, 2]));
        let (pixels, one) = (plane(0.0, &[1, 2, 1, 2]), plane(1.0, &[1, 1, 1, 2]));
        let mut memory = Memory::of(&keys(0.0), &pixels, last(0.0), one.clone(), one.clone());
        for number in 1..=32 {
            memory.passed(&pixels, last(number as f32), one.clone());
            assert_eq!(memory.is_due(), number % 5 == 0, "{number}");
            if memory.is_due() {
                memory.add(&keys(number as f32), one.clone(), &one);
            }
        }
        let [_, (_, key), (_, shrinkage), (_, value)] = memory.recall();
        let row = [0.0, 0.0, 15.0, 15.0, 20.0, 20.0, 25.0, 25.0, 30.0, 30.0];
        assert_eq!((key.shape, key.values), (vec![1, 2, 10], row.repeat(2)));
        assert_eq!((shrinkage.shape, shrinkage.values), (vec![1, 1, 10], row.to_vec()));
        assert_eq!((value.shape, value.values), (vec![1, 3, 10], row.repeat(3)));
        assert_eq!(memory.summaries.values, [7.0; 2], "the first and six more");
    }
}
