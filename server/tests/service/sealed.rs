//! Files that are encrypted before they are kept: clients see no difference, whoever has the disk or the bucket sees nothing.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

/// All files below a folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { fs::read(path).into_iter().collect() }).collect()
}

#[tokio::test]
async fn sources_and_results_are_sealed_and_given_whole_and_in_part() {
    let keys = tempfile::tempdir().unwrap();
    let key = |name: &str, byte: u8| {
        fs::write(keys.path().join(name), [byte; 32]).unwrap();
        format!("file:{}", keys.path().join(name).display())
    };
    let (old, new) = (key("old", 1), key("new", 2));
    let first = Stage::with(|config| config.object_keys = vec![old.clone()]).await;
    let body = json!({"image_base64": base64(&disc(300, 200)), "format": "png"});
    let (_, job) = json(first.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    let result = job["items"][0]["result"].as_str().unwrap_or_else(|| panic!("{job}")).to_owned();
    let kept = files(&first.objects());
    assert!(kept.len() >= 2, "source and result");
    for file in &kept {
        assert!(file.starts_with(b"BFXS") && !file.windows(4).any(|part| part == b"IHDR" || part == b"JFIF"));
    }

    // The same with a new key first: what the old one sealed is read.
    let settings = first.restart_with(|config| config.object_keys = vec![new.clone(), old]).await;
    let whole = settings.get(&result).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let whole = whole.bytes().await.unwrap();
    assert!(whole.starts_with(b"\x89PNG"));
    let part = settings.get(&result).header("range", "bytes=100-199").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap()), (206, whole.slice(100..200)));
    let (_, link) = json(settings.get(&format!("{result}/link"))).await;
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with("/v1/files/"), "an address of the bucket would give what nobody can read: {url}");
    assert_eq!(settings.http.get(settings.url(url)).send().await.unwrap().bytes().await.unwrap(), whole);

    // Without the old key it is told, not given.
    let without = settings.restart_with(|config| config.object_keys = vec![new]).await;
    let (status, problem) = json(without.get(&result)).await;
    assert_eq!((status, &problem["code"]), (503, &json!("storage_unusable")), "{problem}");
}
