//! `/v1/uploads`: pieces, broken connections, wrong offsets.

use serde_json::json;

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

#[tokio::test]
async fn a_file_in_pieces_becomes_a_job() {
    let stage = Stage::new().await;
    let picture = disc(400, 300);
    let begun = stage
        .post("/v1/uploads")
        .header("upload-length", picture.len())
        .header("upload-metadata", format!("filename {},filetype {}", base64(b"shoe.jpg"), base64(b"image/jpeg")))
        .send()
        .await
        .unwrap();
    assert_eq!((begun.status().as_u16(), begun.headers()["tus-resumable"].to_str().unwrap()), (201, "1.0.0"));
    let place = begun.headers()["location"].to_str().unwrap().to_owned();
    let id = place.rsplit('/').next().unwrap().to_owned();
    let send = |offset: usize, bytes: &[u8]| {
        let request = stage.http.patch(stage.url(&place)).bearer_auth(&stage.key).header("upload-offset", offset);
        request.header("content-type", "application/offset+octet-stream").body(bytes.to_vec()).send()
    };
    assert_eq!(send(0, &picture[..1000]).await.unwrap().headers()["upload-offset"], "1000");
    assert_eq!(send(0, &picture[..1000]).await.unwrap().status(), 409, "that piece is here");
    assert_eq!(json(stage.post("/v1/jobs").json(&json!({"upload": id}))).await.0, 409, "it is not whole");
    let state = stage.http.head(stage.url(&place)).bearer_auth(&stage.key).send().await.unwrap();
    assert_eq!(state.headers()["upload-offset"], "1000");
    let too_much = [&picture[1000..], &[0; 10]].concat();
    assert_eq!(send(1000, &too_much).await.unwrap().status(), 400);
    let state = stage.http.head(stage.url(&place)).bearer_auth(&stage.key).send().await.unwrap();
    let offset: usize = state.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
    let done = send(offset, &picture[offset..]).await.unwrap();
    assert_eq!(
        (done.status().as_u16(), done.headers()["upload-offset"].to_str().unwrap()),
        (204, picture.len().to_string().as_str())
    );
    let (_, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&json!({"upload": id}))).await;
    assert_eq!(
        (job["status"].as_str(), job["items"][0]["name"].as_str()),
        (Some("succeeded"), Some("shoe.jpg")),
        "{job}"
    );
    let gone = stage.http.delete(stage.url(&place)).bearer_auth(&stage.key).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(stage.http.head(stage.url(&place)).bearer_auth(&stage.key).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn what_is_begun_wrongly_is_refused() {
    let stage = Stage::with(|config| config.upload_megabytes = 1).await;
    assert_eq!(json(stage.post("/v1/uploads")).await.0, 400);
    assert_eq!(json(stage.post("/v1/uploads").header("upload-length", 0)).await.0, 400);
    assert_eq!(json(stage.post("/v1/uploads").header("upload-length", 1_000_001)).await.0, 413);
    let (status, problem) = json(stage.post("/v1/jobs").json(&json!({"upload": "upload_none"}))).await;
    assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")));
}
