//! THE path: one straight function from a picture to its cut-out, called for pictures, frames and jobs alike.

mod found;
mod small;

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::{
    Error, Kind, Result,
    backgrounds::{self, Background},
    files::{Encodable, Metadata, Picture, Profile},
    models::{ClassShare, ModelUsed, Segmented, Segmenter},
    options::{Compat, ExistingAlpha, Options, Subject},
    pixels::{Alpha, Rect, Rgb, Size},
    progress::{self, Progress},
    steps::{
        adjust_edges,
        composite::{self, Ground},
        edge_network, foreground, layout,
        matting::Method,
        refine_edges, shadow,
        spill::{self, Spill},
        subject,
        trimap::Trimap,
    },
};

pub use found::Doubt;
use found::Found;

/// A cut-out picture with everything known about how it came to be.
#[derive(Debug)]
pub struct Cutout {
    /// Straight colour: the subject's own where it is partly transparent, the composite when a background was asked for.
    pub color: Rgb,
    /// The matte, laid out like `color`: what of it is subject.
    pub matte: Alpha,
    /// Whether `color` is a finished composite that covers everything (the matte is then for information only).
    pub opaque: bool,
    /// The box of the subject in `color`, without its shadow; `None` when none was found.
    pub subject: Option<Rect>,
    /// Colour space of `color`; `None` is sRGB.
    pub profile: Option<Profile>,
    /// Metadata of the picture, unfiltered.
    pub metadata: Metadata,
    /// How it was made.
    pub report: Report,
}

impl Cutout {
    /// The cut-out as it is written: with its transparency, or opaque where a background covers everything.
    #[must_use]
    pub fn encodable(&self) -> Encodable<'_> {
        Encodable {
            color: &self.color,
            alpha: (!self.opaque).then_some(&self.matte),
            profile: self.profile.as_ref(),
            metadata: &self.metadata,
        }
    }
}

/// How a cut-out was made and what was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which model, file and licence made it, and where it ran.
    pub model: ModelUsed,
    /// Size of the picture that was read.
    pub picture: Size,
    /// The box of everything at least 8/255 opaque, on the picture that was read; `None` when no
    /// subject was found, that is when the matte is nowhere half opaque.
    pub subject: Option<Rect>,
    /// Share of the picture that is subject, 0 to 1.
    pub coverage: f32,
    /// How decided the network was over what it took for subject, 0 (torn) to 1 (sure).
    pub confidence: f32,
    /// What speaks against the matte, worst first; a matte may be right all the same.
    pub doubts: Vec<Doubt>,
    /// The classes in the picture, the largest first, from networks that tell them apart.
    pub classes: Vec<ClassShare>,
    /// Share of the picture that matting had to find out, 0 to 1; `None` without matting.
    pub unknown: Option<f32>,
    /// Which model, file and licence found alpha in the band; `None` for matting without a network.
    pub matting_model: Option<ModelUsed>,
    /// Time spent in each step, in order.
    pub timings: Vec<(&'static str, Duration)>,
}

/// Options that were checked once, with their background read once, for any number of pictures.
pub struct Recipe {
    options: Options,
    background: Option<Box<dyn Background>>,
    matting: OnceLock<Box<dyn Method>>,
    trimap: Option<Trimap>,
}

impl Recipe {
    /// Checks the options and reads the background they name.
    ///
    /// # Errors
    /// What [`Options::validate`] and [`backgrounds::parse`] report.
    pub fn new(options: Options) -> Result<Self> {
        options.validate()?;
        let background = options.background.as_deref().map(backgrounds::parse).transpose()?.flatten();
        let matting = options.matting.method().map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { options, background, matting, trimap: None })
    }

    /// Puts this behind the subject, instead of what the options name.
    #[must_use]
    pub fn with_background(mut self, background: Box<dyn Background>) -> Self {
        self.background = Some(background);
        self
    }

    /// Uses these regions for matting, instead of those that follow from the network's matte. They are brought to
    /// each picture's size.
    #[must_use]
    pub fn with_trimap(mut self, trimap: Trimap) -> Self {
        self.trimap = Some(trimap);
        self
    }

    /// Name of the variant whose network the matting needs and does not have yet.
    #[must_use]
    pub fn lacks(&self) -> Option<&str> {
        self.options.matting_network().filter(|_| self.matting.get().is_none())
    }

    /// Gives the matting its network ([`Catalog::matting`](crate::models::Catalog::matting)). The first one stays.
    pub fn supply(&self, matting: Box<dyn Method>) {
        self.matting.get_or_init(|| matting);
    }

    /// The way of matting, if any is asked for.
    fn method(&self) -> Result<Option<&dyn Method>> {
        if let Some(name) = self.lacks() {
            let message = format!("the recipe was not supplied with the network {name} for its matting");
            return Err(Error::new(Kind::OptionInvalid, message));
        }
        Ok(self.matting.get().filter(|_| self.options.compat == Compat::None).map(Box::as_ref))
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether what lies behind the subject stays transparent.
    #[must_use]
    pub fn is_transparent(&self) -> bool {
        self.background.is_none()
    }
}

/// Cuts the subject out of a picture: preprocess, segment, refine edges, matting, foreground colours, composite.
///
/// The result has the picture's full resolution, or the size that the options' layout asks for.
///
/// # Errors
/// What the segmenter, the matting and the background report; [`Kind::Cancelled`] when `progress` answers to stop;
/// [`Kind::OptionInvalid`] when the recipe [lacks](Recipe::lacks) a network.
pub fn remove_background(
    mut picture: Picture,
    segmenter: &mut dyn Segmenter,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Cutout> {
    let (options, background) = (recipe.options(), recipe.background.as_deref());
    let ours = options.compat == Compat::None;
    let read_as = picture.color.size();
    // A picture is not the next one of a clip.
    segmenter.reset();
    let mut clock = Clock::start();

    progress::begin(progress, "preprocess")?;
    // What is painted behind is sRGB, and only like mixes with like.
    if background.is_some() || options.shadow.is_some() {
        picture.convert_to_srgb()?;
    }
    small::shrink(&mut picture, recipe)?;
    let size = picture.color.size();
    clock.lap("preprocess");

    let Matted { matte, foreground: given, classes, unknown } =
        matte_of(&picture, segmenter, recipe, progress, &mut clock)?;
    let found = Found::in_matte(&matte);

    progress::begin(progress, "foreground colours")?;
    let original = background.is_some_and(Background::sees_picture).then(|| picture.color.clone());
    let mut color = picture.color;
    if ours && options.foreground.strength > 0.0 {
        match given {
            Some(given) => color = given,
            None => foreground::estimate(&mut color, &matte, options.foreground.strength),
        }
        let light = segmenter.screen().and_then(|screen| Spill::of_screen(screen, options.foreground.strength));
        if let Some(light) = light {
            spill::limit_picture(&mut color, &matte, light);
        }
    }
    clock.lap("foreground");

    progress::begin(progress, "composite")?;
    let placement = layout::place(size, found.subject, &options.layout);
    let scene = |picture| backgrounds::Scene { canvas: placement.canvas, picture, alpha: &matte, scale: 1.0 };
    let behind = background.map(|b| b.paint(&scene(original.as_ref().unwrap_or(&color)))).transpose()?;
    drop(original);
    let (color, matte) = layout::apply(color, matte, &placement)?;
    let subject = found.subject.and_then(|_| found::subject_box(&matte));
    let cast = options.shadow.as_ref().map(|options| shadow::cast(&matte, options)).transpose()?;
    let ground = behind.as_ref().zip(background).map(|(color, b)| Ground { color, opacity: b.opacity() });
    let (color, matte) = composite::over(color, matte, ground, cast.as_ref());
    clock.lap("composite");

    let report = Report {
        model: segmenter.used().clone(),
        picture: read_as,
        subject: found.subject.map(|subject| small::enlarged(subject, size, read_as)),
        coverage: found.coverage,
        confidence: found.confidence,
        doubts: found.doubts,
        classes,
        unknown,
        matting_model: recipe.method()?.and_then(Method::used).cloned(),
        timings: clock.laps,
    };
    let opaque = ground.is_some_and(|ground| ground.opacity >= 1.0);
    Ok(Cutout { color, matte, opaque, subject, profile: picture.profile, metadata: picture.metadata, report })
}

/// Finds the subject's matte and nothing more, for a frame of a clip: segment, choose the subject, refine edges, matting.
///
/// # Errors
/// As [`remove_background`].
pub fn find_matte(picture: &Picture, segmenter: &mut dyn Segmenter, recipe: &Recipe) -> Result<Alpha> {
    Ok(matte_of(picture, segmenter, recipe, &progress::Silent, &mut Clock::start())?.matte)
}

/// What is known of a picture once its matte is final.
struct Matted {
    matte: Alpha,
    foreground: Option<Rgb>,
    classes: Vec<ClassShare>,
    unknown: Option<f32>,
}

fn matte_of(
    picture: &Picture,
    segmenter: &mut dyn Segmenter,
    recipe: &Recipe,
    progress: &dyn Progress,
    clock: &mut Clock,
) -> Result<Matted> {
    let (options, method) = (recipe.options(), recipe.method()?);
    progress::begin(progress, "segment")?;
    let Segmented { alpha: mut matte, foreground, classes, trimap: marked } = segmenter.segment(picture, options)?;
    subject::select(&mut matte, &unanswered(segmenter, &options.subject))?;
    clock.lap("segment");

    progress::begin(progress, "refine edges")?;
    let marked = Marks { instead: marked, beside: recipe.trimap.as_ref() };
    let soft = method.and_then(|_| marked.softness(segmenter, &matte));
    let rough = marked.instead.is_none() && !segmenter.follows_edges();
    if options.compat == Compat::None && options.edges.refine && rough {
        edge_network::correct(&picture.color, &mut matte);
        refine_edges::refine(&picture.color, &mut matte);
    }
    clock.lap("refine_edges");

    progress::begin(progress, "matting")?;
    let unknown = method.map(|method| find_out(method, picture, &mut matte, marked, soft)).transpose()?;
    adjust_edges::adjust(&mut matte, &options.edges);
    if let (Some(existing), ExistingAlpha::Keep) = (&picture.alpha, options.existing_alpha) {
        adjust_edges::multiply(&mut matte, existing);
    }
    clock.lap("matting");
    Ok(Matted { matte, foreground, classes, unknown })
}

/// What of the choice of subject the network has not heeded yet.
fn unanswered(segmenter: &dyn Segmenter, asked: &Subject) -> Subject {
    if segmenter.answers_prompts() {
        Subject { keep_largest: asked.keep_largest, ..Subject::default() }
    } else {
        asked.clone()
    }
}

/// Regions marked by hand, if any: instead of a network's matte, or beside it.
struct Marks<'a> {
    instead: Option<Trimap>,
    beside: Option<&'a Trimap>,
}

impl Marks<'_> {
    /// Where a network's matte is soft; `None` where marks tell what is to be found out, or the matte is a mask.
    fn softness(&self, segmenter: &dyn Segmenter, matte: &Alpha) -> Option<refine_edges::Softness> {
        let told = self.instead.is_none() && self.beside.is_none() && segmenter.shows_softness();
        told.then(|| refine_edges::Softness::of(matte))
    }
}

/// Finds alpha again where the marks, or else the matte itself, leave it open, and takes it where the matte is soft, if that
/// is told; the share that was open is the answer.
fn find_out(
    method: &dyn Method,
    picture: &Picture,
    matte: &mut Alpha,
    marks: Marks<'_>,
    soft: Option<refine_edges::Softness>,
) -> Result<f32> {
    // Marks alone leave a matte that says nothing more.
    let prior = marks.instead.is_none().then_some(&*matte);
    let beside = || marks.beside.map(|trimap| trimap.resized(matte.size()));
    let trimap = marks.instead.or_else(beside).unwrap_or_else(|| Trimap::around(matte));
    let found = method.alpha(&picture.color, picture.profile.as_ref(), &trimap, prior)?;
    match soft {
        Some(soft) => soft.take_over(matte, &found),
        None => *matte = found,
    }
    Ok(trimap.unknown_share())
}

/// Notes how long each step took.
struct Clock {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Clock {
    fn start() -> Self {
        Self { last: Instant::now(), laps: Vec::with_capacity(6) }
    }

    fn lap(&mut self, step: &'static str) {
        let now = Instant::now();
        self.laps.push((step, now - self.last));
        self.last = now;
    }
}
