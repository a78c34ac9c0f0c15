//! Times reading and writing 12 megapixels: `cargo run --release --example time_files -- photo.jpg`.
//!
//! The photo is laid out in tiles with a little noise, so that no tile is a copy of another. `RAYON_NUM_THREADS=1` times one core.

use backgroundfx_core::{
    Result,
    files::{Compression, Encodable, Format, Metadata, ReadOptions, WriteOptions, decode, encode, read},
    pixels::{Alpha, Rgb, Samples, Size},
};
use std::time::Instant;

const SIZE: Size = Size::new(4000, 3000);

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a photo")?;
    let color = tiled(&read(path.as_ref(), &ReadOptions::default())?.color);
    let alpha = subject();
    let metadata = Metadata::default();
    let opaque = Encodable { color: &color, alpha: None, profile: None, metadata: &metadata };
    let cutout = Encodable { alpha: Some(&alpha), ..opaque };
    let time = |what: &str, work: &dyn Fn() -> Result<usize>| -> Result<()> {
        let mut best = f64::MAX;
        let mut bytes = 0;
        for _ in 0..3 {
            let started = Instant::now();
            bytes = work()?;
            best = best.min(started.elapsed().as_secs_f64() * 1e3);
        }
        println!("{what:<28} {best:>7.0} ms {:>7.2} MB", bytes as f64 / 1e6);
        Ok(())
    };
    for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff] {
        let file = encode(&opaque, &WriteOptions::new(format))?;
        time(&format!("decode {format}"), &|| decode(&file, &ReadOptions::default()).map(|_| file.len()))?;
        time(&format!("encode {format}"), &|| encode(&opaque, &WriteOptions::new(format)).map(|file| file.len()))?;
    }
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        for compression in [Compression::Fast, Compression::Balanced] {
            let options = WriteOptions { compression, ..WriteOptions::new(format) };
            let name = format!("encode cut-out {format} {compression:?}");
            time(&name, &|| encode(&cutout, &options).map(|file| file.len()))?;
        }
    }
    Ok(())
}

fn tiled(photo: &Rgb) -> Rgb {
    let (width, height) = (photo.size().width as usize, photo.size().height as usize);
    let mut state = 1u32;
    let mut noisy = |value: f32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The sum of two even noises of ±1, about what a camera leaves in good light.
        let noise = (state >> 30) as f32 + (state >> 28 & 3) as f32 - 3.0;
        (value * 255.0 + noise / 2.0).round() as u8
    };
    let mut samples = Vec::with_capacity(SIZE.area() * 3);
    for index in 0..SIZE.area() {
        let (x, y) = (index % SIZE.width as usize, index / SIZE.width as usize);
        samples.extend(photo.unit(y % height * width + x % width).map(&mut noisy));
    }
    Rgb::new(SIZE, Samples::Eight(samples))
}

/// An ellipse over 40 % of the picture with an edge 20 pixels wide: about what a portrait covers.
fn subject() -> Alpha {
    let value = |index: usize| {
        let (x, y) = ((index % 4000) as f32 - 2000.0, (index / 4000) as f32 - 1500.0);
        let radius = f32::hypot(x / 1500.0, y / 1020.0);
        ((1.0 - radius) * 60.0 + 0.5).clamp(0.0, 1.0)
    };
    Alpha::new(SIZE, (0..SIZE.area()).map(value).collect())
}
