//! THE path: one straight function from a picture to its cut-out, called for pictures, frames and jobs alike.

use std::time::{Duration, Instant};

use crate::{
    Result, backgrounds,
    files::{Metadata, Picture, Profile},
    models::{ModelUsed, Segmenter},
    options::{Compat, ExistingAlpha, Options},
    pixels::{Alpha, Rect, Rgb, Size},
    progress::{self, Progress},
    steps::{composite, foreground, layout, refine_edges, shadow},
};

/// A cut-out picture with everything known about how it came to be.
#[derive(Debug)]
pub struct Cutout {
    /// Straight colour: the subject's own where it is partly transparent, the composite when a background was asked for.
    pub color: Rgb,
    /// The matte, laid out like `color`: what of it is subject.
    pub matte: Alpha,
    /// Whether `color` is a finished composite that covers everything (the matte is then for information only).
    pub opaque: bool,
    /// Colour space of `color`; `None` is sRGB.
    pub profile: Option<Profile>,
    /// Metadata of the picture, unfiltered.
    pub metadata: Metadata,
    /// How it was made.
    pub report: Report,
}

/// How a cut-out was made and what was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which model, file and licence made it, and where it ran.
    pub model: ModelUsed,
    /// Size of the picture that was read.
    pub picture: Size,
    /// Whether a subject was found; `false` is a matte that is empty everywhere.
    pub subject_found: bool,
    /// The box of everything at least 8/255 opaque, on the picture that was read; `None` without a subject.
    pub subject: Option<Rect>,
    /// Share of the picture that is subject, 0 to 1.
    pub coverage: f32,
    /// How decided the network was over what it took for subject, 0 (torn) to 1 (sure).
    pub confidence: f32,
    /// Time spent in each step, in order.
    pub timings: Vec<(&'static str, Duration)>,
}

/// Cuts the subject out of a picture: preprocess, segment, refine edges, matting, foreground
/// colours, composite, postprocess.
///
/// The result has the picture's full resolution, or the size that `options.layout` asks for.
///
/// # Errors
/// What validation, the segmenter and the background report; [`crate::Kind::Cancelled`] when
/// `progress` answers to stop.
pub fn remove_background(
    picture: Picture,
    segmenter: &mut dyn Segmenter,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Cutout> {
    options.validate()?;
    let mut clock = Clock::start();
    let background = options.background.as_deref().map(backgrounds::parse).transpose()?.flatten();

    // Preprocess: compositing mixes the picture with sRGB colours, so it must be sRGB itself.
    progress::begin(progress, "preprocess")?;
    let mut picture = picture;
    if background.is_some() || options.shadow.is_some() {
        picture.convert_to_srgb()?;
    }
    clock.note("preprocess");

    progress::begin(progress, "segment")?;
    let size = picture.color.size();
    let segmented = segmenter.segment(&picture, options.compat)?;
    let mut matte = segmented.alpha;
    clock.note("segment");

    let ours = options.compat == Compat::None;
    progress::begin(progress, "refine edges")?;
    if ours && options.edges.refine {
        refine_edges::refine(&picture.color, &mut matte);
    }
    refine_edges::adjust(&mut matte, &options.edges);
    if let (Some(existing), ExistingAlpha::Keep) = (&picture.alpha, options.existing_alpha) {
        refine_edges::multiply(&mut matte, existing);
    }
    clock.note("refine_edges");

    let found = Found::in_matte(&matte);
    let original = background.as_ref().filter(|background| background.sees_picture()).map(|_| picture.color.clone());
    progress::begin(progress, "foreground colours")?;
    let mut color = segmented.foreground.unwrap_or(picture.color);
    if ours && options.foreground.strength > 0.0 {
        foreground::estimate(&mut color, &matte, options.foreground.strength);
    }
    clock.note("foreground");

    progress::begin(progress, "composite")?;
    let placement = layout::place(size, found.subject, &options.layout);
    let cast = options.shadow.as_ref().map(|shadow| shadow::cast(&matte, &placement, shadow)).transpose()?;
    let painted = match &background {
        Some(background) => Some(background.paint(&backgrounds::Scene {
            canvas: placement.canvas,
            picture: original.as_ref().unwrap_or(&color),
            alpha: &matte,
        })?),
        None => None,
    };
    drop(original);
    let (color, matte) = layout::apply(color, matte, &placement);
    let composed = composite::over(color, matte, painted, cast);
    clock.note("composite");

    Ok(Cutout {
        color: composed.color,
        matte: composed.matte,
        opaque: composed.opaque,
        profile: picture.profile,
        metadata: picture.metadata,
        report: Report {
            model: segmenter.used().clone(),
            picture: size,
            subject_found: found.subject.is_some(),
            subject: found.subject,
            coverage: found.coverage,
            confidence: found.confidence,
            timings: clock.laps,
        },
    })
}
