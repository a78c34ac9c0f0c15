//! What clips can be written as, decoded again.

use backgroundfx_core::{
    Kind,
    files::IfExists,
    options::Options,
    progress::Silent,
    video::{Content, Format, Job, VideoOptions, cut_out, recipe_for},
};

use crate::support::{Bright, Clips, on};

/// Where the square surely is, and surely is not, in the first ten frames, as pixels of 160 × 120.
const INSIDE: usize = 60 * 160 + 60;
const OUTSIDE: usize = 60 * 160 + 140;

#[test]
fn transparency_is_there_in_every_format_that_has_it() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 0.4, &[]);
    let vp9 = ["-c:v", "libvpx-vp9"];
    let cases: [(&str, &[&str]); 4] = [("a.webm", &vp9), ("a.mov", &[]), ("a.mkv", &[]), ("a.gif", &[])];
    for (output, decoder) in cases {
        clips.make(&input, output, Content::Cutout, &VideoOptions::default()).unwrap();
        let frames = clips.frames(output, decoder, "rgba", 160 * 120 * 4);
        assert_eq!(frames.len(), 10, "{output}");
        for frame in frames {
            let pixel = |at: usize| [0, 1, 2, 3].map(|c| frame[at * 4 + c]);
            assert!(pixel(INSIDE).iter().all(|sample| *sample > 215), "{output}: {:?}", pixel(INSIDE));
            assert!(pixel(OUTSIDE)[3] < 8, "{output}: {:?}", pixel(OUTSIDE));
        }
    }
    let sound = |name| clips.probed(name, "a", "stream=codec_name");
    assert_eq!((sound("a.webm"), sound("a.mov")), (vec!["opus".to_owned()], vec!["aac".to_owned()]));
}

#[test]
fn folders_of_pictures_and_animated_webp() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 0.4, &[]);
    clips.make(&input, "frames", Content::Cutout, &VideoOptions::default()).unwrap();
    let read = |number: u32| {
        let path = clips.path("frames").join(format!("{number:06}.png"));
        backgroundfx_core::files::read(&path, &backgroundfx_core::files::ReadOptions::default()).unwrap()
    };
    for number in [1, 10] {
        let alpha = read(number).alpha.unwrap();
        assert!(alpha.values()[INSIDE] > 0.95 && alpha.values()[OUTSIDE] < 0.03, "picture {number}");
    }
    assert!(!clips.path("frames").join("000011.png").exists());

    clips.make(&input, "a.webp", Content::Cutout, &VideoOptions::default()).unwrap();
    let bytes = std::fs::read(clips.path("a.webp")).unwrap();
    let has = |name: &[u8]| bytes.windows(4).filter(|four| *four == name).count();
    assert_eq!((&bytes[..4], has(b"ANIM"), has(b"ANMF")), (&b"RIFF"[..], 1, 10));
    // Frames that change only opaque places carry none.
    assert!(has(b"ALPH") >= 1);
}

#[test]
fn a_matte_and_a_pair() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 0.4, &[]);
    clips.make(&input, "matte.mp4", Content::Matte, &VideoOptions::default()).unwrap();
    let outputs = [(Content::Color, clips.path("color.mp4")), (Content::Matte, clips.path("color-alpha.mp4"))];
    let (format, options) = (Format::named("mp4").unwrap(), VideoOptions::default());
    let job = Job {
        input: &input,
        clip: None,
        outputs: &outputs,
        format,
        if_exists: IfExists::Refuse,
        options: &options,
        look: 512,
    };
    let recipe = recipe_for(Options::default(), None, 512, false).unwrap();
    cut_out(&clips.ffmpeg, &job, &mut Bright::new(), &recipe, &Silent).unwrap();
    for name in ["matte.mp4", "color-alpha.mp4"] {
        for frame in clips.frames(name, &[], "gray", 160 * 120) {
            assert!(frame[INSIDE] > 250 && frame[OUTSIDE] < 5, "{name}: {} {}", frame[INSIDE], frame[OUTSIDE]);
        }
    }
    assert_eq!(clips.probed("color.mp4", "a", "stream=codec_name"), ["aac"]);
    assert!(clips.probed("color-alpha.mp4", "a", "stream=codec_name").is_empty());
}

#[test]
fn backgrounds_are_those_asked_for() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 1.0, &[]);
    // Half a second of blue: it is begun again.
    clips.draw(&["-f", "lavfi", "-i", "color=0x2040c0:s=320x180:r=30:d=0.5", "-c:v", "libx264", "blue.mp4"]);
    let blue = clips.path("blue.mp4").display().to_string();
    let cases = [
        ("#2040c0", [32, 64, 192]),
        (&*blue, [32, 64, 192]),
        ("blur:4", [27, 27, 27]),
        ("gradient:#2040c0,#2040c0,0", [32, 64, 192]),
    ];
    for (index, (background, expected)) in cases.into_iter().enumerate() {
        let name = format!("{index}.mp4");
        clips.make(&input, &name, Content::Composite, &on(background)).unwrap();
        let frames = clips.frames(&name, &[], "rgb24", 160 * 120 * 3);
        assert_eq!(frames.len(), 25);
        for (n, frame) in frames.iter().enumerate() {
            for c in 0..3 {
                let (inside, outside) = (frame[(INSIDE + 5) * 3 + c], frame[(OUTSIDE + 10) * 3 + c]);
                assert!(outside.abs_diff(expected[c]) < 8, "{background}, frame {n}: {outside} in channel {c}");
                assert!(n > 10 || inside > 215, "{background}, frame {n}: the subject is {inside}");
            }
        }
    }
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is() {
    let clips = Clips::new();
    let input = clips.square("in.mp4", "160x120", 0.4, &[]);
    std::fs::write(clips.path("there.mp4"), "mine").unwrap();
    let cases = [
        ("a.mp4", Content::Cutout, VideoOptions::default(), Kind::OutputUnsupported),
        ("a.txt", Content::Matte, VideoOptions::default(), Kind::OutputUnsupported),
        ("a.mp4", Content::Composite, VideoOptions::default(), Kind::OptionInvalid),
        ("a.mp4", Content::Composite, on("no-such.png"), Kind::BackgroundInvalid),
        ("a.mp4", Content::Composite, on("no-such.mp4"), Kind::BackgroundInvalid),
        ("there.mp4", Content::Matte, VideoOptions::default(), Kind::OutputExists),
        ("no/such/folder/a.mp4", Content::Matte, VideoOptions::default(), Kind::OutputUnwritable),
        ("a.mp4", Content::Matte, VideoOptions { start: Some(5.0), ..VideoOptions::default() }, Kind::OptionInvalid),
        (
            "a.mp4",
            Content::Matte,
            VideoOptions { start: Some(0.2), end: Some(0.1), ..VideoOptions::default() },
            Kind::OptionInvalid,
        ),
    ];
    for (output, content, options, kind) in cases {
        let error = clips.make(&input, output, content, &options).unwrap_err();
        assert_eq!(error.kind(), kind, "{output} {options:?}: {error}");
        assert_eq!(clips.files(), ["in.mp4", "there.mp4"], "{output} {options:?}");
    }
    assert_eq!(std::fs::read(clips.path("there.mp4")).unwrap(), b"mine");
}
