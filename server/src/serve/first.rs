//! The first start: an organisation, its owner, and a key that is shown once.

use crate::{
    App, Result,
    auth::{Caller, Role, Scopes},
    db::{
        organisations,
        users::{self, User},
    },
    http::keys,
};

/// Sets up an empty database; the key's text, if there is a new one.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn set_up(app: &App) -> Result<Option<String>> {
    if organisations::first(&app.db).await?.is_some() {
        return Ok(None);
    }
    let mut work = app.db.begin_alone().await?;
    // Another process may have been quicker.
    if organisations::first(&app.db).await?.is_some() {
        return Ok(None);
    }
    let (organisation, user) = (app.new_id("org"), app.new_id("user"));
    organisations::insert(&mut work, &organisation, "Home", app.now()).await?;
    let owner = User {
        id: user,
        organisation: organisation.clone(),
        email: "owner@localhost".to_owned(),
        password_hash: None,
        role: Role::Owner,
        created: app.now(),
    };
    users::insert(&mut work, &owner).await?;
    let mut key = keys::blank(app, "first key", Role::Owner);
    let text = keys::add(&mut work, &organisation, &mut key).await?;
    let system = Caller { actor: "system".to_owned(), organisation, role: Role::Owner, scopes: Scopes::ALL };
    keys::audit(app, &mut work, &system, "key.create", &key.id).await?;
    work.commit().await?;
    Ok(Some(text))
}
