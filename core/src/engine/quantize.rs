//! Turns a single-precision graph into one that computes in 8 bits, from ranges seen on pictures.
//!
//! The result is the ONNX "QDQ" form (Jacob et al.: Quantization and Training of Neural Networks for
//! Efficient Integer-Arithmetic-Only Inference, CVPR 2018): each value of the graph gets a pair of
//! `QuantizeLinear` and `DequantizeLinear`, which the runtime joins with the operators around it.
//! Values are unsigned 8-bit, weights signed with one scale for each output channel, in 7 bits: older
//! processors add pairs of products in 16 bits, where 8-bit weights overflow. So the matte is the
//! same on every processor.

mod calibrate;
mod histogram;
mod insert;
mod plan;
mod raise;
mod ranges;
mod weights;

pub use calibrate::{Observed, observing};
pub use histogram::Histogram;
pub use insert::quantize;
pub use ranges::{Range, Ranges};

/// The table that this build has for a file of this SHA-256: found once, on `testdata/scenes`.
#[must_use]
pub fn known(sha256: &str) -> Option<Ranges> {
    const TABLES: &[(&str, &str)] = &[(
        "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
        include_str!("quantize/isnet-general-use.txt"),
    )];
    let table = TABLES.iter().find(|(key, _)| *key == sha256)?.1;
    Some(Ranges::from_text(table).expect("a test reads every table"))
}

/// Whether this processor multiplies bytes and adds the products up in one instruction (VNNI), which is what makes
/// 8 bits three times as fast. Without it the gain is small or none, and nothing was measured.
#[must_use]
pub fn is_fast_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    let fast = std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    let fast = false;
    fast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_read() {
        let isnet = known("b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb").unwrap();
        assert!(isnet.values.len() > 100 && isnet.values.contains_key("input"));
        assert!(known("0").is_none());
    }
}
