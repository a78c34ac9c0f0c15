//! Documents in a MongoDB, through MongoDB's own driver. Names of fields are those that the API shows; `_id` is the identifier.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, IndexModel,
    bson::{self, Bson, DateTime, doc},
    options::{Acknowledgment, ClientOptions, WriteConcern},
};
use tokio::sync::OnceCell;

use super::{Document, Documents, Filter};
use crate::{Error, Kind, Result, breaker::Breaker};

/// How long a server is looked for, and an answer waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The collection.
const COLLECTION: &str = "pictures";
/// The database, where the address names none.
const DATABASE: &str = "backgroundfx";

/// A collection of a MongoDB.
pub struct Mongo {
    collection: Collection<bson::Document>,
    breaker: Breaker,
    has_indexes: OnceCell<()>,
}

impl Mongo {
    /// The MongoDB at `mongodb://…` or `mongodb+srv://…`. It need not answer yet.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] for what is no such address.
    pub async fn at(url: &str) -> Result<Self> {
        // What stands in it may be a password.
        let wrong = |error: mongodb::error::Error| {
            let message = "serve.documents is not an address as mongodb://user:password@host:27017/name";
            Error::new(Kind::ConfigInvalid, message).because(error)
        };
        let mut options = ClientOptions::parse(url).await.map_err(wrong)?;
        options.app_name.get_or_insert_with(|| "backgroundfx".to_owned());
        options.connect_timeout.get_or_insert(PATIENCE);
        options.server_selection_timeout.get_or_insert(PATIENCE);
        // The database forgets what this has answered for: it must be in the journal on disk then, which not every server waits for by itself.
        let concern = || WriteConcern::builder().w(Acknowledgment::Majority).build();
        options.write_concern.get_or_insert_with(concern).journal = Some(true);
        let client = Client::with_options(options).map_err(wrong)?;
        let database = client.default_database().unwrap_or_else(|| client.database(DATABASE));
        let collection = database.collection(COLLECTION);
        Ok(Self { collection, breaker: Breaker::new("mongodb"), has_indexes: OnceCell::new() })
    }

    /// Asks once; while the server does not answer nobody waits for it.
    async fn ask<T>(&self, question: impl Future<Output = mongodb::error::Result<T>>) -> Result<T> {
        if !self.breaker.lets_through() {
            return Err(no_answer(std::io::Error::other("it did not answer a moment ago")));
        }
        let answer = tokio::time::timeout(PATIENCE * 2, async {
            self.has_indexes.get_or_try_init(|| self.make_indexes()).await?;
            question.await
        });
        let answer = answer.await;
        self.breaker.went(matches!(answer, Ok(Ok(_))));
        match answer {
            Ok(answer) => answer.map_err(no_answer),
            Err(elapsed) => Err(no_answer(elapsed)),
        }
    }

    async fn make_indexes(&self) -> mongodb::error::Result<()> {
        let by = |keys: bson::Document| IndexModel::builder().keys(keys).build();
        let indexes = [
            by(doc! { "organisation": 1, "_id": -1 }),
            by(doc! { "organisation": 1, "project": 1, "_id": -1 }),
            by(doc! { "made": 1 }),
        ];
        self.collection.create_indexes(indexes).await.map(|_| ())
    }
}

#[async_trait]
impl Documents for Mongo {
    async fn put(&self, document: &Document) -> Result<()> {
        let stored = stored(document)?;
        self.ask(async { self.collection.replace_one(doc! { "_id": &document.id }, stored).upsert(true).await })
            .await?;
        Ok(())
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Document>> {
        let filter = doc! { "_id": id, "organisation": organisation };
        self.ask(async { self.collection.find_one(filter).await }).await?.map(read).transpose()
    }

    async fn list(&self, organisation: &str, filter: &Filter<'_>) -> Result<Vec<Document>> {
        let mut asked = doc! { "organisation": organisation };
        if let Some(before) = filter.before {
            asked.insert("_id", doc! { "$lt": before });
        }
        for (field, value) in [("project", filter.project), ("model", filter.model)] {
            if let Some(value) = value {
                asked.insert(field, value);
            }
        }
        for (key, value) in &filter.metadata {
            // A text is compared; it can be no operator.
            asked.insert(format!("metadata.{key}"), value.as_str());
        }
        let found = self.ask(async {
            let cursor = self.collection.find(asked).sort(doc! { "_id": -1 }).limit(filter.most).await?;
            cursor.try_collect::<Vec<_>>().await
        });
        found.await?.into_iter().map(read).collect()
    }

    async fn delete(&self, organisation: &str, id: &str) -> Result<bool> {
        let filter = doc! { "_id": id, "organisation": organisation };
        Ok(self.ask(async { self.collection.delete_one(filter).await }).await?.deleted_count > 0)
    }

    async fn forget(&self, before: i64) -> Result<()> {
        let old = doc! { "made": doc! { "$lt": DateTime::from_millis(before) } };
        self.ask(async { self.collection.delete_many(old).await }).await?;
        Ok(())
    }
}

/// A document as it is kept: what is shown of it, with what it is found by.
fn stored(document: &Document) -> Result<bson::Document> {
    let mut stored = bson::serialize_to_document(&document.content).map_err(|error| {
        Error::new(Kind::Internal, format!("the document {:?} cannot be kept", document.id)).because(error)
    })?;
    stored.insert("_id", &document.id);
    stored.insert("organisation", &document.organisation);
    stored.insert("project", document.project.clone());
    stored.insert("model", &document.model);
    stored.insert("made", DateTime::from_millis(document.created));
    Ok(stored)
}

fn read(mut stored: bson::Document) -> Result<Document> {
    let unreadable = || Error::new(Kind::Internal, "a document of the MongoDB is not of this service");
    let text = |value: Option<Bson>| match value {
        Some(Bson::String(text)) => Some(text),
        _ => None,
    };
    let id = text(stored.remove("_id")).ok_or_else(unreadable)?;
    let organisation = text(stored.remove("organisation")).ok_or_else(unreadable)?;
    let created = match stored.remove("made") {
        Some(Bson::DateTime(at)) => at.timestamp_millis(),
        _ => return Err(unreadable()),
    };
    let project = text(stored.get("project").cloned());
    let model = text(stored.get("model").cloned()).ok_or_else(unreadable)?;
    let content = bson::deserialize_from_document(stored).map_err(|error| unreadable().because(error))?;
    Ok(Document { id, organisation, project, model, created, content })
}

fn no_answer(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message = "the MongoDB of documents does not answer";
    Error::new(Kind::DatabaseUnusable, message).because(error).after(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_read_is_what_was_kept() {
        let content = json!({"id": "job_1-000001", "project": "p", "model": "isnet", "metadata": {"sku": "$ne"},
            "details": {"width": 4000, "confidence": 0.875, "large": 5_000_000_000_i64, "subject": null, "doubts": ["a"]}});
        let document = Document {
            id: "job_1-000001".to_owned(),
            organisation: "org_1".to_owned(),
            project: Some("p".to_owned()),
            model: "isnet".to_owned(),
            created: 1_764_000_000_123,
            content,
        };
        assert_eq!(read(stored(&document).unwrap()).unwrap(), document);
        assert!(read(doc! { "_id": 1 }).is_err());
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_told_soon_and_left_alone() {
        assert_eq!(Mongo::at("redis://x").await.err().unwrap().kind(), Kind::ConfigInvalid);
        let mongo = Mongo::at("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200").await.unwrap();
        for _ in 0..3 {
            assert_eq!(mongo.get("a", "b").await.unwrap_err().kind(), Kind::DatabaseUnusable);
        }
        let began = std::time::Instant::now();
        assert!(mongo.get("a", "b").await.is_err());
        assert!(began.elapsed() < Duration::from_millis(100), "nobody waits for it");
    }
}
