//! `GET /v1/jobs/{id}/events`: how a job stands, as server-sent events, until it ends.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use serde_json::Value;

use super::show;
use crate::{App, Error, Kind, Result, auth::Caller, db::jobs, http::problem::Problem};

/// How often to look, whether or not something was told: another process may be working on it.
const LOOK: Duration = Duration::from_secs(1);

/// Tells the job as it is, then each time it has changed; the last event is its end.
pub async fn events(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    // What is not there is told now, not in the stream.
    jobs::get(&app.db, &caller.organisation, &id).await?;
    let changes = app.changes.subscribe();
    let watch = Watch { app, organisation: caller.organisation, id, changes, last: Value::Null, over: false };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

struct Watch {
    app: Arc<App>,
    organisation: String,
    id: String,
    changes: tokio::sync::broadcast::Receiver<String>,
    last: Value,
    over: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<Event> {
        while !self.over && !self.app.is_stopping() {
            match self.look().await {
                Ok((shown, is_final)) if shown != self.last => {
                    self.over = is_final;
                    self.last = shown;
                    let name = if is_final { "end" } else { "job" };
                    return Event::default().event(name).json_data(&self.last).ok();
                }
                Ok(_) => {}
                Err(error) if error.kind() == Kind::NotFound => return None,
                Err(error) => tracing::warn!(%error, "a job's events pause"),
            }
            tokio::select! {
                _ = self.changes.recv() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = self.app.stopped() => {}
            }
        }
        None
    }

    async fn look(&self) -> Result<(Value, bool), Error> {
        let job = jobs::get(&self.app.db, &self.organisation, &self.id).await?;
        Ok((show::brief(&self.app.db, &job).await?, job.status.is_final()))
    }
}
