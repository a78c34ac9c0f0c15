//! Accepting a job: its files are put into the store, then job, items and idempotency key in one transaction.

use std::collections::BTreeMap;

use backgroundfx_core::video::Content;
use bytes::Bytes;
use object_store::{ObjectStoreExt, path::Path as Place};

use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{
        idempotency_keys,
        items::{self, NewItem},
        jobs::{self, Job},
        outbox, projects,
    },
    faults::{self, Step},
    http::{form::Form, metadata, remove},
    jobs::{Clips, JobKind, Pictures, Status},
    queue::MOST_MESSAGES,
    sources::{self, OBJECT},
};

/// Most files of one job.
const MOST_ITEMS: usize = 10_000;

/// What the fields of a job may be called.
const FIELDS: [&str; 23] = [
    "image",
    "image_url",
    "image_base64",
    "video",
    "video_url",
    "background",
    "background_image",
    "background_url",
    "preset",
    "model",
    "options",
    "format",
    "quality",
    "output",
    "name",
    "priority",
    "start",
    "end",
    "silent",
    "upload",
    "masks",
    "project",
    "metadata",
];

/// A job that was accepted, now or before.
pub struct Accepted {
    /// The job.
    pub job: Job,
    /// Whether the request had come before.
    pub again: bool,
}

/// A file of a job before it is kept.
struct File {
    name: Option<String>,
    content: Bringing,
}

enum Bringing {
    Bytes(Bytes),
    Address(String),
    Kept(String),
}

/// Accepts what a form asks for. When this returns, the job outlives this process.
///
/// # Errors
/// [`Kind::RequestInvalid`] naming the field; [`Kind::IdempotencyMismatch`]; what the store and the database report.
pub async fn accept(app: &App, caller: &Caller, form: &Form, key: Option<&str>) -> Result<Accepted> {
    let request = form.digest();
    if let Some(key) = key
        && let Some(job) = earlier(app, caller, key, &request).await?
    {
        return Ok(Accepted { job, again: true });
    }
    if let Some(unknown) = form.names().find(|name| !FIELDS.contains(name)) {
        return Err(Error::new(Kind::RequestInvalid, format!("there is no field {unknown:?}")));
    }
    let (kind, files) = files(app, caller, form).await?;
    let id = app.new_id("job");
    // Everything that can be wrong is found before anything is kept.
    let background = background(app, form).await?;
    let place = background.as_ref().map(|file| format!("sources/{id}/background.{}", file.ending));
    let behind = match (&background, &place) {
        (Some(Behind { content: Bringing::Address(address), .. }), _) => Some(address.clone()),
        (_, place) => place.as_ref().map(|place| format!("{OBJECT}{place}")),
    };
    let masks = masks(app, caller, form, kind, files.len()).await?;
    let (work, model) = work(app, form, kind, behind, masks)?;
    let job = Job {
        id: id.clone(),
        organisation: caller.organisation.clone(),
        kind,
        name: form.text("name").map(|name| name.chars().take(200).collect()),
        project: project(app, caller, form).await?,
        metadata: form.text("metadata").map(metadata::read).transpose()?,
        status: Status::Queued,
        priority: priority(form)?,
        work,
        created: app.now(),
        started: None,
        finished: None,
        expires: None,
    };
    if let (Some(Behind { content: Bringing::Bytes(bytes), .. }), Some(place)) = (background, place) {
        app.objects.put(&Place::from(place), bytes.into()).await?;
    }
    let entered = enter(app, caller, &job, &model, files, key.map(|key| (key, request.as_str()))).await;
    match &entered {
        // What was put there belongs to nothing.
        Err(_) | Ok(Accepted { again: true, .. }) => app.objects.remove_all(&format!("sources/{id}")).await?,
        Ok(_) => {
            metrics::counter!("backgroundfx_jobs_total", "kind" => kind.name()).increment(1);
            app.wake.notify_one();
        }
    }
    entered
}

async fn enter(
    app: &App,
    caller: &Caller,
    job: &Job,
    model: &str,
    files: Vec<File>,
    key: Option<(&str, &str)>,
) -> Result<Accepted> {
    let mut rows = Vec::with_capacity(files.len());
    for (number, file) in (1..).zip(files) {
        let source = match file.content {
            Bringing::Address(address) => address,
            Bringing::Kept(place) => format!("{OBJECT}{place}"),
            Bringing::Bytes(bytes) => {
                let place = format!("sources/{}/{number:06}", job.id);
                app.objects.put(&Place::from(place.as_str()), bytes.into()).await?;
                format!("{OBJECT}{place}")
            }
        };
        rows.push((number, file.name, source));
    }
    let mut work = app.db.begin().await?;
    if let Some((key, request)) = key
        && !idempotency_keys::insert(&mut work, &caller.organisation, key, request, &job.id, job.created).await?
    {
        work.rollback().await?;
        let found = earlier(app, caller, key, request).await?;
        // It was forgotten in this very moment.
        let found = found.ok_or_else(|| Error::new(Kind::Conflict, "the Idempotency-Key is in use"))?;
        return Ok(Accepted { job: found, again: true });
    }
    jobs::insert(&mut work, job, &caller.actor).await?;
    for (number, name, source) in &rows {
        let item = NewItem { number: *number, name: name.as_deref(), source, model: Some(model) };
        items::insert(&mut work, job, &item).await?;
    }
    work.announce(&job.id).await?;
    if app.config.queue.is_some() {
        outbox::insert(&mut work, &job.id, (rows.len() as i64).min(MOST_MESSAGES), job.created).await?;
    }
    faults::reach(Step::Accepting);
    work.commit().await?;
    faults::reach(Step::Accepted);
    app.post.notify_one();
    Ok(Accepted { job: job.clone(), again: false })
}

async fn earlier(app: &App, caller: &Caller, key: &str, request: &str) -> Result<Option<Job>> {
    let found = idempotency_keys::find(&app.db, &caller.organisation, key).await?;
    let Some((known, job)) = found else { return Ok(None) };
    same(&known, request)?;
    jobs::get(&app.db, &caller.organisation, &job).await.map(Some)
}

fn same(known: &str, request: &str) -> Result<()> {
    if known == request {
        return Ok(());
    }
    Err(Error::new(Kind::IdempotencyMismatch, "the Idempotency-Key came before with another request"))
}

async fn files(app: &App, caller: &Caller, form: &Form) -> Result<(JobKind, Vec<File>)> {
    let named = |prefix: &str| {
        let given = form
            .files(prefix)
            .map(|(bytes, name)| File { name: name.map(str::to_owned), content: Bringing::Bytes(bytes) });
        let field = format!("{prefix}_url");
        let fetched: Vec<File> = form
            .texts(&field)
            .map(|address| File { name: last_part(address), content: Bringing::Address(address.to_owned()) })
            .collect();
        given.chain(fetched).collect::<Vec<_>>()
    };
    let (mut pictures, mut clips) = (named("image"), named("video"));
    for text in form.texts("image_base64") {
        let content = Bringing::Bytes(crate::http::cut::from_base64(text)?);
        pictures.push(File { name: None, content });
    }
    for id in form.texts("upload") {
        let upload = crate::http::uploads::finished(app, caller, id).await?;
        let file = File { name: upload.name, content: Bringing::Kept(upload.object) };
        if upload.is_video { clips.push(file) } else { pictures.push(file) }
    }
    for file in pictures.iter().chain(&clips) {
        if let Bringing::Address(address) = &file.content {
            app.fetcher.allow(address)?;
        }
    }
    let (kind, files) = match (pictures.is_empty(), clips.is_empty()) {
        (true, true) => {
            let message = "there is no file: send image, image_url, image_base64, video, video_url or upload";
            return Err(Error::new(Kind::RequestInvalid, message));
        }
        (false, false) => return Err(Error::new(Kind::RequestInvalid, "a job has pictures or clips, not both")),
        (false, true) => (JobKind::Pictures, pictures),
        (true, false) => (JobKind::Video, clips),
    };
    if files.len() > MOST_ITEMS {
        return Err(Error::new(Kind::RequestInvalid, format!("a job has at most {MOST_ITEMS} files")));
    }
    Ok((kind, files))
}

/// What an address calls its file.
fn last_part(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty() && name.len() < 200)?;
    Some(name.to_owned())
}

struct Behind {
    content: Bringing,
    ending: String,
}

async fn background(app: &App, form: &Form) -> Result<Option<Behind>> {
    let file = form.files("background_image").next();
    let address = form.text("background_url");
    let given = [file.is_some(), address.is_some(), form.text("background").is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(Error::new(
            Kind::RequestInvalid,
            "background, background_image and background_url exclude each other",
        ));
    }
    if let Some(address) = address {
        app.fetcher.allow(address)?;
        return Ok(Some(Behind { content: Bringing::Address(address.to_owned()), ending: String::new() }));
    }
    Ok(file.map(|(bytes, name)| Behind {
        ending: sources::extension(name.unwrap_or_default()).to_owned(),
        content: Bringing::Bytes(bytes),
    }))
}

async fn project(app: &App, caller: &Caller, form: &Form) -> Result<Option<String>> {
    let Some(id) = form.text("project") else { return Ok(None) };
    Ok(Some(projects::get(&app.db, &caller.organisation, id).await?.id))
}

fn priority(form: &Form) -> Result<i64> {
    let Some(text) = form.text("priority") else { return Ok(0) };
    let number = text.parse().ok().filter(|number| (-10..=10).contains(number));
    number.ok_or_else(|| Error::new(Kind::RequestInvalid, format!("priority is {text:?}, allowed is -10 to 10")))
}

/// Mattes that were sent as uploads, from a JSON object of pictures' numbers and uploads' identifiers.
async fn masks(
    app: &App,
    caller: &Caller,
    form: &Form,
    kind: JobKind,
    pictures: usize,
) -> Result<BTreeMap<i64, String>> {
    let Some(text) = form.text("masks") else { return Ok(BTreeMap::new()) };
    let wrong = |why: String| Error::new(Kind::RequestInvalid, format!("masks {why}"));
    if kind == JobKind::Video {
        return Err(wrong("are for pictures; a clip takes none".to_owned()));
    }
    let named: BTreeMap<i64, String> = serde_json::from_str(text)
        .map_err(|error| wrong(format!("is not an object of numbers and uploads: {error}")).because(error))?;
    let mut masks = BTreeMap::new();
    for (number, upload) in named {
        if !(1..=pictures as i64).contains(&number) {
            return Err(wrong(format!("names the picture {number}, and there are {pictures}")));
        }
        let file = crate::http::uploads::finished(app, caller, &upload).await?;
        masks.insert(number, format!("{OBJECT}{}", file.object));
    }
    Ok(masks)
}

/// What is made of every file, as JSON, and the model that does it.
fn work(
    app: &App,
    form: &Form,
    kind: JobKind,
    background: Option<String>,
    masks: BTreeMap<i64, String>,
) -> Result<(String, String)> {
    let options = remove::options(app, form)?;
    let model = options.model.clone();
    let text = match kind {
        JobKind::Pictures => {
            serde_json::to_string(&Pictures { options, wanted: remove::wanted(form)?, background, masks })
        }
        JobKind::Video => {
            let opaque = options.background.is_some() || background.is_some();
            let content = match form.text("output") {
                None if opaque => Content::Composite,
                None | Some("cutout") => Content::Cutout,
                Some("composite") if opaque => Content::Composite,
                Some("matte") => Content::Matte,
                Some(other) => {
                    let message =
                        format!("output is {other:?}, allowed is cutout, matte, and composite with a background");
                    return Err(Error::new(Kind::RequestInvalid, message));
                }
            };
            let usual = if content == Content::Cutout { "webm" } else { "mp4" };
            let format = Clips::format_named(form.text("format").unwrap_or(usual))?.name.to_owned();
            let (start, end) = (seconds(form, "start")?, seconds(form, "end")?);
            let silent = matches!(form.text("silent"), Some("true" | "1"));
            serde_json::to_string(&Clips { options, format, content, start, end, background, silent })
        }
    };
    let unwritable = |error| Error::new(Kind::Internal, "the job's work cannot be written").because(error);
    Ok((text.map_err(unwritable)?, model))
}

fn seconds(form: &Form, field: &str) -> Result<Option<f64>> {
    let Some(text) = form.text(field) else { return Ok(None) };
    let number = text.parse().ok().filter(|number: &f64| (0.0..1e6).contains(number));
    number
        .map(Some)
        .ok_or_else(|| Error::new(Kind::RequestInvalid, format!("{field} is {text:?}, allowed are seconds")))
}
