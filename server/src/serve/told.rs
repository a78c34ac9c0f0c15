//! Hears from PostgreSQL that jobs wait, whichever process accepted them.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgListener;

use crate::{App, db::CHANNEL};

/// Pause before a broken connection is made anew. Meanwhile the worker looks for itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Wakes the worker until the server is stopped.
pub async fn listen(app: Arc<App>, url: String) {
    while !app.is_stopping() {
        if let Err(error) = hear(&app, &url).await {
            tracing::warn!(%error, "the database's messages are not heard; it is tried again");
        }
        tokio::select! {
            () = app.stopped() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn hear(app: &App, url: &str) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    loop {
        tokio::select! {
            () = app.stopped() => return Ok(()),
            message = listener.recv() => {
                app.heard_of(message?.payload());
                app.wake.notify_one();
            }
        }
    }
}
