//! Fetching over HTTP: whole, resumed, cut, wrong, too long, stalled, cancelled, and by two at once.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use backgroundfx_core::{
    Kind,
    engine::artifacts::{Manifest, Store, StoreOptions, Surroundings},
    progress::{Silent, Step},
};

use crate::{
    server::{Manner, Server},
    setup::{Setup, content, manifest, row, row_of, url},
};

fn one(bytes: &[u8], server: &Server) -> Manifest {
    manifest(&[row("a", bytes, &url(&server.address))])
}

#[test]
fn a_file_arrives_whole_and_is_found_the_next_time() {
    let (setup, bytes) = (Setup::new(), content(700_000));
    let server = Server::start(Manner::Honest(bytes.clone()));
    let (artifact, path) = setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!((artifact.id.as_str(), fs::read(&path).unwrap()), ("thing/a", bytes.clone()));
    assert_eq!(setup.files(), ["a.bin"]);
    assert_eq!(setup.obtain(&one(&bytes, &server)).unwrap().1, path);
    assert_eq!(server.requests(), [None]);
}

#[test]
fn a_transfer_that_is_cut_goes_on_where_it_stopped() {
    let (setup, bytes) = (Setup::new(), content(300_000));
    let server = Server::start(Manner::Cutting { bytes: bytes.clone(), after: 100_000, times: 2 });
    let (_, path) = setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    assert_eq!(server.requests(), [None, Some(100_000), Some(200_000)]);
}

#[test]
fn what_an_earlier_run_left_is_completed() {
    let (setup, bytes) = (Setup::new(), content(50_000));
    fs::write(setup.kept("a.bin.part"), &bytes[..20_000]).unwrap();
    let server = Server::start(Manner::Honest(bytes.clone()));
    let (_, path) = setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!((fs::read(path).unwrap(), server.requests()), (bytes, vec![Some(20_000)]));
}

#[test]
fn what_an_earlier_run_left_of_another_file_does_no_harm() {
    let bytes = content(50_000);
    for (left, requests) in [(vec![7; 20_000], vec![Some(20_000), None]), (vec![7; 50_000], vec![None])] {
        let setup = Setup::new();
        fs::write(setup.kept("a.bin.part"), &left).unwrap();
        let server = Server::start(Manner::Honest(bytes.clone()));
        let (_, path) = setup.obtain(&one(&bytes, &server)).unwrap();
        assert_eq!((fs::read(path).unwrap(), server.requests()), (bytes.clone(), requests));
    }
}

#[test]
fn a_wrong_file_is_refused_and_removed() {
    let setup = Setup::new();
    let (right, mut wrong) = (content(5_000), content(5_000));
    wrong[4_999] ^= 1;
    let server = Server::start(Manner::Honest(wrong));
    let error = setup.obtain(&one(&right, &server)).unwrap_err();
    assert_eq!(error.kind(), Kind::ChecksumMismatch);
    assert!(error.to_string().contains("has SHA-256"), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn a_longer_file_than_recorded_is_stopped() {
    let bytes = content(5_000);
    let cases = [
        (Manner::Honest(content(9_000_000)), Kind::DownloadFailed, "offers 9000000 bytes, 5000 are expected"),
        (Manner::Lengthless(content(9_000_000)), Kind::ChecksumMismatch, "delivers more than the 5000 bytes"),
    ];
    for (manner, kind, expected) in cases {
        let setup = Setup::new();
        let error = setup.obtain(&one(&bytes, &Server::start(manner))).unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(expected), "{error}");
        assert_eq!(setup.files(), [""; 0]);
    }
}

#[test]
fn a_stalled_transfer_ends_and_keeps_what_came() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    let server = Server::start(Manner::Stalling { bytes: bytes.clone(), after: 0 });
    let start = Instant::now();
    let error = setup.obtain(&one(&bytes, &server)).unwrap_err();
    assert!(start.elapsed().as_secs_f32() < 2.0, "{:?}", start.elapsed());
    assert_eq!(error.kind(), Kind::DownloadFailed);
    assert!(error.to_string().contains("timeout"), "{error}");
    assert_eq!(setup.files(), [""; 0]);

    let server = Server::start(Manner::Stalling { bytes: bytes.clone(), after: 1_000 });
    setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!(server.requests().len(), 5, "a thousand bytes at a time are enough after five tries");
}

#[test]
fn a_transfer_that_is_cut_again_and_again_is_given_up_but_not_lost() {
    let (setup, bytes) = (Setup::new(), content(9_000));
    let server = Server::start(Manner::Cutting { bytes: bytes.clone(), after: 1_000, times: 99 });
    assert_eq!(setup.obtain(&one(&bytes, &server)).unwrap_err().kind(), Kind::DownloadFailed);
    assert_eq!((server.requests().len(), setup.files()), (6, vec!["a.bin.part".into()]));
    setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!(server.requests()[6], Some(6_000));
}

#[test]
fn another_page_in_the_files_place_costs_nothing_of_what_is_there() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    fs::write(setup.kept("a.bin.part"), &bytes[..2_000]).unwrap();
    let server = Server::start(Manner::Deaf(b"<html>please log in</html>".to_vec()));
    assert_eq!(setup.obtain(&one(&bytes, &server)).unwrap_err().kind(), Kind::DownloadFailed);
    let server = Server::start(Manner::Honest(bytes.clone()));
    setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!(server.requests(), [Some(2_000)]);
}

#[test]
fn the_next_source_is_tried_and_the_error_names_them_all() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    let missing = Server::start(Manner::Status(404));
    let good = Server::start(Manner::Honest(bytes.clone()));
    let nobody = "http://nobody.invalid/file";
    let both = format!("{}{}{}", url(&missing.address), url(nobody), url(&good.address));
    assert!(setup.obtain(&manifest(&[row("a", &bytes, &both)])).is_ok());

    let setup = Setup::new();
    let sources = format!(
        "{}{}{{ npm = \"@x/y\", version = \"1.0.0\", member = \"m\" }},\
         {{ pip = \"z\", version = \"1.0\", python = \"3.11\", platform = \"any\", member = \"m\" }}",
        url(&missing.address),
        url(nobody)
    );
    let error = setup.obtain(&manifest(&[row("a", &bytes, &sources)])).unwrap_err();
    assert_eq!(error.kind(), Kind::DownloadFailed);
    let message = error.to_string();
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    assert_eq!(lines.len(), 5, "{message}");
    assert_eq!(lines[1], format!("{}: answers HTTP 404", missing.address));
    assert!(lines[2].starts_with(nobody), "{message}");
    assert_eq!(lines[3], "npm @x/y@1.0.0: npm is not installed");
    assert_eq!(lines[4], "pip z==1.0 (any): pip is not installed");
}

#[test]
fn the_mirror_comes_first_and_may_be_a_folder() {
    let bytes = content(5_000);
    let (mirror, origin) = (Server::start(Manner::Honest(bytes.clone())), Server::start(Manner::Status(500)));
    let mut setup = Setup::new();
    setup.options.mirror = Some(mirror.address.clone());
    assert!(setup.obtain(&one(&bytes, &origin)).is_ok());
    assert_eq!(origin.requests(), []);

    let mut setup = Setup::new();
    fs::create_dir(setup.path("mirror")).unwrap();
    fs::write(setup.path("mirror/a.bin"), &bytes).unwrap();
    setup.options.mirror = Some(setup.path("mirror").display().to_string());
    let (_, path) = setup.obtain(&one(&bytes, &origin)).unwrap();
    assert_eq!((path, origin.requests()), (setup.kept("a.bin"), vec![]));
}

#[test]
fn progress_is_reported_and_stopping_keeps_what_came() {
    let (setup, bytes) = (Setup::new(), content(600_000));
    let server = Server::start(Manner::Honest(bytes.clone()));
    let stop = |step: Step<'_>| {
        assert_eq!((step.name, step.subject, step.total), ("download", "a.bin", Some(600_000)));
        if step.done >= 200_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = setup.store().obtain(&one(&bytes, &server), "thing", &stop).unwrap_err();
    assert_eq!((error.kind(), setup.files()), (Kind::Cancelled, vec!["a.bin.part".into()]));
    let (_, path) = setup.obtain(&one(&bytes, &server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    assert!(server.requests()[1].unwrap() >= 200_000);
}

#[test]
fn two_threads_fetch_once() {
    let (setup, bytes) = (Setup::new(), content(100_000));
    let server = Server::start(Manner::Slow(bytes.clone()));
    let rows = one(&bytes, &server);
    let paths: Vec<_> = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| setup.obtain(&rows).unwrap().1));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(paths.iter().all(|path| fs::read(path).unwrap() == bytes));
    assert_eq!((server.requests(), setup.files()), (vec![None], vec!["a.bin".into()]));
}

#[test]
fn two_processes_fetch_once() {
    let (setup, bytes) = (Setup::new(), content(100_000));
    let server = Server::start(Manner::Slow(bytes.clone()));
    let rows = setup.path("rows.toml");
    fs::write(&rows, row("a", &bytes, &url(&server.address))).unwrap();
    let start = || another_process(&setup, &rows).spawn().unwrap();
    for mut child in [start(), start(), start()] {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!((server.requests(), fs::read(setup.kept("a.bin")).unwrap()), (vec![None], bytes));
}

#[test]
fn the_environments_proxy_is_used() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    let (proxy, rows) = (Server::start(Manner::Honest(bytes.clone())), setup.path("rows.toml"));
    fs::write(&rows, row("a", &bytes, &url("http://nobody.invalid/file"))).unwrap();
    let mut command = another_process(&setup, &rows);
    command.env("ALL_PROXY", proxy.address.trim_end_matches("/file")).env("NO_PROXY", "");
    assert!(command.status().unwrap().success());
    assert_eq!(fs::read(setup.kept("a.bin")).unwrap(), bytes);
}

/// This test program again, as a process that obtains `thing`.
fn another_process(setup: &Setup, rows: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "fetching::as_another_process", "--ignored", "--quiet"]);
    command.env("TEST_STORE", setup.path("store")).env("TEST_ROWS", rows).env("NO_PROXY", "127.0.0.1");
    command.stdout(Stdio::null());
    command
}

#[test]
#[ignore = "what another_process runs"]
fn as_another_process() {
    let (Some(store), Some(rows)) = (std::env::var_os("TEST_STORE"), std::env::var_os("TEST_ROWS")) else { return };
    let options = StoreOptions { folder: Some(store.into()), ..StoreOptions::default() };
    let store =
        Store::open_in(options, Surroundings { use_proxy: true, ..Surroundings::from_variables(&|_| None) }).unwrap();
    store.obtain(&Manifest::with_file(rows.as_ref()).unwrap(), "thing", &Silent).unwrap();
}

/// Needs a file system that is really full: a tiny one is mounted where that is allowed.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_leaves_no_file() {
    let (setup, bytes) = (Setup::new(), content(3_000_000));
    let folder = setup.kept("");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&folder).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: no small file system can be mounted here");
        return;
    }
    let server = Server::start(Manner::Honest(bytes.clone()));
    let outcome = setup.obtain(&one(&bytes, &server)).map_err(|error| error.kind());
    let left = setup.files();
    Command::new("umount").arg(&folder).status().unwrap();
    assert_eq!((outcome.unwrap_err(), left), (Kind::OutputUnwritable, vec![]));
}

#[test]
fn a_member_of_a_checked_archive_needs_no_checksum_of_its_own() {
    let (setup, bytes) = (Setup::new(), content(5_000));
    let archive = crate::setup::tgz(&[("./lib/a.so", &bytes), ("lib/b", b"other")]);
    let server = Server::start(Manner::Honest(archive.clone()));
    let address = format!("{}.tgz", server.address);
    let source = |sum: &str| format!("{{ url = {address:?}, member = \"lib/a.so\", sha256 = {sum:?} }}");
    let good = manifest(&[row_of("a", "", true, &source(&crate::setup::sha256(&archive)))]);
    let (_, path) = setup.obtain(&good).unwrap();
    assert_eq!((fs::read(&path).unwrap(), setup.files()), (bytes, vec!["a.bin".into(), "a.bin.sha256".into()]));
    assert_eq!(setup.obtain(&good).unwrap().1, path, "found by the checksum recorded");

    let setup = Setup::new();
    let bad = manifest(&[row_of("a", "", true, &source(&"0".repeat(64)))]);
    assert_eq!(setup.obtain(&bad).unwrap_err().kind(), Kind::ChecksumMismatch);
    assert_eq!(setup.files(), [""; 0]);
}
