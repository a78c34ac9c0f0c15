//! remove.bg's API: `/v1.0/removebg`, `/v1.0/account` and `/v1.0/improve`, with its fields, headers and error codes.

mod classes;
mod fields;
mod lengths;
mod refusal;

use std::{sync::Arc, time::SystemTime};

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use backgroundfx_core::pixels::{Rect, Size};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use object_store::{ObjectStoreExt, path::Path};
use serde_json::{Value, json};

use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::improvements::{self, Improvement},
    http::{
        cut,
        form::{Form, Held, drain},
    },
    picture::{Made, Order},
    rates::Allowance,
};
use fields::{Fields, TypeLevel};
use refusal::Refusal;

/// What `/improve` takes of one organisation in a day.
const IMPROVEMENTS_A_DAY: i64 = 100;

/// An error in remove.bg's form.
#[must_use]
pub fn refuse(error: &Error) -> Response {
    Refusal::from(error).into_response()
}

/// `POST /v1.0/removebg`.
pub async fn remove(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // What was left when the request came: until it is answered, the bucket fills again.
    let (result, left) = match cut::admit(&app, &caller).await {
        Ok(left) => (cut_out(&app, &caller, &parts.headers, body).await, left),
        Err(error) => {
            drain(body.into_data_stream()).await;
            (Err(Refusal::from(&error)), app.rates.look(&caller.actor).await)
        }
    };
    let mut response = result.unwrap_or_else(IntoResponse::into_response);
    tell_allowance(response.headers_mut(), left);
    response
}

async fn cut_out(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Refusal> {
    let held = Held::read(app, headers, body).await?;
    let form = Form::parse(headers, held.bytes.clone()).await?;
    let fields = Fields::read(app, &form)?;
    let picture = source(app, &form).await?;
    let background = background(app, &form).await?;
    let level = fields.level;
    let order = Order {
        picture,
        background,
        mask: None,
        options: fields.options,
        output: fields.output,
        limits: app.limits(),
        region: fields.region,
        classifier: (level != TypeLevel::None).then(|| app.config.type_model.clone()).flatten(),
    };
    let made = cut::cut_out(app, caller, order).await.map_err(|error| Refusal::from(&*error))?;
    if made.report.subject.is_none() {
        return Err(Refusal::new(400, "unknown_foreground", "Could not identify foreground in image"));
    }
    Ok(answer(&made, headers, level))
}

/// The picture, from exactly one of its three fields.
async fn source(app: &App, form: &Form) -> Result<Bytes, Refusal> {
    let given =
        [form.file("image_file").is_some(), form.text("image_url").is_some(), form.text("image_file_b64").is_some()];
    match given.iter().filter(|given| **given).count() {
        0 => return Err(Refusal::new(400, "missing_source", "No image given")),
        1 => {}
        _ => return Err(Refusal::new(400, "multiple_sources", "Multiple image sources given")),
    }
    let found = cut::source(app, form, "image_file", Some("image_url"), Some("image_file_b64")).await;
    let bytes = found.map_err(|error| match error.kind() {
        Kind::UrlRefused => Refusal::new(400, "invalid_image_url", "Invalid image_url").about(&error),
        Kind::FetchFailed => Refusal::new(400, "failed_image_download", "Failed to download image").about(&error),
        Kind::RequestInvalid => Refusal::new(400, "failed_to_read_image", "Failed to read image").about(&error),
        _ => Refusal::from(&error),
    })?;
    bytes.ok_or_else(|| Refusal::new(400, "missing_source", "No image given"))
}

async fn background(app: &App, form: &Form) -> Result<Option<Bytes>, Refusal> {
    cut::source(app, form, "bg_image_file", Some("bg_image_url"), None).await.map_err(|error| match error.kind() {
        Kind::UrlRefused => Refusal::new(400, "invalid_bg_image_url", "Invalid bg_image_url").about(&error),
        Kind::FetchFailed => {
            Refusal::new(400, "failed_bg_download", "Failed to download background image").about(&error)
        }
        _ => Refusal::from(&error),
    })
}

fn answer(made: &Made, headers: &HeaderMap, level: TypeLevel) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let nothing = Rect { left: 0, top: 0, size: Size::new(0, 0) };
    let subject = made.subject.unwrap_or(nothing);
    let numbers = [
        ("foreground_top", "x-foreground-top", subject.top),
        ("foreground_left", "x-foreground-left", subject.left),
        ("foreground_width", "x-foreground-width", subject.size.width),
        ("foreground_height", "x-foreground-height", subject.size.height),
    ];
    let mut response = if accepts.to_ascii_lowercase().contains("application/json") {
        let mut data = json!({"result_b64": BASE64_STANDARD.encode(&made.bytes)});
        numbers.iter().for_each(|(field, _, number)| data[*field] = (*number).into());
        Json(json!({"data": data})).into_response()
    } else {
        ([(header::CONTENT_TYPE, made.media_type)], made.bytes.clone()).into_response()
    };
    let headers = response.headers_mut();
    for (_, name, number) in numbers {
        headers.insert(HeaderName::from_static(name), number.into());
    }
    headers.insert("x-width", made.size.width.into());
    headers.insert("x-height", made.size.height.into());
    headers.insert("x-credits-charged", HeaderValue::from_static("0"));
    if level != TypeLevel::None {
        let class = made.class.as_deref().unwrap_or_default();
        headers.insert("x-type", HeaderValue::from_static(classes::name(class, level)));
    }
    if let Ok(timing) = HeaderValue::from_str(&cut::server_timing(made)) {
        headers.insert("server-timing", timing);
    }
    response
}

fn tell_allowance(headers: &mut HeaderMap, left: Allowance) {
    let full = SystemTime::now() + left.full_in;
    let reset = full.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() + 1);
    headers.insert("x-ratelimit-limit", left.limit.into());
    headers.insert("x-ratelimit-remaining", left.remaining.into());
    headers.insert("x-ratelimit-reset", reset.into());
}

/// `GET /v1.0/account`: nothing is counted here, so there is always enough.
pub async fn account() -> Json<Value> {
    let plenty = 99_999;
    Json(json!({
        "data": {
            "attributes": {
                "credits": {"total": plenty, "subscription": 0, "payg": plenty, "enterprise": 0},
                "api": {"free_calls": plenty, "sizes": "all"},
            },
        },
    }))
}

/// `POST /v1.0/improve`: keeps a picture whose cut-out was bad, for whoever runs this server.
pub async fn improve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Value>, Response> {
    let (parts, body) = request.into_parts();
    kept(&app, &caller, &parts.headers, body)
        .await
        .map(|id| Json(json!({"id": id})))
        .map_err(IntoResponse::into_response)
}

async fn kept(app: &Arc<App>, caller: &Caller, headers: &HeaderMap, body: axum::body::Body) -> Result<String, Refusal> {
    let day_ago = app.now() - 24 * 3600 * 1000;
    if improvements::count_since(&app.db, &caller.organisation, day_ago).await? >= IMPROVEMENTS_A_DAY {
        return Err(Refusal::new(429, "rate_limit_exceeded", "Improvement limit of the day exceeded").retry_after(3600));
    }
    let held = Held::read(app, headers, body).await?;
    let form = Form::parse(headers, held.bytes.clone()).await?;
    let picture = source(app, &form).await?;
    if backgroundfx_core::files::Format::sniff(&picture).is_none() {
        return Err(Refusal::new(400, "invalid_file_type", "Unsupported file type"));
    }
    let id = app.new_id("improve");
    let object = format!("improvements/{}/{id}", caller.organisation);
    app.objects.put(&Path::from(object.as_str()), picture.into()).await.map_err(Error::from)?;
    let row = Improvement {
        id: &id,
        organisation: &caller.organisation,
        object: &object,
        filename: form.text("image_filename"),
        tag: form.text("tag"),
    };
    improvements::insert(&app.db, &row, app.now()).await?;
    Ok(id)
}
