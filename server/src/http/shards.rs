//! Which of several databases a request is for: the one that has its caller's organisation.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request, response::Response};
use futures_util::future;
use tower::ServiceExt;

use super::{access, router};
use crate::{
    App, Error, Kind, Result,
    auth::{keys, tokens},
    db::{Database, api_keys, arrivals, jobs, organisations, sessions},
};

/// Most names of which it is remembered where they are.
const REMEMBERED: usize = 50_000;

/// The routes of all shards behind one address.
pub fn all(apps: &[Arc<App>]) -> Router {
    if let [app] = apps {
        return router(app);
    }
    let routers = apps.iter().map(router).collect();
    let front = Arc::new(Front { apps: apps.to_vec(), routers, known: Mutex::default() });
    Router::new().fallback(async move |request: Request| front.answer(request).await)
}

struct Front {
    apps: Vec<Arc<App>>,
    routers: Vec<Router>,
    /// Where keys, sessions, organisations and jobs were found last.
    known: Mutex<HashMap<String, usize>>,
}

/// Why nobody knows where a request belongs; who checks the caller says so.
#[derive(Clone)]
pub struct Refused(Arc<Mutex<Option<Error>>>);

impl Refused {
    /// The reason, once.
    pub fn reason(self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What tells whose a request is.
enum Sign {
    Key(String),
    Session(String),
    Organisation(String),
    Job(String),
}

impl Sign {
    /// What a request brings. Nothing does for pages, and for whoever signs in.
    fn of(app: &App, request: &Request) -> Option<Self> {
        if let Some(rest) = request.uri().path().strip_prefix("/v1/files/") {
            return rest.split('/').next().map(|job| Self::Job(job.to_owned()));
        }
        match (access::key(request.headers()), access::session(request.headers())) {
            (Some(token), _) if token.starts_with("eyJ") => {
                tokens::caller(&app.vault, token).map(|caller| Self::Organisation(caller.organisation))
            }
            (Some(key), _) => Some(Self::Key(keys::hash(key))),
            (None, Some(session)) => Some(Self::Session(keys::hash(session))),
            (None, None) => None,
        }
    }

    fn name(&self) -> &str {
        let (Self::Key(name) | Self::Session(name) | Self::Organisation(name) | Self::Job(name)) = self;
        name
    }

    /// Whether a database has it.
    async fn is_in(&self, db: &Database, now: i64) -> Result<bool> {
        let asked = async {
            match self {
                Self::Key(hash) => Ok(api_keys::caller(db, hash).await?.is_some()),
                Self::Session(hash) => Ok(sessions::caller(db, hash, now).await?.is_some()),
                Self::Organisation(id) => organisations::exists(db, id).await,
                Self::Job(id) => jobs::exists(db, id).await,
            }
        };
        let silent = || Error::new(Kind::DatabaseUnusable, "a database does not answer").after(Duration::from_secs(2));
        tokio::time::timeout(db.patience(), asked).await.unwrap_or_else(|_| Err(silent()))
    }
}

impl Front {
    async fn answer(&self, mut request: Request) -> Response {
        let shard = match Sign::of(&self.apps[0], &request) {
            Some(sign) => self.find(&sign).await,
            None => Ok(0),
        };
        let shard = shard.unwrap_or_else(|error| {
            request.extensions_mut().insert(Refused(Arc::new(Mutex::new(Some(error)))));
            0
        });
        let answered = self.routers[shard].clone().oneshot(request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    async fn find(&self, sign: &Sign) -> Result<usize> {
        let (databases, now) = (&self.apps[0].databases, self.apps[0].now());
        let known = self.known().get(sign.name()).copied();
        if let Some(known) = known
            && sign.is_in(&databases[known], now).await?
        {
            return Ok(known);
        }
        let answers = future::join_all(databases.iter().map(|db| sign.is_in(db, now))).await;
        if let Some(found) = answers.iter().position(|answer| matches!(answer, Ok(true))) {
            let mut known = self.known();
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(sign.name().to_owned(), found);
            return Ok(found);
        }
        answers.into_iter().collect::<Result<Vec<bool>>>()?;
        for db in databases {
            if arrivals::is_any(db, None).await? {
                let error = Error::new(Kind::DatabaseUnusable, "an organisation is being moved between databases");
                return Err(error.after(Duration::from_secs(2)));
            }
        }
        Ok(0)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
