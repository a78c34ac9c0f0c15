//! The database: opening, migrations, transactions. All SQL about a table is in that table's file below.

pub mod api_keys;
pub mod arrivals;
pub mod audit_log;
pub mod claims;
pub mod deliveries;
pub mod documents;
pub mod idempotency_keys;
pub mod improvements;
pub mod items;
pub mod jobs;
pub mod links;
mod migrations;
pub mod organisations;
pub mod outbox;
pub mod projects;
pub mod sessions;
pub mod uploads;
pub mod users;
pub mod vault;
pub mod webhooks;

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    time::Duration,
};

use sqlx::{
    Any, AnyConnection, AnyPool, Connection, Executor, Transaction,
    any::{AnyPoolOptions, install_default_drivers},
};

use crate::{
    Error, Kind, Result,
    replicas::{self, LogPlace},
};

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

/// Several statements that all happen or none. It is undone unless it is committed.
///
/// On SQLite one work writes at a time. On PostgreSQL many do, and a row that two may want is locked first: items, in the
/// order of their identifiers, before their job.
pub struct Work {
    transaction: Transaction<'static, Any>,
    engine: Engine,
}

/// The channel on which PostgreSQL tells that a job waits.
pub const CHANNEL: &str = "backgroundfx";
/// Names the right of [`Database::begin_alone`], among what else may be locked in the same database.
const ALONE: i64 = 0x6266_785f_7772;

/// The embedded database, in its folder.
const FILE: &str = "backgroundfx.db";

/// How long the first connection is waited for.
const FIRST: Duration = Duration::from_secs(10);
/// How long a connection that was in use is taken to be well.
const FRESH: Duration = Duration::from_millis(100);

impl Engine {
    /// What follows a `SELECT` of rows that this work changes, so that no other does until it is done; those that another has are
    /// passed over.
    #[must_use]
    pub const fn skipping_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Connections of a pool, and how long one is waited for. One that is in use answers soon; one that cannot be made is told
    /// before a client thinks that nobody is there.
    const fn pool(self) -> (u32, Duration) {
        match self {
            Self::Sqlite => (8, Duration::from_secs(10)),
            Self::Postgres => (16, Duration::from_millis(700)),
        }
    }

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
        let file = folder.join(FILE);
        // What a URL gives a meaning to is written as its code.
        let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        let db = Self::connect(Engine::Sqlite, &format!("sqlite:{path}?mode=rwc"), &file.display().to_string()).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Whether a folder has an embedded database.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Connects to the PostgreSQL of a URL.
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

    /// A PostgreSQL that follows another, at a URL. It is connected to when it is first asked.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] for what is no such URL.
    pub fn following(url: &str) -> Result<Self> {
        install_default_drivers();
        let wrong = || {
            Error::new(Kind::ConfigInvalid, "serve.replicas has what is not an address as postgres://user@host/name")
        };
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(wrong());
        }
        let pool = pool(Engine::Postgres).connect_lazy(url).map_err(|error| wrong().because(error))?;
        Ok(Self { pool, engine: Engine::Postgres })
    }

    /// How far this PostgreSQL's log has come.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn log_place(&self) -> Result<LogPlace> {
        self.place("SELECT pg_current_wal_insert_lsn()::text").await
    }

    /// How far this PostgreSQL, which follows another, has repeated its log.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`], also when it follows none.
    pub async fn replayed_place(&self) -> Result<LogPlace> {
        self.place("SELECT coalesce(pg_last_wal_replay_lsn()::text, '')").await
    }

    async fn place(&self, question: &'static str) -> Result<LogPlace> {
        let (text,): (String,) = sqlx::query_as(question).fetch_one(&self.pool).await?;
        let unknown = || Error::new(Kind::DatabaseUnusable, format!("the database is at {text:?} of no other's log"));
        replicas::log_place(&text).ok_or_else(unknown)
    }

    async fn connect(engine: Engine, url: &str, shown: &str) -> Result<Self> {
        install_default_drivers();
        let unusable = |error: sqlx::Error| {
            let message = format!("the database {shown} cannot be opened: {error}");
            Error::new(Kind::DatabaseUnusable, message).because(error)
        };
        // A pool says only that it waited; the first connection says why.
        let first = tokio::time::timeout(FIRST, AnyConnection::connect(url)).await;
        first.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(unusable)?.close().await.map_err(unusable)?;
        Ok(Self { pool: pool(engine).connect(url).await.map_err(unusable)?, engine })
    }

    /// Brings the tables up to date, each step in a transaction of its own, one process at a time. What the steps that were
    /// missing are for.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`], also when the tables are of a later version of this program.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        let before = self.version().await?;
        let steps = migrations::all();
        steps.run(&self.pool).await.map_err(|error| {
            let message = format!("the tables cannot be brought up to date: {error}");
            Error::new(Kind::DatabaseUnusable, message).because(error)
        })?;
        let new = steps.iter().filter(|step| step.version > before);
        Ok(new.map(|step| format!("{} {}", step.version, step.description)).collect())
    }

    /// Compares the tables' version with this program's.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`] when they differ.
    pub async fn is_up_to_date(&self) -> Result<()> {
        let (here, ours) =
            (self.version().await?, migrations::all().iter().map(|step| step.version).max().unwrap_or(0));
        if here == ours {
            return Ok(());
        }
        let message = format!(
            "the tables are of version {here}, this program needs {ours}: run `backgroundfx migrate` of this version"
        );
        Err(Error::new(Kind::DatabaseUnusable, message))
    }

    /// The number of the last step that was taken; 0 in an empty database.
    async fn version(&self) -> Result<i64> {
        let table = match self.engine {
            Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Engine::Postgres => "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = '_sqlx_migrations'",
        };
        let (there,): (i64,) = sqlx::query_as(table).fetch_one(&self.pool).await?;
        if there == 0 {
            return Ok(0);
        }
        let (version,): (Option<i64>,) =
            sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&self.pool).await?;
        Ok(version.unwrap_or(0))
    }

    /// What answers to the SQL.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// How long an answer is waited for by those who must tell their client: a server that is frozen is told before the client
    /// thinks that nobody is there; in an embedded one others may be writing.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        match self.engine {
            Engine::Sqlite => Duration::from_secs(10),
            Engine::Postgres => Duration::from_millis(900),
        }
    }

    /// The connections, for single statements.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins work that writes.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn begin(&self) -> Result<Work> {
        let transaction = match self.engine {
            // Taking the writer's place at once, instead of at the first write, cannot end in two that wait for each other.
            Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Engine::Postgres => self.pool.begin().await?,
        };
        Ok(Work { transaction, engine: self.engine })
    }

    /// Begins work that decides by what it has read, of many rows or of none: no other of this sort runs beside it, and so what
    /// it reads stays true. For what is rare.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn begin_alone(&self) -> Result<Work> {
        let mut work = self.begin().await?;
        if self.engine == Engine::Postgres {
            let lock = format!("DO $$ BEGIN PERFORM pg_advisory_xact_lock({ALONE}); END $$");
            sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *work).await?;
        }
        Ok(work)
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

fn pool(engine: Engine) -> AnyPoolOptions {
    let (connections, patience) = engine.pool();
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        // One that was in use just now answers.
        .test_before_acquire(false)
        .before_acquire(|connection, facts| {
            Box::pin(async move {
                if facts.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(engine.settings()).await.map(|_| ()) })
        })
}

impl Work {
    /// Makes it so.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`]; then it may or may not have happened.
    pub async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }

    /// Undoes it.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn rollback(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }

    /// What answers to the SQL.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Tells the processes of this database, once the work is committed, that a job waits or has ended. A message that is lost
    /// costs a second: all look for themselves too.
    ///
    /// # Errors
    /// [`Kind::DatabaseUnusable`].
    pub async fn announce(&mut self, job: &str) -> Result<()> {
        if self.engine == Engine::Postgres {
            // Neither takes parameters; identifiers are our own.
            let text: String = job.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            sqlx::query(sqlx::AssertSqlSafe(format!("NOTIFY {CHANNEL}, '{text}'"))).execute(&mut **self).await?;
        }
        Ok(())
    }
}

impl Deref for Work {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for Work {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
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
        let db = Database::open_at(&format!("{server}/{name}")).await.unwrap();
        db.migrate().await.unwrap();
        db
    }
}
