//! Who shares the service: organisations, each with an owner and a key that is shown once. The first is made by the first start,
//! others by whoever has the machine; nothing of one is seen by another.

use crate::{
    App, Config, Error, Kind, Result,
    app::{new_id, now},
    auth::{Caller, Role, Scopes},
    db::{
        Database, Work,
        organisations::{self, Organisation},
        users::{self, User},
    },
    http::{keys, users::address},
};

/// Sets up an empty database; the key's text, if there is a new one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn set_up(app: &App) -> Result<Option<String>> {
    if organisations::first(&app.db).await?.is_some() {
        return Ok(None);
    }
    let mut work = app.db.begin_alone().await?;
    // Another process may have been quicker.
    if organisations::first(&app.db).await?.is_some() {
        return Ok(None);
    }
    let (_, key) = found(&mut work, "Home", "owner@localhost").await?;
    work.commit().await?;
    Ok(Some(key))
}

/// Adds an organisation to the service of a configuration, whose processes may be running: its identifier, and the key of its owner.
///
/// # Errors
/// [`Kind::RequestInvalid`] for a name or an address that is none; [`Kind::Conflict`] when somebody has that address;
/// [`Kind::ConfigInvalid`] where no service has started yet; [`Kind::DatabaseUnusable`].
pub async fn add(config: &Config, name: &str, email: &str) -> Result<(String, String)> {
    let (name, email) = (keys::named(name)?, address(email)?);
    let db = open(config).await?;
    let mut work = db.begin().await?;
    let founded = found(&mut work, name, &email).await?;
    work.commit().await?;
    db.close().await;
    Ok(founded)
}

/// The organisations of the service of a configuration, oldest first.
///
/// # Errors
/// [`Kind::ConfigInvalid`] where no service has started yet; [`Kind::DatabaseUnusable`].
pub async fn list(config: &Config) -> Result<Vec<Organisation>> {
    let db = open(config).await?;
    let all = organisations::list(&db).await;
    db.close().await;
    all
}

/// The database of a service that has started once. One of its own making would have an owner whom nobody was told.
async fn open(config: &Config) -> Result<Database> {
    config.validate()?;
    let none = |place: String| {
        Error::new(
            Kind::ConfigInvalid,
            format!("no service has started on {place}: run `backgroundfx serve` on it once"),
        )
    };
    let (db, place) = match config.database_direct.as_ref().or(config.database.as_ref()) {
        Some(url) => (Database::open_at(url).await?, "the database".to_owned()),
        None => {
            let folder = config.folder()?;
            let place = folder.display().to_string();
            if !Database::is_in(&folder) {
                return Err(none(place));
            }
            (Database::open_in(&folder).await?, place)
        }
    };
    db.is_up_to_date().await?;
    match organisations::first(&db).await? {
        Some(_) => Ok(db),
        None => Err(none(place)),
    }
}

async fn found(work: &mut Work, name: &str, email: &str) -> Result<(String, String)> {
    let organisation = new_id("org");
    organisations::insert(work, &organisation, name, now()).await?;
    let owner = User {
        id: new_id("user"),
        organisation: organisation.clone(),
        email: email.to_owned(),
        password_hash: None,
        role: Role::Owner,
        created: now(),
    };
    users::insert(work, &owner).await?;
    let mut key = keys::blank("first key", Role::Owner);
    let text = keys::add(work, &organisation, &mut key).await?;
    let system = Caller {
        actor: "system".to_owned(),
        organisation: organisation.clone(),
        role: Role::Owner,
        scopes: Scopes::ALL,
    };
    keys::audit(work, &system, "key.create", &key.id).await?;
    Ok((organisation, text))
}
