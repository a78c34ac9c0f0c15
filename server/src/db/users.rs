//! The table `users`: people of an organisation.

use crate::{
    Error, Kind, Result,
    auth::Role,
    db::{Database, Work},
};

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// Its identifier.
    pub id: String,
    /// Its organisation.
    pub organisation: String,
    /// Its address, by which it signs in.
    pub email: String,
    /// Argon2id in PHC notation; none for one who cannot sign in.
    pub password_hash: Option<String>,
    /// What it may do.
    pub role: Role,
    /// When it was added.
    pub created: i64,
}

type Row = (String, String, String, Option<String>, String, i64);

const COLUMNS: &str = "id, organisation, email, password_hash, role, created";

fn user((id, organisation, email, password_hash, role, created): Row) -> Result<User> {
    let unknown = || Error::new(Kind::Internal, format!("the database holds the unknown role {role:?}"));
    let role = Role::named(&role).ok_or_else(unknown)?;
    Ok(User { id, organisation, email, password_hash, role, created })
}

/// Adds one.
///
/// # Errors
/// [`Kind::Conflict`] when somebody has that address; [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, user: &User) -> Result<()> {
    let added = sqlx::query(
        "INSERT INTO users (id, organisation, email, password_hash, role, created) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(&user.id)
    .bind(&user.organisation)
    .bind(&user.email)
    .bind(&user.password_hash)
    .bind(user.role.name())
    .bind(user.created)
    .execute(&mut **work)
    .await?;
    match added.rows_affected() {
        0 => Err(Error::new(Kind::Conflict, format!("somebody has the address {:?} already", user.email))),
        _ => Ok(()),
    }
}

/// The one with an address, and in which of several databases.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn with_email<'a>(databases: &'a [Database], email: &str) -> Result<Option<(&'a Database, User)>> {
    for db in databases {
        if let Some(user) = by_email(db, email).await? {
            return Ok(Some((db, user)));
        }
    }
    Ok(None)
}

/// Checks that nobody has an address, in none of several databases.
///
/// # Errors
/// [`Kind::Conflict`] when somebody has; [`Kind::DatabaseUnusable`].
pub async fn must_be_free(databases: &[Database], email: &str) -> Result<()> {
    match with_email(databases, email).await? {
        Some(_) => Err(Error::new(Kind::Conflict, format!("somebody has the address {email:?} already"))),
        None => Ok(()),
    }
}

/// The one with an address.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn by_email(db: &Database, email: &str) -> Result<Option<User>> {
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE email = $1")))
        .bind(email)
        .fetch_optional(db.pool())
        .await?;
    row.map(user).transpose()
}

/// One of an organisation.
///
/// # Errors
/// [`Kind::NotFound`]; [`Kind::DatabaseUnusable`].
pub async fn get(db: &Database, organisation: &str, id: &str) -> Result<User> {
    let query = format!("SELECT {COLUMNS} FROM users WHERE organisation = $1 AND id = $2");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(organisation).bind(id).fetch_optional(db.pool()).await?;
    row.map(user).transpose()?.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no user {id:?}")))
}

/// Those of an organisation, oldest first.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, organisation: &str) -> Result<Vec<User>> {
    let query = format!("SELECT {COLUMNS} FROM users WHERE organisation = $1 ORDER BY id");
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(organisation).fetch_all(db.pool()).await?;
    rows.into_iter().map(user).collect()
}

/// Changes role and password.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn update(work: &mut Work, user: &User) -> Result<()> {
    sqlx::query("UPDATE users SET role = $1, password_hash = $2 WHERE id = $3")
        .bind(user.role.name())
        .bind(&user.password_hash)
        .bind(&user.id)
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// Removes one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn delete(work: &mut Work, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM users WHERE id = $1").bind(id).execute(&mut **work).await?;
    Ok(())
}

/// How many owners an organisation has.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn owners(work: &mut Work, organisation: &str) -> Result<i64> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM users WHERE organisation = $1 AND role = 'owner'")
        .bind(organisation)
        .fetch_one(&mut **work)
        .await?;
    Ok(count)
}
