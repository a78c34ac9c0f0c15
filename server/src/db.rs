//! The database: opening, migrations, transactions. All SQL about a table is in that table's file below.

pub mod api_keys;
pub mod audit_log;
pub mod deliveries;
pub mod idempotency_keys;
pub mod improvements;
pub mod items;
pub mod jobs;
mod migrations;
pub mod organisations;
pub mod projects;
pub mod sessions;
pub mod uploads;
pub mod users;
pub mod webhooks;

use std::{path::Path, time::Duration};

use sqlx::{
    Any, AnyPool, Executor, Transaction,
    any::{AnyPoolOptions, install_default_drivers},
};

use crate::{Error, Kind, Result};

/// A pool of connections.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
}

/// Several statements that all happen or none.
pub type Work = Transaction<'static, Any>;

impl Database {
    /// Opens the embedded database in a folder and brings its tables up to date.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`] when it cannot be opened, or is of a later version of this program.
    pub async fn open_in(folder: &Path) -> Result<Self> {
        let file = folder.join("backgroundfx.db");
        let unusable = |error: sqlx::Error| {
            let message = format!("the database {} cannot be opened: {error}", file.display());
            Error::new(Kind::DatabaseUnusable, message).because(error)
        };
        install_default_drivers();
        // What a URL gives a meaning to is written as its code.
        let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // FULL: what was accepted survives a power cut, not only a crash of this process.
                    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 8000; \
                                    PRAGMA foreign_keys = ON;";
                    connection.execute(settings).await.map(|_| ())
                })
            })
            .connect(&format!("sqlite:{path}?mode=rwc"))
            .await
            .map_err(unusable)?;
        migrations::all().run(&pool).await.map_err(|error| {
            let message = format!("the tables of {} cannot be brought up to date: {error}", file.display());
            Error::new(Kind::DatabaseUnusable, message).because(error)
        })?;
        Ok(Self { pool })
    }

    /// The connections, for single statements.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins work that writes. It is undone unless it is committed.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn begin(&self) -> Result<Work> {
        // Taking the writer's place at once, instead of at the first write, cannot end in two that wait for each other.
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn check(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes all connections once they are done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
