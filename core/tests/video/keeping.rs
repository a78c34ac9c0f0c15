//! What of a clip must come through: every frame at its time, sound, subtitles, chapters, the way it is held.

use backgroundfx_core::video::{Content, Ratio, Scale, VideoOptions};

use crate::support::{Clips, on};

fn assert_times(expected: &[f64], got: &[f64]) {
    assert_eq!(expected.len(), got.len());
    for (expected, got) in expected.iter().zip(got) {
        assert!((expected - got).abs() < 1e-4, "{expected} became {got}");
    }
}

#[test]
fn every_frame_comes_through_at_its_time_with_its_sound() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 4.0, &[]);
    let summary = clips.make(&input, "out.mp4", Content::Composite, &on("#000")).unwrap();
    assert_eq!((summary.frames, summary.resumed), (100, 0));
    assert_times(&clips.times("in.mp4", "v"), &clips.times("out.mp4", "v"));
    assert_times(&clips.times("in.mp4", "a"), &clips.times("out.mp4", "a"));
    assert_eq!(clips.probed("out.mp4", "v", "stream=avg_frame_rate,r_frame_rate"), ["25/1,25/1"]);
    assert_eq!(clips.files(), ["in.mp4", "out.mp4"]);
}

#[test]
fn the_subject_of_frame_n_is_in_frame_n() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 2.0, &[]);
    clips.make(&input, "out.mp4", Content::Composite, &on("#000")).unwrap();
    for (n, frame) in clips.frames("out.mp4", &[], "gray", 160 * 120).iter().enumerate() {
        let bright: Vec<usize> = (0..160).filter(|x| frame[60 * 160 + x] > 130).collect();
        assert_eq!((bright[0], bright[bright.len() - 1]), (40 + n, 70 + n), "frame {n}");
        assert!(frame[8 * 160 + 8] < 30, "what is not subject is gone");
    }
}

#[test]
fn uneven_times_stay_uneven() {
    let clips = Clips::new();
    // Every frame at first, then one of three, then one of two.
    let select = "select='lt(n,20)+between(n,20,49)*not(mod(n,3))+gte(n,50)*not(mod(n,2))'";
    let input = clips.square("in.mp4", "160x120", 3.0, &["-vf", select, "-vsync", "vfr"]);
    let summary = clips.make(&input, "out.mp4", Content::Composite, &on("#000")).unwrap();
    let times = clips.times("in.mp4", "v");
    assert!(times.len() < 50 && summary.frames == times.len() as u64);
    assert_times(&times, &clips.times("out.mp4", "v"));
}

#[test]
fn all_tracks_subtitles_and_chapters_come_along() {
    let clips = Clips::new();
    clips.square("plain.mp4", "160x120", 3.0, &[]);
    std::fs::write(clips.path("words.srt"), "1\n00:00:00,500 --> 00:00:02,000\nHello\n").unwrap();
    let chapters = ";FFMETADATA1\ntitle=Square\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n";
    std::fs::write(clips.path("facts.txt"), chapters).unwrap();
    let inputs = ["-i", "plain.mp4", "-f", "lavfi", "-i", "sine=880:d=3", "-i", "words.srt", "-i", "facts.txt"];
    let maps = ["-map", "0:v", "-map", "0:a", "-map", "1:a", "-map", "2:s", "-map_metadata", "3", "-map_chapters", "3"];
    let codecs = ["-c:v", "copy", "-c:a:0", "copy", "-c:a:1", "libopus", "-c:s", "srt"];
    let languages = ["-metadata:s:a:1", "language=fra", "in.mkv"];
    clips.draw(&[&inputs[..], &maps, &codecs, &languages].concat());

    for (output, audio, words) in [
        ("out.mp4", ["aac", "opus,fra"], "mov_text"),
        ("out.mkv", ["aac", "opus,fra"], "subrip"),
        ("out.webm", ["opus", "opus,fra"], "webvtt"),
    ] {
        let summary = clips.make(&clips.path("in.mkv"), output, Content::Composite, &on("#000")).unwrap();
        let tracks = clips.probed(output, "a", "stream=codec_name:stream_tags=language");
        let tracks: Vec<_> = tracks.iter().map(|track| track.trim_end_matches(",und")).collect();
        assert_eq!(tracks, audio, "{output}");
        assert_eq!(clips.probed(output, "s", "stream=codec_name"), [words], "{output}");
        assert_eq!(clips.probed(output, "v", "chapter=id").len(), 2, "{output}");
        assert_eq!(clips.probed(output, "v", "format_tags=title"), ["Square"], "{output}");
        let anew = summary.notes.iter().any(|note| note.contains("encoded anew"));
        assert_eq!(anew, output == "out.webm", "{output}: {:?}", summary.notes);
    }
}

#[test]
fn a_late_picture_stays_late_and_a_part_keeps_its_sound() {
    let clips = Clips::new();
    clips.square("plain.mp4", "160x120", 3.0, &[]);
    clips.draw(&[
        "-itsoffset",
        "0.5",
        "-i",
        "plain.mp4",
        "-i",
        "plain.mp4",
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        "late.mkv",
    ]);
    clips.make(&clips.path("late.mkv"), "late-out.mkv", Content::Composite, &on("#000")).unwrap();
    let (before, after) = (clips.times("late.mkv", "v"), clips.times("late-out.mkv", "v"));
    assert!((before[0] - after[0]).abs() < 2e-3 && after[0] > 0.4, "{} became {}", before[0], after[0]);

    let part = VideoOptions { start: Some(1.0), end: Some(2.0), ..on("#000") };
    let summary = clips.make(&clips.path("plain.mp4"), "part.mp4", Content::Composite, &part).unwrap();
    assert_eq!(summary.frames, 25);
    let first = &clips.frames("part.mp4", &[], "gray", 160 * 120)[0];
    let bright: Vec<usize> = (0..160).filter(|x| first[60 * 160 + x] > 130).collect();
    assert_eq!(bright[0], 65, "the part begins with frame 25");
    let seconds: f64 = clips.probed("part.mp4", "a", "stream=duration")[0].parse().unwrap();
    assert!((seconds - 1.0).abs() < 0.05, "{seconds} s of sound");
}

#[test]
fn clips_are_turned_scaled_and_evened() {
    let clips = Clips::new();
    clips.square("flat.mp4", "160x120", 1.0, &[]);
    clips.draw(&["-i", "flat.mp4", "-c", "copy", "-metadata:s:v", "rotate=90", "turned.mp4"]);
    clips.square("odd.mkv", "161x121", 1.0, &["-pix_fmt", "yuv444p"]);
    let scaled = |scale| VideoOptions { scale: Some(scale), ..on("#000") };
    let cases = [
        ("turned.mp4", "a.mp4", on("#000"), "120,160"),
        ("odd.mkv", "b.mp4", on("#000"), "160,120"),
        ("odd.mkv", "c.webm", on("#000"), "161,121"),
        ("flat.mp4", "d.mp4", scaled(Scale::Height(60)), "80,60"),
        ("flat.mp4", "e.mp4", scaled(Scale::Size(100, 50)), "100,50"),
    ];
    for (input, output, options, expected) in cases {
        let summary = clips.make(&clips.path(input), output, Content::Composite, &options).unwrap();
        assert_eq!(clips.probed(output, "v", "stream=width,height"), [expected], "{output}");
        assert_eq!(summary.notes.iter().any(|note| note.contains("even sides")), output == "b.mp4", "{output}");
    }
    let options = VideoOptions { rate: Some(Ratio::new(10, 1)), ..on("#000") };
    let summary = clips.make(&clips.path("flat.mp4"), "slow.mp4", Content::Composite, &options).unwrap();
    assert_eq!((summary.frames, clips.probed("slow.mp4", "v", "stream=avg_frame_rate")), (10, vec!["10/1".to_owned()]));
}

#[test]
fn what_changes_is_told() {
    let clips = Clips::new();
    clips.square("ten.mkv", "160x120", 0.4, &["-pix_fmt", "yuv420p10le"]);
    clips.square("fields.mp4", "160x120", 0.4, &["-flags", "+ilme+ildct", "-x264-params", "tff=1"]);
    let high =
        ["-pix_fmt", "yuv420p10le", "-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"];
    clips.square("high.mkv", "160x120", 0.4, &high);
    for (input, word) in [("ten.mkv", "8 bits"), ("fields.mp4", "deinterlaced"), ("high.mkv", "BT.709")] {
        let summary = clips.make(&clips.path(input), &format!("{input}.mp4"), Content::Matte, &VideoOptions::default());
        let summary = summary.unwrap();
        assert!(summary.notes.iter().any(|note| note.contains(word)), "{input}: {:?}", summary.notes);
        assert_eq!(summary.frames, 10, "{input}");
    }
    let tags = clips.probed("high.mkv.mp4", "v", "stream=color_space,color_transfer,color_primaries,color_range");
    assert_eq!(tags, ["tv,bt709,bt709,bt709"]);
}
