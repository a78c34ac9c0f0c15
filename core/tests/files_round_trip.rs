//! What is written is read back: pixels exactly where the format keeps them, alpha, profile and metadata.

#[path = "support/exif_blocks.rs"]
mod exif_blocks;

use backgroundfx_core::{
    Kind,
    files::{
        Compression, Depth, Encodable, Format, Metadata, MetadataPolicy, Picture, Profile, ReadOptions, WriteOptions,
        decode, decode_matte, encode, encode_gray,
    },
    pixels::{Alpha, Rgb, Samples, Size},
};

const SIZE: Size = Size::new(61, 37);

/// Values without a pattern that a filter or predictor could hide a mistake in.
fn noise(count: usize) -> impl Iterator<Item = u16> {
    let mut state = 1u32;
    (0..count).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16
    })
}

fn picture(depth: u8) -> Rgb {
    let values = noise(SIZE.area() * 3);
    let samples = match depth {
        8 => Samples::Eight(values.map(|value| value as u8).collect()),
        _ => Samples::Sixteen(values.collect()),
    };
    Rgb::new(SIZE, samples)
}

/// Alpha of every value that the depth holds, with 0 and 1 among them.
fn matte(depth: u8) -> Alpha {
    let most = if depth == 8 { 255 } else { 65535 };
    let values = noise(SIZE.area()).enumerate().map(|(index, value)| match index % 5 {
        0 => 0.0,
        1 => 1.0,
        _ => f32::from(value % (most + u16::from(most < 65535))) / f32::from(most),
    });
    Alpha::new(SIZE, values.collect())
}

fn written(color: &Rgb, alpha: Option<&Alpha>, options: &WriteOptions) -> Vec<u8> {
    encode(&Encodable { color, alpha, profile: None, metadata: &Metadata::default() }, options).expect("is written")
}

fn read(bytes: &[u8]) -> Picture {
    decode(bytes, &ReadOptions::default()).expect("is read")
}

/// Colours as a file keeps them: nothing under alpha 0.
fn shown(color: &Rgb, alpha: Option<&Alpha>) -> Rgb {
    let hidden = |pixel: usize| alpha.is_some_and(|alpha| alpha.values()[pixel] == 0.0);
    let mut shown = color.clone();
    match shown.samples_mut() {
        Samples::Eight(samples) => {
            samples.chunks_mut(3).enumerate().filter(|(pixel, _)| hidden(*pixel)).for_each(|(_, rgb)| rgb.fill(0));
        }
        Samples::Sixteen(samples) => {
            samples.chunks_mut(3).enumerate().filter(|(pixel, _)| hidden(*pixel)).for_each(|(_, rgb)| rgb.fill(0));
        }
    }
    shown
}

#[test]
fn lossless_formats_give_back_every_sample() {
    let efforts = [Compression::Fast, Compression::Balanced, Compression::Small];
    for (format, depth) in
        [(Format::Png, 8), (Format::Png, 16), (Format::Tiff, 8), (Format::Tiff, 16), (Format::WebP, 8)]
    {
        for compression in efforts {
            for alpha in [None, Some(matte(depth))] {
                let case = format!("{format}, {depth} bits, {compression:?}, alpha: {}", alpha.is_some());
                let (color, alpha) = (picture(depth), alpha.as_ref());
                let options = WriteOptions { compression, ..WriteOptions::new(format) };
                let got = read(&written(&color, alpha, &options));
                assert_eq!(got.format, format, "{case}");
                assert!(got.color == shown(&color, alpha), "{case}: colours differ");
                assert!(got.alpha.as_ref() == alpha, "{case}: alpha differs");
                assert!(got.warnings.is_empty(), "{case}: {:?}", got.warnings);
            }
        }
    }
}

#[test]
fn lossy_formats_come_close() {
    let color = Rgb::filled(SIZE, [200, 120, 40]);
    for format in [Format::Jpeg, Format::Avif] {
        let bytes = written(&color, None, &WriteOptions::new(format));
        assert_eq!(Format::sniff(&bytes), Some(format));
        let got = read(&bytes);
        let middle = got.color.unit(SIZE.area() / 2).map(|value| value * 255.0);
        let close = middle.iter().zip([200.0, 120.0, 40.0]).all(|(got, wanted)| (got - wanted).abs() < 4.0);
        assert!(close, "{format}: {middle:?}");
        assert!(got.alpha.is_none() && got.profile.is_none() && got.warnings.is_empty(), "{format}: {got:?}");
    }
}

#[test]
fn depth_is_kept_changed_or_refused() {
    let cases = [
        (Format::Png, 16, Depth::Auto, Some(16)),
        (Format::Png, 16, Depth::Eight, Some(8)),
        (Format::Png, 8, Depth::Sixteen, Some(16)),
        (Format::Tiff, 16, Depth::Auto, Some(16)),
        (Format::WebP, 16, Depth::Auto, Some(8)),
        (Format::WebP, 8, Depth::Sixteen, None),
        (Format::Jpeg, 16, Depth::Auto, Some(8)),
    ];
    for (format, from, depth, to) in cases {
        let options = WriteOptions { depth, ..WriteOptions::new(format) };
        let color = picture(from);
        let encodable = Encodable { color: &color, alpha: None, profile: None, metadata: &Metadata::default() };
        match (encode(&encodable, &options), to) {
            (Ok(bytes), Some(to)) => assert_eq!(read(&bytes).color.depth(), to, "{format} {depth:?}"),
            (Err(error), None) => assert_eq!(error.kind(), Kind::OutputUnsupported, "{format} {depth:?}"),
            (got, _) => panic!("{format} {depth:?}: {:?}", got.map(|bytes| bytes.len())),
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let (color, alpha) = (picture(8), matte(8));
    let small = Alpha::filled(Size::new(2, 2), 0.5);
    let new = WriteOptions::new;
    let cases = [
        (Some(&alpha), new(Format::Jpeg), Kind::OutputUnsupported),
        (None, new(Format::Gif), Kind::OutputUnsupported),
        (None, new(Format::Bmp), Kind::OutputUnsupported),
        (None, WriteOptions { quality: 0, ..new(Format::Png) }, Kind::OptionInvalid),
        (None, WriteOptions { quality: 101, ..new(Format::Jpeg) }, Kind::OptionInvalid),
        (Some(&small), new(Format::Png), Kind::SizeMismatch),
    ];
    for (alpha, options, kind) in cases {
        let encodable = Encodable { color: &color, alpha, profile: None, metadata: &Metadata::default() };
        assert_eq!(encode(&encodable, &options).unwrap_err().kind(), kind, "{options:?}");
    }
}

#[test]
fn a_matte_alone_is_written_and_read() {
    for format in [Format::Png, Format::Tiff, Format::WebP, Format::Jpeg, Format::Avif] {
        let depths = if format.holds_sixteen_bits() { vec![Depth::Eight, Depth::Sixteen] } else { vec![Depth::Auto] };
        for depth in depths {
            let matte = matte(if depth == Depth::Sixteen { 16 } else { 8 });
            let bytes = encode_gray(&matte, &WriteOptions { depth, ..WriteOptions::new(format) }).unwrap();
            if matches!(format, Format::Png | Format::Tiff | Format::WebP) {
                let got = decode_matte(&bytes, &ReadOptions::default()).unwrap();
                assert!(got == matte, "{format} {depth:?}");
            }
        }
    }
}

#[test]
fn mattes_are_found_where_they_are() {
    let png = WriteOptions::new(Format::Png);
    let (color, alpha) = (picture(8), matte(8));
    let opaque = Alpha::filled(SIZE, 1.0);
    let options = ReadOptions::default();
    assert!(decode_matte(&written(&color, Some(&alpha), &png), &options).unwrap() == alpha);
    assert!(decode_matte(&written(&color, Some(&opaque), &png), &options).unwrap() == opaque);
    let error = decode_matte(&written(&color, None, &png), &options).unwrap_err();
    assert_eq!(error.kind(), Kind::FormatUnsupported);
}

#[test]
fn alpha_that_says_nothing_is_none() {
    let opaque = Alpha::filled(SIZE, 1.0);
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        let got = read(&written(&picture(8), Some(&opaque), &WriteOptions::new(format)));
        assert!(got.alpha.is_none(), "{format}");
    }
}

#[test]
fn profiles_travel_beside_the_pixels() {
    let p3 = Profile::new(&moxcms::ColorProfile::new_display_p3().encode().unwrap()).unwrap();
    let color = Rgb::filled(SIZE, [200, 100, 50]);
    for format in [Format::Png, Format::Jpeg, Format::WebP, Format::Tiff] {
        for policy in [MetadataPolicy::Keep, MetadataPolicy::Safe, MetadataPolicy::None] {
            let case = format!("{format}, {policy:?}");
            let options = WriteOptions { metadata: policy, ..WriteOptions::new(format) };
            let metadata = Metadata::default();
            let encodable = Encodable { color: &color, alpha: None, profile: Some(&p3), metadata: &metadata };
            let mut got = read(&encode(&encodable, &options).unwrap());
            assert_eq!(got.profile.is_some(), policy != MetadataPolicy::None, "{case}");
            if let Some(profile) = &got.profile {
                assert_eq!(profile.bytes(), p3.bytes(), "{case}");
            }
            // However it was written, it shows the same colour: Display P3 200 100 50 is sRGB 215 93 31.
            got.convert_to_srgb().unwrap();
            let middle = got.color.unit(SIZE.area() / 2).map(|value| value * 255.0);
            let close = middle.iter().zip([215.0, 93.0, 31.0]).all(|(got, wanted)| (got - wanted).abs() < 4.0);
            assert!(close, "{case}: {middle:?}");
        }
    }
}

#[test]
fn metadata_is_kept_made_safe_or_dropped() {
    use exif_blocks::{block, short, text};
    let secret = "52 deg 31' N";
    let full = block(
        vec![text(0x010f, "Maker of cameras"), short(0x0112, 1), text(0x8298, "(c) somebody")],
        vec![text(0x9003, "2024:05:06 07:08:09"), text(0x927c, "maker's note"), text(0xa431, "serial 12345")],
        vec![text(0x0001, "N"), text(0x0002, secret)],
    );
    let metadata = Metadata { exif: Some(full.clone()), xmp: Some(b"<x:xmpmeta>Berlin</x:xmpmeta>".to_vec()) };
    let color = picture(8);
    let holds = |bytes: &[u8], part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    for format in [Format::Jpeg, Format::Png, Format::WebP] {
        let encodable = Encodable { color: &color, alpha: None, profile: None, metadata: &metadata };
        let through = |policy: MetadataPolicy| {
            let bytes = encode(&encodable, &WriteOptions { metadata: policy, ..WriteOptions::new(format) }).unwrap();
            (read(&bytes).metadata, bytes)
        };
        assert_eq!(through(MetadataPolicy::Keep).0, metadata, "{format}");
        assert_eq!(through(MetadataPolicy::None).0, Metadata::default(), "{format}");
        let (safe, bytes) = through(MetadataPolicy::Safe);
        let exif = safe.exif.expect("is kept");
        for part in ["Maker of cameras", "(c) somebody", "2024:05:06 07:08:09"] {
            assert!(holds(&exif, part), "{format}: {part} is gone");
        }
        for part in [secret, "maker's note", "serial 12345", "Berlin"] {
            assert!(!holds(&bytes, part), "{format}: {part} is still there");
        }
    }
}
