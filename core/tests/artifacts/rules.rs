//! What is refused before anything is fetched: offline, licences, unknown checksums, unknown names.

use std::fs;

use backgroundfx_core::{Kind, engine::artifacts::Manifest, progress::Silent};

use crate::{
    server::{Manner, Server},
    setup::{Setup, content, manifest, row, row_of, url},
};

#[test]
fn offline_says_which_file_is_expected_where() {
    let (mut setup, bytes) = (Setup::new(), content(9));
    setup.options.offline = true;
    let server = Server::start(Manner::Honest(bytes.clone()));
    let error = setup.obtain(&manifest(&[row("a", &bytes, &url(&server.address))])).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (Kind::ArtifactMissing, vec![]));
    let message = error.to_string();
    assert!(message.contains("a.bin") && message.contains(&*setup.path("store").to_string_lossy()), "{message}");
    assert!(!setup.path("store").exists(), "nothing is created for nothing");
    fs::write(setup.kept("a.bin"), &bytes[1..]).unwrap();
    let error = setup.obtain(&manifest(&[row("a", &bytes, &url(&server.address))])).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (Kind::ChecksumMismatch, vec![]), "{error}");
}

#[test]
fn a_row_without_sources_says_where_to_put_the_file() {
    let setup = Setup::new();
    let error = setup.obtain(&manifest(&[row("a", &content(9), "")])).unwrap_err();
    assert_eq!(error.kind(), Kind::ArtifactMissing);
    assert!(error.to_string().contains("no public source is known"), "{error}");
    assert!(!setup.path("store").exists(), "nothing is created for nothing");

    let rows = manifest(&[row_of("a", "note = \"export it yourself\"", true, "")]);
    let error = setup.obtain(&rows).unwrap_err();
    assert_eq!(error.kind(), Kind::ArtifactMissing);
    assert!(error.to_string().ends_with("; export it yourself"), "{error}");
    fs::write(setup.kept("a.bin"), b"exported").unwrap();
    let error = setup.obtain(&rows).unwrap_err();
    assert_eq!(error.kind(), Kind::ChecksumUnknown, "there, but not agreed to: {error}");
}

#[test]
fn a_licence_against_commercial_use_is_refused_before_anything_else() {
    let (mut setup, bytes) = (Setup::new(), content(9));
    let server = Server::start(Manner::Honest(bytes.clone()));
    let rows = manifest(&[row("a", &bytes, &url(&server.address)).replace("commercial = true", "commercial = false")]);
    fs::write(setup.kept("a.bin"), &bytes).unwrap();
    let error = setup.obtain(&rows).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (Kind::LicenceRefused, vec![]));
    assert!(error.to_string().contains("CC-BY-NC-4.0"), "{error}");
    setup.options.allow_non_commercial = true;
    assert!(setup.obtain(&rows).is_ok());
}

#[test]
fn an_unknown_checksum_needs_consent_and_is_recorded() {
    let (mut setup, bytes) = (Setup::new(), content(5_000));
    let server = Server::start(Manner::Honest(bytes.clone()));
    let rows = manifest(&[row_of("a", "", true, &url(&server.address))]);
    setup.options.mirror = Some(server.address.clone());
    let error = setup.obtain(&rows).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (Kind::ChecksumUnknown, vec![]));

    setup.options.trust_unknown = true;
    let (_, path) = setup.obtain(&rows).unwrap();
    let record = fs::read_to_string(setup.kept("a.bin.sha256")).unwrap();
    assert_eq!(record, format!("{}  a.bin\n", crate::setup::sha256(&bytes)));

    // Fetched again later, it must be the same file.
    fs::remove_file(path).unwrap();
    setup.options.trust_unknown = false;
    assert!(setup.obtain(&rows).is_ok());
    fs::remove_file(setup.kept("a.bin")).unwrap();
    setup.options.mirror = None;
    let other = Server::start(Manner::Honest(content(6_000)));
    let rows = manifest(&[row_of("a", "", true, &url(&other.address))]);
    assert_eq!(setup.obtain(&rows).unwrap_err().kind(), Kind::ChecksumMismatch);
}

#[test]
fn names_and_platforms_that_are_not_listed_are_told_apart() {
    let setup = Setup::new();
    let elsewhere = row("a", &content(9), "").replace("bytes =", "platform = \"plan9-mips\"\nbytes =");
    let rows = manifest(&[elsewhere]);
    let kind = |name| setup.store().obtain(&rows, name, &Silent).unwrap_err().kind();
    assert_eq!((kind("nothing"), kind("thing")), (Kind::ModelUnknown, Kind::ArtifactMissing));
}

#[test]
fn a_users_file_adds_rows_and_is_named_in_its_errors() {
    let setup = Setup::new();
    let path = setup.path("mine.toml");
    fs::write(&path, row("a", &content(9), "")).unwrap();
    let all = Manifest::with_file(&path).unwrap();
    assert_eq!(all.iter().count(), Manifest::built_in().iter().count() + 1);
    fs::write(&path, "[[artifact]]\nid = \"x\"\n").unwrap();
    let error = Manifest::with_file(&path).unwrap_err();
    assert!(error.kind() == Kind::ConfigInvalid && error.to_string().contains("mine.toml"), "{error}");
    assert_eq!(Manifest::with_file(&setup.path("none.toml")).unwrap_err().kind(), Kind::ConfigInvalid);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let (mut setup, bytes) = (Setup::new(), content(9));
    fs::write(setup.path("file"), b"in the way").unwrap();
    setup.options.folder = Some(setup.path("file/store"));
    let server = Server::start(Manner::Honest(bytes.clone()));
    let error = setup.obtain(&manifest(&[row("a", &bytes, &url(&server.address))])).unwrap_err();
    assert_eq!(error.kind(), Kind::OutputUnwritable);
}

#[test]
fn a_mirrors_password_stays_out_of_messages() {
    let (mut setup, bytes) = (Setup::new(), content(9));
    setup.options.mirror = Some("http://me:secret@nobody.invalid/files".into());
    let error = setup.obtain(&manifest(&[row("a", &bytes, "")])).unwrap_err();
    assert!(error.to_string().contains("http://nobody.invalid/files/a.bin"), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
