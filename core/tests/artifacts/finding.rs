//! Files that are already there: filled folders, rembg's folders, what was verified before.

use std::{ffi::OsString, fs, path::Path};

use backgroundfx_core::{Kind, engine::artifacts::Surroundings};

use crate::setup::{Setup, content, manifest, row, row_of};

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_is_found_wherever_it_lies_when_its_checksum_fits() {
    let bytes = content(5_000);
    let text = row("a", &bytes, "").replace("bytes =", "aliases = [\"b.onnx\"]\nbytes =");
    let rows = manifest(&[text]);
    for place in ["store/a.bin", "given/a.bin", "filled/b.onnx", "rembg/models/b/b.onnx", "rembg/b.onnx"] {
        let mut setup = Setup::new();
        setup.options.offline = true;
        setup.options.read_only_folders = vec![setup.path("given")];
        setup.around.filled_folders = vec![setup.path("filled")];
        setup.around.rembg_folders = vec![setup.path("rembg/models"), setup.path("rembg")];
        // In other programs' folders a file of that name may well be another.
        let refused = if place.starts_with("store") { Kind::ChecksumMismatch } else { Kind::ArtifactMissing };
        put(&setup.path(place), &content(4_999));
        assert_eq!(setup.obtain(&rows).unwrap_err().kind(), refused, "{place}: another size");
        put(&setup.path(place), &[7; 5_000]);
        assert_eq!(setup.obtain(&rows).unwrap_err().kind(), refused, "{place}: another file");
        put(&setup.path(place), &bytes);
        assert_eq!(setup.obtain(&rows).unwrap().1, setup.path(place));
    }
}

#[test]
fn a_later_variant_that_is_there_comes_before_an_earlier_one_that_is_not() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    put(&setup.kept("b.bin"), &bytes);
    let rows = manifest(&[row("a", &content(9), "{ url = \"http://nobody.invalid/\" }"), row("b", &bytes, "")]);
    assert_eq!(setup.obtain(&rows).unwrap().0.id, "thing/b");
}

#[test]
fn a_file_is_hashed_once_and_again_when_it_changes() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    let rows = manifest(&[row("a", &bytes, "")]);
    let (artifact, path) = (rows.by_id("thing/a").unwrap(), setup.kept("a.bin"));
    put(&path, &bytes);
    assert_eq!(setup.store().find(artifact), Some(path.clone()));
    let list = fs::read_to_string(setup.kept("verified.txt")).unwrap();
    assert_eq!(list.lines().count(), 1);

    // What stands in the list is believed: that is how one sees that nothing was hashed.
    fs::write(setup.kept("verified.txt"), list.replacen(artifact.sha256.as_ref().unwrap(), "another", 1)).unwrap();
    assert_eq!(setup.store().find(artifact), None);
    // `verify` believes nothing, and corrects the list.
    assert_eq!(setup.store().verify(artifact).unwrap(), path);
    assert_eq!(setup.store().find(artifact), Some(path.clone()));

    put(&path, &[7; 5_000]);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(9)).unwrap();
    assert_eq!(setup.store().find(artifact), None);
    assert_eq!(setup.store().verify(artifact).unwrap_err().kind(), Kind::ChecksumMismatch);
}

#[test]
fn removing_takes_our_copy_and_no_other() {
    let (mut setup, bytes) = (Setup::new(), content(5_000));
    setup.around.rembg_folders = vec![setup.path("rembg")];
    put(&setup.path("rembg/a.bin"), &bytes);
    put(&setup.kept("a.bin"), &bytes);
    put(&setup.kept("a.bin.part"), &bytes[..9]);
    let rows = manifest(&[row("a", &bytes, "")]);
    let artifact = rows.by_id("thing/a").unwrap();
    assert!(setup.store().remove(artifact).unwrap());
    assert!(!setup.store().remove(artifact).unwrap());
    assert_eq!(setup.files(), [""; 0]);
    assert_eq!(setup.store().find(artifact), Some(setup.path("rembg/a.bin")));
}

#[test]
fn a_file_without_a_checksum_is_used_after_consent_and_held_to_what_was_seen() {
    let (mut setup, bytes) = (Setup::new(), content(5_000));
    setup.options.offline = true;
    let rows = manifest(&[row_of("a", "", true, "")]);
    let artifact = rows.by_id("thing/a").unwrap();
    put(&setup.kept("a.bin"), &bytes);
    assert_eq!(setup.store().find(artifact), None);
    assert_eq!(setup.store().verify(artifact).unwrap_err().kind(), Kind::ChecksumUnknown);
    setup.options.trust_unknown = true;
    assert!(setup.store().find(artifact).is_some());
    setup.options.trust_unknown = false;
    assert!(setup.store().find(artifact).is_some(), "recorded by now");
    assert!(setup.store().verify(artifact).is_ok());
    put(&setup.kept("a.bin"), &content(6_000));
    setup.options.trust_unknown = true;
    assert_eq!(setup.store().find(artifact), None, "consent was for the first file");
}

#[test]
fn the_environment_decides_the_folders() {
    let list = std::env::join_paths(["/one", "/two"]).unwrap();
    let variables = |name: &str| -> Option<OsString> {
        match name {
            "HOME" | "USERPROFILE" => Some("/home/me".into()),
            "BACKGROUNDFX_MODELS" => Some(list.clone()),
            "REMBG_HOME" => Some("/rembg".into()),
            "U2NET_HOME" => Some("".into()),
            _ => None,
        }
    };
    let around = Surroundings::from_variables(&variables);
    assert_eq!(around.filled_folders, [Path::new("/one"), Path::new("/two")]);
    let expected = ["/rembg/models", "/rembg", "/home/me/.rembg/models", "/home/me/.u2net"];
    assert_eq!(around.rembg_folders, expected.map(Path::new));
    if cfg!(target_os = "linux") {
        assert_eq!(around.folder.unwrap(), Path::new("/home/me/.local/share/backgroundfx"));
    }
    let named = |name: &str| if name == "BACKGROUNDFX_HOME" { Some("/here".into()) } else { variables(name) };
    assert_eq!(Surroundings::from_variables(&named).folder.unwrap(), Path::new("/here"));
}
