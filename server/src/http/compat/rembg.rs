//! rembg's server: `GET` and `POST /api/remove`, always answered with a PNG.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use backgroundfx_core::files::{Format, WriteOptions};
use serde_json::json;

use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    http::{
        cut,
        form::{Form, Held, drain},
        problem::Problem,
    },
    options::{self, Asked},
    picture::{Order, Output},
};

/// An error in the form of rembg's framework.
#[must_use]
pub fn refuse(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"detail": error.told(), "code": error.kind().code(), "hint": error.kind().hint()});
    (status, Json(body)).into_response()
}

/// `GET /api/remove?url=…` and `POST /api/remove` with the multipart field `file`; options are in the query or the form.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if let Err(error) = cut::admit(&app, &caller).await {
        drain(body.into_data_stream()).await;
        return Err(error.into());
    }
    let held = Held::read(&app, &parts.headers, body).await?;
    let form = match parts.method {
        Method::POST => Form::parse(&parts.headers, held.bytes.clone()).await?,
        _ => Form::default(),
    };
    let order = order(&app, &form.with_query(parts.uri.query())?).await?;
    let made = cut::cut_out(&app, &caller, order).await.map_err(Problem)?;
    Ok(([(header::CONTENT_TYPE, made.media_type)], made.bytes.clone()).into_response())
}

async fn order(app: &App, form: &Form) -> Result<Order> {
    let picture = cut::source(app, form, "file", Some("url"), None).await?;
    let picture = picture.ok_or_else(|| Error::new(Kind::RequestInvalid, "there is no picture: send file, or url"))?;
    let background = form.text("bgc").map(color).transpose()?;
    let asked = Asked { model: form.text("model"), background: background.as_deref(), ..Asked::default() };
    let mut options = options::options(app, &asked)?;
    if flag(form, "a")? {
        options.matting = backgroundfx_core::options::Matting::BEST;
    }
    let png = WriteOptions::new(Format::Png);
    let output = if flag(form, "om")? { Output::Matte(png) } else { Output::Picture(png) };
    Ok(Order {
        picture,
        background: None,
        mask: None,
        options,
        output,
        limits: app.limits(),
        region: None,
        classifier: None,
    })
}

fn flag(form: &Form, name: &str) -> Result<bool> {
    match form.text(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "0" | "no" | "off") => Ok(false),
        Some("true" | "1" | "yes" | "on") => Ok(true),
        Some(other) => Err(Error::new(Kind::RequestInvalid, format!("{name} is {other:?}, allowed is true or false"))),
    }
}

/// `red,green,blue[,alpha]`, each 0 to 255.
fn color(text: &str) -> Result<String> {
    let wrong =
        || Error::new(Kind::RequestInvalid, format!("bgc is {text:?}, allowed is red,green,blue,alpha of 0 to 255"));
    let parts: Vec<u8> = text.split(',').map(|part| part.trim().parse().map_err(|_| wrong())).collect::<Result<_>>()?;
    match parts[..] {
        [_, _, _, 0] => Ok("none".to_owned()),
        [red, green, blue] => Ok(format!("color:#{red:02x}{green:02x}{blue:02x}")),
        [red, green, blue, alpha] => Ok(format!("color:#{red:02x}{green:02x}{blue:02x}{alpha:02x}")),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_rembg_writes_them() {
        assert_eq!(color("255, 0,16,255").unwrap(), "color:#ff0010ff");
        assert_eq!(color("1,2,3,0").unwrap(), "none");
        for wrong in ["", "1,2", "1,2,3,4,5", "256,0,0,1", "red"] {
            assert!(color(wrong).is_err(), "{wrong}");
        }
    }
}
