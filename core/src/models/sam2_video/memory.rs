//! What Segment Anything 2 remembers of a clip: the first frame, six more frames, and pointers of fifteen.

use std::collections::VecDeque;

use crate::engine::Tensor;

/// Frames, beside the first, whose features are recalled.
const FRAMES: usize = 6;
/// Frames, beside the first, whose pointers are recalled; distances are told as shares of it.
const POINTERS: usize = 15;
/// What is told in place of a distance for the first frame.
const FIRST: f32 = 6.0;

/// What is remembered of one frame.
pub struct Remembered {
    /// `[1, channels, height, width]`.
    pub features: Tensor,
    /// Stands for the subject.
    pub pointer: Vec<f32>,
}

/// What is remembered of a clip; it does not grow with it.
pub struct Memory {
    first: Remembered,
    /// The latest frames beside the first, the latest of them at the back.
    later: VecDeque<Remembered>,
    /// How far behind the next frame the first one is.
    age: usize,
}

impl Memory {
    /// A memory of the first frame.
    pub fn of(first: Remembered) -> Self {
        Self { first, later: VecDeque::with_capacity(POINTERS + 1), age: 1 }
    }

    /// Remembers the frame that follows.
    pub fn add(&mut self, frame: Remembered) {
        self.later.push_back(frame);
        if self.later.len() > POINTERS {
            self.later.pop_front();
        }
        self.age += 1;
    }

    /// All of it as tensors: its age, then features and pointer of each frame.
    pub fn tensors(&self) -> Vec<Tensor> {
        let frames = [&self.first].into_iter().chain(&self.later);
        let both = |frame: &Remembered| {
            [frame.features.clone(), Tensor::new(vec![frame.pointer.len()], frame.pointer.clone())]
        };
        [Tensor::new(vec![1], vec![self.age as f32])].into_iter().chain(frames.flat_map(both)).collect()
    }

    /// The memory of which these are the [`tensors`](Self::tensors); nothing for others.
    pub fn from_tensors(tensors: Vec<Tensor>) -> Option<Self> {
        let mut tensors = tensors.into_iter();
        let age = tensors.next()?.values.first().map(|age| *age as usize)?;
        let mut frames = VecDeque::new();
        while let Some(features) = tensors.next() {
            frames.push_back(Remembered { features, pointer: tensors.next()?.values });
        }
        Some(Self { first: frames.pop_front()?, later: frames, age })
    }

    /// The inputs of the network that recalls: features of the first frame and of the latest ones, the latest last;
    /// pointers of the first frame and of the latest ones, the latest first.
    pub fn recall(&self) -> Vec<(&'static str, Tensor)> {
        let recent = self.later.len().min(FRAMES);
        let frames = self.later.range(self.later.len() - recent..);
        let mut features = self.first.features.values.clone();
        frames.for_each(|frame| features.extend_from_slice(&frame.features.values));
        let mut shape = self.first.features.shape.clone();
        shape[0] = 1 + recent;
        let mut places = vec![FIRST];
        places.extend((0..recent).rev().map(|place| place as f32));

        let mut pointers = self.first.pointer.clone();
        self.later.iter().rev().for_each(|frame| pointers.extend_from_slice(&frame.pointer));
        let mut distances = vec![self.age as f32 / POINTERS as f32];
        distances.extend((1..=self.later.len()).map(|distance| distance as f32 / POINTERS as f32));

        vec![
            ("maskmem_features", Tensor::new(shape, features)),
            ("maskmem_tpos_idx", Tensor::new(vec![places.len()], places)),
            ("obj_ptrs", Tensor::new(vec![distances.len(), self.first.pointer.len()], pointers)),
            ("obj_ptr_tpos", Tensor::new(vec![distances.len()], distances)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: usize) -> Remembered {
        Remembered { features: Tensor::new(vec![1, 1, 1, 1], vec![number as f32]), pointer: vec![number as f32] }
    }

    #[test]
    fn the_first_frame_stays_and_of_others_the_latest() {
        let mut memory = Memory::of(frame(0));
        for number in 1..=20 {
            memory.add(frame(number));
        }
        let recalled = memory.recall();
        let values = |index: usize| recalled[index].1.values.clone();
        assert_eq!(values(0), [0.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0]);
        assert_eq!(values(1), [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
        let latest_first: Vec<f32> = std::iter::once(0.0).chain((6..=20).rev().map(|n| n as f32)).collect();
        assert_eq!(values(2), latest_first);
        assert_eq!(values(3)[0], 21.0 / 15.0, "the first is 21 frames before the next");
        assert_eq!((values(3)[1], values(3)[15]), (1.0 / 15.0, 1.0));
    }
}
