//! One picture as bytes in and bytes out: what requests and jobs both do on an inference thread.

mod pair;

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use backgroundfx_core::{
    self as core,
    backgrounds::Background,
    engine::Device,
    files::{self, Format, ReadOptions, WriteOptions},
    limits::Limits,
    models::{Given, Segmenter},
    options::{Length, Options, Region},
    pipeline::{self, Cutout, Recipe, Report},
    pixels::{Rect, Size},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Result, inference::Hand};

/// A picture and what is to become of it.
#[derive(Clone)]
pub struct Order {
    /// The picture as a file.
    pub picture: Bytes,
    /// A picture as a file that goes behind the subject.
    pub background: Option<Bytes>,
    /// A matte of the client's own as a file, in place of a network.
    pub mask: Option<Bytes>,
    /// How it is cut out. Names no file of this machine.
    pub options: Options,
    /// What is written of it.
    pub output: Output,
    /// What the picture may ask of this machine.
    pub limits: Limits,
    /// The part that may hold the subject, as two corners; stands for the options' box.
    pub region: Option<Corners>,
    /// The model that tells what the subject is, if that is asked.
    pub classifier: Option<String>,
}

/// Two opposite corners of a part of a picture, which may mix pixels and percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corners {
    /// One corner: from the left, from the top.
    pub from: [Length; 2],
    /// The other.
    pub to: [Length; 2],
}

impl Corners {
    /// The box between them in a picture of `size`.
    ///
    /// # Errors
    /// [`core::Kind::SelectionMissed`] when it is empty or reaches over the picture's edge.
    fn region(&self, size: Size) -> Result<Region> {
        let sides = [size.width as f32, size.height as f32];
        let span = |axis: usize| {
            let ends = [self.from[axis], self.to[axis]].map(|length| length.pixels(sides[axis]).round());
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            (low < high && high <= sides[axis]).then_some((Length::Pixels(low), Length::Pixels(high - low)))
        };
        let outside = || {
            core::Error::new(
                core::Kind::SelectionMissed,
                format!("the part is empty or reaches over the picture of {size}"),
            )
        };
        let ((left, width), (top, height)) = span(0).zip(span(1)).ok_or_else(outside)?;
        Ok(Region { corner: [left, top], sides: [width, height] })
    }
}

/// What is written of a cut-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The cut-out in a format.
    Picture(WriteOptions),
    /// The cut-out, as PNG where any of it is transparent, else as JPEG.
    Fitting(WriteOptions),
    /// The matte as a grey picture.
    Matte(WriteOptions),
    /// A ZIP of `color.jpg`, the opaque foreground colours, and `alpha.png`, the matte.
    Pair(WriteOptions),
}

/// What is written, as requests say it and jobs keep it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `auto`, or the ending of a format that is written.
    pub format: Option<String>,
    /// 1 to 100.
    pub quality: Option<u8>,
    /// `cutout`, `matte` or `pair`.
    pub output: Option<String>,
}

impl Wanted {
    /// What that means.
    ///
    /// # Errors
    /// [`Kind::RequestInvalid`] naming the field.
    pub fn output(&self) -> Result<Output> {
        let wrong = |field: &str, value: &str, allowed: &str| {
            Error::new(Kind::RequestInvalid, format!("{field} is {value:?}, allowed is {allowed}"))
        };
        let written = || Format::all().filter(|format| format.is_written());
        let named = match self.format.as_deref() {
            None | Some("auto") => None,
            Some(name) => {
                let format = written().find(|format| Format::from_extension(name) == Some(*format));
                let all: Vec<_> = written().map(Format::extension).collect();
                Some(format.ok_or_else(|| wrong("format", name, &format!("auto, {}", all.join(", "))))?)
            }
        };
        let mut options = WriteOptions::new(named.unwrap_or(Format::Png));
        options.quality = self.quality.unwrap_or(options.quality);
        if !WriteOptions::QUALITY.contains(&options.quality) {
            return Err(wrong("quality", &options.quality.to_string(), "1 to 100"));
        }
        match self.output.as_deref() {
            None | Some("cutout") if named.is_none() => Ok(Output::Fitting(options)),
            None | Some("cutout") => Ok(Output::Picture(options)),
            Some("matte") => Ok(Output::Matte(options)),
            Some("pair") => Ok(Output::Pair(options)),
            Some(other) => Err(wrong("output", other, "cutout, matte, pair")),
        }
    }
}

/// A cut-out as a file.
#[derive(Debug)]
pub struct Made {
    /// The file.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
    /// Its extension, without a dot.
    pub extension: &'static str,
    /// Its size in pixels.
    pub size: Size,
    /// The subject's box in it; `None` when no subject was found.
    pub subject: Option<Rect>,
    /// What the subject is, where that was asked: the class that covers most of the picture.
    pub class: Option<String>,
    /// How it was made.
    pub report: Report,
    /// Time spent in each stage, in order: those of the report, with decoding before and encoding after.
    pub timings: Vec<(&'static str, Duration)>,
}

/// Decodes a picture, cuts it out and encodes what was asked for.
///
/// # Errors
/// What decoding, cutting out and encoding report; [`core::Kind::Cancelled`] once it is `stopped`.
pub fn cut_out(order: &Order, hand: &mut Hand, stopped: &(dyn Fn() -> bool + Sync)) -> Result<Made> {
    let started = Instant::now();
    let read = ReadOptions { limits: order.limits, frame: 0 };
    let picture = files::decode(&order.picture, &read)?;
    let mut options = order.options.clone();
    if let Some(corners) = order.region {
        options.subject.region = Some(corners.region(picture.color.size())?);
    }
    let mut recipe = Recipe::new(options)?;
    if let Some(bytes) = &order.background {
        recipe = recipe.with_background(background(bytes, &read)?);
    }
    if let Some(name) = recipe.lacks() {
        recipe.supply(hand.catalog.matting(&hand.engine, name, order.options.device, &core::progress::Silent)?);
    }
    let decoding = started.elapsed();
    let go_on = |_: core::progress::Step<'_>| match stopped() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let class = order.classifier.as_deref().map(|model| class_of(&picture, model, hand)).transpose()?.flatten();
    let mut given = order.mask.as_deref().map(|bytes| mask(bytes, &read)).transpose()?;
    let segmenter: &mut dyn Segmenter = match &mut given {
        Some(given) => given,
        None => hand.segmenter(&order.options.model, order.options.device)?,
    };
    let cutout = pipeline::remove_background(picture, segmenter, &recipe, &go_on)?;
    let started = Instant::now();
    let (bytes, media_type, extension) = encode(&cutout, order.output)?;
    let mut timings = vec![("decode", decoding)];
    timings.extend(cutout.report.timings.iter().copied());
    timings.push(("encode", started.elapsed()));
    for (stage, took) in &timings {
        metrics::histogram!("backgroundfx_stage_seconds", "stage" => *stage).record(took.as_secs_f64());
    }
    let (size, subject) = (cutout.matte.size(), cutout.subject);
    Ok(Made { bytes: bytes.into(), media_type, extension, size, subject, class, report: cutout.report, timings })
}

/// The class that covers most of a picture, by a model that tells classes apart.
fn class_of(picture: &files::Picture, model: &str, hand: &mut Hand) -> Result<Option<String>> {
    let segmenter = hand.segmenter(model, Device::Auto)?;
    segmenter.reset();
    let found = segmenter.segment(picture, &Options { model: model.to_owned(), ..Options::default() })?;
    Ok(found.classes.into_iter().next().map(|class| class.name))
}

fn mask(bytes: &[u8], read: &ReadOptions) -> Result<Given> {
    let matte = files::decode_matte(bytes, read)
        .map_err(|error| core::Error::new(error.kind(), format!("the mask cannot be used: {error}")).because(error))?;
    Ok(Given::mask(matte, "the request's mask".to_owned()))
}

fn background(bytes: &[u8], read: &ReadOptions) -> Result<Box<dyn Background>> {
    let unusable = |error: core::Error| {
        core::Error::new(core::Kind::BackgroundInvalid, format!("the background cannot be used: {error}"))
            .because(error)
    };
    let picture = files::decode(bytes, read).map_err(unusable)?;
    Ok(core::backgrounds::image::of(picture).map_err(unusable)?)
}

fn encode(cutout: &Cutout, output: Output) -> Result<(Vec<u8>, &'static str, &'static str)> {
    let named = |bytes: Vec<u8>, format: Format| (bytes, media_type(format), format.extension());
    Ok(match output {
        Output::Picture(options) => named(files::encode(&cutout.encodable(), &options)?, options.format),
        Output::Fitting(options) => {
            let transparent = !cutout.opaque && cutout.matte.values().iter().any(|alpha| *alpha < 0.998);
            let format = if transparent { Format::Png } else { Format::Jpeg };
            let picture = files::Encodable { alpha: transparent.then_some(&cutout.matte), ..cutout.encodable() };
            named(files::encode(&picture, &WriteOptions { format, ..options })?, format)
        }
        Output::Matte(options) => named(files::encode_gray(&cutout.matte, &options)?, options.format),
        Output::Pair(options) => (pair::encode(cutout, options)?, "application/zip", "zip"),
    })
}

/// The media type of a picture format.
#[must_use]
pub fn media_type(format: Format) -> &'static str {
    match format {
        Format::Png => "image/png",
        Format::Jpeg => "image/jpeg",
        Format::WebP => "image/webp",
        Format::Tiff => "image/tiff",
        Format::Avif => "image/avif",
        Format::Gif => "image/gif",
        Format::Bmp => "image/bmp",
        _ => "application/octet-stream",
    }
}
