//! Mattes of few frames, carried to the frames between them along their motion.

use rayon::prelude::*;

use super::{
    cut::Histogram,
    edges,
    flow::{self, Flow},
    settled::{Says, Settled},
    small::Small,
    warp::{self, Row},
};
use crate::{
    Result,
    pixels::{Alpha, Rgb},
    steps::planes::{Plane, box_mean, shrink_alpha},
};

/// Most cells across a frame in which motion is found: edges are carried, not only steadied.
const COLUMNS: usize = 320;
/// Mean confidence along the matte's edge below which the frame becomes a keyframe.
const COLLAPSED: f32 = 0.5;
/// Confidence that a way always has, so that one of two hopeless ways is taken.
const LEAST: f32 = 1e-4;

/// The frames since the last keyframe.
pub struct Keyframes {
    spacing: usize,
    key: Option<Key>,
    between: Vec<Open>,
}

/// A frame that the network has looked at.
struct Key {
    small: Small,
    histogram: Histogram,
    matte: Alpha,
    /// To the first frame after it.
    next: Option<Flow>,
}

/// A frame that waits for the next keyframe.
struct Open {
    frame: Rgb,
    small: Small,
    histogram: Histogram,
    /// To the keyframe before, and how far that is to be believed.
    back: Way,
    /// To the frame after it.
    next: Option<Flow>,
}

struct Way {
    flow: Flow,
    confidence: Plane,
}

impl Way {
    fn new(from: &Small, to: &Small, flow: Flow) -> Self {
        let confidence = warp::confidence(from, to, &flow, None);
        Self { flow, confidence }
    }
}

impl Keyframes {
    /// With at most so many frames from one keyframe to the next.
    pub fn new(spacing: usize) -> Self {
        Self { spacing, key: None, between: Vec::new() }
    }

    /// Most frames from one keyframe to the next.
    pub fn spacing(&self) -> usize {
        self.spacing
    }

    /// Takes the next frame; answers what became final.
    pub fn push(&mut self, frame: Rgb, segment: &mut dyn FnMut(&Rgb) -> Result<Alpha>) -> Result<Vec<Alpha>> {
        let small = Small::new(&frame, COLUMNS);
        let histogram = Histogram::of(&small.luma);
        let last = self.between.last().map(|open| &open.histogram).or(self.key.as_ref().map(|key| &key.histogram));
        let mut ready = Vec::new();
        if last.is_some_and(|last| last.is_cut(&histogram)) {
            ready = self.finish(segment)?;
        }
        let Some(key) = &mut self.key else {
            let matte = segment(&frame)?;
            ready.push(followed(&frame, matte.clone()));
            self.key = Some(Key { small, histogram, matte, next: None });
            return Ok(ready);
        };
        let (before, way) = match self.between.last_mut() {
            Some(open) => (&open.small, Some(&open.back.flow)),
            None => (&key.small, None),
        };
        let (flow, next) = rayon::join(
            || onward(&small, before, way, &key.small),
            || flow::between(&before.pyramid, &small.pyramid, None),
        );
        let back = Way::new(&small, &key.small, flow);
        let lost = certainty(&key.matte, &back, small.block) < COLLAPSED;
        let slot = self.between.last_mut().map_or(&mut key.next, |open| &mut open.next);
        *slot = Some(next);
        self.between.push(Open { frame, small, histogram, back, next: None });
        if lost || self.between.len() == self.spacing {
            ready.extend(self.close(segment)?);
        }
        Ok(ready)
    }

    /// The shot ends: its last frame becomes a keyframe, and everything begins anew.
    pub fn finish(&mut self, segment: &mut dyn FnMut(&Rgb) -> Result<Alpha>) -> Result<Vec<Alpha>> {
        let rest = self.close(segment)?;
        self.key = None;
        Ok(rest)
    }

    /// Makes the last frame a keyframe; answers the mattes of all after the one before.
    fn close(&mut self, segment: &mut dyn FnMut(&Rgb) -> Result<Alpha>) -> Result<Vec<Alpha>> {
        let (Some(key), Some(last)) = (&self.key, self.between.pop()) else { return Ok(Vec::new()) };
        let matte = segment(&last.frame)?;
        let forward = ways_forward(&self.between, &last.small);
        let count = self.between.len() + 1;
        let (earlier, later) = (Carried::new(&key.matte, &last.small), Carried::new(&matte, &last.small));
        let mut ready: Vec<Alpha> = self
            .between
            .par_iter()
            .zip(&forward)
            .enumerate()
            .map(|(index, (open, forward))| {
                let share = (index + 1) as f32 / count as f32;
                followed(&open.frame, blended((&earlier, &open.back), (&later, forward), share))
            })
            .collect();
        ready.push(followed(&last.frame, matte.clone()));
        self.between.clear();
        self.key = Some(Key { small: last.small, histogram: last.histogram, matte, next: None });
        Ok(ready)
    }
}

/// The matte brought to its frame's edges. Keyframes' own mattes are, too, or they would stand out; they are carried as the
/// network gave them.
fn followed(frame: &Rgb, mut matte: Alpha) -> Alpha {
    edges::follow(frame, &mut matte);
    matte
}

/// The motion from `here` to the keyframe: over the neighbour from which the `way` is known, then looked for anew from there.
fn onward(here: &Small, neighbour: &Small, way: Option<&Flow>, key: &Small) -> Flow {
    let step = flow::between(&here.pyramid, &neighbour.pyramid, None);
    match way {
        Some(way) => flow::between(&here.pyramid, &key.pyramid, Some(&warp::composed(&step, way, None))),
        None => step,
    }
}

/// The motion from each open frame to the keyframe after them.
fn ways_forward(open: &[Open], key: &Small) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::with_capacity(open.len());
    for frame in open.iter().rev() {
        let step = frame.next.as_ref().expect("a frame before another knows the way to it");
        let flow = match ways.last() {
            Some(way) => {
                flow::between(&frame.small.pyramid, &key.pyramid, Some(&warp::composed(step, &way.flow, None)))
            }
            None => step.clone(),
        };
        ways.push(Way::new(&frame.small, key, flow));
    }
    ways.reverse();
    ways
}

/// Mean confidence where the carried matte has its edge, 0 to 1; 1 when it has none.
fn certainty(matte: &Alpha, way: &Way, block: usize) -> f32 {
    let small = box_mean(&shrink_alpha(matte, block), 2);
    let width = small.size.width as usize;
    let (mut sum, mut count) = (0.0, 0);
    for (index, ([x, y], confidence)) in way.flow.vectors.iter().zip(&way.confidence.values).enumerate() {
        let column = ((index % width) as f32 + x).round().clamp(0.0, (width - 1) as f32) as usize;
        let row = ((index / width) as f32 + y).round().clamp(0.0, (small.size.height - 1) as f32) as usize;
        if (0.02..=0.98).contains(&small.values[row * width + column]) {
            (sum, count) = (sum + confidence, count + 1);
        }
    }
    if count == 0 { 1.0 } else { sum / count as f32 }
}

/// A keyframe's matte, ready to be carried.
struct Carried<'a> {
    matte: &'a Alpha,
    settled: Settled,
    block: usize,
}

impl<'a> Carried<'a> {
    fn new(matte: &'a Alpha, small: &Small) -> Self {
        Self { matte, settled: Settled::of(matte, small.block), block: small.block }
    }
}

/// Both keyframes' mattes carried to a frame, mixed by nearness and by how far each way is to be believed; `share` is how
/// far the frame is on its way to the later one, 0 to 1.
fn blended(earlier: (&Carried<'_>, &Way), later: (&Carried<'_>, &Way), share: f32) -> Alpha {
    let (size, block) = (earlier.0.matte.size(), earlier.0.block);
    let (width, across) = (size.width as usize, earlier.1.flow.size.width as usize);
    let said = |cell: usize| {
        let [one, other] = [earlier, later].map(|(key, way)| key.settled.moved(cell, way.flow.vectors[cell]));
        if one == other { one } else { Says::Both }
    };
    let cells: Vec<Says> = (0..earlier.1.flow.size.area()).map(said).collect();
    let mut values = vec![0.0; size.area()];
    values.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        let [earlier, later] =
            [earlier, later].map(|(key, way)| Row::new(key.matte, &way.flow, &way.confidence, block, y));
        let cells = &cells[y / block * across..(y / block + 1) * across];
        for (x, value) in row.iter_mut().enumerate() {
            match cells[x / block] {
                Says::Background => {}
                Says::Subject => *value = 1.0,
                Says::Both => {
                    let ((first, believed), (second, also)) = (earlier.at(x), later.at(x));
                    let (near, far) = ((1.0 - share) * (believed + LEAST), share * (also + LEAST));
                    *value = ((near * first + far * second) / (near + far)).clamp(0.0, 1.0);
                }
            }
        }
    });
    Alpha::new(size, values)
}
