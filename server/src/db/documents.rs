//! The table `documents`: what is known of everything that jobs have made, or, where a MongoDB keeps that, what is on its way to it.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use crate::{
    Error, Kind, Result,
    db::{Database, Engine, Work},
    documents::{Document, Documents, Filter},
};

const COLUMNS: &str = "id, organisation, project, model, created, content";

/// In place of what has its identifier.
const PUT: &str = "INSERT INTO documents (id, organisation, project, model, created, content) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (id) DO UPDATE SET project = excluded.project, model = excluded.model, created = excluded.created, \
                   content = excluded.content";

type Row = (String, String, Option<String>, String, i64, String);

fn document((id, organisation, project, model, created, content): Row) -> Result<Document> {
    let content = serde_json::from_str(&content)
        .map_err(|error| Error::new(Kind::Internal, format!("the document {id:?} cannot be read")).because(error))?;
    Ok(Document { id, organisation, project, model, created, content })
}

/// Keeps a document in the work that makes it true.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, document: &Document) -> Result<()> {
    put(document).execute(&mut **work).await?;
    Ok(())
}

fn put(document: &Document) -> sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments> {
    sqlx::query(PUT)
        .bind(&document.id)
        .bind(&document.organisation)
        .bind(&document.project)
        .bind(&document.model)
        .bind(document.created)
        .bind(document.content.to_string())
}

/// The oldest, which no other process takes while the work is open.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn take(work: &mut Work, most: i64) -> Result<Vec<Document>> {
    let sql = format!("SELECT {COLUMNS} FROM documents ORDER BY id LIMIT $1{}", work.engine().skipping_locked());
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(most).fetch_all(&mut **work).await?;
    rows.into_iter().map(document).collect()
}

/// Forgets one that has arrived.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn sent(work: &mut Work, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM documents WHERE id = $1").bind(id).execute(&mut **work).await?;
    Ok(())
}

impl Engine {
    /// The text of a key, which is the first of two parameters, in the metadata of a document's JSON; it is compared with the second.
    fn has_metadata(self, first: usize) -> String {
        let second = first + 1;
        match self {
            // A quoted name: keys have no quotes.
            Self::Sqlite => format!("json_extract(content, '$.metadata.\"' || ${first} || '\"') = ${second}"),
            Self::Postgres => format!("content::jsonb #>> ARRAY['metadata', ${first}] = ${second}"),
        }
    }
}

#[async_trait]
impl Documents for Database {
    async fn put(&self, document: &Document) -> Result<()> {
        put(document).execute(self.pool()).await?;
        Ok(())
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Document>> {
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE organisation = $1 AND id = $2");
        let row: Option<Row> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(organisation).bind(id).fetch_optional(self.pool()).await?;
        row.map(document).transpose()
    }

    async fn list(&self, organisation: &str, filter: &Filter<'_>) -> Result<Vec<Document>> {
        let metadata =
            (0..filter.metadata.len()).map(|pair| format!(" AND {}", self.engine().has_metadata(6 + 2 * pair)));
        let sql = format!(
            "SELECT {COLUMNS} FROM documents WHERE organisation = $1 AND id < $2 AND ($3 = '' OR project = $3) \
             AND ($4 = '' OR model = $4){} ORDER BY id DESC LIMIT $5",
            metadata.collect::<String>()
        );
        let mut query = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organisation.to_owned())
            // Above every identifier: they are of lower-case letters and digits.
            .bind(filter.before.unwrap_or("~").to_owned())
            .bind(filter.project.unwrap_or_default().to_owned())
            .bind(filter.model.unwrap_or_default().to_owned())
            .bind(filter.most);
        for (key, value) in &filter.metadata {
            query = query.bind(key.clone()).bind(value.clone());
        }
        let rows: Vec<Row> = query.fetch_all(self.pool()).await?;
        rows.into_iter().map(document).collect()
    }

    async fn delete(&self, organisation: &str, id: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM documents WHERE organisation = $1 AND id = $2")
            .bind(organisation)
            .bind(id)
            .execute(self.pool())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn forget(&self, before: i64) -> Result<()> {
        sqlx::query("DELETE FROM documents WHERE created < $1").bind(before).execute(self.pool()).await?;
        Ok(())
    }
}
