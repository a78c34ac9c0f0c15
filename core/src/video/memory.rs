//! What a model remembers of a clip, as a file: other runs go on from it.
//!
//! `BFXMEM1\n`, then each tensor: its number of dimensions, their lengths, its values. Lengths are 64 bits, values 32-bit
//! floats, least significant byte first.

use std::{fs, path::Path};

use crate::{
    Error, Kind, Result,
    engine::Tensor,
    files::{IfExists, write_atomically},
};

const MAGIC: &[u8] = b"BFXMEM1\n";

/// Writes tensors; the file is there whole or not at all.
///
/// # Errors
/// [`Kind::OutputUnwritable`].
pub(super) fn write(path: &Path, tensors: &[Tensor]) -> Result<()> {
    let mut bytes = MAGIC.to_vec();
    for tensor in tensors {
        let lengths = [tensor.shape.len()].into_iter().chain(tensor.shape.iter().copied());
        lengths.for_each(|length| bytes.extend((length as u64).to_le_bytes()));
        tensor.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    }
    write_atomically(path, &bytes, IfExists::Replace)
}

/// Reads them again.
///
/// # Errors
/// [`Kind::ResumeMismatch`] when the file is not there or not whole.
pub(super) fn read(path: &Path) -> Result<Vec<Tensor>> {
    let wrong = || {
        let message =
            "what the model remembered of the finished part cannot be read; without --resume all is made anew";
        Error::new(Kind::ResumeMismatch, message).on(path.display())
    };
    let bytes = fs::read(path).map_err(|error| wrong().because(error))?;
    tensors(bytes.strip_prefix(MAGIC).ok_or_else(wrong)?).ok_or_else(wrong)
}

fn tensors(mut bytes: &[u8]) -> Option<Vec<Tensor>> {
    let mut tensors = Vec::new();
    while !bytes.is_empty() {
        let mut length = || {
            let (first, rest) = bytes.split_first_chunk()?;
            bytes = rest;
            usize::try_from(u64::from_le_bytes(*first)).ok()
        };
        let dimensions = length().filter(|count| *count <= 8)?;
        let shape: Vec<usize> = (0..dimensions).map(|_| length()).collect::<Option<_>>()?;
        let count = shape.iter().try_fold(1_usize, |all, length| all.checked_mul(*length))?;
        let (values, rest) = bytes.split_at_checked(count.checked_mul(4)?)?;
        bytes = rest;
        tensors.push(Tensor::new(shape, values.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect()));
    }
    Some(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory");
        let one = Tensor::new(vec![2, 1, 3], vec![0.1, -1e-30, f32::MAX, 0.0, 5.0, 6.0]);
        for written in
            [vec![], vec![one.clone()], vec![one, Tensor::new(vec![], vec![7.0]), Tensor::new(vec![0, 4], vec![])]]
        {
            write(&path, &written).unwrap();
            assert_eq!(read(&path).unwrap(), written);
        }
        let whole = fs::read(&path).unwrap();
        for length in [0, 5, 12, 60, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(read(&path).unwrap_err().kind(), Kind::ResumeMismatch, "{length}");
        }
        assert_eq!(read(&folder.path().join("none")).unwrap_err().kind(), Kind::ResumeMismatch);
    }
}
