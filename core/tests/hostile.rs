//! Every file of the hostile corpus gets a clean answer, soon and in little memory.
//!
//! `BACKGROUNDFX_CORPUS=folder cargo test -p backgroundfx-core --test hostile` also writes the files
//! into a folder, as seeds for the fuzzer.

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "support/peak.rs"]
mod peak;

use backgroundfx_core::{
    Kind,
    files::{ReadOptions, decode, decode_matte},
};
use corpus::{Answer, Case};
use std::time::{Duration, Instant};

#[global_allocator]
static COUNTED: peak::Counting = peak::Counting;

const LONGEST: Duration = Duration::from_secs(2);
const MOST_BYTES: usize = 512 << 20;

// One test, so that no other takes memory while it counts.
#[test]
fn every_file_gets_a_clean_answer() {
    let cases = corpus::all();
    assert!(cases.len() >= 40);
    if let Some(folder) = std::env::var_os("BACKGROUNDFX_CORPUS") {
        write_seeds(folder.as_ref(), &cases);
    }
    // Builds what is built once (threads, tables), which is no file's fault.
    let _ = decode(&cases[0].bytes, &ReadOptions::default());
    let complaints: Vec<String> = cases.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "of {} files:\n{}", cases.len(), complaints.join("\n"));
}

/// What is wrong with the answer to a file, if anything.
fn complaint(case: &Case) -> Option<String> {
    let options = ReadOptions::default();
    let started = Instant::now();
    let (answer, peak) = peak::during(|| decode(&case.bytes, &options).map(|picture| picture.color.size()));
    let took = started.elapsed();
    let right = match (case.answer, &answer) {
        (Answer::Decodes, Ok(_)) => true,
        (Answer::Refused(kind), Err(error)) => error.kind() == kind,
        (Answer::Either, Ok(_)) => true,
        (Answer::Either, Err(error)) => matches!(error.kind(), Kind::PictureCorrupt | Kind::FormatUnsupported),
        _ => false,
    };
    // A matte is read by the same decoders, but ends elsewhere: it must not panic either.
    let _ = decode_matte(&case.bytes, &options);
    let answer = answer.map_err(|error| format!("{:?}: {error}", error.kind()));
    let name = &case.name;
    if !right {
        return Some(format!("{name}: {answer:?}, not {:?}", case.answer));
    }
    if took > LONGEST {
        return Some(format!("{name}: took {took:?}"));
    }
    (peak > MOST_BYTES).then(|| format!("{name}: took {} MB", peak >> 20))
}

/// Writes the files a fuzzer can start from; the large ones would only slow it down.
fn write_seeds(folder: &std::path::Path, cases: &[Case]) {
    std::fs::create_dir_all(folder).expect("the folder is made");
    for case in cases.iter().filter(|case| case.bytes.len() < 1 << 16) {
        std::fs::write(folder.join(&case.name), &case.bytes).expect("a seed is written");
    }
}
