//! Times reading and writing 12 megapixels: `cargo run --release --example time_files -- photo.jpg`.
//!
//! The photo is laid out in tiles, so that its noise is a camera's. `RAYON_NUM_THREADS=1` times one core.

use backgroundfx_core::{
    files::{Compression, Encodable, Format, Metadata, ReadOptions, WriteOptions, decode, encode, read},
    pixels::{Alpha, Rgb, Samples, Size},
};
use std::time::Instant;

const SIZE: Size = Size::new(4000, 3000);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a photo")?;
    let color = tiled(&read(path.as_ref(), &ReadOptions::default())?.color);
    let alpha = subject();
    let metadata = Metadata::default();
    let opaque = Encodable { color: &color, alpha: None, profile: None, metadata: &metadata };
    let cutout = Encodable { alpha: Some(&alpha), ..opaque };
    let time = |what: &str, work: &dyn Fn() -> backgroundfx_core::Result<usize>| {
        let mut best = f64::MAX;
        let mut bytes = 0;
        for _ in 0..3 {
            let started = Instant::now();
            bytes = work()?;
            best = best.min(started.elapsed().as_secs_f64() * 1e3);
        }
        println!("{what:<28} {best:>7.0} ms {:>7.2} MB", bytes as f64 / 1e6);
        backgroundfx_core::Result::Ok(())
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
    let pixel = |x: usize, y: usize| photo.unit(y % height * width + x % width).map(|value| (value * 255.0) as u8);
    let samples = (0..SIZE.area()).flat_map(|index| pixel(index % 4000, index / 4000)).collect();
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
