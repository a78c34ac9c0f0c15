//! Pictures as other programs make them: inks, palettes, few bits, animations, broken profiles.

use backgroundfx_core::{
    Kind,
    files::{Encodable, Format, Metadata, Picture, ReadOptions, Warning, WriteOptions, decode, encode},
    pixels::{Rgb, Size},
};
use jpeg_encoder::{ColorType as JpegColor, Encoder as JpegEncoder};
use std::io::Cursor;

fn read(bytes: &[u8]) -> Picture {
    decode(bytes, &ReadOptions::default()).expect("is read")
}

fn frame(bytes: &[u8], frame: u32) -> Picture {
    decode(bytes, &ReadOptions { frame, ..ReadOptions::default() }).expect("is read")
}

fn middle(picture: &Picture) -> [u8; 3] {
    let size = picture.color.size();
    let index = size.area() / 2 + size.width as usize / 2;
    picture.color.unit(index).map(|value| (value * 255.0).round() as u8)
}

fn close(got: [u8; 3], wanted: [u8; 3], allowed: u8) -> bool {
    got.iter().zip(wanted).all(|(got, wanted)| got.abs_diff(wanted) <= allowed)
}

/// A JPEG of one ink mixture; the encoder inverts it and says so by Adobe's marker.
fn inks(cmyk: [u8; 4], coding: JpegColor, icc: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes, 100);
    if let Some(icc) = icc {
        encoder.add_icc_profile(icc).expect("fits");
    }
    encoder.encode(&cmyk.repeat(32 * 32), 32, 32, coding).expect("is written");
    bytes
}

#[test]
fn cmyk_and_ycck_become_srgb() {
    let cases = [
        ([0, 0, 0, 0], [255, 255, 255]),
        ([255, 0, 0, 0], [0, 255, 255]),
        ([0, 255, 255, 0], [255, 0, 0]),
        ([0, 0, 0, 255], [0, 0, 0]),
        ([0, 0, 128, 51], [204, 204, 102]),
    ];
    for (cmyk, rgb) in cases {
        for (coding, name) in [(JpegColor::Cmyk, "CMYK"), (JpegColor::CmykAsYcck, "YCCK")] {
            let picture = read(&inks(cmyk, coding, None));
            assert!(close(middle(&picture), rgb, 4), "{name} {cmyk:?}: {:?}, not {rgb:?}", middle(&picture));
            assert_eq!(picture.warnings, [Warning::ColorsApproximated], "{name}");
            assert!(picture.profile.is_none(), "{name}");
        }
    }
}

#[test]
fn a_profile_for_other_pixels_is_not_kept() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    // An RGB profile says nothing about inks.
    assert_eq!(read(&inks([0; 4], JpegColor::Cmyk, Some(&p3))).warnings, [Warning::ColorsApproximated]);
    let grey = moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    for profile in [&grey[..], b"rubbish rubbish rubbish rubbish"] {
        let picture = read(&inks_rgb([128; 3], profile));
        assert_eq!(picture.warnings, [Warning::ProfileUnreadable]);
        assert!(picture.profile.is_none());
        assert!(close(middle(&picture), [128; 3], 1));
    }
}

fn inks_rgb(rgb: [u8; 3], icc: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes, 100);
    encoder.add_icc_profile(icc).expect("fits");
    encoder.encode(&rgb.repeat(32 * 32), 32, 32, JpegColor::Rgb).expect("is written");
    bytes
}

#[test]
fn grey_through_its_profile() {
    let linear = moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes, 100);
    encoder.add_icc_profile(&linear).unwrap();
    encoder.encode(&[55; 64 * 64], 64, 64, JpegColor::Luma).unwrap();
    let picture = read(&bytes);
    // Linear 55/255 is 0.2157, which sRGB writes as 128.
    assert!(close(middle(&picture), [128; 3], 2), "{:?}", middle(&picture));
    assert!(picture.profile.is_none() && picture.warnings.is_empty());
}

/// A PNG of one row, of any kind.
fn png(
    color: png::ColorType,
    depth: png::BitDepth,
    row: &[u8],
    width: u32,
    more: impl Fn(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, 1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    more(&mut encoder);
    let mut writer = encoder.write_header().expect("is written");
    writer.write_image_data(row).expect("is written");
    writer.finish().expect("is written");
    bytes
}

#[test]
fn png_palettes_few_bits_and_transparent_colours() {
    use png::{BitDepth, ColorType};
    let values = |bytes: &[u8]| {
        let picture = read(bytes);
        let colors: Vec<u8> = (0..2).flat_map(|index| picture.color.unit(index).map(|v| (v * 255.0) as u8)).collect();
        (colors, picture.alpha.map(|alpha| alpha.to_u8()))
    };
    let palette = png(ColorType::Indexed, BitDepth::Two, &[0b0001_0000], 2, |encoder| {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
        encoder.set_trns(vec![255, 128]);
    });
    assert_eq!(values(&palette), (vec![10, 20, 30, 40, 50, 60], Some(vec![255, 128])));
    let bits = png(ColorType::Grayscale, BitDepth::One, &[0b0100_0000], 2, |_| {});
    assert_eq!(values(&bits), (vec![0, 0, 0, 255, 255, 255], None));
    let keyed = png(ColorType::Rgb, BitDepth::Eight, &[1, 2, 3, 4, 5, 6], 2, |encoder| {
        encoder.set_trns(vec![0, 4, 0, 5, 0, 6]);
    });
    assert_eq!(values(&keyed), (vec![1, 2, 3, 4, 5, 6], Some(vec![255, 0])));
    let grey_alpha = png(ColorType::GrayscaleAlpha, BitDepth::Sixteen, &[1, 1, 255, 255, 2, 2, 0, 0], 2, |_| {});
    assert_eq!(values(&grey_alpha), (vec![1, 1, 1, 2, 2, 2], Some(vec![255, 0])));
    assert_eq!(read(&grey_alpha).color.depth(), 16);
}

const FRAMES: [[u8; 3]; 3] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];

/// Three flat frames of 4 × 4, each replacing the last.
fn animated_gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 4, 4, FRAMES.as_flattened()).expect("starts");
    for index in 0..3u8 {
        let frame = gif::Frame { width: 4, height: 4, buffer: vec![index; 16].into(), ..gif::Frame::default() };
        encoder.write_frame(&frame).expect("is written");
    }
    drop(encoder);
    bytes
}

fn animated_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(3, 0).expect("is not too many");
    let mut writer = encoder.write_header().expect("is written");
    for color in FRAMES {
        writer.write_image_data(&color.repeat(16)).expect("is written");
    }
    writer.finish().expect("is written");
    bytes
}

fn animated_webp() -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let padding = vec![0; data.len() % 2];
        [name, &(data.len() as u32).to_le_bytes()[..], data, &padding].concat()
    };
    let frames = FRAMES.map(|color| {
        let still = Rgb::filled(Size::new(4, 4), color);
        let picture = Encodable { color: &still, alpha: None, profile: None, metadata: &Metadata::default() };
        let picture = encode(&picture, &WriteOptions::new(Format::WebP)).expect("is written");
        let place = [0u32, 0, 3, 3, 100].map(|value| value.to_le_bytes()[..3].to_vec()).concat();
        chunk(b"ANMF", &[&place[..], &[0], &picture[12..]].concat())
    });
    let header = chunk(b"VP8X", &[2, 0, 0, 0, 3, 0, 0, 3, 0, 0]);
    let chunks = [header, chunk(b"ANIM", &[0; 6]), frames.concat()].concat();
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &chunks].concat()
}

#[test]
fn animations_give_their_first_frame_or_the_one_asked_for() {
    let files = [("GIF", animated_gif()), ("PNG", animated_png()), ("WebP", animated_webp())];
    for (name, bytes) in files {
        assert_eq!(read(&bytes).warnings, [Warning::FirstFrameOf(3)], "{name}");
        for (index, color) in FRAMES.into_iter().enumerate() {
            let picture = frame(&bytes, index as u32);
            assert_eq!(middle(&picture), color, "{name}, frame {index}");
            assert_eq!(picture.warnings.is_empty(), index > 0, "{name}, frame {index}");
        }
        let beyond = ReadOptions { frame: 3, ..ReadOptions::default() };
        assert_eq!(decode(&bytes, &beyond).unwrap_err().kind(), Kind::OptionInvalid, "{name}");
    }
}

#[test]
fn tiff_of_inks_few_bits_planes_and_multiplied_alpha() {
    use tiff::{
        encoder::{TiffEncoder, colortype},
        tags::Tag,
    };
    fn written<C: colortype::ColorType>(data: &[C::Inner], tags: &[(Tag, u16)]) -> Vec<u8>
    where
        [C::Inner]: tiff::encoder::TiffValue,
    {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).expect("starts");
        let mut image = encoder.new_image::<C>(2, 2).expect("has a size");
        for (tag, value) in tags {
            image.encoder().write_tag(*tag, *value).expect("is written");
        }
        image.write_data(data).expect("is written");
        file.into_inner()
    }
    let cyan = read(&written::<colortype::CMYK8>(&[255, 0, 0, 0].repeat(4), &[]));
    assert_eq!((middle(&cyan), &cyan.warnings[..]), ([0, 255, 255], &[Warning::ColorsApproximated][..]));
    let deep = read(&written::<colortype::CMYK16>(&[0, 65535, 0, 0].repeat(4), &[]));
    assert_eq!(middle(&deep), [255, 0, 255]);
    let float = written::<colortype::RGB32Float>(&[0.5; 12], &[]);
    assert_eq!(decode(&float, &ReadOptions::default()).unwrap_err().kind(), Kind::FormatUnsupported);
    // Half-transparent white, stored multiplied: 128 of 255.
    let multiplied = read(&written::<colortype::RGBA8>(&[128; 16], &[(Tag::ExtraSamples, 1)]));
    assert_eq!(middle(&multiplied), [255; 3]);
    assert_eq!(multiplied.alpha.expect("has alpha").to_u8(), [128; 4]);
}

#[test]
fn the_limits_hold_for_pixels_and_bytes() {
    let picture = Rgb::filled(Size::new(100, 100), [1, 2, 3]);
    let encodable = Encodable { color: &picture, alpha: None, profile: None, metadata: &Metadata::default() };
    let bytes = encode(&encodable, &WriteOptions::new(Format::Png)).unwrap();
    let mut options = ReadOptions::default();
    options.limits.pixels = 9_999;
    assert_eq!(decode(&bytes, &options).unwrap_err().kind(), Kind::PictureTooLarge);
    options.limits.pixels = 10_000;
    assert!(decode(&bytes, &options).is_ok());
    options.limits.file_bytes = bytes.len() as u64 - 1;
    assert_eq!(decode(&bytes, &options).unwrap_err().kind(), Kind::PictureTooLarge);
}
