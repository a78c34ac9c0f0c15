//! `video`: from the command line to clips on disk.

mod outputs;

use std::path::Path;

use backgroundfx_core::{
    Error, Kind, Result,
    engine::{Engine, EngineOptions},
    files::{self, IfExists, ReadOptions},
    models::{Catalog, Given, Segmenter},
    options::Options,
    video::{
        Ffmpeg, INSTEAD, Job, Mattes, OWN_LOOK, PIPE, Summary, VideoOptions, clip_of, cut_out, look_of, probe,
        recipe_for, steady::SteadyOptions, steady_of, unfinished,
    },
};
use serde_json::json;

use crate::{
    args::{Shared, VideoArguments},
    commands::catalog,
    config::Config,
    exit::{self, DONE, Ended, SOME_FAILED},
    interrupt,
    progress::Screen,
    stdout::say,
};
use outputs::Order;

/// Cuts out what the arguments name.
pub fn run(arguments: &VideoArguments, shared: &Shared, config: &Config) -> Ended {
    let orders = outputs::orders(arguments)?;
    let options = options(arguments, config);
    let video = video_options(arguments, config);
    let named = arguments.cut.model().is_some() || config.model.is_some();
    options.validate()?;
    let catalog = catalog(config)?;
    // A name that is wrong is told before anything is fetched.
    catalog.card(&options.model)?.check(&options.subject)?;
    let ffmpeg = Ffmpeg::find(arguments.ffmpeg.as_deref().or(config.ffmpeg.as_deref()))?;
    interrupt::listen();
    let screen = Screen::new(shared.progress, shared.quiet);
    let precision = arguments.cut.precision.or(config.precision);
    let engine = Engine::open(EngineOptions { keep_memory: true, ..config.engine(arguments.cut.threads, precision) })?;
    let work = Work {
        ffmpeg: &ffmpeg,
        catalog: &catalog,
        engine: &engine,
        screen: &screen,
        options,
        video,
        named,
        steady: arguments.steady,
    };
    let (count, mut failed) = (orders.len(), 0);
    let mut finder = work.own(arguments, count)?;
    let mut only = None;
    for order in orders {
        let made = work.one(&order, &mut finder);
        screen.finish();
        if made.is_err() && !shared.quiet {
            say_unfinished(&order, &screen);
        }
        if interrupt::pending() {
            return made.map(|_| exit::INTERRUPTED);
        }
        match made {
            Ok(summary) => tell(&order, &summary, arguments, shared, &screen),
            Err(error) => {
                failed += 1;
                only = Some(exit::of(error.kind()));
                let error = if count == 1 { error } else { error.on(order.input.display()) };
                if arguments.json {
                    say!("{}", failure(&order.input, &error));
                }
                exit::show(&error);
            }
        }
    }
    Ok(match (failed, only) {
        (0, _) => DONE,
        (_, Some(code)) if count == 1 => code,
        _ => SOME_FAILED,
    })
}

/// What was made before an error is not lost.
fn say_unfinished(order: &Order, screen: &Screen) {
    if let Some(folder) = order.outputs.first().and_then(|(_, path)| unfinished(path)) {
        let folder = folder.display();
        screen.say(&format!("note: what is finished lies in {folder}; --resume goes on from there"));
    }
}

/// Everything that is the same for all clips of one call.
struct Work<'a> {
    ffmpeg: &'a Ffmpeg,
    catalog: &'a Catalog,
    engine: &'a Engine,
    screen: &'a Screen,
    options: Options,
    video: VideoOptions,
    /// Whether the model was named: then it is used or refused.
    named: bool,
    steady: Option<SteadyOptions>,
}

/// What finds the subject.
struct Finder {
    segmenter: Box<dyn Segmenter>,
    /// Longer side of what it sees.
    look: u32,
    /// How its mattes are steadied.
    steady: SteadyOptions,
    /// What it takes the place of, and why.
    instead: Option<String>,
}

impl Work<'_> {
    fn one(&self, order: &Order, finder: &mut Option<Finder>) -> Result<Summary> {
        // A bad clip must not cost a download.
        let clip = if order.input == Path::new(PIPE) { None } else { Some(probe(self.ffmpeg, &order.input)?) };
        let finder = match finder {
            Some(finder) => finder,
            None => finder.insert(self.finder()?),
        };
        let size = clip.as_ref().map(|clip| clip.size);
        let recipe = recipe_for(self.options.clone(), size, finder.look, finder.segmenter.remembers())?;
        if let Some(name) = recipe.lacks() {
            recipe.supply(self.catalog.matting(self.engine, name, self.options.device, self.screen)?);
        }
        self.screen.clip(&order.input);
        let video = VideoOptions {
            end: order.seconds.map(|seconds| self.video.start.unwrap_or(0.0) + seconds).or(self.video.end),
            steady: finder.steady,
            ..self.video.clone()
        };
        let job = Job {
            input: &order.input,
            clip,
            outputs: &order.outputs,
            format: order.format,
            if_exists: order.if_exists,
            options: &video,
            look: finder.look,
        };
        let mut summary = cut_out(self.ffmpeg, &job, finder.segmenter.as_mut(), &recipe, self.screen)?;
        summary.notes.extend(finder.instead.clone());
        Ok(summary)
    }

    /// Mattes of the user's own; nothing where a network finds them.
    fn own(&self, arguments: &VideoArguments, clips: usize) -> Result<Option<Finder>> {
        let Some(path) = &arguments.mask else { return Ok(None) };
        if clips > 1 {
            return Err(wrong(format!("--mask is for one clip, and {clips} are named")));
        }
        let file = path.display().to_string();
        let own = |segmenter: Box<dyn Segmenter>| Finder {
            segmenter,
            look: OWN_LOOK,
            steady: SteadyOptions::Off,
            instead: None,
        };
        if clip_of(&file).is_some() {
            if self.named {
                return Err(wrong("mattes of all frames leave nothing to a model: leave out --model or --mask"));
            }
            let (from, rate) = (self.video.start.unwrap_or(0.0), self.video.rate);
            return Ok(Some(own(Box::new(Mattes::new(self.ffmpeg.clone(), path.clone(), from, rate)))));
        }
        let mask = files::read_matte(path, &ReadOptions::default()).map_err(|error| error.on(path.display()))?;
        let given = Box::new(Given::mask(mask, file));
        if !self.named {
            return Ok(Some(own(given)));
        }
        let mut finder = self.finder()?;
        if finder.segmenter.begin_with(given) {
            return Ok(Some(finder));
        }
        let name = &self.options.model;
        Err(wrong(format!(
            "{name} finds its mattes by itself: a picture as --mask is for matanyone, or without --model"
        )))
    }

    /// The model asked for; where it was not named and cannot be had, the best of those that are on this machine.
    fn finder(&self) -> Result<Finder> {
        let open = |name: &str| -> Result<Finder> {
            let segmenter = self.catalog.segmenter(self.engine, name, self.options.device, self.screen)?;
            let card = self.catalog.card(name)?;
            let steady = self.steady.unwrap_or_else(|| steady_of(card, self.options.preset));
            Ok(Finder { segmenter, look: look_of(card), steady, instead: None })
        };
        let error = match open(&self.options.model) {
            Err(error) if !self.named && matches!(error.kind(), Kind::ArtifactMissing | Kind::DownloadFailed) => error,
            finder => return finder,
        };
        let here = |name: &&&str| {
            let card = self.catalog.card(name);
            card.is_ok_and(|card| {
                card.check(&self.options.subject).is_ok() && self.catalog.is_here(self.engine.store(), card)
            })
        };
        let Some(name) = INSTEAD.iter().find(here) else { return Err(error) };
        let instead = format!("{name} takes the place of {}, which cannot be had: {error}", self.options.model);
        Ok(Finder { instead: Some(instead), ..open(name)? })
    }
}

/// Unmixing costs a clip little: it is done whatever the preset.
fn options(arguments: &VideoArguments, config: &Config) -> Options {
    let mut options = arguments.cut.options(config);
    options.foreground.strength = arguments.cut.decontaminate.unwrap_or(1.0);
    options
}

fn video_options(arguments: &VideoArguments, config: &Config) -> VideoOptions {
    VideoOptions {
        start: arguments.start,
        end: arguments.end,
        rate: arguments.fps,
        scale: arguments.scale,
        background: arguments.background.clone(),
        quality: arguments.crf,
        hardware: arguments.hardware,
        silent: arguments.no_audio,
        resume: arguments.resume,
        accept_damage: arguments.accept_damage,
        raw: arguments.raw.clone(),
        steady: SteadyOptions::default(),
        memory: arguments.memory.or(config.video_memory).map(|megabytes| u64::from(megabytes) << 20),
    }
}

/// Says what came of a clip.
fn tell(order: &Order, summary: &Summary, arguments: &VideoArguments, shared: &Shared, screen: &Screen) {
    let outputs: Vec<String> = order.outputs.iter().map(|(_, path)| path.display().to_string()).collect();
    if arguments.json {
        say!("{}", line(&order.input, &outputs, summary));
        return;
    }
    if shared.quiet {
        return;
    }
    for note in &summary.notes {
        screen.say(&format!("note: {}: {note}", order.input.display()));
    }
    screen.say(&format!("{} -> {}: {} frames", order.input.display(), outputs.join(", "), summary.frames));
    if shared.verbose {
        let stages: Vec<String> =
            summary.busy.stages().iter().map(|(name, time)| format!("{name} {:.1} s", time.as_secs_f64())).collect();
        screen.say(&format!(
            "model {} on {}; {}; all wait for {}",
            summary.model.model,
            summary.model.device,
            stages.join(", "),
            summary.busy.bottleneck()
        ));
    }
}

fn line(input: &Path, outputs: &[String], summary: &Summary) -> serde_json::Value {
    let busy: serde_json::Map<_, _> = summary
        .busy
        .stages()
        .iter()
        .map(|(name, time)| ((*name).to_owned(), json!((time.as_secs_f64() * 1000.0).round())))
        .collect();
    json!({
        "input": input.display().to_string(),
        "status": "ok",
        "outputs": outputs,
        "width": summary.size.width,
        "height": summary.size.height,
        "frames": summary.frames,
        "resumed_frames": summary.resumed,
        "looked_at_frames": summary.looked_at,
        "model": summary.model.model,
        "file": summary.model.file,
        "device": summary.model.device.to_string(),
        "precision": summary.model.precision.to_string(),
        "busy_ms": busy,
        "bottleneck": summary.busy.bottleneck(),
        "notes": summary.notes,
    })
}

fn failure(input: &Path, error: &Error) -> serde_json::Value {
    json!({
        "input": input.display().to_string(),
        "status": "failed",
        "code": error.code(),
        "message": error.to_string(),
        "hint": error.hint(),
        "retryable": error.is_retryable(),
    })
}

/// The error for an argument that makes no sense with others.
fn wrong(message: impl Into<String>) -> Error {
    Error::new(Kind::OptionInvalid, message)
}

/// What happens to outputs that are there already.
fn if_exists(arguments: &VideoArguments) -> IfExists {
    if arguments.overwrite { IfExists::Replace } else { IfExists::Refuse }
}
