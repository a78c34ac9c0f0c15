//! Turns a single-precision graph into one that computes in 8 bits, from ranges seen on pictures.
//!
//! The result is the ONNX "QDQ" form (Jacob et al.: Quantization and Training of Neural Networks for
//! Efficient Integer-Arithmetic-Only Inference, CVPR 2018): each value of the graph gets a pair of
//! `QuantizeLinear` and `DequantizeLinear`, which the runtime joins with the operators around it.
//! Values are unsigned 8-bit, weights signed with one scale for each output channel, in 7 bits: older
//! processors add pairs of products in 16 bits, where 8-bit weights overflow. So the matte is the
//! same on every processor.

mod calibrate;
mod fingerprint;
mod histogram;
mod insert;
mod plan;
mod raise;
mod ranges;
mod sums;
mod table;
mod weights;

pub use calibrate::{Observed, observing};
pub use histogram::Histogram;
pub use insert::quantize;
pub use ranges::{Range, Ranges};
pub use table::Table;

use super::onnx::Graph;

/// The tables of this build, found once, on `testdata/scenes`.
const TABLES: &[&str] = &[include_str!("quantize/isnet-general-use.txt")];

/// The ranges that this build has for a prepared graph, by the names of its values: whichever file it came in.
#[must_use]
pub fn known(graph: &Graph) -> Option<Ranges> {
    TABLES.iter().find_map(|text| Table::from_text(text).expect("a test reads every table").named(graph))
}

/// Names the state of the tables of this build.
#[must_use]
pub fn tables() -> u32 {
    crc32fast::hash(TABLES.concat().as_bytes())
}

/// Whether 8 bits are faster than single precision on this processor: about twice with AVX2, three times where it
/// multiplies bytes and adds the products up in one instruction (VNNI). Of other processors nothing was measured.
#[must_use]
pub fn is_fast_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    let fast = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let fast = false;
    fast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_read() {
        assert!(known(&Graph::default()).is_none());
        for text in TABLES {
            let table = Table::from_text(text).unwrap();
            assert_eq!(Table::from_text(&table.to_text()).unwrap(), table);
        }
    }
}
