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
    engine: Engine,
}

/// What answers to the SQL. It is one text for both but for what stands in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// In this process, in a file.
    Sqlite,
    /// A server, for any number of processes.
    Postgres,
}

/// Several statements that all happen or none.
pub type Work = Transaction<'static, Any>;

/// The channel on which PostgreSQL tells that a job waits.
pub const CHANNEL: &str = "backgroundfx";
/// Names the right to write, among what else may be locked in the same database.
const WRITER: i64 = 0x6266_785f_7772;

impl Engine {
    /// What each connection is told at its beginning.
    const fn settings(self) -> &'static str {
        match self {
            // FULL: what was accepted survives a power cut, not only a crash of this process.
            Self::Sqlite => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 8000; PRAGMA foreign_keys = ON;"
            }
            // A process that is frozen in the middle of its work must not hold up all others.
            Self::Postgres => {
                "SET lock_timeout = '10s'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '5s';"
            }
        }
    }
}

impl Database {
    /// Opens the embedded database in a folder and brings its tables up to date.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`] when it cannot be opened, or is of a later version of this program.
    pub async fn open_in(folder: &Path) -> Result<Self> {
        let file = folder.join("backgroundfx.db");
        // What a URL gives a meaning to is written as its code.
        let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        Self::connect(Engine::Sqlite, &format!("sqlite:{path}?mode=rwc"), &file.display().to_string()).await
    }

    /// Connects to the PostgreSQL of a URL and brings its tables up to date.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] for a URL of another kind; [`Kind::DatabaseUnusable`].
    pub async fn open_at(url: &str) -> Result<Self> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(Error::new(
                Kind::ConfigInvalid,
                "serve.database is not an address as postgres://user@host/name",
            ));
        }
        // What may stand before the host is a password.
        let shown = url.rsplit('@').next().unwrap_or_default();
        Self::connect(Engine::Postgres, url, shown).await
    }

    async fn connect(engine: Engine, url: &str, shown: &str) -> Result<Self> {
        install_default_drivers();
        let unusable = |error: sqlx::Error| {
            let message = format!("the database {shown} cannot be opened: {error}");
            Error::new(Kind::DatabaseUnusable, message).because(error)
        };
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(engine.settings()).await.map(|_| ()) })
            })
            .connect(url)
            .await
            .map_err(unusable)?;
        migrations::all().run(&pool).await.map_err(|error| {
            let message = format!("the tables of {shown} cannot be brought up to date: {error}");
            Error::new(Kind::DatabaseUnusable, message).because(error)
        })?;
        Ok(Self { pool, engine })
    }

    /// What answers to the SQL.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Tells the processes of this database, once the work is committed, that a job waits. A message that is lost costs a
    /// second: all look for themselves too.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn announce(&self, work: &mut Work, job: &str) -> Result<()> {
        if self.engine == Engine::Postgres {
            // Neither takes parameters; identifiers are our own.
            let text: String = job.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            sqlx::query(sqlx::AssertSqlSafe(format!("NOTIFY {CHANNEL}, '{text}'"))).execute(&mut **work).await?;
        }
        Ok(())
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
        // Taking the writer's place at once, instead of at the first write, cannot end in two that wait for each other; and what
        // work reads stays as it is until it is committed, on both engines.
        match self.engine {
            Engine::Sqlite => Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?),
            Engine::Postgres => {
                let mut work = self.pool.begin().await?;
                let lock = format!("DO $$ BEGIN PERFORM pg_advisory_xact_lock({WRITER}); END $$");
                sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *work).await?;
                Ok(work)
            }
        }
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

/// Databases for tests.
#[cfg(test)]
pub mod testing {
    use super::Database;

    /// An empty database: of the PostgreSQL that the environment names, else embedded in the folder.
    pub async fn database(folder: &std::path::Path) -> Database {
        let Ok(server) = std::env::var("POSTGRES_TEST_URL") else {
            return Database::open_in(folder).await.unwrap();
        };
        let name = format!("unit_{}", uuid::Uuid::now_v7().simple());
        let admin = Database::open_at(&format!("{server}/postgres")).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(admin.pool()).await.unwrap();
        admin.close().await;
        Database::open_at(&format!("{server}/{name}")).await.unwrap()
    }
}
