//! `/v1/device`: what a browser needs to cut pictures out by itself, the same network as here and a runtime for it.

use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use backgroundfx_core::{
    engine::artifacts::Manifest,
    models::{Activation, InputSize, ModelCard},
    progress::Silent,
};
use object_store::{ObjectStoreExt, local::LocalFileSystem};
use serde_json::{Value, json};

use super::{
    problem::Problem,
    web::{ALONE, POLICY, media_type},
};
use crate::{App, Error, Kind, Result};

/// What the manifest calls the runtime for browsers: what a page loads, and what that loads.
const RUNTIME: [&str; 2] = ["onnxruntime-web-script", "onnxruntime-web-wasm"];

/// Whether browsers may have the default model, and could run it.
pub fn is_offered(app: &App) -> bool {
    app.config.on_device && app.inference.catalog().card(app.model()).is_ok_and(ModelCard::is_plain)
}

/// `GET /v1/device`: the default model, how a picture becomes its input and its output a matte, and the files to load.
pub async fn offer(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let offered = offered(&app).await?;
    let [script, wasm, network, edge_network] = &offered.files;
    let InputSize::Fixed { width, height } = offered.card.input.size else { return Err(none(&app).into()) };
    let activation = if offered.card.output.activation == Activation::Sigmoid { "sigmoid" } else { "none" };
    Ok(Json(json!({
        "model": offered.card.name,
        "precision": offered.precision,
        "input": {"width": width, "height": height, "mean": offered.card.input.mean, "std": offered.card.input.std},
        "output": {"name": offered.output, "channel": offered.card.output.channel, "activation": activation},
        "files": {
            "script": told(script)?,
            "wasm": told(wasm)?,
            "network": told(network)?,
            "edge_network": told(edge_network)?,
        },
    })))
}

/// `GET /v1/device/{file}`: one of those files. Its name changes with its content, so that browsers keep it.
pub async fn file(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let offered = offered(&app).await?;
    let file = offered.files.iter().find(|file| name_of(file) == name);
    let file = file.ok_or_else(|| Error::new(Kind::NotFound, "browsers are offered no such file"))?;
    let unreadable = |error: object_store::Error| {
        Error::new(Kind::StorageUnusable, format!("cannot read {}", file.display())).because(error)
    };
    let folder = file.parent().unwrap_or(FilePath::new("/"));
    let store = LocalFileSystem::new_with_prefix(folder).map_err(unreadable)?;
    let read = store.get(&object_store::path::Path::from(name.as_str())).await.map_err(unreadable)?;
    let headers = [
        (header::CONTENT_TYPE, media_type(&name).to_owned()),
        (header::CONTENT_LENGTH, read.meta.size.to_string()),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable".to_owned()),
        // The runtime's own threads are started from it.
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    Ok((headers, ALONE, Body::from_stream(read.into_stream())).into_response())
}

/// What browsers are offered.
struct Offered {
    card: ModelCard,
    precision: String,
    /// The output's name; the first one when unset.
    output: Option<String>,
    /// The runtime's script and its WebAssembly, the network, and the one that corrects edges.
    files: [PathBuf; 4],
}

/// Fetches and makes what is not there yet.
async fn offered(app: &Arc<App>) -> Result<Offered> {
    if !is_offered(app) {
        return Err(none(app));
    }
    let card = app.inference.catalog().card(app.model())?.clone();
    // One at a time: who comes second finds the files.
    let _making = app.making_device_files.lock().await;
    let inference = app.inference.clone();
    let made = tokio::task::spawn_blocking(move || -> Result<Offered> {
        let engine = inference.engine();
        let runtime = |name| Ok::<_, Error>(engine.store().obtain(Manifest::built_in(), name, &Silent)?.1);
        let [script, wasm] = [runtime(RUNTIME[0])?, runtime(RUNTIME[1])?];
        let network = engine.portable(card.weights(inference.catalog().manifest()), &Silent)?;
        let output = card.output.name.clone().or_else(|| network.found.output().map(str::to_owned));
        let files = [script, wasm, network.file, engine.portable_edge_network()?];
        Ok(Offered { precision: network.precision.to_string(), output, files, card })
    });
    made.await.map_err(|error| Error::new(Kind::Internal, "a file for browsers could not be made").because(error))?
}

fn none(app: &App) -> Error {
    let model = app.model();
    let message = if app.config.on_device {
        format!("the model {model} cannot run in a browser")
    } else {
        "this server gives its model to no browser (on_device)".to_owned()
    };
    Error::new(Kind::NotFound, message)
}

fn name_of(file: &FilePath) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Where a browser finds a file, and how large it is.
fn told(file: &FilePath) -> Result<Value> {
    let facts = file
        .metadata()
        .map_err(|error| Error::new(Kind::StorageUnusable, format!("cannot read {}", file.display())).because(error))?;
    Ok(json!({"url": format!("/v1/device/{}", name_of(file)), "bytes": facts.len()}))
}
