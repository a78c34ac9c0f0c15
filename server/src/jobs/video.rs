//! Cut-outs of clips, by the same ffmpeg and the same stages as on the command line.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use backgroundfx_core::{
    files::IfExists,
    options::Options,
    progress::{Silent, Step},
    video::{self, Content, FORMATS, Ffmpeg, Format, Job, VideoOptions},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Course, File, Product};
use crate::{App, Error, Kind, Result, db::claims::Claimed, inference::Hand, sources};

/// What is made of every clip of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clips {
    /// How a frame is cut out.
    pub options: Options,
    /// Name of the format, as on the command line.
    pub format: String,
    /// What is written of it.
    pub content: Content,
    /// Seconds from the clip's beginning where the output begins and ends.
    pub start: Option<f64>,
    /// See `start`.
    pub end: Option<f64>,
    /// Where the picture or clip behind the subject is, if there is one; a notation is in the options.
    pub background: Option<String>,
    /// Whether sound is left out.
    pub silent: bool,
}

impl Clips {
    /// The format of that name.
    ///
    /// # Errors
    /// [`Kind::RequestInvalid`] when it is none, or is no single file.
    pub fn format_named(name: &str) -> Result<&'static Format> {
        let known = FORMATS.iter().filter(|format| !format.extensions.is_empty());
        known.clone().find(|format| format.name == name || format.extensions.contains(&name)).ok_or_else(|| {
            let names: Vec<_> = known.map(|format| format.name).collect();
            Error::new(Kind::RequestInvalid, format!("format is {name:?}, allowed is {}", names.join(", ")))
        })
    }
}

/// The media type of a file with this extension.
fn media_type(extension: &str) -> &'static str {
    match extension {
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "mkv" => "video/x-matroska",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}

/// Makes one.
///
/// # Errors
/// What fetching, reading and cutting out report.
pub async fn make(app: &Arc<App>, work: &str, item: &Claimed, course: &Arc<Course>) -> Result<Product> {
    let work: Clips = serde_json::from_str(work)
        .map_err(|error| Error::new(Kind::Internal, "the job's work cannot be read").because(error))?;
    let unwritable = |error: std::io::Error| Error::writing("no folder for a clip can be made", error);
    let folder = tempfile::tempdir_in(app.scratch()).map_err(unwritable)?;
    course.tell(0.0, "fetching");
    let input = folder.path().join("input");
    sources::to_file(app, &item.source, &input).await?;
    let behind = match &work.background {
        Some(source) => {
            // Its name tells pictures from clips.
            let path = folder.path().join(format!("behind.{}", sources::extension(source)));
            sources::to_file(app, source, &path).await?;
            Some(path)
        }
        None => None,
    };
    let format = Clips::format_named(&work.format)?;
    let extension = format.extensions[0];
    let output = folder.path().join(format!("output.{extension}"));
    let (permit, course, made) = (app.inference.permit().await, course.clone(), output.clone());
    let clip = Clip { work, format, input, behind, output };
    let details = app
        .inference
        .run(permit, move |hand, gone| {
            let stopped = || course.is_stopped() || gone();
            cut_out(&clip, hand, &course, &stopped)
        })
        .await?;
    Ok(Product {
        file: File::Path(made, folder),
        media_type: media_type(extension).to_owned(),
        extension: extension.to_owned(),
        details,
    })
}

struct Clip {
    work: Clips,
    format: &'static Format,
    input: PathBuf,
    behind: Option<PathBuf>,
    output: PathBuf,
}

fn cut_out(clip: &Clip, hand: &mut Hand, course: &Course, stopped: &(dyn Fn() -> bool + Sync)) -> Result<Value> {
    let ffmpeg = Ffmpeg::find(hand.ffmpeg.as_deref())?;
    let options = &clip.work.options;
    let found = video::probe(&ffmpeg, &clip.input)?;
    let card = hand.catalog.card(&options.model)?.clone();
    let look = video::look_of(&card);
    let recipe = video::recipe_for(options.clone(), Some(found.size), look, card.remembers())?;
    if let Some(name) = recipe.lacks() {
        recipe.supply(hand.catalog.matting(&hand.engine, name, options.device, &Silent)?);
    }
    let behind = clip.behind.as_deref().map(Path::to_string_lossy).map(String::from);
    let asked = VideoOptions {
        start: clip.work.start,
        end: clip.work.end,
        background: behind.or_else(|| options.background.clone()),
        silent: clip.work.silent,
        steady: video::steady_of(&card, options.preset),
        ..VideoOptions::default()
    };
    let outputs = [(clip.work.content, clip.output.clone())];
    let job = Job {
        input: &clip.input,
        clip: Some(found),
        outputs: &outputs,
        format: clip.format,
        if_exists: IfExists::Replace,
        options: &asked,
        look,
    };
    let progress = |step: Step<'_>| {
        if let Some(total) = step.total.filter(|total| *total > 0) {
            course.tell(step.done as f64 / total as f64, "frames");
        }
        if stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let segmenter = hand.segmenter(&options.model, options.device)?;
    let summary = video::cut_out(&ffmpeg, &job, segmenter, &recipe, &progress)?;
    Ok(json!({
        "width": summary.size.width,
        "height": summary.size.height,
        "frames": summary.frames,
        "looked_at_frames": summary.looked_at,
        "model": summary.model.model,
        "model_license": summary.model.license.weights,
        "bottleneck": summary.busy.bottleneck(),
        "notes": summary.notes,
    }))
}
