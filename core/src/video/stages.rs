//! A clip's frames through named threads joined by bounded queues: decode, matte, composite, encode.

use std::{
    collections::VecDeque,
    sync::{
        OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    backdrop::Backdrop,
    child::Complaints,
    enlarge::enlarge,
    frame::{Frame, Matrix, frame_bytes},
    mix::{Behind, Grounds, mix, over, unspill},
    reader::Reader,
    small::Small,
    steady::{self, Steady, SteadyOptions},
};
use crate::{
    Error, Kind, Result,
    engine::Tensor,
    pixels::{Alpha, Rgb, Size},
    steps::spill::Spill,
};

/// Frames that wait between two stages.
const QUEUE: usize = 2;

/// One frame on its way, with what is known of it so far. Buffers go back to the reader and are used again.
pub(super) struct Carried {
    pub frame: Frame,
    /// Alpha of the frame's size, 255 meaning 1.
    pub alpha: Vec<u8>,
    /// Whether a segment begins with it.
    pub begins: bool,
    /// What was remembered before it, if a segment begins with it.
    pub memory: Vec<Tensor>,
    small: Small,
    matte: Alpha,
}

/// What finds mattes.
pub(super) trait Finder: Send {
    /// The matte of a small picture.
    fn matte(&mut self, picture: &Rgb) -> Result<Alpha>;

    /// What it remembers of the frames so far.
    fn memory(&self) -> Vec<Tensor>;
}

/// What each stage needs.
pub(super) struct Stages<'a> {
    pub reader: Reader,
    pub size: Size,
    pub small: Size,
    pub matrix: Matrix,
    /// Frames up to this time are read and passed over.
    pub after: Option<i64>,
    /// Frames from this time on are not wanted.
    pub before: Option<i64>,
    /// Frames in a segment.
    pub segment: u64,
    pub steady: Steady,
    /// Whether steadied mattes are fitted to their frames' edges.
    pub follow: bool,
    pub finder: &'a mut dyn Finder,
    pub backdrop: Backdrop,
    pub strength: f32,
    /// The screen's light that lies on the subject, once a matte was found before a screen.
    pub spill: &'a OnceLock<Option<Spill>>,
    /// Bytes that frames may take.
    pub memory: u64,
}

/// Frames in flight beside those that mattes are held back for: fewest, and most.
const MOVING: (usize, usize) = (4, 3 * QUEUE + 4);

/// How many frames memory has room for, of which mattes are held back for so many.
fn room(size: Size, small: Size, memory: u64, held: usize) -> usize {
    // The small planes and a matte of floats; for those whose mattes are made or steadied, pictures and copies of both.
    let each = frame_bytes(size) + size.area() + 7 * small.area();
    let beside = (held + 2) * 9 * small.area();
    usize::try_from(memory.saturating_sub(beside as u64) / each as u64).unwrap_or(usize::MAX)
}

/// Keyframes so close to each other that memory has room for the frames between them.
pub(super) fn fitting(steady: SteadyOptions, size: Size, small: Size, memory: u64) -> SteadyOptions {
    let SteadyOptions::Keyframes { spacing } = steady else { return steady };
    let fits = |spacing: &usize| room(size, small, memory, spacing - 1) >= spacing - 1 + MOVING.0;
    SteadyOptions::Keyframes { spacing: (2..=spacing).rev().find(fits).unwrap_or(2) }
}

/// Most frames in flight: as many as keep all stages busy, or as memory has room for.
fn most(size: Size, small: Size, memory: u64, held: usize) -> Result<usize> {
    let room = room(size, small, memory, held);
    if room < held + MOVING.0 {
        let megabytes = memory >> 20;
        let message = format!("{megabytes} MB of memory are too few for frames of {size}");
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    Ok(room.min(held + MOVING.1))
}

/// How long the stages worked, without waiting for each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Busy {
    /// Decoding: waiting for ffmpeg's frames.
    pub decode: Duration,
    /// Finding mattes.
    pub matte: Duration,
    /// Unmixing and mixing colours.
    pub composite: Duration,
    /// Encoding: waiting for ffmpeg to take frames.
    pub encode: Duration,
}

impl Busy {
    /// The stages with their times, in the order of the path.
    #[must_use]
    pub fn stages(&self) -> [(&'static str, Duration); 4] {
        [("decode", self.decode), ("matte", self.matte), ("composite", self.composite), ("encode", self.encode)]
    }

    /// The stage that all others wait for.
    #[must_use]
    pub fn bottleneck(&self) -> &'static str {
        self.stages().into_iter().max_by_key(|(_, time)| *time).map_or("decode", |(name, _)| name)
    }
}

/// Runs all stages; `encode` takes the finished frames in order, on the calling thread. The first error of any stage
/// ends all of them and is the one reported.
///
/// # Errors
/// What the stages report.
pub(super) fn run(
    stages: Stages<'_>,
    mut encode: impl FnMut(&mut Carried) -> Result<()>,
) -> Result<(Busy, Complaints)> {
    let most = most(stages.size, stages.small, stages.memory, stages.steady.latency())?;
    let Stages {
        reader,
        size,
        small,
        matrix,
        after,
        before,
        segment,
        steady,
        follow,
        finder,
        backdrop,
        strength,
        spill,
        ..
    } = stages;
    let (give_back, spare) = sync_channel(most);
    let (decoded, to_matte) = sync_channel(QUEUE);
    let (matted, to_composite) = sync_channel(QUEUE);
    let (mixed, to_encode) = sync_channel(QUEUE);
    let mut busy = Busy::default();
    thread::scope(|scope| {
        let reading = Reading { size, small, after, before, segment, most };
        let decode = spawn(scope, "decode", move || reading.run(reader, &spare, &decoded))?;
        let finding = spawn(scope, "matte", move || {
            Finding { steady, follow, finder, matrix, waiting: VecDeque::new() }.run(&to_matte, &matted)
        })?;
        let composite = spawn(scope, "composite", move || {
            Mixing { backdrop, matrix, strength, spill, size }.run(&to_composite, &mixed)
        })?;
        let mut encoded = Ok(());
        for mut carried in &to_encode {
            let begun = Instant::now();
            encoded = encode(&mut carried);
            busy.encode += begun.elapsed();
            if encoded.is_err() {
                break;
            }
            // The reader has gone when all frames are read.
            let _ = give_back.try_send(carried);
        }
        // With its queues closed, every stage comes to its end.
        drop((to_encode, give_back));
        let (decode, finding, composite) = (join(decode), join(finding), join(composite));
        encoded?;
        busy.composite = composite?;
        busy.matte = finding?;
        let (time, complaints) = decode?;
        busy.decode = time;
        Ok((busy, complaints))
    })
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: &str,
    stage: impl FnOnce() -> Result<T> + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, Result<T>>> {
    let started = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, stage);
    started.map_err(|error| Error::new(Kind::Internal, "cannot start a thread").because(error))
}

fn join<T>(stage: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    stage.join().unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a stage of the video broke down")))
}

struct Reading {
    size: Size,
    small: Size,
    after: Option<i64>,
    before: Option<i64>,
    segment: u64,
    /// Most frames in flight.
    most: usize,
}

impl Reading {
    fn run(
        self,
        mut reader: Reader,
        spare: &Receiver<Carried>,
        next: &SyncSender<Carried>,
    ) -> Result<(Duration, Complaints)> {
        let (mut made, mut count, mut busy) = (0, 0_u64, Duration::ZERO);
        let mut kept: Option<Carried> = None;
        loop {
            let mut carried = match kept.take().or_else(|| spare.try_recv().ok()) {
                Some(carried) => carried,
                None if made < self.most => {
                    made += 1;
                    self.fresh()
                }
                None => match spare.recv() {
                    Ok(carried) => carried,
                    // A later stage has ended: its error is the one that counts.
                    Err(_) => return Ok((busy, reader.end())),
                },
            };
            let begun = Instant::now();
            let more = reader.next(&mut carried.frame)?;
            busy += begun.elapsed();
            if !more {
                return Ok((busy, reader.finish()?));
            }
            let ticks = carried.frame.ticks;
            if self.before.is_some_and(|before| ticks >= before) {
                return Ok((busy, reader.end()));
            }
            if self.after.is_some_and(|after| ticks <= after) {
                kept = Some(carried);
                continue;
            }
            carried.begins = count.is_multiple_of(self.segment);
            count += 1;
            if next.send(carried).is_err() {
                return Ok((busy, reader.end()));
            }
        }
    }

    fn fresh(&self) -> Carried {
        Carried {
            frame: Frame::black(self.size),
            alpha: Vec::new(),
            begins: false,
            memory: Vec::new(),
            small: Small { size: self.small, planes: [Vec::new(), Vec::new(), Vec::new()] },
            matte: Alpha::filled(Size::new(1, 1), 0.0),
        }
    }
}

struct Finding<'a> {
    steady: Steady,
    follow: bool,
    finder: &'a mut dyn Finder,
    matrix: Matrix,
    waiting: VecDeque<Carried>,
}

impl Finding<'_> {
    fn run(mut self, frames: &Receiver<Carried>, next: &SyncSender<Carried>) -> Result<Duration> {
        let mut busy = Duration::ZERO;
        for mut carried in frames {
            let begun = Instant::now();
            let mut mattes = Vec::new();
            // What comes of a segment depends on its frames alone, so that work can go on between any two.
            if carried.begins {
                mattes = self.steady.finish(&mut |picture| self.finder.matte(picture))?;
                carried.memory = self.finder.memory();
            }
            carried.small = Small::of(&carried.frame, carried.small.size)?;
            let picture = carried.small.rgb(self.matrix);
            self.waiting.push_back(carried);
            mattes.extend(self.steady.push(picture, &mut |picture| self.finder.matte(picture))?);
            busy += begun.elapsed();
            if !self.pass_on(mattes, next, &mut busy) {
                return Ok(busy);
            }
        }
        let begun = Instant::now();
        let mattes = self.steady.finish(&mut |picture| self.finder.matte(picture))?;
        busy += begun.elapsed();
        self.pass_on(mattes, next, &mut busy);
        Ok(busy)
    }

    /// Whether the next stage still takes frames.
    fn pass_on(&mut self, mattes: Vec<Alpha>, next: &SyncSender<Carried>, busy: &mut Duration) -> bool {
        mattes.into_iter().all(|mut matte| {
            let Some(carried) = self.waiting.pop_front() else { return true };
            if self.follow {
                let begun = Instant::now();
                steady::follow(&carried.small.rgb(self.matrix), &mut matte);
                *busy += begun.elapsed();
            }
            next.send(Carried { matte, ..carried }).is_ok()
        })
    }
}

struct Mixing<'a> {
    backdrop: Backdrop,
    matrix: Matrix,
    strength: f32,
    spill: &'a OnceLock<Option<Spill>>,
    size: Size,
}

impl Mixing<'_> {
    fn run(mut self, frames: &Receiver<Carried>, next: &SyncSender<Carried>) -> Result<Duration> {
        let mut busy = Duration::ZERO;
        for mut carried in frames {
            let begun = Instant::now();
            let Carried { frame, alpha, small, matte, .. } = &mut carried;
            enlarge(matte, &small.planes[0], frame.planes()[0], self.size, alpha);
            let grounds = Grounds::of(small, matte);
            let behind = self.backdrop.next(|| small.rgb(self.matrix), matte, self.matrix)?;
            if let Some(spill) = self.spill.get().copied().flatten() {
                // On the subject's own colours, before they are mixed with others.
                mix(frame, alpha, &grounds, self.strength, Behind::Nothing);
                unspill(frame, alpha, spill);
                over(frame, alpha, behind);
            } else {
                mix(frame, alpha, &grounds, self.strength, behind);
            }
            busy += begun.elapsed();
            if next.send(carried).is_err() {
                break;
            }
        }
        Ok(busy)
    }
}
