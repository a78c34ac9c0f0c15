//! The network's mattes of neighbouring frames, brought together along their motion.

use std::{borrow::Cow, collections::VecDeque};

use rayon::prelude::*;

use super::{
    cut::Histogram,
    flow::{self, Flow},
    settled::{Says, Settled, unsettled},
    small::Small,
    warp::{self, Row},
};
use crate::{
    pixels::{Alpha, Rgb},
    steps::planes::Plane,
};

/// Frames looked at on either side.
pub const REACH: usize = 2;
/// Most cells across a frame in which motion is found.
pub const COLUMNS: usize = 256;
/// Cells around where mattes are unsettled in which motion is looked for at full size: what comes from farther within one frame is
/// too fast to be followed that finely.
const AROUND: usize = 4;
/// A difference from the median by which a neighbour's value hardly counts in the mean.
const APART: f32 = 0.4;

/// Frames whose mattes wait for those after them.
#[derive(Debug, Default)]
pub struct Window {
    frames: VecDeque<Seen>,
    /// How many of them, from the first, are only neighbours any more.
    done: usize,
}

#[derive(Debug)]
struct Seen {
    small: Small,
    histogram: Histogram,
    matte: Alpha,
    settled: Settled,
    /// To the next frame and to the one before, if they belong to the same shot.
    next: Option<Flow>,
    previous: Option<Flow>,
}

/// A neighbour's matte and the way to it and home.
struct Neighbour<'a> {
    seen: &'a Seen,
    flow: Cow<'a, Flow>,
    home: Cow<'a, Flow>,
}

impl Window {
    /// Takes the next frame with its matte; answers what became final.
    pub fn push(&mut self, frame: &Rgb, matte: Alpha) -> Vec<Alpha> {
        let small = Small::new(frame, COLUMNS);
        let histogram = Histogram::of(&small.luma);
        let mut ready = Vec::new();
        if self.frames.back().is_some_and(|last| last.histogram.is_cut(&histogram)) {
            ready = self.finish();
        }
        let settled = Settled::of(&matte, small.block);
        let mut seen = Seen { small, histogram, matte, settled, next: None, previous: None };
        if let Some(last) = self.frames.back_mut() {
            let (here, there) = (&last.small.pyramid, &seen.small.pyramid);
            let near = unsettled([&last.settled, &seen.settled].into_iter());
            let near = warp::grown(&near, seen.small.size(), AROUND);
            let (next, previous) =
                rayon::join(|| flow::between_where(here, there, &near), || flow::between_where(there, here, &near));
            (last.next, seen.previous) = (Some(next), Some(previous));
        }
        self.frames.push_back(seen);
        if self.frames.len() > self.done + REACH {
            ready.push(self.steady(self.done));
            self.done += 1;
        }
        if self.done > REACH {
            self.frames.pop_front();
            self.done -= 1;
        }
        ready
    }

    /// The shot ends: the rest.
    pub fn finish(&mut self) -> Vec<Alpha> {
        let rest = (self.done..self.frames.len()).map(|index| self.steady(index)).collect();
        *self = Self::default();
        rest
    }

    /// The matte of one frame with the help of its neighbours.
    fn steady(&self, index: usize) -> Alpha {
        let seen = &self.frames[index];
        let (size, block) = (seen.matte.size(), seen.small.block);
        let (width, across) = (size.width as usize, seen.small.size().width as usize);
        let around = self.frames.range(index.saturating_sub(REACH)..(index + REACH + 1).min(self.frames.len()));
        let near = unsettled(around.map(|seen| &seen.settled));
        let near = warp::grown(&near, seen.small.size(), AROUND);
        let neighbours = self.neighbours(index, &near);
        let is_open = |(cell, near): (usize, &bool)| *near && is_open(seen, &neighbours, cell);
        let open: Vec<bool> = near.iter().enumerate().map(is_open).collect();
        // Pixels are between their own cell and the next.
        let cells = warp::grown(&open, seen.small.size(), 1);
        let believed: Vec<Plane> = neighbours.iter().map(|neighbour| neighbour.confidence(seen, &cells)).collect();
        let mut values = seen.matte.values().to_vec();
        values.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
            let open = &open[y / block * across..(y / block + 1) * across];
            if !open.contains(&true) {
                return;
            }
            let others = neighbours.iter().zip(&believed);
            let others: Vec<_> =
                others.map(|(n, believed)| Row::new(&n.seen.matte, &n.flow, believed, block, y)).collect();
            for (x, value) in row.iter_mut().enumerate().filter(|(x, _)| open[x / block]) {
                let mut found = [(0.0, 0.0); 2 * REACH];
                found.iter_mut().zip(&others).for_each(|(found, other)| *found = other.at(x));
                *value = robust_mean(*value, &found[..others.len()]);
            }
        });
        Alpha::new(size, values)
    }

    /// The frames before and after, and the ways to them, which are exact `near` where mattes are unsettled.
    fn neighbours(&self, index: usize, near: &[bool]) -> Vec<Neighbour<'_>> {
        let mut neighbours = Vec::with_capacity(2 * REACH);
        for step in [Step::Forward, Step::Back] {
            let (mut at, first) = (index, neighbours.len());
            for _ in 0..REACH {
                let Some((next, there, back)) = self.step(at, step) else { break };
                let before: Option<&Neighbour<'_>> = neighbours[first..].last();
                let (flow, home) = match before {
                    Some(Neighbour { flow, home, .. }) => {
                        let (flow, home) =
                            (warp::composed(flow, there, Some(near)), warp::composed(back, home, Some(near)));
                        (Cow::Owned(flow), Cow::Owned(home))
                    }
                    None => (Cow::Borrowed(there), Cow::Borrowed(back)),
                };
                at = next;
                neighbours.push(Neighbour { seen: &self.frames[at], flow, home });
            }
        }
        neighbours
    }

    /// The frame one step on, the motion there and back.
    fn step(&self, at: usize, step: Step) -> Option<(usize, &Flow, &Flow)> {
        let (next, there, back) = match step {
            Step::Forward => (at + 1, &self.frames[at].next, &self.frames.get(at + 1)?.previous),
            Step::Back => {
                let before = at.checked_sub(1)?;
                (before, &self.frames[at].previous, &self.frames[before].next)
            }
        };
        Some((next, there.as_ref()?, back.as_ref()?))
    }
}

impl Neighbour<'_> {
    /// How far the way to it is to be believed in these cells of a frame.
    fn confidence(&self, from: &Seen, cells: &[bool]) -> Plane {
        let mut confidence = warp::confidence(&from.small, &self.seen.small, &self.flow, Some(cells));
        warp::check_return(&mut confidence, &self.flow, &self.home, Some(cells));
        confidence
    }
}

/// Whether any of the frames says something else in a cell than the others.
fn is_open(seen: &Seen, neighbours: &[Neighbour<'_>], cell: usize) -> bool {
    let here = seen.settled.cell(cell);
    here == Says::Both || neighbours.iter().any(|n| n.seen.settled.moved(cell, n.flow.vectors[cell]) != here)
}

#[derive(Clone, Copy)]
enum Step {
    Forward,
    Back,
}

/// The mean of a value and its neighbours' `(value, confidence)`, near their median: a single frame's blunder has no say,
/// and where the neighbours are not to be believed, the value stays.
fn robust_mean(own: f32, found: &[(f32, f32)]) -> f32 {
    if found.iter().all(|(value, _)| *value == own) {
        return own;
    }
    let mut all = [own; 2 * REACH + 1];
    for (slot, (value, confidence)) in all[1..].iter_mut().zip(found) {
        *slot = own + confidence * (value - own);
    }
    let used = &mut all[..=found.len()];
    used.sort_unstable_by(f32::total_cmp);
    let middle = used[used.len() / 2];
    let near = |value: f32| (-((value - middle) / APART).powi(2)).exp();
    let (mut sum, mut weight) = (near(own) * own, near(own));
    for (value, confidence) in found {
        let share = confidence * near(*value);
        (sum, weight) = (sum + share * value, weight + share);
    }
    // Between the values, and the median's own value is among them unless confidences drew it in.
    if weight > 1e-3 { (sum / weight).clamp(0.0, 1.0) } else { middle }
}
