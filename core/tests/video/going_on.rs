//! Work that was stopped goes on where it was, and gives what an unbroken run gives.

use std::fs;

use backgroundfx_core::{
    Kind,
    progress::{Progress, Silent},
    video::{Content, Mattes, VideoOptions, steady::SteadyOptions},
};

use crate::support::{Clips, Counting, StopAfter, on};

#[test]
fn going_on_gives_what_an_unbroken_run_gives() {
    let clips = Clips::new();
    clips.square("in.mp4", "160x120", 24.0, &[]);
    let select = "select='lt(n,300)+not(mod(n,3))'";
    clips.square("uneven.mkv", "160x120", 24.0, &["-vf", select, "-vsync", "vfr"]);
    for (name, second) in [("in.mp4", 320), ("uneven.mkv", 260)] {
        let input = clips.path(name);
        // Not Matroska: its files carry a number drawn by lot.
        let (whole, parts) = (format!("whole-{name}.mp4"), format!("parts-{name}.mp4"));
        clips.make(&input, &whole, Content::Composite, &on("#203040")).unwrap();
        let options = VideoOptions { resume: true, ..on("#203040") };
        for stop in [120, second] {
            let error = clips.make_with(&input, &parts, Content::Composite, &options, &StopAfter(stop)).unwrap_err();
            assert_eq!(error.kind(), Kind::Cancelled);
            assert!(!clips.path(&parts).exists());
        }
        let summary = clips.make(&input, &parts, Content::Composite, &options).unwrap();
        assert_eq!(summary.resumed, 250, "{name}");
        let [whole, parts] = [whole, parts].map(|name| fs::read(clips.path(&name)).unwrap());
        assert!(whole == parts, "{name}: the files differ");
    }
}

#[test]
fn a_model_goes_on_with_what_it_remembered() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 24.0, &[]);
    let options = VideoOptions { resume: true, ..on("#203040") };
    let make = |output: &str, progress: &dyn Progress| {
        clips.make_by(&mut Counting::new(), &input, (output, Content::Composite), &options, progress)
    };
    make("whole.mp4", &Silent).unwrap();
    // Before the first segment, after it, and after the second, each by another process.
    for stop in [120, 320, 530] {
        assert_eq!(make("parts.mp4", &StopAfter(stop)).unwrap_err().kind(), Kind::Cancelled, "{stop}");
        let left = fs::read_dir(clips.path(".parts.mp4.parts")).map_or(0, |files| {
            files.flatten().filter(|file| file.file_name().to_string_lossy().ends_with(".memory")).count()
        });
        assert_eq!(left, usize::from(stop > 250), "one memory is enough, after {stop}");
    }
    let memory = clips.path(".parts.mp4.parts/000002.memory");
    let whole = fs::read(&memory).unwrap();
    fs::write(&memory, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(make("parts.mp4", &Silent).unwrap_err().kind(), Kind::ResumeMismatch);
    fs::write(&memory, whole).unwrap();
    assert_eq!(make("parts.mp4", &Silent).unwrap().resumed, 500);
    let [whole, parts] = ["whole.mp4", "parts.mp4"].map(|name| fs::read(clips.path(name)).unwrap());
    assert!(whole == parts, "the files differ");
    assert_eq!(clips.files(), ["in.mp4", "parts.mp4", "whole.mp4"]);
}

#[test]
fn mattes_of_ones_own_go_on_at_their_frame() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 24.0, &[]);
    let options = VideoOptions { resume: true, ..on("#203040") };
    let make = |output: &str, progress: &dyn Progress| {
        let mut mattes = Mattes::new(clips.ffmpeg.clone(), input.clone(), 0.0, None);
        clips.make_by(&mut mattes, &input, (output, Content::Composite), &options, progress)
    };
    make("whole.mp4", &Silent).unwrap();
    // After the first segment, and twice where work has only just gone on.
    for stop in [320, 251, 260] {
        assert_eq!(make("parts.mp4", &StopAfter(stop)).unwrap_err().kind(), Kind::Cancelled, "{stop}");
    }
    assert_eq!(make("parts.mp4", &Silent).unwrap().resumed, 250);
    let [whole, parts] = ["whole.mp4", "parts.mp4"].map(|name| fs::read(clips.path(name)).unwrap());
    assert!(whole == parts, "the files differ");
}

#[test]
fn other_work_is_not_gone_on_with() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 12.0, &[]);
    clips.make_with(&input, "out.mp4", Content::Composite, &on("#000"), &StopAfter(260)).unwrap_err();
    assert_eq!(clips.files(), [".out.mp4.parts", "in.mp4"]);
    let other = VideoOptions { resume: true, ..on("#fff") };
    let error = clips.make(&input, "out.mp4", Content::Composite, &other).unwrap_err();
    assert_eq!(error.kind(), Kind::ResumeMismatch);
    // Without asking for it, all is made anew.
    let summary = clips.make(&input, "out.mp4", Content::Composite, &on("#fff")).unwrap();
    assert_eq!((summary.frames, summary.resumed), (300, 0));
    assert_eq!(clips.files(), ["in.mp4", "out.mp4"]);
}

#[test]
fn what_the_result_depends_on_must_be_the_same() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 11.0, &[]);
    let paint = |color: &str| {
        clips.draw(&["-f", "lavfi", "-i", &format!("color={color}:s=16x12"), "-frames:v", "1", "behind.png"]);
    };
    paint("red");
    let picture = on(&clips.path("behind.png").display().to_string());
    let keyframes = VideoOptions { steady: SteadyOptions::Keyframes { spacing: 12 }, ..on("#000") };
    let scarce = |megabytes: u64| VideoOptions { memory: Some(megabytes << 20), ..keyframes.clone() };
    // Another picture under the same name; so little memory that keyframes must come closer.
    for (begun, gone_on, change) in [(picture.clone(), picture, true), (scarce(500), scarce(4), false)] {
        clips.make_with(&input, "out.mp4", Content::Composite, &begun, &StopAfter(260)).unwrap_err();
        if change {
            paint("blue");
        }
        let resumed = VideoOptions { resume: true, ..gone_on };
        let error = clips.make(&input, "out.mp4", Content::Composite, &resumed).unwrap_err();
        assert_eq!(error.kind(), Kind::ResumeMismatch, "{resumed:?}");
    }
    // More of what is enough changes nothing.
    clips.make_with(&input, "out.mp4", Content::Composite, &scarce(500), &StopAfter(260)).unwrap_err();
    let resumed = VideoOptions { resume: true, ..scarce(400) };
    assert_eq!(clips.make(&input, "out.mp4", Content::Composite, &resumed).unwrap().resumed, 250);
}
