//! All eight orientations, in every format that states them, give the same upright picture.

#[path = "support/exif_blocks.rs"]
mod exif_blocks;

use backgroundfx_core::{
    files::{Encodable, Format, Metadata, MetadataPolicy, ReadOptions, WriteOptions, decode, encode},
    pixels::{Alpha, Rgb, Samples, Size},
};

/// Four flat quarters, wide enough that JPEG's chroma cannot mix their middles; wider than high.
const QUARTERS: [[u8; 3]; 4] = [[230, 20, 20], [20, 230, 20], [20, 20, 230], [230, 230, 20]];
const SIZE: Size = Size::new(96, 64);

fn upright() -> Rgb {
    let color = |x: u32, y: u32| QUARTERS[usize::from(y >= SIZE.height / 2) * 2 + usize::from(x >= SIZE.width / 2)];
    let samples = (0..SIZE.height).flat_map(|y| (0..SIZE.width).flat_map(move |x| color(x, y))).collect();
    Rgb::new(SIZE, Samples::Eight(samples))
}

/// How a camera holding this orientation stores the upright picture, by the words of the EXIF standard.
fn stored(picture: &Rgb, orientation: u16) -> Rgb {
    let Size { width, height } = picture.size();
    let swapped = orientation >= 5;
    let size = if swapped { Size::new(height, width) } else { picture.size() };
    let Samples::Eight(samples) = picture.samples() else { unreachable!("made with 8 bits") };
    let mut turned = Vec::new();
    for row in 0..size.height {
        for column in 0..size.width {
            // The 0th row is the visual top, bottom, left or right; the 0th column likewise.
            let (x, y) = match orientation {
                1 => (column, row),
                2 => (width - 1 - column, row),
                3 => (width - 1 - column, height - 1 - row),
                4 => (column, height - 1 - row),
                5 => (row, column),
                6 => (width - 1 - row, column),
                7 => (width - 1 - row, height - 1 - column),
                _ => (row, height - 1 - column),
            };
            let at = (y * width + x) as usize * 3;
            turned.extend(&samples[at..at + 3]);
        }
    }
    Rgb::new(size, Samples::Eight(turned))
}

fn written(format: Format, orientation: u16) -> Vec<u8> {
    let metadata = Metadata { exif: Some(exif_blocks::oriented(orientation)), xmp: None };
    let options = WriteOptions { metadata: MetadataPolicy::Keep, ..WriteOptions::new(format) };
    let color = stored(&upright(), orientation);
    if format == Format::Tiff {
        return tiff_with_tag(&color, orientation);
    }
    encode(&Encodable { color: &color, alpha: None, profile: None, metadata: &metadata }, &options).expect("is written")
}

/// TIFF states it in a tag of its own.
fn tiff_with_tag(color: &Rgb, orientation: u16) -> Vec<u8> {
    use tiff::encoder::{TiffEncoder, colortype::RGB8};
    let Samples::Eight(samples) = color.samples() else { unreachable!("made with 8 bits") };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).expect("starts");
    let mut image = encoder.new_image::<RGB8>(color.size().width, color.size().height).expect("has a size");
    image.encoder().write_tag(tiff::tags::Tag::Orientation, orientation).expect("is written");
    image.write_data(samples).expect("is written");
    file.into_inner()
}

#[test]
fn every_orientation_is_applied_once_in_every_format() {
    for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff] {
        for orientation in 1..=8 {
            let case = format!("{format}, orientation {orientation}");
            let picture = decode(&written(format, orientation), &ReadOptions::default()).expect(&case);
            assert_eq!(picture.color.size(), SIZE, "{case}");
            for (quarter, expected) in QUARTERS.iter().enumerate() {
                let (x, y) = (24 + quarter % 2 * 48, 16 + quarter / 2 * 32);
                let got = picture.color.unit(y * 96 + x).map(|value| (value * 255.0) as u8);
                let distance = got.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                let allowed = if format == Format::Jpeg { 12 } else { 0 };
                assert!(distance <= allowed, "{case}: quarter {quarter} is {got:?}, not {expected:?}");
            }
            let block = picture.metadata.exif.expect(&case);
            let expected = exif_blocks::oriented(1);
            let reset = if format == Format::Tiff { has_orientation_one(&block) } else { block == expected };
            assert!(reset, "{case}: orientation must be reset");
        }
    }
}

/// A TIFF file's own fields become the block, so only this one of them is looked for.
fn has_orientation_one(block: &[u8]) -> bool {
    block.windows(10).any(|field| field == [0x12, 0x01, 3, 0, 1, 0, 0, 0, 1, 0])
}

#[test]
fn alpha_turns_with_the_colours() {
    let values: Vec<f32> = (0..6).map(|value| value as f32 / 5.0).collect();
    let (color, alpha) = (Rgb::filled(Size::new(3, 2), [9; 3]), Alpha::new(Size::new(3, 2), values));
    let metadata = Metadata { exif: Some(exif_blocks::oriented(6)), xmp: None };
    let picture = Encodable { color: &color, alpha: Some(&alpha), profile: None, metadata: &metadata };
    let options = WriteOptions { metadata: MetadataPolicy::Keep, ..WriteOptions::new(Format::Png) };
    let read = decode(&encode(&picture, &options).unwrap(), &ReadOptions::default()).unwrap();
    let alpha = read.alpha.unwrap();
    assert_eq!(alpha.size(), Size::new(2, 3));
    let fifths: Vec<u8> = alpha.values().iter().map(|value| (value * 5.0).round() as u8).collect();
    assert_eq!(fifths, [3, 0, 4, 1, 5, 2]);
}
