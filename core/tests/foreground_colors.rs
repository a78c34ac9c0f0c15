//! The subject's own colours where they are known: rendered scenes put before other backgrounds.

use std::path::{Path, PathBuf};

use backgroundfx_core::{
    files::{self, ReadOptions},
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8},
    steps::foreground,
    tensor::resize_rgb,
};

/// Scenes with the subject's colours stored beside them. Glass is left out: its colours hold what is seen through it.
const SCENES: [&str; 9] = ["fox", "cat", "lamb", "chicks", "portrait", "ficus", "fern", "dandelion", "plane"];
/// Alpha outside this range is no band: 8 bits tell too little of a colour that is hardly there.
const BAND: (f32, f32) = (0.02, 0.98);

/// How light of subject and background is joined.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mix {
    /// In the numbers of the file, as editors do and as the estimate takes it.
    Encoded,
    /// In linear light, as lenses do.
    Linear,
}

impl Mix {
    /// What is joined, of a number in the file; the curve is that of IEC 61966-2-1.
    fn light(self, number: f32) -> f32 {
        match self {
            Self::Encoded => number,
            Self::Linear if number <= 0.04045 => number / 12.92,
            Self::Linear => ((number + 0.055) / 1.055).powf(2.4),
        }
    }

    /// And back.
    fn number(self, light: f32) -> f32 {
        match self {
            Self::Encoded => light,
            Self::Linear if light <= 0.003_130_8 => light * 12.92,
            Self::Linear => 1.055 * light.powf(1.0 / 2.4) - 0.055,
        }
    }
}

struct Scene {
    color: Rgb,
    matte: Alpha,
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/scenes").join(name)
}

fn picture(name: &str) -> Rgb {
    files::read(&testdata(name), &ReadOptions::default()).expect("the scenes can be read").color
}

fn scene(name: &str) -> Scene {
    let matte = files::read_matte(&testdata(&format!("{name}.alpha.png")), &ReadOptions::default());
    Scene { color: picture(&format!("{name}.foreground.png")), matte: matte.expect("scenes have mattes") }
}

/// Two flat colours, a ramp, and a floor full of clutter.
fn backgrounds(size: Size) -> Vec<Rgb> {
    let ramp = (0..size.area()).flat_map(|i| {
        let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
        let (across, down) = (x / size.width as f32, y / size.height as f32);
        [across, 0.3 + 0.4 * down, 1.0 - across].map(unit_to_u8)
    });
    let clutter = resize_rgb(&picture("car.jpg"), size).expect("it can be resized");
    vec![
        Rgb::filled(size, [40, 180, 60]),
        Rgb::filled(size, [250, 250, 250]),
        Rgb::new(size, Samples::Eight(ramp.collect())),
        clutter,
    ]
}

/// The scene's subject before a background, rounded to 8 bits.
fn composite(scene: &Scene, background: &Rgb, mix: Mix) -> Rgb {
    let samples = scene.matte.values().iter().enumerate().flat_map(|(i, &alpha)| {
        let (own, behind) = (scene.color.unit(i), background.unit(i));
        std::array::from_fn::<u8, 3, _>(|c| {
            unit_to_u8(mix.number(alpha * mix.light(own[c]) + (1.0 - alpha) * mix.light(behind[c])))
        })
    });
    Rgb::new(scene.color.size(), Samples::Eight(samples.collect()))
}

/// Mean absolute error of colours in the band, each pixel weighing as much as its alpha.
fn error(color: &Rgb, scene: &Scene) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (i, &alpha) in scene.matte.values().iter().enumerate().filter(|(_, a)| (BAND.0..BAND.1).contains(*a)) {
        let (ours, own) = (color.unit(i), scene.color.unit(i));
        sum += f64::from(alpha) * (0..3).map(|c| f64::from((ours[c] - own[c]).abs())).sum::<f64>() / 3.0;
        weight += f64::from(alpha);
    }
    sum / weight
}

/// Means over all backgrounds: error of the picture's own colours, and of the estimate.
fn errors(scene: &Scene, mix: Mix) -> (f64, f64) {
    let backgrounds = backgrounds(scene.color.size());
    let (mut own, mut ours) = (0.0, 0.0);
    for background in &backgrounds {
        let mut color = composite(scene, background, mix);
        own += error(&color, scene);
        foreground::estimate(&mut color, &scene.matte, 1.0);
        ours += error(&color, scene);
    }
    (own / backgrounds.len() as f64, ours / backgrounds.len() as f64)
}

/// How many times nearer the estimate must be: over all scenes, and on each. Measured are 3.3 and 2.5 where colours are mixed
/// as the estimate takes them to be, 2.1 and 1.8 where they are mixed in linear light.
const CASES: [(Mix, f64, f64); 2] = [(Mix::Encoded, 2.8, 2.0), (Mix::Linear, 1.7, 1.4)];

#[test]
fn estimated_colors_are_far_nearer_the_truth_than_the_pictures_own() {
    for (mix, over_all, on_each) in CASES {
        let (mut own, mut ours) = (0.0, 0.0);
        for name in SCENES {
            let (naive, estimated) = errors(&scene(name), mix);
            let (before, after, times) = (naive * 255.0, estimated * 255.0, naive / estimated);
            println!("{mix:?}, {name}: {before:.1} of 255, estimated {after:.1}, {times:.2} times nearer");
            assert!(times > on_each, "{mix:?}, {name}: only {times:.2} times nearer");
            (own, ours) = (own + naive, ours + estimated);
        }
        println!("{mix:?}: {:.2} times nearer", own / ours);
        assert!(own / ours > over_all, "{mix:?}: only {:.2} times nearer", own / ours);
    }
}

#[test]
fn strength_goes_evenly_from_the_picture_to_the_estimate() {
    let scene = scene("portrait");
    let picture = composite(&scene, &backgrounds(scene.color.size())[0], Mix::Encoded);
    let at = |strength| {
        let mut color = picture.clone();
        foreground::estimate(&mut color, &scene.matte, strength);
        color
    };
    let full = at(1.0);
    let mut before = f64::INFINITY;
    for strength in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let color = at(strength);
        for i in 0..scene.color.size().area() {
            let (from, to, ours) = (picture.unit(i), full.unit(i), color.unit(i));
            let off = (0..3).map(|c| (from[c] + strength * (to[c] - from[c]) - ours[c]).abs()).fold(0.0, f32::max);
            assert!(off < 1.01 / 255.0, "strength {strength}, pixel {i}: off by {off}");
        }
        let now = error(&color, &scene);
        assert!(now < before, "strength {strength}: error {now}, at less it was {before}");
        before = now;
    }
    assert_eq!(at(0.0), picture);
}
