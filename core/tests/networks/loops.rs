//! The models that remember, against the official code of each: what that made of a clip, with random weights, was compared
//! once with what ours makes of it with the same weights, and every question to a network was recorded on the way. Here the
//! recordings answer, and refuse any other question. How they are made: `testdata/networks/README.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod record;

use std::{env, path::PathBuf, sync::Arc};

use backgroundfx_core::{
    Kind,
    engine::{Device, Network, Precision, Tensor, artifacts::License},
    files::{Format, Metadata, Picture},
    models::{Catalog, Given, Input, InputSize, MatAnyone, ModelCard, ModelUsed, Rvm, Sam2Video, Segmenter},
    options::{Options, Point, Region, Subject},
    pixels::{Alpha, Rgb, Samples, Size},
    progress::Silent,
};
use record::{Record, Recorder, Replay};

/// A model that remembers, and the files of its networks.
struct Case {
    model: &'static str,
    record: &'static str,
    graphs: &'static [&'static str],
}

const CASES: [Case; 3] = [
    Case { model: "rvm-mobilenetv3", record: "rvm", graphs: &["rvm"] },
    Case {
        model: "sam2.1-tiny-video",
        record: "sam2_video",
        graphs: &["image_encoder", "mask_decoder", "memory_encoder", "memory_attention"],
    },
    Case {
        model: "matanyone2",
        record: "matanyone",
        graphs: &["image_encoder", "mask_encoder", "memory_readout", "memory_readout_first", "mask_decoder"],
    },
];

impl Case {
    fn recording(&self) -> PathBuf {
        PathBuf::from(format!("{}/../testdata/networks/{}.record", env!("CARGO_MANIFEST_DIR"), self.record))
    }

    /// The segmenter over these networks, as if it had been opened.
    fn segmenter(&self, networks: Vec<Arc<dyn Network>>, record: &Record) -> Box<dyn Segmenter> {
        let mut card = Catalog::built_in().card(self.model).unwrap().clone();
        let used = used(&card);
        match card.family {
            "rvm" => Box::new(Rvm::over(card, networks.into_iter().next().unwrap(), used).unwrap()),
            "matanyone" => {
                let mask = record.tensor("mask").unwrap();
                let size = Size::new(mask.shape[1] as u32, mask.shape[0] as u32);
                let nothing = Given::mask(Alpha::filled(size, 0.0), "nothing".into());
                let first = Given::mask(Alpha::new(size, mask.values.clone()), "mask".into());
                let mut model = MatAnyone::over(card, Box::new(nothing), five(networks), used).unwrap();
                assert!(model.begin_with(Box::new(first)));
                Box::new(model)
            }
            _ => {
                let side = record.size();
                card.input = Input { size: InputSize::Fixed { width: side.width, height: side.height }, ..card.input };
                Box::new(Sam2Video::over(card, four(networks), used).unwrap())
            }
        }
    }
}

fn four(networks: Vec<Arc<dyn Network>>) -> [Arc<dyn Network>; 4] {
    networks.try_into().ok().expect("four networks")
}

fn five(networks: Vec<Arc<dyn Network>>) -> [Arc<dyn Network>; 5] {
    networks.try_into().ok().expect("five networks")
}

fn used(card: &ModelCard) -> ModelUsed {
    let license = License { code: "-".into(), weights: "-".into(), data: None, commercial: true, note: None };
    ModelUsed {
        model: card.name.clone(),
        file: "recorded".into(),
        sha256: None,
        license,
        device: Device::Cpu,
        precision: Precision::Fp32,
        passed_over: Vec::new(),
    }
}

/// What was asked of the official code: points (label 1 or 0) and the corners of a box (2, 3), in pixels.
fn options(record: &Record) -> Options {
    let mut subject = Subject::default();
    let Some(points) = record.tensor("points") else { return Options::default() };
    let corners: Vec<&[f32]> = points.values.chunks_exact(3).filter(|point| point[2] >= 2.0).collect();
    for point in points.values.chunks_exact(3).filter(|point| point[2] < 2.0) {
        let drop = if point[2] == 0.0 { ":drop" } else { "" };
        subject.points.push(format!("{},{}{drop}", point[0], point[1]).parse::<Point>().unwrap());
    }
    if let [from, to] = corners.as_slice() {
        let text = format!("{},{},{},{}", from[0], from[1], to[0] - from[0], to[1] - from[1]);
        subject.region = Some(text.parse::<Region>().unwrap());
    }
    Options { subject, ..Options::default() }
}

fn frames(record: &Record) -> Vec<Picture> {
    let frames = record.tensor("frames").expect("frames are recorded");
    let (size, length) = (record.size(), record.size().area() * 3);
    let picture = |samples: &[f32]| Picture {
        color: Rgb::new(size, Samples::Eight(samples.iter().map(|&sample| sample as u8).collect())),
        alpha: None,
        profile: None,
        metadata: Metadata::default(),
        format: Format::Png,
        warnings: Vec::new(),
    };
    frames.values.chunks_exact(length).map(picture).collect()
}

/// The greatest distance between our mattes and the official ones, and how many frames there were.
fn distance(segmenter: &mut dyn Segmenter, record: &Record) -> (f32, usize) {
    let options = options(record);
    let (expected, area) = (&record.tensor("expected").expect("mattes are recorded").values, record.size().area());
    let frames = frames(record);
    assert_eq!(expected.len(), frames.len() * area);
    let mut greatest = 0.0_f32;
    for (index, (frame, expected)) in frames.iter().zip(expected.chunks_exact(area)).enumerate() {
        let found = segmenter.segment(frame, &options).unwrap();
        assert_eq!(found.alpha.size(), record.size());
        greatest = found.alpha.values().iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(greatest, f32::max);
        if let Some(colors) = record.tensor("colors") {
            let found = found.foreground.expect("it gives colours");
            let expected = &colors.values[index * area * 3..(index + 1) * area * 3];
            let apart = (0..area * 3).map(|i| (found.unit(i / 3)[i % 3] - expected[i]).abs()).fold(0.0, f32::max);
            assert!(apart < 0.6 / 255.0, "colours are {apart} apart in frame {index}");
        }
    }
    (greatest, frames.len())
}

#[test]
fn loops_ask_what_the_official_code_asks_and_find_what_it_finds() {
    for case in &CASES {
        let record = Record::read(&case.recording());
        let replay = Replay::of(&record);
        let mut segmenter = case.segmenter(replay.networks(), &record);
        assert!(segmenter.remembers(), "{}", case.model);
        for time in ["first", "second"] {
            let (distance, frames) = distance(segmenter.as_mut(), &record);
            // Recordings are in half precision.
            assert!(distance < 2e-3 && frames >= 6, "{}, {time} time: {distance} over {frames} frames", case.model);
            replay.assert_at_end(case.model);
            // A new clip, or the same again, begins without a memory.
            segmenter.reset();
            replay.rewind();
        }
    }
}

/// Interrupted after any frame, another run goes on from what was remembered: it asks and finds what an unbroken one does.
#[test]
fn what_is_remembered_goes_on_in_another_run() {
    for case in &CASES {
        let record = Record::read(&case.recording());
        let (options, frames) = (options(&record), frames(&record));
        let replay = Replay::of(&record);
        let open = || case.segmenter(replay.networks(), &record);
        let mut unbroken = open();
        let find = |segmenter: &mut dyn Segmenter, frames: &[Picture]| -> Vec<Alpha> {
            frames.iter().map(|frame| segmenter.segment(frame, &options).unwrap().alpha).collect()
        };
        let expected = find(unbroken.as_mut(), &frames);
        for stop in 0..frames.len() {
            replay.rewind();
            let (mut first, mut second) = (open(), open());
            let before = find(first.as_mut(), &frames[..stop]);
            second.recall(first.memory()).unwrap();
            let all = [before, find(second.as_mut(), &frames[stop..])].concat();
            assert!(all == expected, "{}, stopped after {stop}", case.model);
            replay.assert_at_end(case.model);
        }
        let foreign = vec![Tensor::new(vec![1], vec![1.0])];
        assert_eq!(unbroken.recall(foreign).unwrap_err().kind(), Kind::ResumeMismatch, "{}", case.model);
    }
}

/// With the graphs that `testdata/networks/*.py` export into folders below `BACKGROUNDFX_LOOPS`: ours against the official
/// code, through the real runtime. `BACKGROUNDFX_RECORD` names a folder that gets what was asked, for the test above.
#[test]
#[ignore = "needs the runtime and graphs that are exported from official code"]
fn loops_over_the_official_graphs_equal_the_official_code() {
    let Some(folder) = env::var_os("BACKGROUNDFX_LOOPS").map(PathBuf::from) else {
        eprintln!("left out: BACKGROUNDFX_LOOPS names no folder of exported graphs");
        return;
    };
    let engine = super::engine();
    let mut count = 0;
    for case in &CASES {
        let Some(folder) = Some(folder.join(case.record)).filter(|folder| folder.is_dir()) else { continue };
        let record = Record::read(&folder.join("clip.onnx"));
        let recorder = Recorder::default();
        let open = |(index, graph): (usize, &&str)| {
            let file = folder.join(format!("{graph}.onnx"));
            recorder.around(index, engine.network(&file, Device::Cpu, &Silent).unwrap().network)
        };
        let networks = case.graphs.iter().enumerate().map(open).collect();
        let mut segmenter = case.segmenter(networks, &record);
        let (distance, frames) = distance(segmenter.as_mut(), &record);
        println!("{}: greatest distance {distance:e} over {frames} frames", case.record);
        assert!(distance < 1e-3, "{}: {distance}", case.record);
        if let Some(folder) = env::var_os("BACKGROUNDFX_RECORD") {
            recorder.write(&record, &PathBuf::from(folder).join(format!("{}.record", case.record)));
        }
        count += 1;
    }
    assert!(count > 0, "{} has no folder of a model", folder.display());
}
