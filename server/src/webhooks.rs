//! Tells addresses what happened, signed by the rules of Standard Webhooks (standardwebhooks.com), until they take it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::time;

use crate::{
    App, Error, Kind, Result,
    db::{
        deliveries::{self, Delivery},
        webhooks,
    },
    fetch::Answered,
};

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// Seconds before the second and each further try; then it has failed.
const GAPS: [i64; 7] = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
/// How long a try may take before another process may take it up, in milliseconds.
const LEASE: i64 = 60_000;

/// A new signing secret: 24 random bytes.
#[must_use]
pub fn new_secret() -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(rand::random::<[u8; 24]>()))
}

/// Delivers until the server is stopped.
pub async fn run(app: Arc<App>) {
    while !app.is_stopping() {
        let due = match deliveries::claim(&app.db, app.now(), app.now() + LEASE, 16).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "cannot look for webhooks to tell");
                Vec::new()
            }
        };
        let none = due.is_empty();
        let trying: Vec<_> = due
            .into_iter()
            .map(|delivery| {
                let app = app.clone();
                tokio::spawn(async move {
                    if let Err(error) = one(&app, &delivery).await {
                        tracing::warn!(delivery = delivery.id, %error, "how a webhook answered cannot be noted");
                    }
                })
            })
            .collect();
        for trial in trying {
            let _ = trial.await;
        }
        if none {
            tokio::select! {
                () = app.tell.notified() => {}
                () = app.stopped() => {}
                () = time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }
}

async fn one(app: &App, delivery: &Delivery) -> Result<()> {
    let webhook = webhooks::by_id(&app.db, &delivery.webhook).await?;
    let secret = app.vault.unlock(&webhook.secret, &webhook.id)?;
    let seconds = app.now() / 1000;
    let signature = sign(&secret, &delivery.id, seconds, &delivery.payload)?;
    let headers = [
        ("webhook-id", delivery.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    let answered = app.fetcher.post_json(&webhook.url, &headers, delivery.payload.clone()).await;
    let now = app.now();
    let (status, answer, again) = match &answered {
        Ok(Answered { status: 200..=299, .. }) => ("delivered", "delivered".to_owned(), now),
        Ok(Answered { status: 410, .. }) => {
            webhooks::disable(&app.db, &webhook.id, "it answered that it is gone (410)").await?;
            ("failed", "answered 410".to_owned(), now)
        }
        Ok(Answered { status, retry_after }) => later(delivery, format!("answered {status}"), now, *retry_after),
        Err(error) => later(delivery, error.to_string(), now, None),
    };
    metrics::counter!("backgroundfx_webhooks_total", "status" => status).increment(1);
    tracing::info!(webhook = webhook.id, delivery = delivery.id, attempt = delivery.attempts, status, answer, "told");
    deliveries::tried(&app.db, &delivery.id, status, &answer, now, again).await
}

/// When it is tried again: after the gap of this attempt with up to a tenth more, or later if the receiver says so.
fn later(delivery: &Delivery, answer: String, now: i64, retry_after: Option<i64>) -> (&'static str, String, i64) {
    let Some(gap) = GAPS.get((delivery.attempts - 1) as usize) else { return ("failed", answer, now) };
    let gap = gap * 1000 + rand::random_range(0..=gap * 100);
    let asked = retry_after.unwrap_or(0).clamp(0, 86_400) * 1000;
    ("waiting", answer, now + gap.max(asked))
}

/// The header `webhook-signature`: HMAC-SHA256 over identifier, time and body.
fn sign(secret: &str, id: &str, seconds: i64, payload: &str) -> Result<String> {
    let key = secret.strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
    let key = key.ok_or_else(|| Error::new(Kind::Internal, "a webhook's secret is none"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{payload}").as_bytes());
    Ok(format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of standardwebhooks.com's own libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(sign("whsec_!", "a", 1, "").is_err());
    }

    #[test]
    fn gaps_grow_and_end() {
        let delivery = |attempts| Delivery {
            id: String::new(),
            webhook: String::new(),
            event: String::new(),
            payload: String::new(),
            status: String::new(),
            attempts,
            next_at: 0,
            created: 0,
            last_answer: None,
        };
        let gap = |attempts, asked| later(&delivery(attempts), String::new(), 0, asked);
        assert!((5_000..=5_500).contains(&gap(1, None).2));
        assert!((36_000_000..=39_600_000).contains(&gap(7, None).2));
        assert_eq!(gap(1, Some(120)).2, 120_000);
        assert_eq!((gap(7, None).0, gap(8, None).0), ("waiting", "failed"));
    }
}
