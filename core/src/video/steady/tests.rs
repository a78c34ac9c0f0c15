//! Clips without a network: what comes out is as many as went in, in order, steadier, and of one shot alone.

use std::cell::Cell;

use super::*;
use crate::pixels::Samples;

const SIZE: Size = Size::new(160, 96);

/// A textured background that stays and a textured disc at `centre`, with its exact matte.
fn scene(centre: [f32; 2], radius: f32, light: f32) -> (Rgb, Alpha) {
    let wave = |x: f32, y: f32, pace: f32| (pace * x).sin() + (pace * 1.3 * y + x * 0.05).cos();
    let mut samples = Vec::with_capacity(SIZE.area() * 3);
    let mut values = Vec::with_capacity(SIZE.area());
    for index in 0..SIZE.area() {
        let (x, y) = ((index % 160) as f32, (index / 160) as f32);
        let (across, down) = (x - centre[0], y - centre[1]);
        let alpha = (radius - across.hypot(down) + 0.5).clamp(0.0, 1.0);
        let behind = [light + 18.0 * wave(x, y, 0.31), light + 14.0 * wave(y, x, 0.23), light * 0.8];
        let near = [190.0 + 25.0 * wave(across, down, 0.4), 90.0 + 25.0 * wave(down, across, 0.5), 60.0];
        samples.extend((0..3).map(|c| (alpha * near[c] + (1.0 - alpha) * behind[c]) as u8));
        values.push(alpha);
    }
    (Rgb::new(SIZE, Samples::Eight(samples)), Alpha::new(SIZE, values))
}

fn moving(count: usize, speed: [f32; 2]) -> Vec<(Rgb, Alpha)> {
    (0..count).map(|t| scene([45.0 + speed[0] * t as f32, 48.0 + speed[1] * t as f32], 22.0, 90.0)).collect()
}

/// The truth, wrong by up to `amount`, another way in every frame.
fn noisy(truth: &Alpha, seed: usize, amount: f32) -> Alpha {
    let noise = |index: usize| ((index.wrapping_mul(2_654_435_761) ^ (seed + 1).wrapping_mul(40_503)) >> 7) % 1000;
    let values = truth.values().iter().enumerate();
    let values = values.map(|(i, value)| (value + amount * (noise(i) as f32 / 500.0 - 1.0)).clamp(0.0, 1.0));
    Alpha::new(truth.size(), values.collect())
}

/// Runs a clip whose network finds `found`; answers the mattes and how often the network was asked.
fn run(options: SteadyOptions, frames: &[Rgb], found: &dyn Fn(usize) -> Alpha) -> (Vec<Alpha>, usize) {
    let mut steady = Steady::new(options).unwrap();
    let asked = Cell::new(0);
    let mut segment = |frame: &Rgb| {
        asked.set(asked.get() + 1);
        Ok(found(frames.iter().position(|other| other == frame).unwrap()))
    };
    let mut mattes = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        mattes.extend(steady.push(frame.clone(), &mut segment).unwrap());
        assert!(index + 1 - mattes.len() <= steady.latency(), "{options:?} holds back more than it says");
    }
    mattes.extend(steady.finish(&mut segment).unwrap());
    (mattes, asked.get())
}

fn distance(a: &Alpha, b: &Alpha) -> f32 {
    a.values().iter().zip(b.values()).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.values().len() as f32
}

const ALL: [SteadyOptions; 4] =
    [SteadyOptions::Off, SteadyOptions::Window, SteadyOptions::Trail, SteadyOptions::Keyframes { spacing: 6 }];

#[test]
fn as_many_come_out_as_went_in_and_each_is_its_frames() {
    let clip = moving(15, [4.0, 0.5]);
    let frames: Vec<Rgb> = clip.iter().map(|(frame, _)| frame.clone()).collect();
    for options in ALL {
        for count in [1, 2, 7, 15] {
            let (mattes, _) = run(options, &frames[..count], &|index| clip[index].1.clone());
            assert_eq!(mattes.len(), count, "{options:?}");
            for (index, matte) in mattes.iter().enumerate() {
                let own = distance(matte, &clip[index].1);
                assert!(own < 0.006, "{options:?}: frame {index} of {count} is off by {own}");
                let others = (0..count).filter(|other| other.abs_diff(index) > 0);
                let nearest = others.map(|other| distance(matte, &clip[other].1)).fold(f32::INFINITY, f32::min);
                assert!(own < nearest, "{options:?}: frame {index} of {count} is another's");
            }
        }
    }
}

#[test]
fn a_still_scene_with_noisy_mattes_becomes_steady() {
    let clip = moving(9, [0.0, 0.0]);
    let mut frames: Vec<Rgb> = clip.iter().map(|(frame, _)| frame.clone()).collect();
    // Frames that are alike must still be told apart by the fake network: one pixel in the corner differs.
    for (index, frame) in frames.iter_mut().enumerate() {
        if let Samples::Eight(samples) = frame.samples_mut() {
            samples[0] = index as u8;
        }
    }
    let found = |index: usize| noisy(&clip[index].1, index, 0.3);
    let unsteadiness = |mattes: &[Alpha]| mattes.windows(2).map(|pair| distance(&pair[0], &pair[1])).sum::<f32>();
    let error = |mattes: &[Alpha]| mattes.iter().zip(&clip).map(|(a, (_, b))| distance(a, b)).sum::<f32>();
    let (raw, _) = run(SteadyOptions::Off, &frames, &found);
    for (options, most) in [(SteadyOptions::Window, 0.5), (SteadyOptions::Trail, 0.75)] {
        let (mattes, asked) = run(options, &frames, &found);
        assert_eq!(asked, 9);
        let share = unsteadiness(&mattes) / unsteadiness(&raw);
        assert!(share < most, "{options:?}: {share} of the flicker is left");
        // Noise that may not leave 0 to 1 is one-sided: a mean of it is steadier, and little nearer.
        assert!(error(&mattes) < error(&raw), "{options:?}: {} {}", error(&mattes), error(&raw));
    }
}

#[test]
fn nothing_leaks_across_a_cut() {
    let (first, second) = (moving(7, [3.0, 0.0]), 8);
    let other: Vec<_> = (0..second).map(|t| scene([110.0 - 3.0 * t as f32, 40.0], 18.0, 210.0)).collect();
    let both: Vec<_> = first.iter().chain(&other).cloned().collect();
    for options in ALL {
        let alone = |clip: &[(Rgb, Alpha)]| {
            let frames: Vec<Rgb> = clip.iter().map(|(frame, _)| frame.clone()).collect();
            run(options, &frames, &|index| clip[index].1.clone()).0
        };
        let apart: Vec<Alpha> = alone(&first).into_iter().chain(alone(&other)).collect();
        assert!(alone(&both) == apart, "{options:?}: the shots of one clip are not those of two");
    }
}

#[test]
fn the_same_clip_gives_the_same_mattes_and_finish_leaves_nothing() {
    let clip = moving(11, [5.0, 1.0]);
    let frames: Vec<Rgb> = clip.iter().map(|(frame, _)| frame.clone()).collect();
    let found = |index: usize| noisy(&clip[index].1, index, 0.2);
    for options in ALL {
        assert!(run(options, &frames, &found).0 == run(options, &frames, &found).0, "{options:?}");
        let mut steady = Steady::new(options).unwrap();
        let mut segment = |frame: &Rgb| Ok(found(frames.iter().position(|other| other == frame).unwrap()));
        let mut twice = || {
            let mut mattes = Vec::new();
            frames.iter().for_each(|frame| mattes.extend(steady.push(frame.clone(), &mut segment).unwrap()));
            mattes.extend(steady.finish(&mut segment).unwrap());
            mattes
        };
        assert!(twice() == twice(), "{options:?}: the second clip felt the first");
    }
}

#[test]
fn a_moving_disc_is_carried_from_keyframes() {
    let clip = moving(13, [4.0, 1.5]);
    let frames: Vec<Rgb> = clip.iter().map(|(frame, _)| frame.clone()).collect();
    let (mattes, asked) = run(SteadyOptions::Keyframes { spacing: 6 }, &frames, &|index| clip[index].1.clone());
    assert_eq!(asked, 3, "the network is asked about frames 0, 6 and 12");
    for (index, matte) in mattes.iter().enumerate() {
        let still = distance(&clip[index / 6 * 6].1, &clip[index].1);
        let error = distance(matte, &clip[index].1);
        assert!(error < 0.004, "frame {index}: {error}, a matte that stays {still}");
    }
}

#[test]
fn where_motion_cannot_be_followed_keyframes_are_inserted() {
    // Every frame shows the disc far from where it was, and no brighter or darker as a whole: no cut.
    let places = [[40.0, 30.0], [120.0, 66.0], [45.0, 60.0], [115.0, 30.0], [80.0, 50.0], [30.0, 40.0], [125.0, 48.0]];
    let clip: Vec<_> = places.iter().map(|place| scene(*place, 20.0, 90.0)).collect();
    let frames: Vec<Rgb> = clip.iter().map(|(frame, _)| frame.clone()).collect();
    let (mattes, asked) = run(SteadyOptions::Keyframes { spacing: 6 }, &frames, &|index| clip[index].1.clone());
    assert!(asked >= 5, "only {asked} of 7");
    assert_eq!(mattes.len(), 7);
}

#[test]
fn wrong_spacings_sizes_and_mattes_are_refused() {
    for spacing in [0, 1, MOST_SPACING + 1] {
        let error = Steady::new(SteadyOptions::Keyframes { spacing }).err().unwrap();
        assert_eq!(error.kind(), Kind::OptionInvalid);
    }
    for options in ALL {
        let mut steady = Steady::new(options).unwrap();
        let (frame, matte) = scene([40.0, 40.0], 20.0, 90.0);
        steady.push(frame.clone(), &mut |_| Ok(matte.clone())).unwrap();
        let other = Rgb::filled(Size::new(80, 48), [9; 3]);
        let error = steady.push(other.clone(), &mut |_| Ok(matte.clone())).unwrap_err();
        assert_eq!(error.kind(), Kind::SizeMismatch, "{options:?}");
        let mut fresh = Steady::new(options).unwrap();
        assert_eq!(fresh.push(other, &mut |_| Ok(matte.clone())).unwrap_err().kind(), Kind::SizeMismatch);
    }
}

#[test]
fn frames_too_small_to_follow_motion_in_are_passed_through() {
    let size = Size::new(5, 3);
    for options in ALL {
        let mut steady = Steady::new(options).unwrap();
        let mut segment = |_: &Rgb| Ok(Alpha::filled(size, 1.0));
        let mut mattes = steady.push(Rgb::filled(size, [90; 3]), &mut segment).unwrap();
        mattes.extend(steady.push(Rgb::filled(size, [90; 3]), &mut segment).unwrap());
        mattes.extend(steady.finish(&mut segment).unwrap());
        assert_eq!(mattes, vec![Alpha::filled(size, 1.0); 2], "{options:?}");
    }
}
