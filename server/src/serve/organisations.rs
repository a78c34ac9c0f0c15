//! Who shares the service: organisations, each with an owner and a key that is shown once. The first is made by the first start,
//! others by whoever has the machine; nothing of one is seen by another.

use std::time::Duration;

use crate::{
    App, Config, Error, Kind, Result,
    app::{new_id, now},
    auth::{Caller, Role, Scopes},
    db::{
        Database, Work, arrivals,
        organisations::{self, Organisation},
        users::{self, User},
    },
    http::{keys, users::address},
};

/// How often a move is tried while what is moved changes, and the pause before it is tried again.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);

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
/// [`Kind::RequestInvalid`] for a name or an address that is none, or a shard that is not there; [`Kind::Conflict`] when somebody has
/// that address; [`Kind::ConfigInvalid`] where no service has started yet; [`Kind::DatabaseUnusable`].
pub async fn add(config: &Config, name: &str, email: &str, shard: usize) -> Result<(String, String)> {
    let (name, email) = (keys::named(name)?, address(email)?);
    let shards = open(config).await?;
    let db = of_number(&shards, shard)?;
    users::must_be_free(&shards, &email).await?;
    let mut work = db.begin().await?;
    let founded = found(&mut work, name, &email).await?;
    work.commit().await?;
    close(shards).await;
    Ok(founded)
}

/// The organisations of the service of a configuration, each with its shard, oldest first in each.
///
/// # Errors
/// [`Kind::ConfigInvalid`] where no service has started yet; [`Kind::DatabaseUnusable`].
pub async fn list(config: &Config) -> Result<Vec<(usize, Organisation)>> {
    let shards = open(config).await?;
    let mut all = Vec::new();
    for (number, db) in shards.iter().enumerate() {
        all.extend(organisations::list(db).await?.into_iter().map(|organisation| (number, organisation)));
    }
    close(shards).await;
    Ok(all)
}

/// Moves an organisation with all that is in tables to another shard, while the service runs. Writers of it wait for a moment, and
/// what is being made of it is begun again there. When it is cut off, it is asked for again.
///
/// # Errors
/// [`Kind::RequestInvalid`] for a shard that is not there; [`Kind::NotFound`]; [`Kind::Conflict`] for the first organisation, whom
/// the service belongs to; [`Kind::DatabaseUnusable`].
pub async fn relocate(config: &Config, organisation: &str, shard: usize) -> Result<()> {
    let shards = open(config).await?;
    let to = of_number(&shards, shard)?;
    if organisations::first(&shards[0]).await?.as_deref() == Some(organisation) {
        return Err(Error::new(Kind::Conflict, "the first organisation runs the service and stays in the first shard"));
    }
    // Of two moves at a time one could clear away what the other has just brought.
    let alone = arrivals::alone(&shards[0]).await?;
    let from = whereabouts(&shards, organisation).await?;
    let from = from.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no organisation {organisation:?}")))?;
    if !std::ptr::eq(from, to) {
        depart(from, to, organisation).await?;
        arrivals::settle(to, organisation).await?;
    }
    alone.rollback().await?;
    close(shards).await;
    Ok(())
}

/// Where an organisation is. An earlier move that was cut off is finished, if the place before had let go, else forgotten.
async fn whereabouts<'a>(shards: &'a [Database], organisation: &str) -> Result<Option<&'a Database>> {
    let mut found = None;
    for db in shards {
        if organisations::exists(db, organisation).await? {
            found = Some(db);
        }
    }
    for db in shards {
        if arrivals::is_any(db, Some(organisation)).await? {
            match found {
                Some(_) => arrivals::forget(db, organisation).await?,
                None => {
                    arrivals::settle(db, organisation).await?;
                    found = Some(db);
                }
            }
        }
    }
    Ok(found)
}

/// Its things may be changing: then it is tried again.
async fn depart(from: &Database, to: &Database, organisation: &str) -> Result<()> {
    for _ in 1..TRIES {
        if let Err(error) = arrivals::depart(from, to, organisation).await {
            tracing::info!(%error, "the organisation changes while it is moved; it is tried again");
            tokio::time::sleep(PAUSE).await;
        } else {
            return Ok(());
        }
    }
    arrivals::depart(from, to, organisation).await
}

fn of_number(shards: &[Database], number: usize) -> Result<&Database> {
    shards.get(number).ok_or_else(|| {
        let last = shards.len() - 1;
        Error::new(Kind::RequestInvalid, format!("there is no shard {number}: serve.shards has those up to {last}"))
    })
}

/// The databases of a service that has started once. One of its own making would have an owner whom nobody was told.
async fn open(config: &Config) -> Result<Vec<Database>> {
    config.validate()?;
    let none = |place: String| {
        Error::new(
            Kind::ConfigInvalid,
            format!("no service has started on {place}: run `backgroundfx serve` on it once"),
        )
    };
    let (shards, place) = match config.database_direct.as_ref().or(config.database.as_ref()) {
        Some(url) => {
            let mut shards = Vec::new();
            for url in [url].into_iter().chain(&config.shards) {
                shards.push(Database::open_at(url).await?);
            }
            (shards, "the database".to_owned())
        }
        None => {
            let folder = config.folder()?;
            let place = folder.display().to_string();
            if !Database::is_in(&folder) {
                return Err(none(place));
            }
            (vec![Database::open_in(&folder).await?], place)
        }
    };
    for db in &shards {
        db.is_up_to_date().await?;
    }
    match organisations::first(&shards[0]).await? {
        Some(_) => Ok(shards),
        None => Err(none(place)),
    }
}

async fn close(shards: Vec<Database>) {
    for db in shards {
        db.close().await;
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
