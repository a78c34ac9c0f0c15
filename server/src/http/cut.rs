//! One picture while its sender waits: admitted at once or turned away, made once for all who ask for the same.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt;

use super::form::Form;
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    coalesce::Outcome,
    picture::{self, Made, Order},
    rates::Allowance,
};

/// Makes what is ordered.
///
/// # Errors
/// [`Kind::Busy`] at once when the waiting room is full; [`Kind::TookTooLong`]; what making it reports.
pub async fn cut_out(app: &Arc<App>, caller: &Caller, order: Order) -> Outcome {
    let (inference, began) = (app.inference.clone(), Instant::now());
    let begin = || {
        let place = inference.enter()?;
        let order = order.clone();
        let making = async move {
            let _place = place;
            let permit = inference.permit().await;
            let made = inference.run(permit, move |hand, gone| picture::cut_out(&order, hand, gone)).await;
            made.map(Arc::new).map_err(Arc::new)
        };
        Ok(making.boxed())
    };
    let most = Duration::from_secs(app.config.request_seconds);
    let outcome = tokio::time::timeout(most, app.coalescer.make(&order, begin)).await;
    let made = outcome.unwrap_or_else(|_| {
        let message = format!("the picture was not done within {} seconds", most.as_secs());
        Err(Arc::new(Error::new(Kind::TookTooLong, message).after(Duration::from_secs(10))))
    })?;
    let pixels = made.report.picture.pixels();
    app.rates.settle(&caller.actor, pixels).await;
    metrics::counter!("backgroundfx_pictures_total").increment(1);
    let took = began.elapsed().as_secs_f64();
    metrics::histogram!("backgroundfx_picture_seconds", "megapixels" => at_most(pixels)).record(took);
    Ok(made)
}

/// A few classes of size, by the megapixels that pictures of them have at most.
fn at_most(pixels: u64) -> &'static str {
    match pixels {
        0..=1_000_000 => "1",
        1_000_001..=4_000_000 => "4",
        4_000_001..=12_000_000 => "12",
        _ => "more",
    }
}

/// Refuses what could not be admitted anyway, before its body is read; tells what the key may still send.
///
/// # Errors
/// [`Kind::RateLimited`], [`Kind::Busy`].
pub async fn admit(app: &App, caller: &Caller) -> Result<Allowance> {
    let left = app.rates.take(&caller.actor).await?;
    if app.inference.is_full() {
        let (waiting, _) = app.inference.filling();
        return Err(Error::new(Kind::Busy, format!("{waiting} requests wait already")).after(Duration::from_secs(2)));
    }
    Ok(left)
}

/// The file of a field, of its address, or of its base64 text; nothing when none of the three is there.
///
/// # Errors
/// What fetching reports; [`Kind::RequestInvalid`] for text that is not base64.
pub async fn source(
    app: &App,
    form: &Form,
    file: &str,
    url: Option<&str>,
    base64: Option<&str>,
) -> Result<Option<Bytes>> {
    if let Some(bytes) = form.file(file) {
        return Ok(Some(bytes));
    }
    if let Some(address) = url.and_then(|name| form.text(name)) {
        return app.fetcher.get(address, app.config.body_megabytes * 1_000_000).await.map(Some);
    }
    base64.and_then(|name| form.text(name)).map(from_base64).transpose()
}

/// Reads base64, with or without `data:…;base64,` before it, with or without padding and line ends.
///
/// # Errors
/// [`Kind::RequestInvalid`].
pub fn from_base64(text: &str) -> Result<Bytes> {
    use base64::{
        Engine,
        alphabet::STANDARD,
        engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    };
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = text.strip_prefix("data:").and_then(|data| data.split_once(',')).map_or(text, |(_, rest)| rest);
    let dense: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(dense);
    bytes.map(Bytes::from).map_err(|error| Error::new(Kind::RequestInvalid, "the text is not base64").because(error))
}

/// How long each stage took, for the header `Server-Timing`.
#[must_use]
pub fn server_timing(made: &Made) -> String {
    let stage = |(name, took): &(&str, Duration)| format!("{name};dur={:.1}", took.as_secs_f64() * 1000.0);
    made.timings.iter().map(stage).collect::<Vec<_>>().join(", ")
}
