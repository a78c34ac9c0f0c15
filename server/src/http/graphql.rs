//! `POST /graphql`: the same data by GraphQL, for clients that want several things at one time.
//!
//! What a query may cost is limited before it runs: by depth, and by the number of things it could show.

use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, EmptySubscription, Enum, ErrorExtensions, InputObject, Json as AnyJson, Object,
    Request as Query, Schema, SimpleObject,
};
use axum::{
    Extension, Json,
    extract::{Request, State},
};
use serde_json::Value;

use super::{body, form::Form, jobs as http_jobs, problem::Problem, query};
use crate::{
    App, Error, Result,
    auth::{Caller, Needs},
    db::{
        items,
        jobs::{self, Filter},
        projects,
    },
    jobs::{JobKind, Status},
};

/// How deep a query may go.
const DEPTH: usize = 8;
/// How many things a query may show.
const COST: usize = 2_000;

/// The schema, built once.
pub type Api = Schema<Reading, Changing, EmptySubscription>;

/// The schema of this server.
#[must_use]
pub fn api(app: &Arc<App>) -> Api {
    Schema::build(Reading, Changing, EmptySubscription)
        .data(app.clone())
        .limit_depth(DEPTH)
        .limit_complexity(COST)
        .limit_recursive_depth(32)
        .limit_directives(8)
        .finish()
}

/// Answers a query. Batches are not taken: a query can ask for several things.
pub async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<async_graphql::Response>, Problem> {
    let asked: Query = body::json(request).await?;
    let api = app.graphql.get_or_init(|| api(&app));
    Ok(Json(api.execute(asked.data(caller)).await))
}

type Answer<T> = async_graphql::Result<T>;

/// An error as clients of GraphQL read it, with our code and hint.
fn refused(error: &Error) -> async_graphql::Error {
    let kind = error.kind();
    async_graphql::Error::new(error.told()).extend_with(|_, told| {
        told.set("code", kind.code());
        told.set("hint", kind.hint());
    })
}

fn who<'a>(context: &Context<'a>, needs: Needs) -> Answer<(&'a Arc<App>, &'a Caller)> {
    let (app, caller) = (context.data::<Arc<App>>()?, context.data::<Caller>()?);
    caller.check(needs).map_err(|error| refused(&error))?;
    Ok((app, caller))
}

/// How a job or an item stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Status")]
pub enum JobStatus {
    /// It waits for its turn.
    Queued,
    /// It is being made.
    Running,
    /// It is made.
    Succeeded,
    /// It could not be made.
    Failed,
    /// Its sender does not want it any more.
    Cancelled,
}

/// Pictures or clips that are made later.
#[derive(SimpleObject)]
#[graphql(complex)]
struct Job {
    id: String,
    kind: &'static str,
    name: Option<String>,
    project: Option<String>,
    status: JobStatus,
    priority: i64,
    created: String,
    started: Option<String>,
    finished: Option<String>,
    expires: Option<String>,
}

#[ComplexObject]
impl Job {
    /// What is done, 0 to 1.
    async fn progress(&self, context: &Context<'_>) -> Answer<f64> {
        let (app, _) = who(context, Needs::Read)?;
        let counts = items::counts(&app.db, &self.id).await.map_err(|error| refused(&error))?;
        let total: i64 = counts.iter().map(|entry| entry.1).sum();
        let done: f64 =
            counts.iter().map(|(status, count, share)| if status.is_final() { *count as f64 } else { *share }).sum();
        Ok(if total == 0 { 0.0 } else { done / total as f64 })
    }

    /// Its files in order, behind the number `after`.
    #[graphql(complexity = "first.clamp(1, 200) as usize * child_complexity")]
    async fn items(
        &self,
        context: &Context<'_>,
        #[graphql(default = 50)] first: i64,
        #[graphql(default)] after: i64,
    ) -> Answer<Vec<Item>> {
        let (app, _) = who(context, Needs::Read)?;
        let most = query::limit(Some(first)).map_err(|error| refused(&error))?;
        let found = items::list(&app.db, &self.id, after, most).await.map_err(|error| refused(&error))?;
        Ok(found.into_iter().map(|item| Item::of(&self.id, item)).collect())
    }
}

impl Job {
    fn of(job: jobs::Job) -> Self {
        let time = super::time::shown;
        Self {
            id: job.id,
            kind: job.kind.name(),
            name: job.name,
            project: job.project,
            status: job.status.into(),
            priority: job.priority,
            created: time(job.created),
            started: job.started.map(time),
            finished: job.finished.map(time),
            expires: job.expires.map(time),
        }
    }
}

/// A file of a job.
#[derive(SimpleObject)]
struct Item {
    number: i64,
    name: Option<String>,
    status: JobStatus,
    progress: f64,
    attempts: i64,
    /// Where the result is.
    result: Option<String>,
    media_type: Option<String>,
    details: Option<AnyJson<Value>>,
    error_code: Option<String>,
    error_detail: Option<String>,
}

impl Item {
    fn of(job: &str, item: items::Item) -> Self {
        let (error_code, error_detail) = item.error.unzip();
        Self {
            number: item.number,
            name: item.name,
            status: item.status.into(),
            progress: item.progress,
            attempts: item.attempts,
            result: item.result.map(|_| format!("/v1/jobs/{job}/results/{}", item.number)),
            media_type: item.media_type,
            details: item.details.and_then(|text| serde_json::from_str(&text).ok()).map(AnyJson),
            error_code,
            error_detail,
        }
    }
}

/// What a person is working on.
#[derive(SimpleObject)]
struct Project {
    id: String,
    name: String,
    data: AnyJson<Value>,
    version: i64,
    created: String,
    updated: String,
}

impl Project {
    fn of(project: projects::Project) -> Self {
        Self {
            data: AnyJson(serde_json::from_str(&project.data).unwrap_or_default()),
            id: project.id,
            name: project.name,
            version: project.version,
            created: super::time::shown(project.created),
            updated: super::time::shown(project.updated),
        }
    }
}

/// Who the key is.
#[derive(SimpleObject)]
struct Account {
    organisation: String,
    actor: String,
    role: &'static str,
    megapixels_remaining: u32,
}

/// What can be read.
pub struct Reading;

#[Object]
impl Reading {
    /// Who the key is, and what it may still send.
    async fn account(&self, context: &Context<'_>) -> Answer<Account> {
        let (app, caller) = who(context, Needs::Read)?;
        Ok(Account {
            organisation: caller.organisation.clone(),
            actor: caller.actor.clone(),
            role: caller.role.name(),
            megapixels_remaining: app.rates.look(&caller.actor).await.remaining,
        })
    }

    /// A job.
    async fn job(&self, context: &Context<'_>, id: String) -> Answer<Job> {
        let (app, caller) = who(context, Needs::Read)?;
        jobs::get(&app.db, &caller.organisation, &id).await.map(Job::of).map_err(|error| refused(&error))
    }

    /// Jobs, newest first, older than the job `after`.
    #[graphql(complexity = "first.clamp(1, 200) as usize * child_complexity")]
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(default = 50)] first: i64,
        after: Option<String>,
        status: Option<JobStatus>,
        kind: Option<String>,
        project: Option<String>,
    ) -> Answer<Vec<Job>> {
        let (app, caller) = who(context, Needs::Read)?;
        let most = query::limit(Some(first)).map_err(|error| refused(&error))?;
        let filter = Filter {
            before: after.as_deref(),
            status: status.map(Status::from),
            kind: kind.as_deref().and_then(JobKind::named),
            project: project.as_deref(),
            most,
        };
        let db = app.reading(&caller.organisation).await;
        let found = jobs::list(db, &caller.organisation, &filter).await.map_err(|error| refused(&error))?;
        Ok(found.into_iter().map(Job::of).collect())
    }

    /// A project.
    async fn project(&self, context: &Context<'_>, id: String) -> Answer<Project> {
        let (app, caller) = who(context, Needs::Read)?;
        projects::get(&app.db, &caller.organisation, &id).await.map(Project::of).map_err(|error| refused(&error))
    }

    /// Projects, newest first, older than the project `after`.
    #[graphql(complexity = "first.clamp(1, 200) as usize * child_complexity")]
    async fn projects(
        &self,
        context: &Context<'_>,
        #[graphql(default = 50)] first: i64,
        after: Option<String>,
    ) -> Answer<Vec<Project>> {
        let (app, caller) = who(context, Needs::Read)?;
        let most = query::limit(Some(first)).map_err(|error| refused(&error))?;
        let db = app.reading(&caller.organisation).await;
        let found = projects::list(db, &caller.organisation, after.as_deref(), most).await;
        Ok(found.map_err(|error| refused(&error))?.into_iter().map(Project::of).collect())
    }
}

/// A job to be made of files at addresses.
#[derive(InputObject)]
struct NewJob {
    #[graphql(default)]
    image_urls: Vec<String>,
    #[graphql(default)]
    video_urls: Vec<String>,
    name: Option<String>,
    project: Option<String>,
    preset: Option<String>,
    model: Option<String>,
    background: Option<String>,
    options: Option<AnyJson<Value>>,
    format: Option<String>,
    output: Option<String>,
    priority: Option<i64>,
    /// The same key with the same job makes it once, for a day.
    idempotency_key: Option<String>,
}

impl NewJob {
    /// As the form that `POST /v1/jobs` takes.
    fn form(&self) -> Form {
        let single = [
            ("name", &self.name),
            ("project", &self.project),
            ("preset", &self.preset),
            ("model", &self.model),
            ("background", &self.background),
            ("format", &self.format),
            ("output", &self.output),
        ];
        let mut form = Form::default();
        self.image_urls.iter().for_each(|address| form.push_text("image_url", address));
        self.video_urls.iter().for_each(|address| form.push_text("video_url", address));
        single.iter().for_each(|(name, text)| text.iter().for_each(|text| form.push_text(name, text)));
        self.options.iter().for_each(|options| form.push_text("options", &options.0.to_string()));
        self.priority.iter().for_each(|priority| form.push_text("priority", &priority.to_string()));
        form
    }
}

/// What can be changed.
pub struct Changing;

#[Object]
impl Changing {
    /// Accepts pictures or clips at addresses to be made later.
    async fn create_job(&self, context: &Context<'_>, job: NewJob) -> Answer<Job> {
        let (app, caller) = who(context, Needs::Write)?;
        let accepted = http_jobs::accept(app, caller, &job.form(), job.idempotency_key.as_deref()).await;
        accepted.map(|accepted| Job::of(accepted.job)).map_err(|error| refused(&error))
    }

    /// Ends a job that has not ended, and deletes its files.
    async fn delete_job(&self, context: &Context<'_>, id: String) -> Answer<Job> {
        let (app, caller) = who(context, Needs::Write)?;
        http_jobs::end(app, caller, &id).await.map(Job::of).map_err(|error| refused(&error))
    }
}
