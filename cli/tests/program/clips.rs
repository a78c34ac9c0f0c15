//! `video`: clips as people and scripts get them, keyed by colour, which needs no weights. Needs ffmpeg.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::stage::Stage;

/// Seconds and frames of the clip.
const LENGTH: (f64, u64) = (2.0, 20);

fn ffmpeg(stage: &Stage, arguments: &[&str]) -> Vec<u8> {
    let made = Command::new("ffmpeg")
        .args([&["-nostdin", "-v", "error", "-y"], arguments].concat())
        .current_dir(stage.path(""))
        .output()
        .unwrap();
    assert!(made.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

/// A red square that moves before a green screen, with a tone.
fn clip(stage: &Stage, name: &str, seconds: f64, codec: &[&str]) {
    let screen = format!("color=0x00b140:s=160x120:r=10:d={seconds}");
    let square = format!("color=red:s=50x50:r=10:d={seconds}");
    let tone = format!("sine=frequency=440:d={seconds}");
    let inputs = ["-f", "lavfi", "-i", &screen, "-f", "lavfi", "-i", &square, "-f", "lavfi", "-i", &tone];
    let over = ["-filter_complex", "[0][1]overlay=x='10+2*n':y=35", "-pix_fmt", "yuv420p", "-shortest"];
    ffmpeg(stage, &[&inputs[..], &over, codec, &[name]].concat());
}

fn with_clip() -> Stage {
    let stage = Stage::new();
    clip(&stage, "clip.mp4", LENGTH.0, &["-c:v", "libx264", "-c:a", "aac"]);
    stage
}

/// The kinds of streams, the number of frames, and the size, as ffprobe counts them.
fn probe(stage: &Stage, name: &str) -> (Vec<String>, u64, String) {
    let made = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-of", "json", "-show_entries"])
        .args(["stream=codec_type,codec_name,nb_read_frames,width,height", name])
        .current_dir(stage.path(""))
        .output()
        .unwrap();
    let found: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let streams = found["streams"].as_array().unwrap();
    let kinds = streams.iter().map(|stream| stream["codec_name"].as_str().unwrap().to_owned()).collect();
    let video = streams.iter().find(|stream| stream["codec_type"] == "video").unwrap();
    let frames = video["nb_read_frames"].as_str().unwrap().parse().unwrap();
    (kinds, frames, format!("{}x{}", video["width"], video["height"]))
}

/// When the first packet of a stream is shown, in seconds.
fn first_time(stage: &Stage, name: &str, kind: &str) -> f64 {
    let made = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", kind, "-show_entries", "packet=pts_time", "-of", "csv=p=0", name])
        .current_dir(stage.path(""))
        .output()
        .unwrap();
    let times = String::from_utf8(made.stdout).unwrap();
    times.lines().map(|time| time.trim_end_matches(',').parse::<f64>().unwrap()).fold(f64::MAX, f64::min)
}

/// The colours at the square's middle and at a corner in the frame at a second.
fn colors(stage: &Stage, name: &str, second: f64) -> [[u8; 3]; 2] {
    let at = second.to_string();
    let frame = ffmpeg(stage, &["-ss", &at, "-i", name, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let pixel = |x: usize, y: usize| std::array::from_fn(|channel| frame[(y * 160 + x) * 3 + channel]);
    [pixel(10 + (second * 20.0) as usize + 25, 60), pixel(155, 5)]
}

fn is_near(color: [u8; 3], other: [u8; 3]) -> bool {
    color.iter().zip(other).all(|(a, b)| a.abs_diff(b) < 40)
}

#[test]
fn a_clip_gets_another_background_and_keeps_its_sound_and_length() {
    let stage = with_clip();
    let usual = ["video", "clip.mp4", "-m", "chroma", "-b", "#0000ff", "-o", "out.mp4", "--json"];
    let told = stage.run(&usual).ends(0).json().remove(0);
    assert_eq!(
        (&told["frames"], &told["outputs"], &told["model"]),
        (&json!(20), &json!(["out.mp4"]), &json!("chroma"))
    );
    let (kinds, frames, size) = probe(&stage, "out.mp4");
    assert_eq!(
        (kinds.as_slice(), frames, size.as_str()),
        (["h264", "aac"].map(String::from).as_slice(), LENGTH.1, "160x120")
    );
    for second in [0.0, 1.0, 1.9] {
        let [subject, corner] = colors(&stage, "out.mp4", second);
        assert!(is_near(subject, [254, 0, 0]) && is_near(corner, [0, 0, 255]), "{second}: {subject:?} {corner:?}");
    }
    // It is not replaced unasked.
    stage.run(&usual[..usual.len() - 1]).ends(5).tells("output_exists");
    stage.run(&[&usual[..], &["-y", "--no-audio"]].concat()).ends(0);
    assert_eq!(probe(&stage, "out.mp4").0, ["h264"]);
}

#[test]
fn what_is_asked_of_a_clip_is_what_comes_out() {
    let stage = with_clip();
    for (name, arguments, codec, frames, size) in [
        ("part.mp4", ["-b", "#fff", "--start", "0.5", "--end", "1.5"].as_slice(), "h264", 10, "160x120"),
        ("preview.mp4", &["-b", "blur:8", "--preview", "0.5"], "h264", 5, "160x120"),
        ("slow.mp4", &["-b", "#fff", "--fps", "5"], "h264", 10, "160x120"),
        ("small.mp4", &["-b", "#fff", "--scale", "60"], "h264", 20, "80x60"),
        ("late.mp4", &["-b", "#fff", "--format", "hevc", "--crf", "30"], "hevc", 20, "160x120"),
        ("matte.mp4", &["--output-kind", "alpha"], "h264", 20, "160x120"),
        ("cut.webm", &[], "vp9", 20, "160x120"),
        ("cut.mov", &[], "prores", 20, "160x120"),
        ("cut.gif", &[], "gif", 20, "160x120"),
    ] {
        stage.run(&[&["video", "clip.mp4", "-m", "chroma", "-o", name], arguments].concat()).ends(0);
        let (kinds, found, of) = probe(&stage, name);
        assert_eq!((kinds[0].as_str(), found, of.as_str()), (codec, frames, size), "{name}");
    }
    // Sound begins with the pictures, also where the clip is entered long after its last whole picture.
    for name in ["part.mp4", "part.mkv"] {
        stage.run(&["video", "clip.mp4", "-m", "chroma", "--start", "1", "-b", "#fff", "-o", name, "-y"]).ends(0);
        for kind in ["v", "a"] {
            let first = first_time(&stage, name, kind);
            assert!((-0.001..0.06).contains(&first), "{name} {kind}: {first}");
        }
    }
    stage.run(&["video", "clip.mp4", "-m", "chroma", "-o", "frames/", "--format", "png"]).ends(0);
    let of_frames = stage.files().into_iter().filter(|name| name.starts_with("frames/")).count();
    assert_eq!(of_frames, LENGTH.1 as usize, "{:?}", stage.files());
    stage.run(&["video", "clip.mp4", "-m", "chroma", "-o", "two.mp4", "--output-kind", "pair"]).ends(0);
    assert_eq!(stage.files().iter().filter(|name| name.starts_with("two")).count(), 2);
}

#[test]
fn it_is_a_filter_between_two_programs() {
    let stage = with_clip();
    let frames = ffmpeg(&stage, &["-i", "clip.mp4", "-f", "yuv4mpegpipe", "-pix_fmt", "yuv420p", "-"]);
    let usual = ["video", "-", "-m", "chroma", "-b", "#0000ff", "-o", "-", "--format", "y4m"];
    let made = stage.pipe(&frames, &usual).ends(0);
    assert!(made.bytes.starts_with(b"YUV4MPEG2 "));
    assert_eq!(made.bytes.windows(6).filter(|at| at == b"FRAME\n").count(), LENGTH.1 as usize);
}

#[test]
fn mattes_of_ones_own_take_the_place_of_a_network() {
    let stage = with_clip();
    let run = |arguments: &[&str]| stage.run(&[&["video", "clip.mp4"], arguments].concat());
    let alpha =
        |name: &str| ffmpeg(&stage, &["-i", name, "-vf", "alphaextract", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    // Out of a clip's transparency, which Matroska keeps without loss; of a part; as grey, with some loss.
    run(&["-m", "chroma", "-o", "cut.mkv"]).ends(0);
    let matte = alpha("cut.mkv");
    let told = run(&["--mask", "cut.mkv", "-o", "again.mkv", "--json"]).ends(0).json();
    assert_eq!(told[0]["model"], "mask");
    assert!(alpha("again.mkv") == matte, "the mattes that came out are those that went in");
    run(&["--mask", "cut.mkv", "--start", "1", "-o", "part.mkv"]).ends(0);
    assert!(alpha("part.mkv") == matte[matte.len() / 2..], "those of the same frames");
    run(&["-m", "chroma", "--output-kind", "alpha", "-o", "matte.mkv"]).ends(0);
    run(&["-m", "chroma", "-o", "cut.webm"]).ends(0);
    for lossy in ["matte.mkv", "cut.webm"] {
        run(&["--mask", lossy, "-o", "lossy.mkv", "-y"]).ends(0);
        let lossy = alpha("lossy.mkv");
        let off: u64 = lossy.iter().zip(&matte).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(lossy.len() == matte.len() && off < matte.len() as u64 / 2, "half a step of 255 on average: {off}");
    }
    // A picture for all frames, in front of another background.
    ffmpeg(
        &stage,
        &["-f", "lavfi", "-i", "color=white:s=80x60,drawbox=40:0:40:60:black:fill", "-frames:v", "1", "half.png"],
    );
    run(&["--mask", "half.png", "-b", "#0000ff", "-o", "half.mp4"]).ends(0);
    let [_, corner] = colors(&stage, "half.mp4", 0.0);
    assert!(is_near(corner, [0, 0, 255]), "{corner:?}");

    clip(&stage, "short.mp4", 1.0, &["-c:v", "libx264", "-an"]);
    stage.write("text.png", b"no picture");
    let before = stage.files();
    for (arguments, code) in [
        (["--mask", "short.mp4", "-b", "#fff"].as_slice(), "option_invalid"),
        (&["--mask", "none.mp4", "-b", "#fff"], "input_unreadable"),
        (&["--mask", "text.png", "-b", "#fff"], "format_unsupported"),
        (&["--mask", "matte.mkv", "-b", "#fff", "-m", "chroma"], "option_invalid"),
        (&["--mask", "half.png", "-b", "#fff", "-m", "chroma"], "option_invalid"),
        (&["short.mp4", "--mask", "matte.mkv", "-b", "#fff"], "option_invalid"),
    ] {
        let output = if arguments[0] == "short.mp4" { "x/" } else { "x.mp4" };
        let ended = run(&[arguments, &["-o", output]].concat());
        assert!(ended.code != 0 && ended.err.matches("error[").count() == 1, "{arguments:?}: {}", ended.err);
        ended.tells(code);
        assert_eq!(stage.files(), before, "{arguments:?}");
    }
}

#[test]
fn several_clips_go_into_a_folder_and_a_bad_one_ends_none_of_the_others() {
    let stage = with_clip();
    stage.write("clips/broken.mp4", b"this is no clip");
    clip(&stage, "clips/second.mp4", 0.5, &["-c:v", "libx264", "-c:a", "aac"]);
    let ended = stage.run(&["video", "clip.mp4", "clips", "-m", "chroma", "-b", "#fff", "-o", "out/", "--json"]);
    let told = ended.json();
    let made = told.iter().filter(|clip| clip["status"] == "ok").count();
    assert!(ended.code != 0 && made == 2 && told.len() == 3, "{told:?}");
    let broken = told.iter().find(|clip| clip["status"] == "failed").unwrap();
    assert_eq!(
        (broken["code"].as_str(), broken["retryable"].as_bool()),
        (Some("video_corrupt"), Some(false)),
        "{broken}"
    );
    // People read it too.
    ended.tells("video_corrupt");
    assert_eq!(stage.files().iter().filter(|name| name.starts_with("out/")).count(), 2, "{:?}", stage.files());
}

#[test]
fn bad_input_gets_one_error_and_leaves_nothing() {
    let stage = with_clip();
    stage.write("text.mp4", b"this is no clip");
    stage.write("empty.mp4", b"");
    let whole = std::fs::read(stage.path("clip.mp4")).unwrap();
    stage.write("torn.mp4", &whole[..whole.len() / 2]);
    ffmpeg(&stage, &["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", "sound.mp4"]);
    let before = stage.files();
    for (arguments, code) in [
        (["none.mp4", "-b", "#fff", "-o", "x.mp4"].as_slice(), "input_unreadable"),
        (&["text.mp4", "-b", "#fff", "-o", "x.mp4"], "video_corrupt"),
        (&["empty.mp4", "-b", "#fff", "-o", "x.mp4"], "input_empty"),
        (&["torn.mp4", "-b", "#fff", "-o", "x.mp4"], "video_corrupt"),
        (&["sound.mp4", "-b", "#fff", "-o", "x.mp4"], "video_unreadable"),
        (&["clip.mp4", "-o", "x.mp4"], "output_unsupported"),
        (&["clip.mp4", "-o", "x.avi"], "output_unsupported"),
        (&["clip.mp4", "-b", "#fff", "-o", "none/at/all/x.mp4", "--ffmpeg", "/none"], "ffmpeg_unusable"),
        (&["clip.mp4", "-b", "#fff", "-o", "x.mp4", "--start", "5"], "option_invalid"),
        (&["clip.mp4", "-b", "#fff", "-o", "none/x.mp4"], "output_unwritable"),
        (&["clip.mp4", "-b", "#fff", "-o", "clip.mp4", "-y"], "option_invalid"),
        (&["clip.mp4", "-b", "none.jpg", "-o", "x.mp4"], "background_invalid"),
    ] {
        let ended = stage.run(&[&["video", "-m", "chroma"], arguments].concat());
        assert!(ended.code != 0, "{arguments:?}");
        assert_eq!(ended.err.matches("error[").count(), 1, "{arguments:?}: {}", ended.err);
        ended.tells(code);
        assert_eq!(stage.files(), before, "{arguments:?}");
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_file_and_goes_on_when_asked() {
    let stage = Stage::new();
    clip(&stage, "long.mp4", 40.0, &["-c:v", "libx264", "-c:a", "aac"]);
    let asked = |name: &'static str| ["video", "long.mp4", "-m", "chroma", "-b", "#0000ff", "-o", name];
    stage.run(&asked("whole.mp4")).ends(0);
    let mut child = stage.command(&asked("again.mp4")).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !stage.path(".again.mp4.parts/000000-composite.mp4").exists() {
        assert!(
            Instant::now() < deadline && child.try_wait().unwrap().is_none(),
            "its first part is finished before it is"
        );
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!stage.path("again.mp4").exists(), "half a clip is none");
    stage.run(&[&asked("again.mp4")[..], &["--resume"]].concat()).ends(0);
    let (whole, again) =
        ["whole.mp4", "again.mp4"].map(|name| ffmpeg(&stage, &["-i", name, "-map", "0", "-f", "framemd5", "-"])).into();
    assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&again));
    assert!(stage.files().iter().all(|name| !name.contains("again") || name == "again.mp4"), "{:?}", stage.files());
}
