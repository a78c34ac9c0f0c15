//! Who is signed in: the table `sessions`, and for a moment the Redis, so that what a page asks for in a row looks there once.

use std::time::Duration;

use crate::{
    App, Result,
    auth::Caller,
    db::{Work, sessions},
};

/// How long the Redis is believed. It is told at once what ends a session; one that does not hear of it is late by no more.
const BELIEVED: Duration = Duration::from_secs(10);

/// Who a session is, by its hash, unless it has ended.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn caller(app: &App, hash: &str) -> Result<Option<Caller>> {
    let Some(redis) = &app.redis else { return sessions::caller(&app.db, hash, app.now()).await };
    let remembered = redis.recall(&name(app, hash)).await;
    if let Some(caller) = remembered.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(Some(caller));
    }
    let found = sessions::caller(&app.db, hash, app.now()).await?;
    if let Some(Ok(bytes)) = found.as_ref().map(serde_json::to_vec) {
        redis.remember(&name(app, hash), bytes, BELIEVED).await;
    }
    Ok(found)
}

/// Ends a session.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn end(app: &App, hash: &str) -> Result<()> {
    sessions::delete(&app.db, hash).await?;
    forget(app, &[hash.to_owned()]).await;
    Ok(())
}

/// Ends all of a user or a key with the work that changes them.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn end_with(app: &App, mut work: Work, actor: &str) -> Result<()> {
    let ended = sessions::delete_of(&mut work, actor).await?;
    work.commit().await?;
    forget(app, &ended).await;
    Ok(())
}

async fn forget(app: &App, ended: &[String]) {
    if let Some(redis) = &app.redis {
        let names: Vec<String> = ended.iter().map(|hash| name(app, hash)).collect();
        redis.forget(&names).await;
    }
}

/// One that has moved to another database is not looked for in this one.
fn name(app: &App, hash: &str) -> String {
    format!("session:{}:{hash}", app.shard)
}
