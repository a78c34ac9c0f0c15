//! The table `vault`: by what the key that encrypts secrets is known again.

use crate::{Error, Kind, Result, db::Database};

/// Notes a key's fingerprint at the first start, and compares it at all others.
///
/// # Errors
/// [`Kind::ConfigInvalid`] when the database's secrets were encrypted by another key; [`Kind::DatabaseUnusable`].
pub async fn check(db: &Database, fingerprint: &str) -> Result<()> {
    let mut work = db.begin_alone().await?;
    let known: Option<(String,)> = sqlx::query_as("SELECT fingerprint FROM vault").fetch_optional(&mut *work).await?;
    match known {
        Some((known,)) if known == fingerprint => work.rollback().await,
        Some(_) => Err(Error::new(
            Kind::ConfigInvalid,
            "this process's secret key is not the one of the database: have serve.secret_key name the same file's content \
             wherever a process of this service runs",
        )),
        None => {
            sqlx::query("INSERT INTO vault (fingerprint) VALUES ($1)").bind(fingerprint).execute(&mut *work).await?;
            work.commit().await
        }
    }
}
