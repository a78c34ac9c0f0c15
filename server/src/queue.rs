//! A RabbitMQ that wakes workers on many machines. The table of items stays the truth, and says what is next: a message only
//! tells that something waits. One that is lost costs a second, one that comes twice nothing.
//!
//! Jobs are noted in the outbox with the job itself; [`relay`] sends the notes and deletes them once the broker has confirmed.
//! [`consume`] acknowledges a message once this process has looked for work because of it. The client's own recovery of broken
//! connections is not used: both make a new connection and declare everything anew.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, BasicRejectOptions,
        ConfirmSelectOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};
use tokio::time;

use crate::{
    App, Result,
    breaker::Breaker,
    db::outbox,
    faults::{self, Step},
};

/// The queue of messages, each a job's identifier, and the one of those that are none.
const QUEUE: &str = "backgroundfx.items";
const DEAD: &str = "backgroundfx.dead";
/// Pause before a broken connection is made anew, and between looks into the outbox.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest that the broker is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Milliseconds after which a message says nothing any more: whoever was to hear of it has looked by then.
const STALE: i32 = 24 * 3_600_000;
/// How long a message is held while all slots are taken; less than brokers allow.
const HELD: Duration = Duration::from_secs(600);
/// Most messages for one job: those who hear of it work until nothing is left.
pub const MOST_MESSAGES: i64 = 32;

/// Sends what stands in the outbox until the server is stopped.
pub async fn relay(app: Arc<App>, url: String) {
    let breaker = Breaker::new("rabbitmq");
    repeat(&app, "sent to", || async {
        let ended = send(&app, &url, &breaker).await;
        breaker.went(ended.is_ok());
        ended
    })
    .await;
}

/// Hears of work until the server is stopped.
pub async fn consume(app: Arc<App>, url: String) {
    repeat(&app, "heard from", || hear(&app, &url)).await;
}

async fn repeat<F: Future<Output = Result<(), Fault>>>(app: &App, what: &str, mut act: impl FnMut() -> F) {
    while !app.is_stopping() {
        if let Err(error) = act().await {
            tracing::warn!(%error, "nothing is {what} RabbitMQ; it is tried again");
        }
        tokio::select! {
            () = app.stopped() => {}
            () = time::sleep(PAUSE) => {}
        }
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A connection with its queues, which are made if they are not there.
async fn connect(url: &str, name: &str) -> Result<(Connection, Channel), Fault> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let connection = time::timeout(PATIENCE, Connection::connect(url, properties)).await??;
    let channel = connection.create_channel().await?;
    let mut quorum = FieldTable::default();
    quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(DEAD.into(), QueueDeclareOptions::durable(), quorum.clone()).await?;
    quorum.insert("x-message-ttl".into(), AMQPValue::LongInt(STALE));
    quorum.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    quorum.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(DEAD.into()));
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), quorum).await?;
    Ok((connection, channel))
}

async fn send(app: &App, url: &str, breaker: &Breaker) -> Result<(), Fault> {
    let (_connection, channel) = connect(url, &format!("{} outbox", app.worker)).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    breaker.went(true);
    while !app.is_stopping() {
        if !channel.status().connected() {
            return Err("the connection broke".into());
        }
        if time::timeout(PATIENCE, empty(app, &channel)).await?? {
            continue;
        }
        tokio::select! {
            () = app.post.notified() => {}
            () = app.stopped() => {}
            () = time::sleep(PAUSE) => {}
        }
    }
    Ok(())
}

/// Sends some of the outbox; whether there was something.
async fn empty(app: &App, channel: &Channel) -> Result<bool, Fault> {
    let mut work = app.db.begin().await?;
    let notes = outbox::take(&mut work, 100).await?;
    if notes.is_empty() {
        work.rollback().await?;
        return Ok(false);
    }
    let mut confirmations = Vec::new();
    for note in &notes {
        // 2 is for messages that are kept on disk.
        let properties = BasicProperties::default().with_delivery_mode(2).with_message_id(note.id.as_str().into());
        for _ in 0..note.messages {
            let options = BasicPublishOptions::default();
            let sent = channel.basic_publish("".into(), QUEUE.into(), options, note.job.as_bytes(), properties.clone());
            confirmations.push(sent.await?);
        }
    }
    for confirmation in future::join_all(confirmations).await {
        if !confirmation?.is_ack() {
            return Err("the broker did not take a message".into());
        }
    }
    faults::reach(Step::Sent);
    for note in &notes {
        outbox::delete(&mut work, &note.id).await?;
    }
    work.commit().await?;
    metrics::counter!("backgroundfx_queue_sent_total").increment(notes.len() as u64);
    Ok(true)
}

async fn hear(app: &App, url: &str) -> Result<(), Fault> {
    let (_connection, channel) = connect(url, &app.worker).await?;
    // One at a time: what this process has no slot for, another may have.
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut messages = channel.basic_consume(QUEUE.into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let message = tokio::select! {
            () = app.stopped() => return Ok(()),
            message = messages.next() => message.ok_or("the broker ended the subscription")??,
        };
        let job = std::str::from_utf8(&message.data).ok().filter(|text| text.starts_with("job_"));
        let Some(job) = job else {
            tracing::warn!(bytes = message.data.len(), "a message that names no job is put aside");
            message.reject(BasicRejectOptions { requeue: false }).await?;
            continue;
        };
        faults::reach(Step::Heard);
        app.heard_of(job);
        let mut looked = app.looked.subscribe();
        app.wake.notify_one();
        let seen = tokio::select! {
            () = app.stopped() => false,
            seen = time::timeout(HELD, looked.changed()) => seen.is_ok(),
        };
        if seen {
            message.ack(BasicAckOptions::default()).await?;
        } else {
            message.reject(BasicRejectOptions { requeue: true }).await?;
        }
        metrics::counter!("backgroundfx_queue_heard_total").increment(1);
    }
}
