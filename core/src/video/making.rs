//! One clip in the making: frames through the stages into segments, segments into the outputs.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::{
    Busy, Clip, Content, Ffmpeg, Frame, Job, MEMORY, Matrix, PIPE, SEGMENT, SMALL_LOOK,
    backdrop::Backdrop,
    formats::Encoding,
    join::Joining,
    memory, mix,
    plan::{self, Plan},
    reader::{Reader, Source},
    segments::{Segment, Segments, unwritable},
    small::{self, Small},
    stages::{self, Carried, Finder, Stages},
    steady::{Steady, SteadyOptions},
    writer::{Clock, Writer},
};
use crate::{
    Error, Kind, Result,
    engine::Tensor,
    files::{self, IfExists, Metadata, Picture},
    models::Segmenter,
    pipeline::{self, Recipe},
    pixels::{Alpha, Rgb},
    progress::{Progress, Step},
    steps::spill::Spill,
};

/// What came of the frames.
pub(super) struct Made {
    pub clock: Clock,
    pub busy: Busy,
    pub resumed: u64,
    pub looked_at: u64,
    pub complaints: usize,
    pub first_complaint: Option<String>,
}

pub(super) struct Making<'a> {
    pub ffmpeg: &'a Ffmpeg,
    pub job: &'a Job<'a>,
    pub clip: &'a Clip,
    pub plan: &'a Plan,
    pub encodings: &'a [Encoding],
    /// What is finished; nothing for frames that are gone once they are written.
    pub segments: Option<Segments>,
    /// Frames that were encoded by this run.
    pub frames: u64,
}

impl Making<'_> {
    /// Makes all segments that are not finished yet.
    pub fn frames(
        &mut self,
        opened: Option<Reader>,
        segmenter: &mut dyn Segmenter,
        recipe: &Recipe,
        progress: &dyn Progress,
    ) -> Result<Made> {
        let done = self.done();
        let resumed = done.iter().map(|segment| segment.frames).sum();
        let after = done.last().map(|segment| segment.last);
        let reader = opened.map_or_else(|| self.reader(after), Ok)?;
        let clock = Clock { tick: reader.tick(), rate: self.plan.rate };
        let (size, options) = (self.plan.size, self.job.options);
        let backdrop = self.backdrop(resumed)?;
        let (small, memory) = (small::small_size(size, self.job.look), options.memory.unwrap_or(MEMORY));
        if after.is_some() && segmenter.learns_from_first() {
            self.show_first(segmenter, recipe)?;
        }
        let (spill, strength) = (OnceLock::new(), recipe.options().foreground.strength);
        // Keyframes end with it by themselves; what a small network sees knows of no such edges, a key and refined mattes have them.
        let follow = self.job.look > SMALL_LOOK
            && !recipe.options().edges.refine
            && !matches!(options.steady, SteadyOptions::Keyframes { .. })
            && !segmenter.follows_edges()
            && !segmenter.remembers();
        // A model with a memory sees every frame, and its mattes belong together already.
        let remembers = segmenter.remembers();
        let steady = if remembers { SteadyOptions::Off } else { options.steady };
        let mut looking = Looking { segmenter, recipe, matrix: self.plan.matrix, spill: &spill, looked_at: 0 };
        let stages = Stages {
            reader,
            size,
            small,
            matrix: self.plan.matrix,
            after,
            before: options.end.map(|end| (end / clock.tick.value()).ceil() as i64),
            segment: SEGMENT,
            follow,
            steady: Steady::new(stages::fitting(steady, size, small, memory))?,
            finder: &mut looking,
            backdrop,
            strength,
            spill: &spill,
            memory,
        };
        let total = self.plan.frames(self.clip);
        let mut encoding = Encoder { making: self, clock, open: None, remembers, grey: Frame::black(size) };
        let mut done = resumed;
        let (busy, complaints) = stages::run(stages, |carried| {
            encoding.take(carried)?;
            done += 1;
            let step = Step { name: "video", subject: "", done, total: total.map(|total| total.max(done)) };
            match progress.report(step) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::new(Kind::Cancelled, format!("stopped after {done} frames"))),
            }
        })?;
        encoding.close()?;
        let first_complaint = complaints.lines.first().cloned();
        let looked_at = looking.looked_at;
        Ok(Made { clock, busy, resumed, looked_at, complaints: complaints.count, first_complaint })
    }

    /// What stands behind the subject from the frame after so many on.
    fn backdrop(&self, frames: u64) -> Result<Backdrop> {
        let (rate, notation) = (self.plan.rate, self.job.options.background.as_deref());
        let from = frames as f64 / rate.value();
        let backdrop = Backdrop::open(self.ffmpeg, notation, self.plan.size, self.plan.matrix, (rate, from))?;
        let composite = self.job.outputs.iter().any(|(content, _)| *content == Content::Composite);
        if backdrop.is_transparent() && composite {
            return Err(Error::new(Kind::OptionInvalid, "a composite needs a background"));
        }
        Ok(backdrop)
    }

    /// A decoder at the output's beginning, or some time before the place where work goes on.
    fn reader(&self, after: Option<i64>) -> Result<Reader> {
        let start = self.plan.start;
        let open = |from: f64| {
            let reader = Reader::open(self.ffmpeg, Source::File(self.job.input), &self.plan.reading(from))?;
            let nothing = || Error::new(Kind::OptionInvalid, format!("there is no frame from second {from} on"));
            reader.ok_or_else(nothing)
        };
        let mut reader = open(start)?;
        if let Some(last) = after {
            let clock = Clock { tick: reader.tick(), rate: self.plan.rate };
            // Earlier than needed: filters look at what went before, and not every file lets one begin anywhere.
            let from = (clock.microseconds(last) as f64 / 1e6 - plan::LEAD).max(start);
            if from > start {
                reader.end();
                reader = open(from)?;
            }
        }
        if reader.size() != self.plan.size {
            let message = format!("frames of {} came where {} were expected", reader.size(), self.plan.size);
            return Err(Error::new(Kind::Internal, message));
        }
        Ok(reader)
    }

    /// Has the segmenter look at the output's first frame, which an earlier run began with.
    fn show_first(&self, segmenter: &mut dyn Segmenter, recipe: &Recipe) -> Result<()> {
        let mut reader = self.reader(None)?;
        let mut first = Frame::black(self.plan.size);
        if reader.next(&mut first)? {
            let small = Small::of(&first, small::small_size(self.plan.size, self.job.look))?;
            pipeline::find_matte(&picture(&small.rgb(self.plan.matrix)), segmenter, recipe)?;
        }
        reader.end();
        Ok(())
    }

    /// The segments that are finished.
    fn done(&self) -> &[Segment] {
        self.segments.as_ref().map_or(&[], |segments| &segments.done)
    }

    /// Checks that the clip was as long as its file claims.
    pub fn check_length(&self, made: &Made) -> Result<()> {
        if self.segments.is_none() {
            return Ok(());
        }
        let Some(last) = self.done().last() else {
            return Err(Error::new(Kind::VideoCorrupt, "the clip has no frames in this part"));
        };
        let claimed = match (self.clip.seconds, self.job.options.end) {
            (Some(seconds), Some(end)) => Some(seconds.min(end)),
            (seconds, _) => seconds,
        };
        let reached = made.clock.microseconds(last.last + made.clock.frame()) as f64 / 1e6;
        let Some(claimed) = claimed.filter(|claimed| reached + (0.02 * claimed).max(1.0) < *claimed) else {
            return Ok(());
        };
        if self.job.options.accept_damage {
            return Ok(());
        }
        let said = made.first_complaint.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
        let message = format!("the clip claims {claimed:.1} s and ends after {reached:.1} s{said}");
        Err(Error::new(Kind::VideoCorrupt, message))
    }

    /// Makes the outputs of the segments; each gets its name when it is whole.
    pub fn join(&self, segments: &Segments, clock: Clock) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        let mut whole = Vec::new();
        for (index, ((content, output), encoding)) in self.job.outputs.iter().zip(self.encodings).enumerate() {
            // Sound once is enough: it goes with the first.
            let sounding = index == 0 && !self.job.options.silent && self.job.input != Path::new(PIPE);
            let joining = Joining {
                ffmpeg: self.ffmpeg,
                segments,
                file: (content.file(), encoding.container),
                clock,
                source: sounding.then_some((self.job.input, self.clip)),
                from: self.plan.start,
                seconds: self.job.options.end.map(|end| end - self.plan.start),
            };
            let path = segments.beside(&format!("{index}-joined"));
            notes.extend(joining.finish(self.job.format.ending, &path)?);
            whole.push((path, output));
        }
        for (path, output) in whole {
            place(&path, output, self.job.if_exists)?;
        }
        Ok(notes)
    }
}

/// Gives a finished file, or all files of a finished folder, their names.
fn place(from: &Path, to: &Path, if_exists: IfExists) -> Result<()> {
    if from.is_dir() && to.is_dir() {
        let entries = fs::read_dir(from).map_err(|error| unwritable(from, error))?;
        for entry in entries.flatten() {
            place(&entry.path(), &to.join(entry.file_name()), if_exists)?;
        }
        return Ok(());
    }
    if if_exists == IfExists::Refuse && to.exists() {
        return Err(Error::new(Kind::OutputExists, format!("{} exists", to.display())));
    }
    fs::rename(from, to).map_err(|error| unwritable(to, error))
}

/// The model at work on small copies.
struct Looking<'a> {
    segmenter: &'a mut dyn Segmenter,
    recipe: &'a Recipe,
    matrix: Matrix,
    /// How to take a screen's light away, once one was seen.
    spill: &'a OnceLock<Option<Spill>>,
    looked_at: u64,
}

impl Finder for Looking<'_> {
    fn matte(&mut self, color: &Rgb) -> Result<Alpha> {
        self.looked_at += 1;
        let matte = pipeline::find_matte(&picture(color), self.segmenter, self.recipe)?;
        if let Some(screen) = self.segmenter.screen() {
            let strength = self.recipe.options().foreground.strength;
            self.spill.get_or_init(|| mix::spill_of(screen, self.matrix, strength));
        }
        Ok(matte)
    }

    fn memory(&self) -> Vec<Tensor> {
        self.segmenter.memory()
    }
}

/// A small copy as the pipeline takes it.
fn picture(color: &Rgb) -> Picture {
    Picture {
        color: color.clone(),
        alpha: None,
        profile: None,
        metadata: Metadata::default(),
        format: files::Format::Png,
        warnings: Vec::new(),
    }
}

/// Encodes frames segment by segment.
struct Encoder<'a, 'b> {
    making: &'a mut Making<'b>,
    clock: Clock,
    open: Option<(Vec<Writer>, Segment)>,
    /// Whether the model has a memory, which is kept with each segment.
    remembers: bool,
    grey: Frame,
}

impl Encoder<'_, '_> {
    fn take(&mut self, carried: &mut Carried) -> Result<()> {
        if let Some(segments) = self.making.segments.as_ref().filter(|_| carried.begins) {
            if self.remembers {
                let index = segments.done.len() + usize::from(self.open.is_some());
                memory::write(&segments.memory(index), &carried.memory)?;
            }
            self.close()?;
        }
        let ticks = carried.frame.ticks;
        if self.open.is_none() {
            self.open = Some((self.writers(ticks)?, Segment { frames: 0, first: ticks, last: ticks }));
        }
        let Some((writers, segment)) = &mut self.open else { return Ok(()) };
        for (writer, (content, _)) in writers.iter_mut().zip(self.making.job.outputs) {
            match content {
                Content::Composite | Content::Color => writer.write(&[carried.frame.samples()], ticks)?,
                Content::Cutout => writer.write(&[carried.frame.samples(), &carried.alpha], ticks)?,
                Content::Matte => {
                    mix::grey(&carried.alpha, &mut self.grey);
                    writer.write(&[self.grey.samples()], ticks)?;
                }
            }
        }
        segment.frames += 1;
        segment.last = ticks;
        Ok(())
    }

    fn writers(&self, origin: i64) -> Result<Vec<Writer>> {
        let Making { ffmpeg, job, plan, encodings, segments, .. } = &*self.making;
        let outputs = job.outputs.iter().zip(*encodings);
        let open = |((content, _), encoding): (&(Content, PathBuf), &Encoding)| {
            let path = segments.as_ref().map(|segments| segments.partial(content.file(), encoding.container));
            Writer::open(ffmpeg, path.as_deref(), encoding, plan.size, self.clock, origin)
        };
        outputs.map(open).collect()
    }

    /// Ends the open segment, if there is one.
    fn close(&mut self) -> Result<()> {
        let Some((writers, segment)) = self.open.take() else { return Ok(()) };
        writers.into_iter().try_for_each(Writer::finish)?;
        self.making.frames += segment.frames;
        let Some(segments) = &mut self.making.segments else { return Ok(()) };
        let outputs = self.making.job.outputs.iter().zip(self.making.encodings);
        let files: Vec<_> = outputs.map(|((content, _), encoding)| (content.file(), encoding.container)).collect();
        segments.finish(segment, &files)
    }
}
