//! The table `api_keys`: keys by their hashes.

use crate::{
    Error, Kind, Result,
    auth::{Caller, Role, Scopes},
    db::{Database, Work},
};

/// A key as it is kept and shown: without the key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its identifier.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What it may do.
    pub role: Role,
    /// What of that it is for.
    pub scopes: Scopes,
    /// When it was made.
    pub created: i64,
    /// When it was last used, to the minute.
    pub last_used: Option<i64>,
}

/// Adds a key by the hash of its text.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, organisation: &str, key: &ApiKey, hash: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO api_keys (id, organisation, name, prefix, hash, role, created, scopes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&key.id)
    .bind(organisation)
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(hash)
    .bind(key.role.name())
    .bind(key.created)
    .bind(key.scopes.stored())
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// Who the key with this hash is; a revoked one is nobody.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn caller(db: &Database, hash: &str) -> Result<Option<(Caller, Option<i64>)>> {
    type Row = (String, String, String, Option<String>, Option<i64>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, organisation, role, scopes, last_used FROM api_keys WHERE hash = $1 AND revoked IS NULL",
    )
    .bind(hash)
    .fetch_optional(db.pool())
    .await?;
    row.map(|(actor, organisation, role, scopes, used)| {
        let (role, scopes) = (role_of(&role)?, Scopes::of_stored(scopes.as_deref())?);
        Ok((Caller { actor, organisation, role, scopes }, used))
    })
    .transpose()
}

/// Whether a key, or a user, of an organisation is still there, for tokens that were given to it.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn is_there(db: &Database, organisation: &str, actor: &str) -> Result<bool> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM api_keys WHERE id = $1 AND organisation = $2 AND revoked IS NULL) \
         + (SELECT COUNT(*) FROM users WHERE id = $1 AND organisation = $2)",
    )
    .bind(actor)
    .bind(organisation)
    .fetch_one(db.pool())
    .await?;
    Ok(count > 0)
}

/// Notes that a key was used.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn touch(db: &Database, id: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE api_keys SET last_used = $1 WHERE id = $2").bind(now).bind(id).execute(db.pool()).await?;
    Ok(())
}

/// The keys of an organisation that are not revoked, oldest first.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, organisation: &str) -> Result<Vec<ApiKey>> {
    type Row = (String, String, String, String, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, prefix, role, scopes, created, last_used FROM api_keys WHERE organisation = $1 AND revoked IS NULL ORDER BY id",
    )
    .bind(organisation)
    .fetch_all(db.pool())
    .await?;
    rows.into_iter()
        .map(|(id, name, prefix, role, scopes, created, last_used)| {
            let (role, scopes) = (role_of(&role)?, Scopes::of_stored(scopes.as_deref())?);
            Ok(ApiKey { id, name, prefix, role, scopes, created, last_used })
        })
        .collect()
}

/// Revokes a key; whether there was one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn revoke(work: &mut Work, organisation: &str, id: &str, now: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE api_keys SET revoked = $1 WHERE organisation = $2 AND id = $3 AND revoked IS NULL")
        .bind(now)
        .bind(organisation)
        .bind(id)
        .execute(&mut **work)
        .await?;
    Ok(done.rows_affected() > 0)
}

fn role_of(name: &str) -> Result<Role> {
    Role::named(name).ok_or_else(|| Error::new(Kind::Internal, format!("the database holds the unknown role {name:?}")))
}
