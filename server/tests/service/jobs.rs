//! `/v1/jobs`: accepted once, made once, shown to their owners only.

use std::{collections::HashSet, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    compat::base64,
    pictures::corner,
    stage::{Stage, disc, json},
};

fn picture(width: u32) -> Value {
    json!({"image_base64": base64(&disc(width, 60))})
}

#[tokio::test]
async fn a_picture_is_made_and_its_result_is_given_whole_and_in_part() {
    let stage = Stage::new().await;
    let (status, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&picture(80))).await;
    assert_eq!(
        (status, job["status"].as_str(), job["progress"].as_f64()),
        (200, Some("succeeded"), Some(1.0)),
        "{job}"
    );
    let item = &job["items"][0];
    assert_eq!((item["media_type"].as_str(), item["attempts"].as_i64()), (Some("image/png"), Some(1)));
    let link = item["result"].as_str().unwrap();
    let whole = stage.get(link).send().await.unwrap();
    let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!((whole.status().as_u16(), whole.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
    let whole = whole.bytes().await.unwrap();
    let part = stage.get(link).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"].to_str().unwrap(), format!("bytes 10-19/{}", whole.len()));
    assert_eq!(part.bytes().await.unwrap(), whole[10..20]);
    let other = stage.get(link).header("range", "bytes=10-19").header("if-range", "\"other\"").send().await.unwrap();
    assert_eq!(other.status(), 200, "a range of another version is of no use");
    assert_eq!(stage.get(link).header("if-none-match", tag).send().await.unwrap().status(), 304);
    assert_eq!(json(stage.get(link).header("range", "bytes=9999999-")).await.0, 416);
}

#[tokio::test]
async fn a_link_gives_a_result_to_whoever_has_it_until_it_ends() {
    // A bucket gives links itself to what is not sealed.
    let stage = Stage::with(|config| config.object_keys.clear()).await;
    let body = json!({"image_base64": base64(&disc(80, 60))});
    let (_, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    let result = job["items"][0]["result"].as_str().unwrap();
    let made = stage.get(result).send().await.unwrap().bytes().await.unwrap();
    let get = async |url: &str| {
        let whole = if url.starts_with("http") { url.to_owned() } else { stage.url(url) };
        stage.http.get(whole).send().await.unwrap()
    };
    let (status, link) = json(stage.get(&format!("{result}/link?seconds=2"))).await;
    let url = link["url"].as_str().unwrap();
    let given = get(url).await;
    assert_eq!((status, given.status().as_u16()), (200, 200), "{link}");
    assert_eq!(given.headers()["content-type"], "image/png");
    assert_eq!(given.bytes().await.unwrap(), made);
    // Another item, another end, another signature.
    for (old, new) in
        [("/1?", "/2?"), ("expires=1", "expires=2"), ("signature=", "signature=A"), ("Signature=", "Signature=0")]
    {
        let other = url.replace(old, new);
        assert!(other == url || get(&other).await.status().is_client_error(), "{other}");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(get(url).await.status(), 403, "it is over");
    assert_eq!(json(stage.get(&format!("{result}/link?seconds=0"))).await.0, 400);
}

#[tokio::test]
async fn all_results_of_a_job_come_in_one_archive() {
    let stage = Stage::new().await;
    let texts = [disc(80, 60), b"no picture".to_vec(), disc(100, 60)].map(|bytes| base64(&bytes));
    let (_, job) =
        json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&json!({"image_base64": texts}))).await;
    let place = job["links"]["self"].as_str().unwrap();
    let archive = stage.get(&format!("{place}/archive")).send().await.unwrap();
    assert_eq!(
        (archive.status().as_u16(), &archive.headers()["content-type"]),
        (200, &"application/zip".parse().unwrap())
    );
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive.bytes().await.unwrap())).unwrap();
    assert_eq!(archive.file_names().collect::<Vec<_>>(), ["000001.png", "000003.png"]);
    let (mut kept, mut given) = (Vec::new(), stage.get(&format!("{place}/results/3")).send().await.unwrap());
    std::io::Read::read_to_end(&mut archive.by_name("000003.png").unwrap(), &mut kept).unwrap();
    let mut whole = Vec::new();
    while let Some(piece) = given.chunk().await.unwrap() {
        whole.extend_from_slice(&piece);
    }
    assert_eq!(kept, whole);
    let bad = json!({"image_base64": base64(b"no picture")});
    let (_, none) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&bad)).await;
    let (status, _) = json(stage.get(&format!("{}/archive", none["links"]["self"].as_str().unwrap()))).await;
    assert_eq!(status, 404);
}

/// What its sender takes for a picture is a bad one among others, not a clip.
#[tokio::test]
async fn an_upload_that_is_no_picture_ends_only_itself() {
    let stage = Stage::new().await;
    let mut uploads = Vec::new();
    for bytes in [disc(80, 60), b"no picture".to_vec(), corner(80, 60)] {
        let begun = stage.post("/v1/uploads").header("upload-length", bytes.len());
        let begun =
            begun.header("upload-metadata", format!("filetype {}", base64(b"image/jpeg"))).send().await.unwrap();
        let place = begun.headers()["location"].to_str().unwrap().to_owned();
        let piece = stage.http.patch(stage.url(&place)).bearer_auth(&stage.key).header("upload-offset", 0);
        let sent = piece.header("content-type", "application/offset+octet-stream").body(bytes).send().await.unwrap();
        assert_eq!(sent.status(), 204);
        uploads.push(place.rsplit('/').next().unwrap().to_owned());
    }
    // The second of them as the mask of the first: no picture either.
    let body = json!({"upload": [uploads[0]], "masks": {"1": uploads[1]}});
    let (_, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    assert_eq!(job["items"][0]["error"]["code"], "format_unsupported", "{job}");
    for wrong in [json!({"2": uploads[0]}), json!({"0": uploads[0]}), json!({"1": "upload_none"}), json!([uploads[0]])]
    {
        let (status, _) = json(stage.post("/v1/jobs").json(&json!({"upload": [uploads[0]], "masks": wrong}))).await;
        assert!(status == 400 || status == 404, "{wrong}: {status}");
    }
    let mask = uploads.pop().unwrap();
    let body = json!({"upload": [uploads[0]], "masks": {"1": mask}});
    let (_, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    assert_eq!(job["items"][0]["details"]["model"], "mask", "{job}");
    let (status, job) =
        json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&json!({"upload": uploads}))).await;
    assert_eq!(
        (status, job["counts"]["succeeded"].as_i64(), job["counts"]["failed"].as_i64()),
        (200, Some(1), Some(1))
    );
}

#[tokio::test]
async fn a_batch_tells_of_each_file_and_a_bad_one_ends_only_itself() {
    let stage = Stage::new().await;
    let texts = [disc(80, 60), b"no picture".to_vec(), disc(100, 60)].map(|bytes| base64(&bytes));
    let body = json!({"image_base64": texts, "name": "shelf", "background": "#fff", "format": "jpg", "priority": 3});
    let (status, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    assert_eq!((status, job["status"].as_str()), (200, Some("succeeded")), "{job}");
    assert_eq!((job["counts"]["succeeded"].as_i64(), job["counts"]["failed"].as_i64()), (Some(2), Some(1)));
    assert_eq!((job["name"].as_str(), job["priority"].as_i64()), (Some("shelf"), Some(3)));
    let bad = &job["items"][1];
    assert_eq!((bad["status"].as_str(), bad["error"]["code"].as_str()), (Some("failed"), Some("format_unsupported")));
    assert_eq!(bad["attempts"], 1, "what cannot get better is not tried again");
    assert_eq!(json(stage.get(&format!("{}/results/2", job["links"]["self"].as_str().unwrap()))).await.0, 404);
    let items = job["links"]["items"].as_str().unwrap();
    let (_, first) = json(stage.get(&format!("{items}?limit=2"))).await;
    assert_eq!((first["items"].as_array().unwrap().len(), first["next_cursor"].as_i64()), (2, Some(2)));
    let (_, rest) = json(stage.get(&format!("{items}?limit=2&cursor=2"))).await;
    assert_eq!((rest["items"][0]["number"].as_i64(), rest["next_cursor"].is_null()), (Some(3), true));
}

#[tokio::test]
async fn lists_go_page_by_page_and_show_what_is_asked_for() {
    let stage = Stage::new().await;
    let mut sent = HashSet::new();
    for _ in 0..5 {
        let (status, job) = json(stage.post("/v1/jobs").json(&picture(40))).await;
        assert_eq!(status, 202);
        sent.insert(job["id"].as_str().unwrap().to_owned());
    }
    let (mut found, mut cursor) = (HashSet::new(), String::new());
    loop {
        let (_, page) = json(stage.get(&format!("/v1/jobs?limit=2&fields=id,status{cursor}"))).await;
        for job in page["jobs"].as_array().unwrap() {
            assert_eq!(job.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "status"]);
            assert!(found.insert(job["id"].as_str().unwrap().to_owned()), "no job comes twice");
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, sent);
    for wrong in ["limit=0", "limit=many", "status=done", "kind=audio", "fields=colour", "colour=1"] {
        let (status, problem) = json(stage.get(&format!("/v1/jobs?{wrong}"))).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some("request_invalid")), "{wrong}: {problem}");
    }
}

#[tokio::test]
async fn a_request_that_comes_fifty_times_under_one_key_makes_one_job() {
    let stage = Stage::new().await;
    let send = |width: u32| stage.post("/v1/jobs").header("idempotency-key", "order-17").json(&picture(width));
    let mut sent = Vec::new();
    for _ in 0..50 {
        let request = send(80);
        sent.push(tokio::spawn(async move { json(request).await }));
    }
    let (mut jobs, mut accepted) = (HashSet::new(), 0);
    for answer in sent {
        let (status, job) = answer.await.unwrap();
        assert!(status == 202 || status == 200, "{status} {job}");
        jobs.insert(job["id"].as_str().unwrap().to_owned());
        accepted += 1;
    }
    assert_eq!((jobs.len(), accepted), (1, 50));
    let (status, problem) = json(send(90)).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("idempotency_mismatch")));
    let stage = stage.restart().await;
    let again = stage.post("/v1/jobs").header("idempotency-key", "order-17").json(&picture(80)).send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    let again: Value = again.json().await.unwrap();
    assert!(jobs.contains(again["id"].as_str().unwrap()));
    assert_eq!(json(stage.get("/v1/jobs")).await.1["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_is_deleted_ends_and_its_files_with_it() {
    let stage = Stage::with(|config| config.threads = Some(1)).await;
    let slow = base64(&disc(3000, 2000));
    let (_, job) = json(stage.post("/v1/jobs").json(&json!({"image_base64": [slow, slow, slow, slow]}))).await;
    let id = job["id"].as_str().unwrap();
    let (status, ended) = json(stage.http.delete(stage.url(&format!("/v1/jobs/{id}"))).bearer_auth(&stage.key)).await;
    assert_eq!((status, ended["status"].as_str()), (200, Some("cancelled")), "{ended}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (_, later) = json(stage.get(&format!("/v1/jobs/{id}"))).await;
    assert_eq!(later["status"], "cancelled");
    assert!(later["items"].as_array().unwrap().iter().all(|item| item["result"].is_null()), "{later}");
    let objects = stage.objects();
    let left = |folder: &str| std::fs::read_dir(objects.join(folder).join(id)).map_or(0, Iterator::count);
    assert_eq!((left("sources"), left("results")), (0, 0));
}

#[tokio::test]
async fn what_was_accepted_before_a_stop_is_made_after_it() {
    let stage = Stage::with(|config| (config.threads, config.drain_seconds) = (Some(1), 5)).await;
    let slow = base64(&disc(2000, 1500));
    let (_, job) = json(stage.post("/v1/jobs").json(&json!({"image_base64": vec![slow; 6]}))).await;
    let id = job["id"].as_str().unwrap().to_owned();
    let stage = stage.restart().await;
    let mut last = Value::Null;
    for _ in 0..100 {
        last = json(stage.get(&format!("/v1/jobs/{id}"))).await.1;
        if last["status"] == "succeeded" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!((last["status"].as_str(), last["counts"]["succeeded"].as_i64()), (Some("succeeded"), Some(6)), "{last}");
}

#[tokio::test]
async fn events_tell_a_job_until_its_end() {
    let stage = Stage::new().await;
    let (_, job) = json(stage.post("/v1/jobs").json(&picture(300))).await;
    let answer = stage.get(job["links"]["events"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = tokio::time::timeout(Duration::from_secs(20), answer.text()).await.unwrap().unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: end"), "{text}");
    let data: Value = serde_json::from_str(last.split("data: ").nth(1).unwrap()).unwrap();
    assert_eq!((data["status"].as_str(), data["progress"].as_f64()), (Some("succeeded"), Some(1.0)));
    assert_eq!(json(stage.get("/v1/jobs/job_none/events")).await.0, 404);
}

#[tokio::test]
async fn a_picture_may_be_waited_for_and_else_becomes_a_job() {
    let stage = Stage::new().await;
    let send = |prefer: &str| stage.post("/v1/remove").header("prefer", prefer).json(&picture(80)).send();
    let made = send("wait=120").await.unwrap();
    assert_eq!((made.status().as_u16(), made.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
    let accepted = send("respond-async").await.unwrap();
    assert_eq!(accepted.status(), 202);
    assert!(accepted.headers()["location"].to_str().unwrap().starts_with("/v1/jobs/job_"));
    let body = json!({"image_base64": "aGVsbG8="});
    let (status, problem) = json(stage.post("/v1/remove").header("prefer", "wait=120").json(&body)).await;
    assert_eq!((status, problem["code"].as_str()), (415, Some("format_unsupported")));
}

#[tokio::test]
async fn a_clip_is_made_with_another_background() {
    let stage = Stage::new().await;
    let clip = stage.folder.path().join("clip.mp4");
    let drawn = "color=0x00b140:s=160x120:r=10:d=1,drawbox=x=40+20*t:y=40:w=40:h=40:color=red:t=fill";
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i", drawn, "-pix_fmt", "yuv420p"])
        .arg(&clip)
        .status()
        .unwrap();
    assert!(made.success());
    let boundary = "x";
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"clip.mp4\"\r\n\r\n".to_vec();
    body.extend(std::fs::read(&clip).unwrap());
    body.extend(b"\r\n--x\r\nContent-Disposition: form-data; name=\"background\"\r\n\r\n#0000ff\r\n--x--\r\n");
    let request = stage.post("/v1/jobs").header("prefer", "wait=120");
    let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body);
    let (_, job) = json(request).await;
    assert_eq!((job["kind"].as_str(), job["status"].as_str()), (Some("video"), Some("succeeded")), "{job}");
    let item = &job["items"][0];
    assert_eq!((item["name"].as_str(), item["media_type"].as_str()), (Some("clip.mp4"), Some("video/mp4")));
    assert_eq!(item["details"]["frames"], 10);
    let bytes = stage.get(item["result"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(&bytes[4..8], b"ftyp");
    // No clip is left where it was worked on.
    let corners = std::fs::read_dir(stage.folder.path().join("scratch")).unwrap().flatten();
    let left: Vec<_> = corners.flat_map(|corner| std::fs::read_dir(corner.path()).unwrap().flatten()).collect();
    assert!(left.is_empty(), "{left:?}");
    let (_, bad) =
        json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&json!({"video_url": "http://10.1.1.1/a.mp4"})))
            .await;
    assert_eq!(bad["code"], "url_refused");
}
