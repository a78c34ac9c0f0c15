//! How a clip is read: which filters, which size, which colours.

use serde::{Deserialize, Serialize};

use super::{
    VideoOptions,
    ffmpeg::Ffmpeg,
    formats::Coloring,
    frame::Matrix,
    probe::{Clip, ColorTags},
    reader::Reading,
    time::Ratio,
};
use crate::{Error, Kind, Result, pixels::Size};

/// Seconds before the place where work goes on that are decoded again.
pub(super) const LEAD: f64 = 2.0;

/// Size of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// So many rows; proportions are kept.
    Height(u32),
    /// This size, whatever the proportions.
    Size(u32, u32),
}

/// Everything about how the frames come.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// Second of the clip where the output begins.
    pub start: f64,
    /// Size of the frames.
    pub size: Size,
    /// Frames a second.
    pub rate: Ratio,
    /// From luma and chroma to red, green, blue.
    pub matrix: Matrix,
    /// What is changed of the clip, in words.
    pub notes: Vec<String>,
    filters: Vec<String>,
    scaled: Size,
    scaling: String,
    high_range: bool,
}

/// How frames are read of which nothing is known but that they come.
///
/// # Errors
/// [`Kind::OptionInvalid`] for what can be done to files only.
pub(super) fn unseen(options: &VideoOptions) -> Result<Reading> {
    if options.start.is_some() || options.resume {
        let message = "standard input is read from its beginning; --start and --resume need a file";
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    let rate = options.rate.map(|rate| format!("fps={rate}"));
    let scale = options.scale.map(|scale| match scale {
        Scale::Height(height) => format!("scale=-2:{height}:flags=bicubic:out_range=tv"),
        Scale::Size(width, height) => format!("scale={width}:{height}:flags=bicubic:out_range=tv"),
    });
    let filters = rate.into_iter().chain(scale).chain(["format=yuv420p".to_owned()]).collect();
    Ok(Reading { from: 0.0, filters, repeated: false, decoder: None })
}

impl Plan {
    /// Decides.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] for times, rates and sizes that make no sense.
    pub fn new(ffmpeg: &Ffmpeg, clip: &Clip, options: &VideoOptions) -> Result<Self> {
        let wrong = |message: String| Err(Error::new(Kind::OptionInvalid, message));
        let start = options.start.unwrap_or(0.0);
        if let Some(end) = options.end.filter(|end| *end <= start) {
            return wrong(format!("the output would begin at second {start} and end at second {end}"));
        }
        if let Some(seconds) = clip.seconds.filter(|seconds| start >= *seconds) {
            return wrong(format!("the clip is {seconds:.2} s long; nothing begins at second {start}"));
        }
        let (mut filters, mut notes) = (Vec::new(), Vec::new());
        if clip.interlaced {
            filters.push("bwdif=mode=send_frame".to_owned());
            notes.push("its fields are joined to whole frames (deinterlaced)".to_owned());
        }
        if let Some(rate) = options.rate {
            filters.push(format!("fps={rate}"));
        }
        let high_range = clip.color.is_high_dynamic_range();
        if high_range {
            filters.extend(tone_map(ffmpeg)?);
            notes.push("its high dynamic range is mapped to the standard one (BT.709)".to_owned());
        } else if clip.pixel_format.contains("10") || clip.pixel_format.contains("12") {
            notes.push(format!("{} is worked on in 8 bits", clip.pixel_format));
        }
        let size = target(clip, options.scale, &mut notes);
        if size.width < 2 || size.height < 2 || size.pixels() > 8192 * 8192 {
            return wrong(format!("a clip cannot be {size} pixels"));
        }
        let matrix = if high_range { Matrix::Bt709 } else { Matrix::of(clip.color.matrix.as_deref(), clip.size) };
        let name = matrix.name().trim_end_matches("nc");
        let scaling = format!("in_color_matrix={name}:out_color_matrix={name}:out_range=tv");
        Ok(Self {
            start,
            size,
            rate: options.rate.unwrap_or(clip.rate),
            matrix,
            notes,
            filters,
            scaled: size,
            scaling,
            high_range,
        })
    }

    /// Leaves out a last column or row that the codec cannot hold.
    pub fn make_even(&mut self) {
        let even = Size::new(self.size.width & !1, self.size.height & !1);
        if even != self.size {
            self.notes.push(format!("{} is cut to {even}: this codec needs even sides", self.size));
            self.size = even;
        }
    }

    /// How frames are read from a second of the clip on.
    pub fn reading(&self, from: f64) -> Reading {
        let (Size { width, height }, size) = (self.scaled, self.size);
        let mut filters = self.filters.clone();
        filters.push(format!("scale={width}:{height}:flags=bicubic:{}", self.scaling));
        // Colours of odd sizes are told at the border of two pixels only once the samples are of this form.
        filters.push("format=yuv420p".to_owned());
        if size != self.scaled {
            filters.push(format!("crop={}:{}:0:0", size.width, size.height));
        }
        Reading { from, filters, repeated: false, decoder: None }
    }

    /// The colours that players are told of.
    pub fn coloring(&self, clip: &Clip) -> Coloring {
        let tags = if self.high_range { ColorTags::default() } else { clip.color.clone() };
        Coloring::new(self.matrix, &tags)
    }

    /// How many frames there will be, about.
    pub fn frames(&self, clip: &Clip) -> Option<u64> {
        let whole = self.start == 0.0 && self.rate == clip.rate;
        let seconds = clip.seconds.map(|seconds| seconds - self.start);
        clip.frames.filter(|_| whole).or_else(|| Some((seconds? * self.rate.value()).round() as u64))
    }
}

/// The size that is asked for, pixels made square.
fn target(clip: &Clip, scale: Option<Scale>, notes: &mut Vec<String>) -> Size {
    let mut size = clip.size;
    if let Some(shape) = clip.pixel_shape {
        size.width = ((f64::from(size.width) * shape.value()).round() as u32).max(1);
        notes.push(format!("its pixels, {shape} as wide as high, are made square"));
    }
    match scale {
        None => size,
        Some(Scale::Size(width, height)) => Size::new(width, height),
        Some(Scale::Height(height)) => {
            let width = f64::from(size.width) * f64::from(height) / f64::from(size.height);
            Size::new(((width / 2.0).round() as u32 * 2).max(2), height)
        }
    }
}

/// Filters that bring PQ and HLG to BT.709, after Hable's curve.
fn tone_map(ffmpeg: &Ffmpeg) -> Result<Vec<String>> {
    if !(ffmpeg.has_filter("zscale") && ffmpeg.has_filter("tonemap")) {
        let message =
            "the clip has a high dynamic range, and this ffmpeg lacks the filters zscale and tonemap to map it";
        return Err(Error::new(Kind::FfmpegUnusable, message));
    }
    let steps = [
        "zscale=transfer=linear:npl=100",
        "format=gbrpf32le",
        "zscale=primaries=bt709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=transfer=bt709:matrix=bt709:range=tv",
        "format=yuv420p",
    ];
    Ok(steps.map(str::to_owned).to_vec())
}
