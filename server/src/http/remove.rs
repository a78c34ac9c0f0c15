//! `POST /v1/remove`: a picture in, its cut-out back in the same answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use backgroundfx_core::options::Options;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    cut,
    form::{Form, Held},
    jobs,
    problem::Problem,
};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::items,
    jobs::Status,
    options::{self, Asked},
    picture::{Made, Order, Wanted},
};

/// What the fields of this route may be called.
const FIELDS: [&str; 12] = [
    "image",
    "image_url",
    "image_base64",
    "background",
    "background_image",
    "background_url",
    "mask",
    "preset",
    "model",
    "options",
    "format",
    "output",
];

/// Cuts out one picture while the client waits.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if let Err(error) = cut::admit(&app, &caller).await {
        super::form::drain(body.into_data_stream()).await;
        return Err(error.into());
    }
    let held = Held::read(&app, &parts.headers, body).await?;
    let form = form(&parts.headers, held.bytes.clone()).await?.with_query(parts.uri.query())?;
    // A job is something to keep, which those without a key may not.
    if let Some(wait) = jobs::patience(&parts.headers).filter(|_| !caller.is_anonymous()) {
        return Ok(as_job(&app, &caller, &form, &parts.headers, wait).await?);
    }
    let order = order(&app, &form).await?;
    let made = cut::cut_out(&app, &caller, order).await.map_err(Problem)?;
    Ok(answer(&made, &parts.headers))
}

/// With `Prefer: wait=30` or `respond-async`: the picture becomes a job, and the answer is its result if that is there in
/// time, else the job.
async fn as_job(app: &App, caller: &Caller, form: &Form, headers: &HeaderMap, wait: Duration) -> Result<Response> {
    let accepted = jobs::accept(app, caller, form, jobs::idempotency_key(headers)?).await?;
    let job = jobs::ended(app, &accepted.job, wait).await?;
    let item = items::list(&app.db, &job.id, 0, 1).await?.pop();
    if let Some((code, detail)) =
        item.as_ref().filter(|item| item.status == Status::Failed).and_then(|item| item.error.clone())
    {
        return Err(Error::new(Kind::of_code(&code).unwrap_or(Kind::Internal), detail));
    }
    if let Some((place, media_type)) = item.and_then(|item| item.result.zip(item.media_type)) {
        return jobs::file(app, &place, &media_type, headers).await;
    }
    let place = [(header::LOCATION, format!("/v1/jobs/{}", job.id))];
    Ok((StatusCode::ACCEPTED, place, Json(jobs::show(app, &job).await?)).into_response())
}

/// The fields of the body; a picture sent as it is becomes the field `image`.
async fn form(headers: &HeaderMap, body: bytes::Bytes) -> Result<Form> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("image/") || content_type.starts_with("application/octet-stream") {
        let mut form = Form::default();
        form.push_file("image", body);
        return Ok(form);
    }
    Form::parse(headers, body).await
}

/// What the fields order.
///
/// # Errors
/// [`Kind::RequestInvalid`] naming the field; what fetching reports.
pub async fn order(app: &App, form: &Form) -> Result<Order> {
    if let Some(unknown) = form.names().find(|name| !FIELDS.contains(name) && *name != "quality") {
        return Err(Error::new(Kind::RequestInvalid, format!("there is no field {unknown:?}")));
    }
    let missing = || Error::new(Kind::RequestInvalid, "there is no picture: send image, image_url or image_base64");
    let picture =
        cut::source(app, form, "image", Some("image_url"), Some("image_base64")).await?.ok_or_else(missing)?;
    let background = cut::source(app, form, "background_image", Some("background_url"), None).await?;
    if background.is_some() && form.text("background").is_some() {
        return Err(Error::new(Kind::RequestInvalid, "background and a picture behind the subject exclude each other"));
    }
    let mask = form.file("mask");
    if form.text("mask").is_some() {
        return Err(Error::new(Kind::RequestInvalid, "mask is a picture, sent as a file"));
    }
    if mask.is_some() && form.text("model").is_some() {
        return Err(Error::new(
            Kind::RequestInvalid,
            "mask and model exclude each other: a mask stands for a model's matte",
        ));
    }
    let options = options(app, form)?;
    let output = wanted(form)?.output()?;
    Ok(Order { picture, background, mask, options, output, limits: app.limits(), region: None, classifier: None })
}

/// How it is cut out, from the fields `preset`, `model`, `background` and `options`.
///
/// # Errors
/// [`Kind::RequestInvalid`] and [`Kind::Picture`] naming what is wrong.
pub fn options(app: &App, form: &Form) -> Result<Options> {
    let fields =
        form.text("options").map(serde_json::from_str::<Value>).transpose().map_err(|error| {
            Error::new(Kind::RequestInvalid, format!("options is not JSON: {error}")).because(error)
        })?;
    let asked = Asked {
        preset: form.text("preset"),
        model: form.text("model"),
        background: form.text("background"),
        fields: fields.as_ref(),
    };
    options::options(app, &asked)
}

/// What is written, from the fields `format`, `quality` and `output`.
///
/// # Errors
/// [`Kind::RequestInvalid`] naming the field.
pub fn wanted(form: &Form) -> Result<Wanted> {
    let wrong = |text: &str| Error::new(Kind::RequestInvalid, format!("quality is {text:?}, allowed is 1 to 100"));
    let quality = form.text("quality").map(|text| text.parse().map_err(|_| wrong(text))).transpose()?;
    let text = |name: &str| form.text(name).map(str::to_owned);
    let wanted = Wanted { format: text("format"), quality, output: text("output") };
    wanted.output().map(|_| wanted)
}

/// The cut-out as the client wants it: as it is, or in JSON.
fn answer(made: &Made, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = if accepts.starts_with("application/json") {
        let mut body = describe(made);
        body["image_base64"] = BASE64_STANDARD.encode(&made.bytes).into();
        Json(body).into_response()
    } else {
        ([(header::CONTENT_TYPE, made.media_type)], made.bytes.clone()).into_response()
    };
    let report = &made.report;
    let texts = [
        ("server-timing", cut::server_timing(made)),
        ("x-bgfx-model", report.model.model.clone()),
        ("x-bgfx-model-license", report.model.license.weights.clone()),
        ("x-bgfx-confidence", format!("{:.3}", report.confidence)),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// What is known of a cut-out, as JSON.
#[must_use]
pub fn describe(made: &Made) -> Value {
    let subject = made.subject.map(|subject| {
        json!({"left": subject.left, "top": subject.top, "width": subject.size.width, "height": subject.size.height})
    });
    let report = &made.report;
    json!({
        "media_type": made.media_type,
        "bytes": made.bytes.len(),
        "width": made.size.width,
        "height": made.size.height,
        "subject": subject,
        "confidence": (f64::from(report.confidence) * 1000.0).round() / 1000.0,
        "coverage": (f64::from(report.coverage) * 1000.0).round() / 1000.0,
        "doubts": report.doubts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "model": report.model.model,
        "model_license": report.model.license.weights,
    })
}
