//! AVIF: what is written is read back, and what others write is read as they read it.

use backgroundfx_core::{
    Kind,
    files::{
        self, Compression, Encodable, Format, Metadata, MetadataPolicy, Picture, ReadOptions, Warning, WriteOptions,
        decode, encode,
    },
    pixels::{Alpha, Rgb, Samples, Size},
};
use std::path::Path;

const SIZE: Size = Size::new(61, 37);

fn read(bytes: &[u8]) -> Picture {
    decode(bytes, &ReadOptions::default()).expect("is read")
}

fn written(color: &Rgb, alpha: Option<&Alpha>, options: &WriteOptions) -> Vec<u8> {
    encode(&Encodable { color, alpha, profile: None, metadata: &Metadata::default() }, options).expect("is written")
}

#[test]
fn avif_keeps_ramps_of_colour_and_alpha() {
    let ramp = |index: usize| (index % SIZE.width as usize, index / SIZE.width as usize);
    let samples = (0..SIZE.area()).map(ramp).flat_map(|(x, y)| [x as u8 * 4, y as u8 * 6, 255 - x as u8 * 4]);
    let color = Rgb::new(SIZE, Samples::Eight(samples.collect()));
    let values = (0..SIZE.area()).map(|index| ramp(index).1 as f32 / (SIZE.height - 1) as f32);
    let alpha = Alpha::new(SIZE, values.collect());
    for compression in [Compression::Fast, Compression::Balanced, Compression::Small] {
        let options = WriteOptions { compression, quality: 95, ..WriteOptions::new(Format::Avif) };
        let got = read(&written(&color, Some(&alpha), &options));
        let got_alpha = got.alpha.expect("has alpha");
        let mut distance = 0.0;
        for (index, wanted) in alpha.values().iter().enumerate() {
            assert!((got_alpha.values()[index] - wanted).abs() < 0.03, "{compression:?}: alpha at {:?}", ramp(index));
            // Colours under nothing may be anything; those beside them take some of it.
            if *wanted > 0.1 {
                let pairs = got.color.unit(index).into_iter().zip(color.unit(index));
                distance += pairs.map(|(got, wanted)| f64::from((got - wanted).abs())).sum::<f64>();
            }
        }
        let mean = distance / (SIZE.area() * 3) as f64;
        assert!(mean < 0.01, "{compression:?}: colours differ by {mean} on average");
        assert_eq!(got.color.depth(), 16, "ours are written with 10 bits");
    }
}

#[test]
fn exif_is_kept_beside_it() {
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    let metadata = Metadata { exif: Some(exif), xmp: None };
    let color = Rgb::filled(SIZE, [1, 2, 3]);
    let encodable = Encodable { color: &color, alpha: None, profile: None, metadata: &metadata };
    let options = WriteOptions { metadata: MetadataPolicy::Keep, ..WriteOptions::new(Format::Avif) };
    assert_eq!(read(&encode(&encodable, &options).unwrap()).metadata, metadata);
}

#[test]
fn of_a_sequence_its_still_is_read() {
    let mut bytes = written(&Rgb::filled(SIZE, [9; 3]), None, &WriteOptions::new(Format::Avif));
    bytes[8..12].copy_from_slice(b"avis");
    assert_eq!(read(&bytes).warnings, [Warning::FirstFrameOf(0)]);
    let later = ReadOptions { frame: 1, ..ReadOptions::default() };
    assert_eq!(decode(&bytes, &later).unwrap_err().kind(), Kind::OptionInvalid);
}

/// Written by avifenc; beside each lies what avifdec makes of it. How: `testdata/avif/README.md`.
#[test]
fn files_of_others_are_read_as_they_read_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avif");
    // The most that a channel and alpha may differ by, in steps of 255: avifdec converts 8 bits in whole numbers.
    let cases = [("8bit_420_limited_alpha", 2.01, 0.01), ("10bit_422_p3", 0.01, 0.0), ("12bit_444_grid", 0.01, 0.0)];
    for (name, allowed, alpha_allowed) in cases {
        let of = |extension: &str| {
            files::read(&folder.join(name).with_extension(extension), &ReadOptions::default()).expect("is read")
        };
        let (got, wanted) = (of("avif"), of("png"));
        assert_eq!(got.color.size(), wanted.color.size(), "{name}");
        assert_eq!(got.color.depth(), wanted.color.depth(), "{name}");
        for index in 0..got.color.size().area() {
            let (got, wanted) = (got.color.unit(index), wanted.color.unit(index));
            let close = got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() * 255.0 <= allowed);
            assert!(close, "{name}, pixel {index}: {got:?}, not {wanted:?}");
        }
        let alphas =
            got.alpha.iter().zip(&wanted.alpha).flat_map(|(got, wanted)| got.values().iter().zip(wanted.values()));
        assert!(got.alpha.is_some() == wanted.alpha.is_some(), "{name}: only one has alpha");
        assert!(alphas.into_iter().all(|(got, wanted)| (got - wanted).abs() * 255.0 <= alpha_allowed), "{name}: alpha");
        assert_eq!(got.profile.is_some(), name.ends_with("p3"), "{name}: a profile stands for wide primaries");
        assert!(got.warnings.is_empty(), "{name}: {:?}", got.warnings);
    }
}
