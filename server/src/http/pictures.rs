//! `/v1/pictures`: what is known of everything that jobs have made, also when its files are deleted.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{metadata, problem::Problem, query};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    documents::{Documents, Filter},
};

/// Lists them, newest first: `project`, `model` and any `metadata.KEY` say which.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let asked: Vec<(String, String)> = query::read(request.uri().query())?;
    let (mut filter, mut limit, mut fields) = (Filter::default(), None, None);
    for (name, value) in &asked {
        match name.as_str() {
            "cursor" => filter.before = Some(value),
            "project" => filter.project = Some(value),
            "model" => filter.model = Some(value),
            "fields" => fields = Some(value.as_str()),
            "limit" => {
                limit = Some(value.parse().map_err(|_| wrong(format!("limit is {value:?}, allowed is 1 to 200")))?)
            }
            other => {
                let key =
                    other.strip_prefix("metadata.").ok_or_else(|| wrong(format!("there is no field {other:?}")))?;
                metadata::check_key(key)?;
                filter.metadata.push((key.to_owned(), value.clone()));
            }
        }
    }
    if filter.metadata.len() > metadata::MOST {
        return Err(wrong(format!("at most {} keys can be asked for", metadata::MOST)).into());
    }
    let most = query::limit(limit)?;
    filter.most = most + 1;
    let mut found = match app.config.documents {
        Some(_) => app.documents.list(&caller.organisation, &filter).await?,
        None => app.reading(&caller.organisation).await.list(&caller.organisation, &filter).await?,
    };
    let more = found.len() as i64 > most;
    found.truncate(most as usize);
    let next = found.last().filter(|_| more).map(|document| document.id.clone());
    let shown = found.into_iter().map(|document| query::select(document.content, fields));
    Ok(Json(json!({"pictures": shown.collect::<Result<Vec<Value>>>()?, "next_cursor": next})))
}

/// Shows one.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found = app.documents.get(&caller.organisation, &id).await?;
    Ok(Json(found.ok_or_else(|| missing(&id))?.content))
}

/// Forgets what is known of one; its files are its job's.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if !app.documents.delete(&caller.organisation, &id).await? {
        return Err(missing(&id).into());
    }
    Ok(StatusCode::NO_CONTENT)
}

fn wrong(message: String) -> Error {
    Error::new(Kind::RequestInvalid, message)
}

fn missing(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no picture {id:?}"))
}
