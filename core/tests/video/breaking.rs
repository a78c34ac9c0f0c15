//! Files that are no clips, or no longer.

use std::fs;

use backgroundfx_core::{
    Kind,
    video::{Content, VideoOptions},
};

use crate::support::Clips;

#[test]
fn what_is_no_clip_gets_one_clear_error() {
    let clips = Clips::new();
    let input = clips.square("whole.mp4", "160x120", 4.0, &[]);
    let whole = fs::read(&input).unwrap();
    // The index of this file lies at its end.
    fs::write(clips.path("torn.mp4"), &whole[..whole.len() / 2]).unwrap();
    fs::write(clips.path("empty.mp4"), "").unwrap();
    fs::write(clips.path("text.mp4"), "not a clip at all\n".repeat(200)).unwrap();
    fs::create_dir(clips.path("folder.mp4")).unwrap();
    clips.draw(&["-f", "lavfi", "-i", "sine=440:d=1", "song.m4a"]);
    let cases = [
        ("absent.mp4", Kind::InputUnreadable),
        ("folder.mp4", Kind::InputUnreadable),
        ("empty.mp4", Kind::InputEmpty),
        ("text.mp4", Kind::VideoCorrupt),
        ("torn.mp4", Kind::VideoCorrupt),
        ("song.m4a", Kind::VideoUnreadable),
    ];
    let before = clips.files();
    for (name, kind) in cases {
        let error = clips.make(&clips.path(name), "out.mp4", Content::Matte, &VideoOptions::default()).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert_eq!(clips.files(), before, "{name}");
    }
}

#[test]
fn a_clip_cannot_have_other_files_read() {
    let clips = Clips::new();
    clips.square("other.mp4", "160x120", 1.0, &[]);
    let list = clips.path("list.mp4");
    fs::write(&list, "ffconcat version 1.0\nfile other.mp4\n").unwrap();
    let read = std::process::Command::new("ffprobe").arg(&list).output().unwrap();
    assert!(read.status.success(), "ffmpeg by itself reads the other file");
    let error = clips.make(&list, "out.mp4", Content::Matte, &VideoOptions::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::VideoUnreadable, "{error}");
}

#[test]
fn a_clip_that_ends_early_is_an_error_unless_that_is_accepted() {
    let clips = Clips::new();
    let input = clips.square("whole.mkv", "160x120", 8.0, &[]);
    let whole = fs::read(&input).unwrap();
    fs::write(clips.path("torn.mkv"), &whole[..whole.len() / 2]).unwrap();
    let torn = clips.path("torn.mkv");
    let error = clips.make(&torn, "out.mp4", Content::Matte, &VideoOptions::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::VideoCorrupt, "{error}");
    assert!(error.to_string().contains("claims 8.0 s"), "{error}");
    assert!(!clips.path("out.mp4").exists());

    // What was made of it is not made again.
    let options = VideoOptions { accept_damage: true, resume: true, ..VideoOptions::default() };
    let summary = clips.make(&torn, "out.mp4", Content::Matte, &options).unwrap();
    assert!((60..140).contains(&summary.frames), "{}", summary.frames);
    assert_eq!(summary.resumed, summary.frames);
    assert_eq!(clips.times("out.mp4", "v").len() as u64, summary.frames);
    assert_eq!(clips.files(), ["out.mp4", "torn.mkv", "whole.mkv"]);
}

#[test]
fn damage_in_the_middle_is_told() {
    let clips = Clips::new();
    let input = clips.square("whole.mkv", "160x120", 4.0, &["-g", "10"]);
    let mut bytes = fs::read(&input).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0x55);
    fs::write(&input, bytes).unwrap();
    let summary = clips.make(&input, "out.mp4", Content::Matte, &VideoOptions::default()).unwrap();
    assert!(summary.frames > 80, "{}", summary.frames);
    assert!(summary.notes.iter().any(|note| note.contains("could not be decoded")), "{:?}", summary.notes);
}
