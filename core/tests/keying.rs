//! Rendered subjects before screens and empty scenes that are drawn here, so that alpha and colours are known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use backgroundfx_core::{
    Kind,
    engine::{Engine, EngineOptions},
    files::{self, Encodable, Format, IfExists, Metadata, Picture, ReadOptions, WriteOptions},
    metrics,
    models::{Catalog, Segmenter},
    options::{Key, Options},
    pipeline::{Cutout, Recipe, remove_background},
    pixels::{Alpha, Rgb, Samples},
    progress::Silent,
};

/// Paint of the screens.
const GREEN: [f32; 3] = [0.02, 0.66, 0.27];
const BLUE: [f32; 3] = [0.05, 0.25, 0.72];

/// Subjects with fur, hair, fluff, in black and in white, before screens of another colour than theirs.
const SCENES: [(&str, [f32; 3]); 8] = [
    ("fox", GREEN),
    ("cat", GREEN),
    ("lamb", GREEN),
    ("portrait", GREEN),
    ("chicks", GREEN),
    ("plane", BLUE),
    ("dandelion", BLUE),
    ("fern", BLUE),
];

/// A subject with its true alpha and colours.
struct Subject {
    alpha: Alpha,
    colors: Rgb,
}

/// Repeatable noise of −1 to 1.
fn noise(seed: usize) -> f32 {
    let mixed = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / (1 << 23) as f32 - 1.0
}

impl Subject {
    fn read(name: &str) -> Self {
        let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/scenes");
        let path = |what: &str| scenes.join(format!("{name}.{what}.png"));
        let alpha = files::read_matte(&path("alpha"), &ReadOptions::default()).unwrap();
        Self { alpha, colors: files::read(&path("foreground"), &ReadOptions::default()).unwrap().color }
    }

    /// The subject before a ground of some colour at each place, its light on it, with the noise of a camera.
    fn before(&self, spill: f32, ground: impl Fn(f32, f32) -> [f32; 3]) -> Rgb {
        let size = self.alpha.size();
        let pixel = |i: usize| {
            let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
            let (alpha, own) = (self.alpha.values()[i], self.colors.unit(i));
            let ground = ground(x / size.width as f32, y / size.height as f32);
            std::array::from_fn::<_, 3, _>(|c| {
                let lit = own[c] + spill * ground[c] * (1.0 - own[c]);
                let value = alpha * lit + (1.0 - alpha) * ground[c];
                (value * 255.0 + 3.0 * noise(3 * i + c) + 0.5).clamp(0.0, 255.0) as u8
            })
        };
        Rgb::new(size, Samples::Eight((0..size.area()).flat_map(pixel).collect()))
    }

    /// Mean distance of colours to the true ones, weighted by alpha, of 255, over pixels of some alpha.
    fn color_error(&self, colors: &Rgb, among: std::ops::Range<f32>) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (i, alpha) in self.alpha.values().iter().enumerate().filter(|(_, alpha)| among.contains(alpha)) {
            let (own, got) = (self.colors.unit(i), colors.unit(i));
            let distance = (0..3).map(|c| (own[c] - got[c]).powi(2)).sum::<f32>().sqrt();
            sum += f64::from(alpha * distance);
            weight += f64::from(*alpha);
        }
        255.0 * sum / weight
    }
}

/// A screen that is lit from the right, with a soft shadow at the bottom.
fn screen(paint: [f32; 3]) -> impl Fn(f32, f32) -> [f32; 3] {
    move |x, y| {
        let light = 0.7 + 0.35 * x - 0.25 * (1.0 - ((y - 0.9) / 0.15).abs()).max(0.0);
        paint.map(|c| c * light)
    }
}

fn picture(color: Rgb) -> Picture {
    let metadata = Metadata::default();
    Picture { color, alpha: None, profile: None, metadata, format: Format::Png, warnings: Vec::new() }
}

fn segmenter(model: &str) -> Box<dyn Segmenter> {
    let engine = Engine::open(EngineOptions::default()).unwrap();
    Catalog::built_in().segmenter(&engine, model, "auto".parse().unwrap(), &Silent).unwrap()
}

fn cut_out(color: &Rgb, model: &str, key: Key) -> backgroundfx_core::Result<Cutout> {
    let options = Options { model: model.into(), key, ..Options::default() };
    remove_background(picture(color.clone()), segmenter(model).as_mut(), &Recipe::new(options)?, &Silent)
}

/// What one who knows the paint would do first: a hard limit on the distance to it.
fn naive(color: &Rgb, paint: [f32; 3]) -> Alpha {
    let size = color.size();
    let far = |i| (0..3).map(|c: usize| (color.unit(i)[c] - paint[c]).powi(2)).sum::<f32>().sqrt() > 0.35;
    Alpha::new(size, (0..size.area()).map(|i| f32::from(u8::from(far(i)))).collect())
}

#[test]
fn rendered_subjects_come_off_uneven_screens() {
    for (name, paint) in SCENES {
        let subject = Subject::read(name);
        let color = subject.before(0.1, screen(paint));
        let cutout = cut_out(&color, "chroma", Key::default()).unwrap();
        let distances = |alpha| metrics::compare(alpha, &subject.alpha).unwrap();
        let (found, simple) = (distances(&cutout.matte), distances(&naive(&color, paint)));
        let colors = |among: std::ops::Range<f32>| {
            (subject.color_error(&cutout.color, among.clone()), subject.color_error(&color, among))
        };
        let (mixed, solid) = (colors(0.1..0.95), colors(0.95..1.1));
        println!(
            "{name:>10}: SAD {:5.2} of {:5.2}, mixed colours {mixed:.1?}, solid {solid:.1?}",
            found.sad, simple.sad
        );
        assert!(found.sad < 0.4 * simple.sad, "{name}: SAD {} where a simple limit has {}", found.sad, simple.sad);
        assert!(mixed.0 < 0.8 * mixed.1, "{name}: mixed colours are {} off where they were {}", mixed.0, mixed.1);
        assert!(solid.0 < solid.1, "{name}: solid colours are {} off where they were {}", solid.0, solid.1);
    }
}

#[test]
fn an_empty_room_shows_what_is_new_in_it() {
    let room = |x: f32, y: f32| [0.45 + 0.1 * (20.0 * x).sin(), 0.42, 0.35 + 0.15 * y];
    let folder = tempfile::tempdir().unwrap();
    for name in ["chicks", "plane"] {
        let subject = Subject::read(name);
        let empty =
            Subject { alpha: Alpha::filled(subject.alpha.size(), 0.0), ..Subject::read(name) }.before(0.0, room);
        let path = folder.path().join("empty.png");
        let plate = Encodable { color: &empty, alpha: None, profile: None, metadata: &Metadata::default() };
        let bytes = files::encode(&plate, &WriteOptions::new(Format::Png)).unwrap();
        files::write_atomically(&path, &bytes, IfExists::Replace).unwrap();
        let key = Key { plate: Some(path), ..Key::default() };
        let found = cut_out(&subject.before(0.0, room), "difference", key).unwrap();
        let found = metrics::compare(&found.matte, &subject.alpha).unwrap();
        println!("{name:>10}: SAD {:6.2}, IoU {:.4}", found.sad, found.iou);
        assert!(found.iou > 0.85, "{name}: {found:?}");
    }
}

#[test]
fn a_wall_is_no_screen() {
    let subject = Subject::read("chicks");
    let error = cut_out(&subject.before(0.0, |_, _| [0.6; 3]), "chroma", Key::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::ScreenMissing);
}
