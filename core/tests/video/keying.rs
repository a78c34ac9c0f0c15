//! A soft disc that moves before a screen: ffmpeg draws and compresses it, so that its alpha is known.

use std::path::PathBuf;

use backgroundfx_core::{
    Kind, Result,
    engine::{Engine, EngineOptions},
    files::IfExists,
    models::Catalog,
    options::{Key, Options},
    progress::Silent,
    video::{Content, Format, Job, VideoOptions, cut_out, look_of, recipe_for},
};

use crate::support::{Clips, on};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

/// Alpha of the disc in a frame.
fn truth(x: usize, y: usize, frame: usize) -> f32 {
    let distance = f32::hypot(x as f32 - (120 + 2 * frame) as f32, y as f32 - 120.0);
    ((60.0 - distance) / 12.0 + 0.5).clamp(0.0, 1.0)
}

/// A grey-pink disc before a green screen that is lit from the right.
fn disc(clips: &Clips, name: &str, frames: usize, codec: &[&str]) -> PathBuf {
    let alpha = "clip((60-hypot(X-120-2*N\\,Y-120))/12+0.5\\,0\\,1)";
    let light = "(0.75+0.3*X/W)";
    let channel = |subject: u8, screen: u8| {
        format!("'st(0,{alpha});ld(0)*{subject}+(1-ld(0))*{screen}*{light}'").replace("\\,", ",")
    };
    let colors = format!("r={}:g={}:b={}", channel(190, 10), channel(160, 165), channel(165, 70));
    let drawn = format!("nullsrc=s={WIDTH}x{HEIGHT}:r=25,format=gbrp,geq={colors},noise=alls=4:allf=t:all_seed=7");
    let count = frames.to_string();
    let to = ["-frames:v", &count, "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"];
    let tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
    clips.draw(&[&["-f", "lavfi", "-i", &drawn], &to[..], codec, &tags, &[name]].concat());
    clips.path(name)
}

fn key(clips: &Clips, input: &str, output: &str, content: Content, more: &VideoOptions, key: Key) -> Result<usize> {
    let catalog = Catalog::built_in();
    let model = if key.plate.is_some() { "difference" } else { "chroma" };
    let look = look_of(catalog.card(model)?);
    let engine = Engine::open(EngineOptions::default())?;
    let mut segmenter = catalog.segmenter(&engine, model, "cpu".parse()?, &Silent)?;
    let path = clips.path(output);
    let (format, outputs) = (Format::of_path(&path)?, [(content, path)]);
    let input = clips.path(input);
    let job =
        Job { input: &input, clip: None, outputs: &outputs, format, if_exists: IfExists::Replace, options: more, look };
    let recipe = recipe_for(Options { model: model.into(), key, ..Options::default() }, None, look, false)?;
    Ok(cut_out(&clips.ffmpeg, &job, segmenter.as_mut(), &recipe, &Silent)?.frames as usize)
}

/// Mean absolute error of a matte's frames, all of them and where alpha is truly between 0 and 1.
fn errors(clips: &Clips, matte: &str) -> (f32, f32) {
    let (mut all, mut soft, mut mixed) = (0.0, 0.0, 0.0);
    let frames = clips.frames(matte, &[], "gray", WIDTH * HEIGHT);
    for (n, frame) in frames.iter().enumerate() {
        for (i, value) in frame.iter().enumerate() {
            let truth = truth(i % WIDTH, i / WIDTH, n);
            let error = (f32::from(*value) / 255.0 - truth).abs();
            all += error;
            if truth > 0.0 && truth < 1.0 {
                soft += error;
                mixed += 1.0;
            }
        }
    }
    (all / (frames.len() * WIDTH * HEIGHT) as f32, soft / mixed)
}

#[test]
fn a_disc_comes_off_a_compressed_screen() {
    let clips = Clips::new();
    disc(&clips, "in.mp4", 12, &["-c:v", "libx264", "-crf", "23"]);
    let named = Key { color: Some("green".into()), ..Key::default() };
    for (output, how) in [("found.mkv", Key::default()), ("named.mkv", named)] {
        assert_eq!(key(&clips, "in.mp4", output, Content::Matte, &VideoOptions::default(), how).unwrap(), 12);
        let (all, soft) = errors(&clips, output);
        assert!(all < 0.008 && soft < 0.1, "{output}: {all} everywhere, {soft} at the edge");
    }
}

#[test]
fn over_a_new_background_no_green_is_left() {
    let clips = Clips::new();
    disc(&clips, "in.mp4", 6, &["-c:v", "libx264", "-crf", "18"]);
    key(&clips, "in.mp4", "out.mkv", Content::Composite, &on("#3c3c3c"), Key::default()).unwrap();
    let greenness = |pixel: &[u8]| i32::from(pixel[1]) - i32::from(pixel[0].max(pixel[2]));
    for (n, frame) in clips.frames("out.mkv", &[], "rgb24", 3 * WIDTH * HEIGHT).iter().enumerate() {
        let worst = frame.chunks_exact(3).map(greenness).max().unwrap();
        assert!(worst <= 12, "frame {n}: green is {worst} above red and blue");
        let middle = &frame[3 * (120 * WIDTH + 120 + 2 * n)..][..3];
        assert!(middle.iter().zip([190, 160, 165]).all(|(got, own)| got.abs_diff(own) <= 10), "{middle:?}");
    }
}

#[test]
fn a_disc_is_what_the_empty_scene_lacks() {
    let clips = Clips::new();
    disc(&clips, "in.mp4", 8, &["-c:v", "libx264", "-crf", "20"]);
    // The same screen without the disc.
    let channel = |screen: u8| format!("'{screen}*(0.75+0.3*X/W)'");
    let colors = format!("r={}:g={}:b={}", channel(10), channel(165), channel(70));
    let drawn = format!("nullsrc=s={WIDTH}x{HEIGHT},format=gbrp,geq={colors}");
    clips.draw(&["-f", "lavfi", "-i", &drawn, "-frames:v", "1", "-pix_fmt", "rgb24", "plate.png"]);
    let plate = Key { plate: Some(clips.path("plate.png")), ..Key::default() };
    key(&clips, "in.mp4", "out.mkv", Content::Matte, &VideoOptions::default(), plate).unwrap();
    // Only where the disc is: at a wide soft edge a difference does worse than a hard mask, as the documents say.
    let (all, _) = errors(&clips, "out.mkv");
    assert!(all < 0.03, "{all} everywhere");
}

#[test]
fn a_clip_without_a_screen_is_refused_and_leaves_nothing() {
    let clips = Clips::new();
    clips.square("in.mp4", "160x120", 1.0, &[]);
    let made = key(&clips, "in.mp4", "out.mp4", Content::Composite, &on("#000"), Key::default());
    assert_eq!(made.unwrap_err().kind(), Kind::ScreenMissing);
    assert_eq!(clips.files(), ["in.mp4"]);
}
