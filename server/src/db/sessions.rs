//! The table `sessions`: people who are signed in.

use crate::{
    Result,
    auth::{Caller, Role, Scopes},
    db::{Database, Work},
};

/// Adds one by the hash of what the browser keeps.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(db: &Database, hash: &str, caller: &Caller, now: i64, expires: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO sessions (hash, organisation, actor, role, created, expires, scopes) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(hash)
    .bind(&caller.organisation)
    .bind(&caller.actor)
    .bind(caller.role.name())
    .bind(now)
    .bind(expires)
    .bind(caller.scopes.stored())
    .execute(db.pool())
    .await?;
    Ok(())
}

/// Who a session is, unless it has ended.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn caller(db: &Database, hash: &str, now: i64) -> Result<Option<Caller>> {
    let row: Option<(String, String, String, Option<String>)> =
        sqlx::query_as("SELECT actor, organisation, role, scopes FROM sessions WHERE hash = $1 AND expires > $2")
            .bind(hash)
            .bind(now)
            .fetch_optional(db.pool())
            .await?;
    let Some((actor, organisation, role, scopes)) = row else { return Ok(None) };
    let scopes = Scopes::of_stored(scopes.as_deref())?;
    Ok(Role::named(&role).map(|role| Caller { actor, organisation, role, scopes }))
}

/// Ends one.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn delete(db: &Database, hash: &str) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash).execute(db.pool()).await?;
    Ok(())
}

/// Ends all of a user or a key, in the work that changes them: which ones.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn delete_of(work: &mut Work, actor: &str) -> Result<Vec<String>> {
    let ended: Vec<(String,)> = sqlx::query_as("DELETE FROM sessions WHERE actor = $1 RETURNING hash")
        .bind(actor)
        .fetch_all(&mut **work)
        .await?;
    Ok(ended.into_iter().map(|(hash,)| hash).collect())
}

/// Forgets those that have ended.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn forget(db: &Database, now: i64) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE expires <= $1").bind(now).execute(db.pool()).await?;
    Ok(())
}
