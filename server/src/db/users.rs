//! The table `users`: people of an organisation.

use crate::{Result, auth::Role, db::Work};

/// A user to be added.
pub struct NewUser<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Its organisation.
    pub organisation: &'a str,
    /// Its address, by which it signs in.
    pub email: &'a str,
    /// Argon2id in PHC notation; none for one who cannot sign in.
    pub password_hash: Option<&'a str>,
    /// What it may do.
    pub role: Role,
}

/// Adds one.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, user: &NewUser<'_>, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO users (id, organisation, email, password_hash, role, created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(user.id)
    .bind(user.organisation)
    .bind(user.email)
    .bind(user.password_hash)
    .bind(user.role.name())
    .bind(now)
    .execute(&mut **work)
    .await?;
    Ok(())
}
