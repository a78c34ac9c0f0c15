//! Where one shot ends and another begins.

use crate::steps::planes::Plane;

const BINS: usize = 32;
/// Share of the picture that must change its brightness' bin for a cut. Frames of one shot stay below a tenth of it, even
/// with fast motion.
const CUT: f32 = 0.35;

/// How many cells are how bright.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram([f32; BINS]);

impl Histogram {
    /// Of brightness of 0 to 255.
    #[must_use]
    pub fn of(luma: &Plane) -> Self {
        let mut bins = [0.0; BINS];
        let share = 1.0 / luma.values.len() as f32;
        for value in &luma.values {
            // Shared between two bins, so that a frame a little brighter is no other frame.
            let at = (value / 256.0 * BINS as f32 - 0.5).clamp(0.0, (BINS - 1) as f32);
            let low = at as usize;
            bins[low] += share * (1.0 - (at - low as f32));
            bins[(low + 1).min(BINS - 1)] += share * (at - low as f32);
        }
        Self(bins)
    }

    /// Share of cells that would have to change their brightness to make this of the other, 0 to 1.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a - b).abs()).sum::<f32>() / 2.0
    }

    /// Whether another shot begins between the frames.
    #[must_use]
    pub fn is_cut(&self, next: &Self) -> bool {
        self.distance(next) > CUT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    fn ramp(offset: f32) -> Plane {
        let size = Size::new(64, 36);
        Plane { size, values: (0..size.area()).map(|i| (i % 64) as f32 * 2.0 + offset).collect() }
    }

    #[test]
    fn another_scene_is_a_cut_and_a_little_more_light_is_none() {
        let first = Histogram::of(&ramp(20.0));
        assert!(first.distance(&first) < 1e-6);
        assert!(!first.is_cut(&Histogram::of(&ramp(30.0))));
        assert!(first.is_cut(&Histogram::of(&ramp(120.0))));
    }
}
