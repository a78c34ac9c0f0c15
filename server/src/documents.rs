//! What is known of everything that jobs have made: a document each, of the picture or clip, how it was cut out and what came of
//! it. Kept after its files are deleted, as JSON in the database, or in a MongoDB.
//!
//! A document is written with the end of its item, in one transaction. Where there is a MongoDB, the database's table is the outbox
//! to it: what stands there is on its way.

mod mongo;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future;
use serde_json::{Value, json};
use tokio::time;

use crate::{
    App, Result,
    db::{self, Database, Engine, claims::Claimed, jobs::Job},
    http::time::shown,
};

/// Pause between looks at what is on its way.
const PAUSE: Duration = Duration::from_secs(1);
/// Most documents that are sent at a time.
const AT_A_TIME: i64 = 50;

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its identifier, which orders by time.
    pub id: String,
    /// Whose it is.
    pub organisation: String,
    /// The project it belongs to.
    pub project: Option<String>,
    /// The model that found the subject.
    pub model: String,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// What is known, as it is shown.
    pub content: Value,
}

/// Which documents are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only those older than this one.
    pub before: Option<&'a str>,
    /// Only those of this project.
    pub project: Option<&'a str>,
    /// Only those of this model.
    pub model: Option<&'a str>,
    /// Only those whose metadata has all of these.
    pub metadata: Vec<(String, String)>,
    /// At most so many.
    pub most: i64,
}

/// A place of documents.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Keeps a document, in place of what has its identifier.
    ///
    /// # Errors
    /// [`crate::Kind::DatabaseUnusable`].
    async fn put(&self, document: &Document) -> Result<()>;

    /// One of an organisation, if it has one of that name.
    ///
    /// # Errors
    /// [`crate::Kind::DatabaseUnusable`].
    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Document>>;

    /// Those of an organisation, newest first.
    ///
    /// # Errors
    /// [`crate::Kind::DatabaseUnusable`].
    async fn list(&self, organisation: &str, filter: &Filter<'_>) -> Result<Vec<Document>>;

    /// Removes one of an organisation. Whether there was one.
    ///
    /// # Errors
    /// [`crate::Kind::DatabaseUnusable`].
    async fn delete(&self, organisation: &str, id: &str) -> Result<bool>;

    /// Removes those that were made before a time.
    ///
    /// # Errors
    /// [`crate::Kind::DatabaseUnusable`].
    async fn forget(&self, before: i64) -> Result<()>;
}

/// The documents at `mongodb://…`, or of the database.
///
/// # Errors
/// [`crate::Kind::ConfigInvalid`] for what is no such address.
pub async fn at(url: Option<&str>, db: &Database) -> Result<Arc<dyn Documents>> {
    Ok(match url {
        Some(url) => Arc::new(mongo::Mongo::at(url).await?),
        None => Arc::new(db.clone()),
    })
}

/// What is known of an item that was made.
#[must_use]
pub fn of(job: &Job, item: &Claimed, details: &Value, now: i64) -> Document {
    let work: Value = serde_json::from_str(&job.work).unwrap_or_default();
    let model = details["model"].as_str().or_else(|| work["options"]["model"].as_str()).unwrap_or_default().to_owned();
    let id = format!("{}-{:06}", job.id, item.number);
    let metadata: Value = job.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(json!({}));
    let content = json!({
        "id": id,
        "kind": job.kind.name(),
        "name": item.name,
        "project": job.project,
        "metadata": metadata,
        "job": job.id,
        "number": item.number,
        "source": (!item.source.starts_with(crate::sources::OBJECT)).then_some(&item.source),
        "options": work["options"],
        "model": model,
        "details": details,
        "attempts": item.attempts,
        "waited_and_worked_ms": now - item.created,
        "created": shown(now),
    });
    Document { id, organisation: item.organisation.clone(), project: job.project.clone(), model, created: now, content }
}

/// Sends what is on its way to where documents are kept, until the server is stopped.
pub async fn relay(app: Arc<App>) {
    while !app.is_stopping() {
        match send(&app).await {
            Ok(sent) if sent == AT_A_TIME as usize => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "documents cannot be sent; it is tried again"),
        }
        tokio::select! {
            () = app.stopped() => {}
            () = time::sleep(PAUSE) => {}
        }
    }
}

async fn send(app: &App) -> Result<usize> {
    let mut work = app.db.begin().await?;
    let waiting = db::documents::take(&mut work, AT_A_TIME).await?;
    if waiting.is_empty() {
        work.rollback().await?;
        return Ok(0);
    }
    let held = match work.engine() {
        // It has one writer, whom the MongoDB must not keep waiting, and no other process that could send the same.
        Engine::Sqlite => work.rollback().await.map(|()| None)?,
        Engine::Postgres => Some(work),
    };
    future::try_join_all(waiting.iter().map(|document| app.documents.put(document))).await?;
    let mut work = match held {
        Some(work) => work,
        None => app.db.begin().await?,
    };
    for document in &waiting {
        db::documents::sent(&mut work, &document.id).await?;
    }
    work.commit().await?;
    Ok(waiting.len())
}

/// What every place of documents must do.
#[cfg(test)]
pub async fn conforms(documents: &dyn Documents) {
    let organisation = uuid::Uuid::now_v7().simple().to_string();
    let document = |id: &str, project: Option<&str>, sku: &str, created: i64| Document {
        id: format!("{organisation}-{id}"),
        organisation: organisation.clone(),
        project: project.map(str::to_owned),
        model: "isnet".to_owned(),
        created,
        content: json!({"id": id, "project": project, "model": "isnet", "metadata": {"sku": sku, "shop": "a b"}, "details": {"width": 12, "confidence": 0.25, "subject": null}}),
    };
    for one in
        [document("1", None, "x", 100), document("2", Some("p"), "y", 200), document("3", Some("p"), "x'\"$", 300)]
    {
        documents.put(&one).await.unwrap();
        documents.put(&one).await.unwrap();
    }
    let names = async |filter: Filter<'_>| {
        let found = documents.list(&organisation, &Filter { most: 10, ..filter }).await.unwrap();
        found.iter().map(|one| one.content["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let with = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    assert_eq!(names(Filter::default()).await, ["3", "2", "1"]);
    assert_eq!(names(Filter { project: Some("p"), ..Filter::default() }).await, ["3", "2"]);
    assert_eq!(names(Filter { before: Some(&format!("{organisation}-3")), ..Filter::default() }).await, ["2", "1"]);
    assert_eq!(names(Filter { metadata: with("sku", "x'\"$"), ..Filter::default() }).await, ["3"]);
    let both = [with("sku", "y"), with("shop", "a b")].concat();
    assert_eq!(names(Filter { metadata: both, ..Filter::default() }).await, ["2"]);
    assert!(names(Filter { metadata: with("sku", "z"), ..Filter::default() }).await.is_empty());
    assert!(names(Filter { metadata: with("none", "y"), ..Filter::default() }).await.is_empty());
    assert!(names(Filter { model: Some("other"), ..Filter::default() }).await.is_empty());
    let last = documents.list(&organisation, &Filter { most: 1, ..Filter::default() }).await.unwrap();
    assert_eq!(last, [document("3", Some("p"), "x'\"$", 300)], "as it was put");

    let id = format!("{organisation}-2");
    assert!(documents.get("another", &id).await.unwrap().is_none() && !documents.delete("another", &id).await.unwrap());
    assert_eq!(documents.get(&organisation, &id).await.unwrap().unwrap().created, 200);
    assert!(
        documents.delete(&organisation, &id).await.unwrap() && !documents.delete(&organisation, &id).await.unwrap()
    );
    documents.put(&Document { model: "other".to_owned(), ..document("3", None, "x", 300) }).await.unwrap();
    assert_eq!(names(Filter { model: Some("other"), ..Filter::default() }).await, ["3"], "in its place");
    documents.forget(300).await.unwrap();
    assert_eq!(names(Filter::default()).await, ["3"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_keeps_documents() {
        let folder = tempfile::tempdir().unwrap();
        conforms(&db::testing::database(folder.path()).await).await;
    }

    async fn mongodb() -> Arc<dyn Documents> {
        let folder = tempfile::tempdir().unwrap();
        let none = Database::open_in(folder.path()).await.unwrap();
        at(Some(&std::env::var("MONGODB_TEST_URL").unwrap()), &none).await.unwrap()
    }

    #[tokio::test]
    #[ignore = "needs a MongoDB: server/engines/run --all"]
    async fn a_mongodb_keeps_documents() {
        let documents = mongodb().await;
        conforms(&*documents).await;
        keeps_what_it_answered_for(documents).await;
    }

    /// The database forgets what was answered for: the server may be killed at once.
    async fn keeps_what_it_answered_for(documents: Arc<dyn Documents>) {
        let organisation = uuid::Uuid::now_v7().simple().to_string();
        let document = |number: usize| Document {
            id: format!("{organisation}-{number:06}"),
            organisation: organisation.clone(),
            project: None,
            model: "isnet".to_owned(),
            created: 100,
            content: json!({"number": number}),
        };
        let engine = |what: &'static str| {
            let program = concat!(env!("CARGO_MANIFEST_DIR"), "/engines/engine");
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
            let run = move || std::process::Command::new(program).args([what, "mongodb"]).current_dir(root).status();
            tokio::task::spawn_blocking(move || assert!(run().unwrap().success()))
        };
        let mut kept = 0;
        while kept < 20 {
            documents.put(&document(kept)).await.unwrap();
            kept += 1;
        }
        let killing = engine("kill");
        // A server of somebody else's lives on.
        while !killing.is_finished() && documents.put(&document(kept)).await.is_ok() {
            kept += 1;
        }
        killing.await.unwrap();
        engine("start").await.unwrap();
        let deadline = time::Instant::now() + Duration::from_secs(30);
        let last = loop {
            match documents.get(&organisation, &document(kept - 1).id).await {
                Ok(last) => break last,
                Err(error) => assert!(time::Instant::now() < deadline, "{error}"),
            }
            time::sleep(Duration::from_millis(100)).await;
        };
        assert!(last.is_some(), "the last of {kept} that were answered for is there");
        let all = documents.list(&organisation, &Filter { most: 2 * kept as i64, ..Filter::default() }).await.unwrap();
        assert!(all.len() >= kept, "{} of {kept} are there", all.len());
    }
}
