//! `organisations`: who shares a service.

use backgroundfx_server::{
    self as server,
    http::time::shown,
    serve::{block_on, organisations},
};
use serde_json::json;

use crate::{
    args::{OrganisationsAt, OrganisationsCommand},
    config::Config,
    exit::{self, DONE, Ended},
    stdout::say,
};

/// Adds one, moves one, or lists them.
pub fn run(command: OrganisationsCommand, config: &Config) -> Ended {
    let done = match command {
        OrganisationsCommand::Add { name, owner, shard, at } => add(&name, &owner, shard, &at, config),
        OrganisationsCommand::Move { id, to, at } => relocate(&id, to, &at, config),
        OrganisationsCommand::List { at } => list(&at, config),
    };
    Ok(done.map_or_else(|error| exit::served(&error), |()| DONE))
}

fn add(name: &str, owner: &str, shard: usize, at: &OrganisationsAt, config: &Config) -> server::Result<()> {
    let (id, key) = block_on(organisations::add(&settings(at, config), name, owner, shard))?;
    if at.json {
        say!("{}", json!({"id": id, "name": name.trim(), "key": key}));
    } else {
        say!("organisation: {id}");
        say!("api key: {key}");
    }
    Ok(())
}

fn relocate(id: &str, to: usize, at: &OrganisationsAt, config: &Config) -> server::Result<()> {
    block_on(organisations::relocate(&settings(at, config), id, to))?;
    if at.json {
        say!("{}", json!({"id": id, "shard": to}));
    } else {
        say!("{id} is in shard {to}");
    }
    Ok(())
}

fn list(at: &OrganisationsAt, config: &Config) -> server::Result<()> {
    let all = block_on(organisations::list(&settings(at, config)))?;
    if at.json {
        let shown = all
            .iter()
            .map(|(shard, one)| json!({"id": one.id, "name": one.name, "created": shown(one.created), "shard": shard}));
        say!("{}", json!({"organisations": shown.collect::<Vec<_>>()}));
    } else {
        let several = all.iter().any(|(shard, _)| *shard > 0);
        for (shard, one) in &all {
            let shard = if several { format!("shard {shard}  ") } else { String::new() };
            say!("{}  {}  {shard}{}", one.id, shown(one.created), one.name);
        }
    }
    Ok(())
}

fn settings(at: &OrganisationsAt, config: &Config) -> server::Config {
    let mut settings = config.serve.clone().unwrap_or_default();
    if let Some(database) = &at.database {
        (settings.database, settings.database_direct) = (Some(database.clone()), None);
    }
    settings.data = at.data.clone().or(settings.data);
    settings
}
