//! Clips: ffmpeg decodes, every frame's subject is found and put over something else, ffmpeg encodes; sound goes from
//! file to file.
//!
//! Frames travel as luma and chroma through named threads joined by bounded queues, so memory does not grow with the
//! clip. What is encoded is closed every few seconds as a segment: work that was interrupted goes on from there.

mod backdrop;
mod child;
mod enlarge;
mod ffmpeg;
mod formats;
mod frame;
mod join;
mod making;
mod matroska;
mod mattes;
mod memory;
mod mix;
mod plan;
mod probe;
mod reader;
mod segments;
mod small;
mod stages;
pub mod steady;
mod time;
mod writer;

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

pub use backdrop::clip_of;
pub use ffmpeg::Ffmpeg;
pub use formats::{Content, FORMATS, Format};
pub use frame::{Frame, Matrix};
pub use mattes::{Mattes, OWN_LOOK};
pub use plan::Scale;
pub use probe::{Clip, ColorTags, Track, probe};
pub use reader::RawFrames;
pub use stages::Busy;
pub use time::{Ratio, parse_seconds};

use crate::{
    Error, Kind, Result,
    files::IfExists,
    models::{InputSize, ModelCard, ModelUsed, Segmenter},
    options::{Length, Options, Preset},
    pipeline::Recipe,
    pixels::Size,
    progress::Progress,
};
use formats::{Encoding, Wish};
use making::{Made, Making};
use plan::Plan;
use reader::{Reader, Source};
use segments::Segments;
use steady::SteadyOptions;

/// Frames in a segment: some ten seconds, the most that an interruption costs.
const SEGMENT: u64 = 250;

/// What is asked of a clip, beside how a picture is cut out ([`Options`], whose layout, shadow and background do not
/// count here).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VideoOptions {
    /// Seconds from the clip's beginning where the output begins and ends.
    pub start: Option<f64>,
    /// See `start`.
    pub end: Option<f64>,
    /// Frames a second of the output; the clip's own times are kept where nothing is said.
    pub rate: Option<Ratio>,
    /// Size of the output.
    pub scale: Option<Scale>,
    /// What stands behind the subject, in the notation of pictures' backgrounds, or a clip; nothing leaves it transparent.
    pub background: Option<String>,
    /// Constant quality in the codec's own numbers.
    pub quality: Option<u8>,
    /// Whether encoders of graphics hardware may be used.
    pub hardware: bool,
    /// Whether sound and subtitles are left out.
    pub silent: bool,
    /// Whether to go on with what an earlier run has finished.
    pub resume: bool,
    /// Whether to use what can be read of a damaged file.
    pub accept_damage: bool,
    /// What the frames on standard input are, where they come without a header.
    pub raw: Option<RawFrames>,
    /// Bytes that frames may take while they are worked on; [`MEMORY`] where nothing is said. ffmpeg's and the
    /// network's come on top.
    pub memory: Option<u64>,
    /// How mattes are made to belong together.
    pub steady: SteadyOptions,
}

/// Bytes that frames may take unless told otherwise.
pub const MEMORY: u64 = 512 << 20;

/// The name that stands for standard input and standard output.
pub const PIPE: &str = "-";

/// One clip and the files that are made of it.
#[derive(Debug)]
pub struct Job<'a> {
    /// The clip; [`PIPE`] is standard input, of which only pictures are taken.
    pub input: &'a Path,
    /// What its file says of itself, where that was asked already ([`probe`]).
    pub clip: Option<Clip>,
    /// What is written, and where; at least one. [`PIPE`] is standard output, which takes one.
    pub outputs: &'a [(Content, PathBuf)],
    /// The format of all of them.
    pub format: &'static Format,
    /// What happens to outputs that are there already.
    pub if_exists: IfExists,
    /// What else is asked.
    pub options: &'a VideoOptions,
    /// Longer side of the small copies that the network sees ([`look_of`]).
    pub look: u32,
}

/// How a clip was made and what was found.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The clip as its file describes it.
    pub clip: Clip,
    /// Size of the output.
    pub size: Size,
    /// Number of frames of the output.
    pub frames: u64,
    /// How many of them an earlier run had finished.
    pub resumed: u64,
    /// How many of the others the network looked at; the rest followed their motion.
    pub looked_at: u64,
    /// Which model, file and licence found the subject, and where it ran.
    pub model: ModelUsed,
    /// How long each stage worked.
    pub busy: Busy,
    /// What could not be kept, or was changed, in words.
    pub notes: Vec<String>,
}

/// The least longer side of the small copy, and the largest for a network of one size.
const SMALL_LOOK: u32 = 512;
const LARGE_LOOK: u32 = 1024;

/// Longer side of the small copy that suits a model: twice what its network sees, within 512 and 1024; for a network
/// of any size the most it takes, and for a model without one, which looks at every pixel, the frame's own.
#[must_use]
pub fn look_of(card: &ModelCard) -> u32 {
    if card.is_key() {
        return u32::MAX;
    }
    if let InputSize::AtMost { longer_side, .. } = card.input.size {
        return longer_side;
    }
    let size = crate::tensor::fixed_size(&card.input);
    (2 * size.width.max(size.height)).clamp(SMALL_LOOK, LARGE_LOOK)
}

/// How mattes of a model are steadied unless told otherwise: a network that takes long looks at few frames, but with the
/// presets that take care at all of them.
#[must_use]
pub fn steady_of(card: &ModelCard, preset: Preset) -> SteadyOptions {
    if card.is_key() || card.remembers() {
        return SteadyOptions::Off;
    }
    let slow = crate::tensor::fixed_size(&card.input).area() > 400 * 400;
    match preset {
        _ if !slow => SteadyOptions::Window,
        Preset::Low => SteadyOptions::Keyframes { spacing: 2 * steady::USUAL_SPACING },
        Preset::Medium => SteadyOptions::Keyframes { spacing: steady::USUAL_SPACING },
        Preset::High | Preset::Ultra => SteadyOptions::Window,
    }
}

/// Models that take the place of the usual one where it cannot be had, the best first.
pub const INSTEAD: &[&str] = &["isnet-general-use-768", "u2netp", "selfie-landscape", "selfie"];

/// Options for the small copies of a clip's frames: lengths in pixels shrink with them, where the clip's size is known.
///
/// Edges are refined as a picture's before mattes are steadied or carried; not those of networks that see little, which know
/// of no such edges, of models that `remember` earlier frames, nor of mattes in a large frame's own size, which takes too long.
///
/// # Errors
/// What [`Options::validate`] reports.
pub fn recipe_for(mut options: Options, clip: Option<Size>, look: u32, remember: bool) -> Result<Recipe> {
    let share = clip.map_or(1.0, |clip| small::small_size(clip, look).diagonal() / clip.diagonal());
    for length in [&mut options.edges.grow, &mut options.edges.feather] {
        if let Length::Pixels(pixels) = length {
            *pixels *= share;
        }
    }
    options.edges.refine &= look > SMALL_LOOK && look <= LARGE_LOOK && !remember;
    Recipe::new(Options { background: None, ..options })
}

/// Cuts the subject out of a clip.
///
/// `recipe` tells how the small copies are cut out ([`recipe_for`]). Reports `progress` once a frame; answered to stop,
/// it ends with [`Kind::Cancelled`] and keeps what is finished for [`VideoOptions::resume`].
///
/// # Errors
/// [`Kind::InputUnreadable`], [`Kind::InputEmpty`], [`Kind::VideoUnreadable`], [`Kind::VideoCorrupt`] for the input;
/// [`Kind::OutputExists`], [`Kind::OutputUnsupported`], [`Kind::OutputUnwritable`], [`Kind::EncoderMissing`],
/// [`Kind::EncodingFailed`] for the output; [`Kind::OptionInvalid`], [`Kind::BackgroundInvalid`],
/// [`Kind::ResumeMismatch`], and what the segmenter reports.
pub fn cut_out(
    ffmpeg: &Ffmpeg,
    job: &Job<'_>,
    segmenter: &mut dyn Segmenter,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Summary> {
    check_outputs(job)?;
    let piped = job.is_piped();
    let mut options = job.options.clone();
    let opened = if job.input == Path::new(PIPE) {
        let reader = Reader::open(ffmpeg, Source::Stdin(options.raw.as_ref()), &plan::unseen(&options)?)?;
        let reader = reader.ok_or_else(|| Error::new(Kind::InputEmpty, "standard input has no frames"))?;
        // Its filters have done that already.
        options = VideoOptions { scale: None, ..options };
        Some(reader)
    } else {
        None
    };
    let clip = opened.as_ref().map_or_else(|| job.described(ffmpeg), |reader| Ok(reader.clip()))?;
    if piped && opened.is_none() {
        // What has no times must come evenly.
        options.rate = options.rate.or(Some(clip.rate));
    }
    let mut plan = Plan::new(ffmpeg, &clip, &options)?;
    let wish = Wish { quality: options.quality, preset: recipe.options().preset, hardware: options.hardware };
    let coloring = plan.coloring(&clip);
    let encodings = job.outputs.iter().map(|(content, _)| job.format.encoding(ffmpeg, *content, wish, &coloring));
    let encodings: Vec<Encoding> = encodings.collect::<Result<_>>()?;
    if encodings.iter().any(|encoding| encoding.even) {
        if opened.is_some() && !(plan.size.width.is_multiple_of(2) && plan.size.height.is_multiple_of(2)) {
            let message = format!("{} has odd sides, which {} cannot hold; add --scale", plan.size, job.format.name);
            return Err(Error::new(Kind::OutputUnsupported, message));
        }
        plan.make_even();
    }
    let segments = if piped {
        None
    } else {
        let sketch = sketch(ffmpeg, job, segmenter.used(), recipe, &plan, &encodings);
        Some(Segments::open(&job.outputs[0].1, &sketch, options.resume)?)
    };
    segmenter.reset();
    if let Some(segments) = segments.as_ref().filter(|segments| segmenter.remembers() && !segments.done.is_empty()) {
        segmenter.recall(memory::read(&segments.memory(segments.done.len()))?)?;
    }
    let mut making = Making { ffmpeg, job, clip: &clip, plan: &plan, encodings: &encodings, segments, frames: 0 };
    let made = making.frames(opened, segmenter, recipe, progress);
    let made = made.and_then(|made| making.check_length(&made).map(|()| made));
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            // Nothing to go on from is nothing to keep.
            if let Some(segments) = making.segments.take_if(|segments| segments.done.is_empty()) {
                segments.remove()?;
            }
            return Err(error);
        }
    };
    let mut notes = plan.notes.clone();
    if made.complaints > 0 {
        notes.push(format!("{} places of the file could not be decoded", made.complaints));
    }
    if let Some(segments) = making.segments.take() {
        notes.extend(making.join(&segments, made.clock)?);
        segments.remove()?;
    }
    let (size, model, frames) = (plan.size, segmenter.used().clone(), making.frames + made.resumed);
    let Made { resumed, looked_at, busy, .. } = made;
    Ok(Summary { clip, size, frames, resumed, looked_at, model, busy, notes })
}

impl Job<'_> {
    /// What the file says of itself.
    fn described(&self, ffmpeg: &Ffmpeg) -> Result<Clip> {
        self.clip.clone().map_or_else(|| probe(ffmpeg, self.input), Ok)
    }

    /// Whether frames go to standard output.
    fn is_piped(&self) -> bool {
        self.outputs.iter().any(|(_, path)| path == Path::new(PIPE))
    }
}

fn check_outputs(job: &Job<'_>) -> Result<()> {
    let wrong = |message: &str| Err(Error::new(Kind::OptionInvalid, message));
    let contents: Vec<Content> = job.outputs.iter().map(|(content, _)| *content).collect();
    if contents.is_empty() {
        return wrong("a clip needs an output");
    }
    let composite = contents.contains(&Content::Composite);
    if composite && contents.iter().any(|content| matches!(content, Content::Cutout | Content::Color)) {
        return wrong("the composite and the subject's own colours cannot be written in one run");
    }
    if composite && job.options.background.is_none() {
        return wrong("a composite needs a background");
    }
    job.format.check_place(job.is_piped())?;
    if job.is_piped() && job.outputs.len() > 1 {
        return wrong("standard output takes one thing only");
    }
    if job.if_exists == IfExists::Refuse {
        let exists = |path: &&PathBuf| path.exists() && !is_empty_folder(path);
        if let Some(path) = job.outputs.iter().map(|(_, path)| path).find(exists) {
            return Err(Error::new(Kind::OutputExists, format!("{} exists", path.display())));
        }
    }
    Ok(())
}

/// The folder with what is finished of an output that is not; there is none once it is whole.
#[must_use]
pub fn unfinished(output: &Path) -> Option<PathBuf> {
    Some(Segments::folder(output)).filter(|folder| folder.is_dir())
}

fn is_empty_folder(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Everything that the result depends on, in words: work is gone on with only where it is the same.
fn sketch(
    ffmpeg: &Ffmpeg,
    job: &Job<'_>,
    model: &ModelUsed,
    recipe: &Recipe,
    plan: &Plan,
    encodings: &[Encoding],
) -> String {
    let small = small::small_size(plan.size, job.look);
    // Memory counts as far as keyframes come closer for its sake.
    let steady = stages::fitting(job.options.steady, plan.size, small, job.options.memory.unwrap_or(MEMORY));
    let options = VideoOptions { resume: false, accept_damage: false, memory: None, steady, ..job.options.clone() };
    let behind = options.background.as_deref().map(|notation| {
        clip_of(notation).unwrap_or_else(|| PathBuf::from(notation.strip_prefix("image:").unwrap_or(notation)))
    });
    let files = [Some(job.input), behind.as_deref(), recipe.options().key.plate.as_deref()].map(|path| path.map(facts));
    let outputs: Vec<_> = job.outputs.iter().map(|(content, path)| (content, path.file_name())).collect();
    format!(
        "backgroundfx {}\n{}\n{:?}\n{files:?}\n{outputs:?}\n{options:?}\n{model:?}\n{:?} {}\n{plan:?}\n{encodings:?}\n",
        env!("CARGO_PKG_VERSION"),
        ffmpeg.about(),
        job.input.file_name(),
        recipe.options(),
        job.look,
    )
}

/// By what a file is known again: its size and when it was changed; nothing where there is no such file.
fn facts(path: &Path) -> Option<(u64, Option<SystemTime>)> {
    fs::metadata(path).ok().map(|facts| (facts.len(), facts.modified().ok()))
}
