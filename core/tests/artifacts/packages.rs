//! Package sources, with scripts in place of the npm and pip clients.

use std::{
    ffi::OsString,
    fs,
    io::{Cursor, Write},
    ops::ControlFlow,
    time::Instant,
};

use backgroundfx_core::{Kind, engine::artifacts::Manifest, progress::Step};

use crate::setup::{Setup, content, manifest, row, tgz};

/// A client that notes its arguments and does what the script says. Run through the shell, so that a script which
/// another test's child process still holds open for writing cannot be refused.
fn client(setup: &Setup, name: &str, script: &str) -> Vec<OsString> {
    let path = setup.path(name);
    let notes = setup.path("arguments").display().to_string();
    fs::write(&path, format!("printf '%s\\n' \"$@\" > '{notes}'\n{script}\n")).unwrap();
    vec!["sh".into(), path.into()]
}

/// The script of a client that delivers `package` under `name` into the folder after `option`.
fn delivering(setup: &Setup, option: &str, name: &str, package: &[u8]) -> String {
    let at = setup.path("package");
    fs::write(&at, package).unwrap();
    let at = at.display();
    format!("while [ $# -gt 0 ]; do [ \"$1\" = {option} ] && to=$2; shift; done\ncp '{at}' \"$to/{name}\"")
}

fn arguments(setup: &Setup) -> Vec<String> {
    fs::read_to_string(setup.path("arguments")).unwrap().lines().map(str::to_string).collect()
}

fn npm(bytes: &[u8], what: &str) -> Manifest {
    manifest(&[row("a", bytes, &format!("{{ npm = \"@scope/name\", version = \"1.2.3\", {what} }}"))])
}

fn pip(bytes: &[u8]) -> Manifest {
    let source =
        "{ pip = \"name\", version = \"1.2.3\", python = \"3.11\", platform = \"any\", member = \"in/lib.so\" }";
    manifest(&[row("a", bytes, source)])
}

fn wheel(member: &str, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_member_of_an_npm_package_is_taken_out() {
    let (mut setup, bytes) = (Setup::new(), content(5_000));
    let package = tgz(&[("package/other", b"x"), ("package/lib/a", &bytes)]);
    let script = delivering(&setup, "--pack-destination", "scope-name-1.2.3.tgz", &package);
    setup.around.npm = vec![vec!["no-such-client".into()], client(&setup, "npm", &script)];
    let (_, path) = setup.obtain(&npm(&bytes, "member = \"lib/a\"")).unwrap();
    assert_eq!((fs::read(path).unwrap(), setup.files()), (bytes, vec!["a.bin".into()]));
    let arguments = arguments(&setup);
    assert_eq!((arguments[0].as_str(), arguments.last().unwrap().as_str()), ("pack", "@scope/name@1.2.3"));
}

#[test]
fn pieces_of_an_npm_package_are_joined_in_the_lists_order() {
    let bytes = content(5_000);
    let (first, second) = bytes.split_at(3_000);
    let list = |gap: u64| {
        format!(
            r#"{{"/m": {{"chunks": [{{"hash": "zz", "offsets": [0, 3000]}}, {{"hash": "aa", "offsets": [{}, 5000]}}], "size": 5000}}, "/n": 1}}"#,
            3000 + gap
        )
    };
    let cases = [
        ("good", list(0), second, None),
        ("gap", list(1), second, Some("leave gaps")),
        ("short piece", list(0), &second[1..], Some("too short")),
        ("no list", "[]".into(), second, Some("cannot be read")),
    ];
    for (case, list, second, expected) in cases {
        let mut setup = Setup::new();
        let files = [("package/d/aa", second), ("package/d/list.json", list.as_bytes()), ("package/d/zz", first)];
        let script = delivering(&setup, "--pack-destination", "x.tgz", &tgz(&files));
        setup.around.npm = vec![client(&setup, "npm", &script)];
        let outcome = setup.obtain(&npm(&bytes, "list = \"d/list.json\", entry = \"/m\""));
        match expected {
            None => assert_eq!(fs::read(outcome.unwrap().1).unwrap(), bytes, "{case}"),
            Some(expected) => {
                let error = outcome.unwrap_err();
                assert!(error.to_string().contains(expected), "{case}: {error}");
                assert_eq!(setup.files(), [""; 0], "{case}");
            }
        }
    }
}

#[test]
fn a_member_of_a_wheel_is_taken_out_by_the_first_pip_that_is_one() {
    let (mut setup, bytes) = (Setup::new(), content(5_000));
    let good = delivering(&setup, "-d", "name-1.2.3-py3-none-any.whl", &wheel("in/lib.so", &bytes));
    let without = client(&setup, "python", "echo '/usr/bin/python3: No module named pip' >&2; exit 1");
    setup.around.pip = vec![without, client(&setup, "pip", &good)];
    let (_, path) = setup.obtain(&pip(&bytes)).unwrap();
    assert_eq!((fs::read(path).unwrap(), setup.files()), (bytes, vec!["a.bin".into()]));
    let arguments = arguments(&setup);
    for expected in ["download", "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--platform", "any"] {
        assert!(arguments.iter().any(|argument| argument == expected), "{expected}: {arguments:?}");
    }
    assert_eq!(arguments.last().unwrap(), "name==1.2.3");
}

#[test]
fn what_goes_wrong_in_a_client_or_package_is_said_in_one_line() {
    let bytes = content(5_000);
    let cases = [
        ("echo noise >&2; echo 'ERROR: No such thing' >&2; exit 1", None, "(any): ERROR: No such thing"),
        (
            "echo 'npm error code E1' >&2; echo 'npm error A complete log of this run' >&2; exit 1",
            None,
            "(any): code E1",
        ),
        ("echo one >&2; echo >&2; echo two >&2; exit 1", None, "(any): one; two"),
        ("exit 3", None, "failed without a word"),
        ("exit 0", None, "pip left no .whl file"),
        ("", Some(b"not a zip".to_vec()), "the archive cannot be read"),
        ("", Some(wheel("in/lib.dll", &bytes)), "the archive holds no in/lib.so"),
        ("", Some(wheel("in/lib.so", &content(4_000))), "ended after 4000 of 5000 bytes"),
    ];
    for (script, package, expected) in cases {
        let mut setup = Setup::new();
        let delivering = package.map(|package| delivering(&setup, "-d", "x.whl", &package));
        setup.around.pip = vec![client(&setup, "pip", delivering.as_deref().unwrap_or(script))];
        let error = setup.obtain(&pip(&bytes)).unwrap_err();
        assert_eq!(error.kind(), Kind::DownloadFailed, "{expected}: {error}");
        let message = error.to_string();
        assert!(message.contains(expected) && message.lines().count() == 2, "{expected}: {message}");
        assert!(!setup.path("store/a.bin.fetch").exists(), "{expected}");
    }
}

#[test]
fn stopping_ends_the_client() {
    let (mut setup, bytes) = (Setup::new(), content(9));
    setup.around.pip = vec![client(&setup, "pip", "exec sleep 60")];
    let start = Instant::now();
    let stop = |step: Step<'_>| {
        assert_eq!((step.name, step.total), ("download", None));
        if start.elapsed().as_millis() > 200 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = setup.store().obtain(&pip(&bytes), "thing", &stop).unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn an_archive_is_not_trusted_beyond_the_recorded_size() {
    let (mut setup, bytes) = (Setup::new(), content(5_000));
    let bomb = wheel("in/lib.so", &vec![0; 50_000_000]);
    let script = delivering(&setup, "-d", "x.whl", &bomb);
    setup.around.pip = vec![client(&setup, "pip", &script)];
    let error = setup.obtain(&pip(&bytes)).unwrap_err();
    assert_eq!(error.kind(), Kind::ChecksumMismatch, "{error}");
    assert_eq!(setup.files(), [""; 0]);
}
