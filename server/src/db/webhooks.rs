//! The table `webhooks`: addresses that are told of jobs.

use crate::{
    Error, Kind, Result,
    db::{Database, Work},
};

/// An address that is told.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its identifier.
    pub id: String,
    /// The address.
    pub url: String,
    /// The signing secret, encrypted.
    pub secret: String,
    /// When it was added.
    pub created: i64,
    /// Why it is told nothing any more.
    pub disabled: Option<String>,
}

type Row = (String, String, String, i64, Option<String>);

fn webhook((id, url, secret, created, disabled): Row) -> Webhook {
    Webhook { id, url, secret, created, disabled }
}

/// Adds one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, organisation: &str, webhook: &Webhook) -> Result<()> {
    sqlx::query("INSERT INTO webhooks (id, organisation, url, secret, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(&webhook.id)
        .bind(organisation)
        .bind(&webhook.url)
        .bind(&webhook.secret)
        .bind(webhook.created)
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// Those of an organisation, oldest first.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, organisation: &str) -> Result<Vec<Webhook>> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT id, url, secret, created, disabled FROM webhooks WHERE organisation = $1 ORDER BY id")
            .bind(organisation)
            .fetch_all(db.pool())
            .await?;
    Ok(rows.into_iter().map(webhook).collect())
}

/// One of an organisation.
///
/// # Errors
/// [`Kind::NotFound`]; [`Kind::DatabaseUnusable`].
pub async fn get(db: &Database, organisation: &str, id: &str) -> Result<Webhook> {
    let all = list(db, organisation).await?;
    let found = all.into_iter().find(|webhook| webhook.id == id);
    found.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no webhook {id:?}")))
}

/// One, for whoever delivers to it.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn by_id(db: &Database, id: &str) -> Result<Webhook> {
    let row: Row = sqlx::query_as("SELECT id, url, secret, created, disabled FROM webhooks WHERE id = $1")
        .bind(id)
        .fetch_one(db.pool())
        .await?;
    Ok(webhook(row))
}

/// Tells one nothing any more.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn disable(db: &Database, id: &str, why: &str) -> Result<()> {
    sqlx::query("UPDATE webhooks SET disabled = $1 WHERE id = $2").bind(why).bind(id).execute(db.pool()).await?;
    Ok(())
}

/// Removes one and everything it was to be told.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn delete(work: &mut Work, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM deliveries WHERE webhook = $1").bind(id).execute(&mut **work).await?;
    sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(&mut **work).await?;
    Ok(())
}
