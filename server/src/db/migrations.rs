//! The steps that bring tables up to date, in order. Those that were published never change.

use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// Number, what it is for, and its statements. (The macro of sqlx that reads the folder would build SQLite a second time, for
/// the compiler.)
const MIGRATIONS: [(i64, &str, &str); 10] = [
    (1, "accounts", include_str!("../../migrations/0001_accounts.sql")),
    (2, "jobs", include_str!("../../migrations/0002_jobs.sql")),
    (3, "uploads", include_str!("../../migrations/0003_uploads.sql")),
    (4, "webhooks and projects", include_str!("../../migrations/0004_webhooks_and_projects.sql")),
    (5, "sessions", include_str!("../../migrations/0005_sessions.sql")),
    (6, "scopes", include_str!("../../migrations/0006_scopes.sql")),
    (7, "claims", include_str!("../../migrations/0007_claims.sql")),
    (8, "documents", include_str!("../../migrations/0008_documents.sql")),
    (9, "links", include_str!("../../migrations/0009_links.sql")),
    (10, "arrivals", include_str!("../../migrations/0010_arrivals.sql")),
];

/// All steps, each a transaction of its own.
pub fn all() -> Migrator {
    let steps = MIGRATIONS.map(|(number, about, statements)| {
        Migration::new(number, about.into(), MigrationType::Simple, SqlStr::from_static(statements), false)
    });
    Migrator::with_migrations(steps.to_vec())
}
