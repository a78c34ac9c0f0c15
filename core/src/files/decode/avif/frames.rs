//! How many frames there are in AV1 data, told before any is decoded (AV1 specification, 5.3: `obu_header`).

use crate::{Result, files::Format, files::decode::corrupt};

/// A still has one frame, or one for each of at most four spatial layers.
const MOST_FRAMES: usize = 4;

/// Refuses data with hidden frames without end: few bytes could ask for hours of decoding.
pub(super) fn check(data: &[u8]) -> Result<()> {
    const FRAME_HEADER: u8 = 3;
    const FRAME: u8 = 6;
    let (mut rest, mut frames) = (data, 0);
    while let Some((header, after)) = rest.split_first() {
        let (kind, has_extension, has_size) = (header >> 3 & 15, header & 4 != 0, header & 2 != 0);
        frames += usize::from(matches!(kind, FRAME_HEADER | FRAME));
        if frames > MOST_FRAMES {
            return Err(corrupt(Format::Avif, "it has more frames than a still"));
        }
        let after = after.get(usize::from(has_extension)..).unwrap_or_default();
        if !has_size {
            break; // To the end.
        }
        let beyond = || corrupt(Format::Avif, "its AV1 data is cut short");
        let (length, after) = length(after).ok_or_else(beyond)?;
        rest = after.get(length..).ok_or_else(beyond)?;
    }
    if frames == 0 {
        return Err(corrupt(Format::Avif, "it has no frame"));
    }
    Ok(())
}

/// A number in groups of seven bits, lowest first, and what follows it (AV1 specification, 4.10.5: `leb128`).
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let last = bytes.iter().take(8).position(|byte| byte & 0x80 == 0)?;
    let (groups, rest) = bytes.split_at(last + 1);
    let number = groups.iter().rev().fold(0u64, |number, group| number << 7 | u64::from(group & 0x7f));
    Some((usize::try_from(number).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_and_lies_found() {
        const DELIMITER: &[u8] = &[0x12, 0];
        const FRAME: &[u8] = &[0x32, 1, 0xaa];
        let long = [&[0x32, 0x80, 1][..], &[0; 128]].concat();
        let cases: &[(Vec<u8>, bool)] = &[
            (vec![], false),
            (DELIMITER.to_vec(), false),
            ([DELIMITER, FRAME].concat(), true),
            ([DELIMITER, &FRAME.repeat(4)].concat(), true),
            ([DELIMITER, &FRAME.repeat(5)].concat(), false),
            // Without a length, to the end; with an extension; with a length of two bytes.
            (vec![0x30, 1, 2, 3], true),
            (vec![0x36, 0, 1, 0xaa], true),
            (long.clone(), true),
            (long[..100].to_vec(), false),
            (vec![0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], false),
            (vec![0x32], false),
        ];
        for (data, right) in cases {
            assert_eq!(check(data).is_ok(), *right, "{}", data.escape_ascii());
        }
    }
}
