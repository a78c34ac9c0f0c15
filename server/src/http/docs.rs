//! The API's description: an OpenAPI 3.1 document made of the table of routes, and a page to try it on.

mod operations;
mod schemas;

use axum::{
    Json,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{problem::Problem, routes};
use crate::{Error, Kind, auth::Needs};
use operations::{Body, OPERATIONS, Operation};

/// `GET /v1/openapi.json`.
pub async fn description() -> Json<Value> {
    Json(openapi())
}

/// `GET /v1/docs`.
pub async fn page() -> Response {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src blob: 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, include_str!("docs/page.html")).into_response()
}

/// `GET /v1/docs/{file}`: what the page is made of.
pub async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let (media_type, text) = match name.as_str() {
        "page.js" => ("text/javascript; charset=utf-8", include_str!("docs/page.js")),
        "page.css" => ("text/css; charset=utf-8", include_str!("docs/page.css")),
        _ => return Err(Error::new(Kind::NotFound, "there is no such file").into()),
    };
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

/// The whole document.
#[must_use]
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in routes() {
        let known =
            OPERATIONS.iter().find(|operation| (operation.method, operation.path) == (route.method, route.path));
        // A test sees to it that each route is described.
        let Some(operation) = known else { continue };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = describe(operation, route.needs);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "BackgroundFX",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Cuts subjects out of pictures and clips, on your own machine.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": schemas::all(),
        },
    })
}

fn describe(operation: &Operation, needs: Needs) -> Value {
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let kind = if name == "number" { "integer" } else { "string" };
            json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}})
        })
        .collect();
    parameters.extend(operation.parameters.iter().map(
        |(place, name, schema, about)| json!({"name": name, "in": place, "description": about, "schema": read(schema)}),
    ));
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": answers(operation, needs),
    });
    match operation.body {
        Body::None => {}
        Body::Json(schema) => {
            described["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": reference(schema)}}});
        }
        Body::Form(schema, extra) => {
            let mut content = json!({
                "multipart/form-data": {"schema": reference(schema)},
                "application/json": {"schema": reference(schema)},
            });
            for media_type in extra {
                content[*media_type] = json!({"schema": {"type": "string", "format": "binary"}});
            }
            described["requestBody"] = json!({"required": true, "content": content});
        }
        Body::Bytes(media_type) => {
            let content = json!({media_type: {"schema": {"type": "string", "format": "binary"}}});
            described["requestBody"] = json!({"required": true, "content": content});
        }
    }
    if needs == Needs::Nothing {
        described["security"] = json!([]);
    }
    described["x-needs"] = format!("{needs:?}").to_lowercase().into();
    described
}

fn answers(operation: &Operation, needs: Needs) -> Value {
    let mut answers = Map::new();
    for (status, about, content) in operation.answers {
        let mut answer = json!({"description": about});
        if let Some((media_type, schema)) = content {
            let schema =
                if schema.is_empty() { json!({"type": "string", "format": "binary"}) } else { reference(schema) };
            answer["content"] = json!({*media_type: {"schema": schema}});
        }
        answers.insert(status.to_string(), answer);
    }
    let mut problem = |status: &str, about: &str| {
        let (media_type, schema) = match operation.path {
            path if path.starts_with("/v1.0/") => ("application/json", "RemovebgErrors"),
            path if path.starts_with("/api/") => ("application/json", "Detail"),
            _ => ("application/problem+json", "Problem"),
        };
        let content = json!({media_type: {"schema": reference(schema)}});
        answers.entry(status).or_insert_with(|| json!({"description": about, "content": content}));
    };
    if needs != Needs::Nothing {
        let removebg = operation.path.starts_with("/v1.0/");
        if !removebg {
            problem("401", "No key, or one that is not known.");
        }
        problem("403", "The key may not do this.");
    }
    problem("4XX", "The request is at fault; `code` and `hint` say how.");
    problem("5XX", "The server is at fault; trying again may help.");
    Value::Object(answers)
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// A parameter's schema: a type, or JSON.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({"type": text}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described: BTreeSet<_> = OPERATIONS.iter().map(|operation| (operation.path, operation.method)).collect();
        let there: BTreeSet<_> = routes().iter().map(|route| (route.path, route.method)).collect();
        assert_eq!(described, there);
        assert_eq!(described.len(), OPERATIONS.len());
    }

    #[test]
    fn all_references_lead_somewhere_and_no_schema_is_left_over() {
        let document = openapi();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let named: BTreeSet<&str> =
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(named, schemas.keys().map(String::as_str).collect());
    }

    /// The API changes on purpose only: accept a change with `BACKGROUNDFX_ACCEPT=1 cargo test -p backgroundfx-server openapi`.
    #[test]
    fn the_openapi_document_is_the_one_that_was_published() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let now = format!("{:#}\n", openapi());
        if std::env::var_os("BACKGROUNDFX_ACCEPT").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap();
        assert!(now == published, "openapi.json is not what the routes say; see the test for how to accept the change");
    }
}
