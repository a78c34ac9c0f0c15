//! How often a value takes which numbers, and the range worth giving codes to.
//!
//! Activations of deep networks have a few numbers a hundred times beyond all others. A code that
//! reaches them has nothing left for the rest, so the outermost ten-thousandth at either end is cut
//! off (percentile calibration, as in Wu et al.: Integer Quantization for Deep Learning Inference,
//! 2020). Ranges of least squared error were measured too, and lost: they hold on to the far numbers.

use super::ranges::Range;

/// Bits of a float below those that name its bin: six of the mantissa stay, so a bin is 1.6 % wide.
const BELOW: u32 = 17;
/// Bins of either sign.
const BINS: usize = (0x7f80_0000 >> BELOW) as usize;
/// Share of all numbers that may lie beyond either end of the range.
const BEYOND: f64 = 1e-4;

/// Counts of numbers by sign and size.
pub struct Histogram {
    /// Positive numbers with zero, then negative ones, by size.
    bins: [Vec<u64>; 2],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: [vec![0; BINS], vec![0; BINS]] }
    }
}

impl Histogram {
    /// Counts more numbers; what is not finite is passed over.
    pub fn add(&mut self, numbers: &[f32]) {
        for number in numbers {
            let bits = number.to_bits();
            if let Some(count) = self.bins[(bits >> 31) as usize].get_mut(((bits & 0x7fff_ffff) >> BELOW) as usize) {
                *count += 1;
            }
        }
    }

    /// The range of nearly all numbers.
    #[must_use]
    pub fn range(&self) -> Range {
        let all: u64 = self.bins.iter().flatten().sum();
        let most = (all as f64 * BEYOND) as u64;
        let end = |bins: &[u64]| {
            let mut beyond = 0;
            let reached = bins.iter().rposition(|count| {
                beyond += count;
                beyond > most
            });
            reached.map_or(0.0, |bin| f32::from_bits((bin as u32 + 1) << BELOW).min(f32::MAX))
        };
        Range { low: 0.0 - end(&self.bins[1]), high: end(&self.bins[0]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_numbers_keep_nearly_their_whole_range() {
        let mut histogram = Histogram::default();
        histogram.add(&(0..100_000).map(|i| (i - 25_000) as f32 / 10_000.0).collect::<Vec<_>>());
        let Range { low, high } = histogram.range();
        assert!((low + 2.5).abs() < 0.05 && (high - 7.5).abs() < 0.15, "{low} {high}");
    }

    #[test]
    fn few_far_numbers_are_cut_off() {
        let mut histogram = Histogram::default();
        histogram.add(&(0..1_000_000).map(|i| i as f32 / 1e6).collect::<Vec<_>>());
        histogram.add(&[500.0; 50]);
        histogram.add(&[f32::NAN, f32::INFINITY]);
        let Range { low, high } = histogram.range();
        assert!(low == 0.0 && (0.98..1.05).contains(&high), "{low} {high}");
    }

    #[test]
    fn nothing_seen_is_nothing_wide() {
        let Range { low, high } = Histogram::default().range();
        assert!(low == 0.0 && high == 0.0);
    }
}
