//! The hostile corpus: files made by code, each with the only answer that is right for it.

mod avif;
mod bmp;
mod gif;
mod jpeg;
mod other;
mod png;
mod tiff;
mod webp;

use backgroundfx_core::{
    Kind,
    files::{Encodable, Format, Metadata, WriteOptions, encode},
    pixels::{Alpha, Rgb, Samples, Size},
};

/// The right answer to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is odd but legal, and decodes.
    Decodes,
    /// It is refused with this kind.
    Refused(Kind),
    /// It is damaged where decoders may differ: it decodes, or is refused as damaged.
    Either,
}

/// One file.
pub struct Case {
    /// What is wrong with it; also its file name.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The right answer.
    pub answer: Answer,
}

const CORRUPT: Answer = Answer::Refused(Kind::PictureCorrupt);
const UNSUPPORTED: Answer = Answer::Refused(Kind::FormatUnsupported);
const TOO_LARGE: Answer = Answer::Refused(Kind::PictureTooLarge);

fn case(name: impl Into<String>, bytes: Vec<u8>, answer: Answer) -> Case {
    Case { name: name.into(), bytes, answer }
}

/// Every file of the corpus.
pub fn all() -> Vec<Case> {
    [
        jpeg::cases(),
        png::cases(),
        webp::cases(),
        gif::cases(),
        tiff::cases(),
        bmp::cases(),
        avif::cases(),
        other::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const SIZE: Size = Size::new(64, 48);

/// A picture that does not compress to nothing, so that cutting it short cuts pixels.
fn noise(size: Size) -> Rgb {
    let mut state = 7u32;
    let samples = (0..size.area() * 3).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    Rgb::new(size, Samples::Eight(samples.collect()))
}

/// A legal file of a format.
fn legal(format: Format, size: Size, with_alpha: bool) -> Vec<u8> {
    let (color, alpha) = (noise(size), Alpha::filled(size, 0.5));
    let metadata = Metadata::default();
    let picture = Encodable { color: &color, alpha: with_alpha.then_some(&alpha), profile: None, metadata: &metadata };
    encode(&picture, &WriteOptions::new(format)).expect("a legal picture is written")
}

/// Cuts a legal file at some places; all of them are damaged.
fn cut_short(format: Format, places: &[f64]) -> Vec<Case> {
    let whole = legal(format, SIZE, false);
    let cut = |place: &f64| {
        let end = (whole.len() as f64 * place) as usize;
        case(format!("{format}_cut_at_{:02.0}_percent", place * 100.0), whole[..end].to_vec(), CORRUPT)
    };
    places.iter().map(cut).collect()
}
