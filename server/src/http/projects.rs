//! `/v1/projects`: what people are working on. Changes name the version they were made on, by `If-Match`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{body, problem::Problem, query, time};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::projects::{self, Project},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    name: String,
    #[serde(default)]
    data: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<i64>,
    cursor: Option<String>,
    fields: Option<String>,
}

/// Lists projects, newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let asked: ListQuery = query::read(request.uri().query())?;
    let most = query::limit(asked.limit)?;
    let db = app.reading(&caller.organisation).await;
    let mut found = projects::list(db, &caller.organisation, asked.cursor.as_deref(), most + 1).await?;
    let more = found.len() as i64 > most;
    found.truncate(most as usize);
    let next = found.last().filter(|_| more).map(|project| project.id.clone());
    let shown = found.iter().map(|project| query::select(show(project), asked.fields.as_deref()));
    Ok(Json(json!({"projects": shown.collect::<Result<Vec<Value>>>()?, "next_cursor": next})))
}

/// Begins one.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let content = read(request).await?;
    let now = app.now();
    let data = Value::Object(content.data).to_string();
    let project =
        Project { id: app.new_id("project"), name: content.name, data, version: 1, created: now, updated: now };
    projects::insert(&app.db, &caller.organisation, &project).await?;
    Ok((StatusCode::CREATED, tagged(&project)).into_response())
}

/// Shows one.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(tagged(&projects::get(&app.db, &caller.organisation, &id).await?).into_response())
}

/// Changes one, unless somebody else has meanwhile.
pub async fn replace(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let content = read(request).await?;
    let old = projects::get(&app.db, &caller.organisation, &id).await?;
    let known = match headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()) {
        None | Some("*") => old.version,
        Some(tag) => tag.trim_matches('"').parse().unwrap_or(0),
    };
    let new = Project { name: content.name, data: Value::Object(content.data).to_string(), updated: app.now(), ..old };
    if !projects::replace(&app.db, &caller.organisation, &new, known).await? {
        let message = format!("the project is of another version than {known}: read it again and repeat the change");
        return Err(Error::new(Kind::Conflict, message).into());
    }
    Ok(tagged(&projects::get(&app.db, &caller.organisation, &id).await?).into_response())
}

/// Removes one; its jobs stay.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if !projects::delete(&app.db, &caller.organisation, &id).await? {
        return Err(Error::new(Kind::NotFound, format!("there is no project {id:?}")).into());
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn read(request: Request) -> Result<Content> {
    let content: Content = body::json(request).await?;
    if content.name.trim().is_empty() || content.name.chars().count() > 200 {
        return Err(Error::new(Kind::RequestInvalid, "name must have 1 to 200 characters"));
    }
    Ok(content)
}

fn tagged(project: &Project) -> impl IntoResponse {
    ([(header::ETAG, format!("\"{}\"", project.version))], Json(show(project)))
}

fn show(project: &Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "data": serde_json::from_str::<Value>(&project.data).unwrap_or_default(),
        "version": project.version,
        "created": time::shown(project.created),
        "updated": time::shown(project.updated),
    })
}
