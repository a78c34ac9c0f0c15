//! Frames into a file: ffmpeg encodes one segment of the clip.

use std::{
    io::{BufWriter, ErrorKind, Write},
    path::Path,
    process::{ChildStdin, Stdio},
};

use super::{
    child::Running,
    ffmpeg::Ffmpeg,
    formats::Encoding,
    matroska::{self, Samples},
    probe::path_argument,
    time::Ratio,
};
use crate::{Error, Kind, Result, pixels::Size};

/// The clock of a clip, as its frames carry it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clock {
    /// Length of a tick in seconds.
    pub tick: Ratio,
    /// Frames a second: how long the last frame is shown, and what players are told.
    pub rate: Ratio,
}

impl Clock {
    /// Ticks as microseconds, rounded.
    pub fn microseconds(self, ticks: i64) -> i64 {
        let (numerator, denominator) = (i128::from(self.tick.numerator), i128::from(self.tick.denominator));
        let product = i128::from(ticks) * numerator * 1_000_000;
        ((2 * product + denominator).div_euclid(2 * denominator)) as i64
    }

    /// Length of a frame in ticks, at least 1.
    pub fn frame(self) -> i64 {
        (1.0 / (self.rate.value() * self.tick.value())).round().max(1.0) as i64
    }
}

/// An encoder at work on one file.
pub(super) struct Writer {
    running: Option<Running>,
    pipe: Option<BufWriter<ChildStdin>>,
    clock: Clock,
    origin: i64,
}

impl Writer {
    /// Starts encoding into `path`, or standard output where there is none; `origin` is the time of the first frame.
    ///
    /// # Errors
    /// [`Kind::FfmpegUnusable`] when it cannot be started.
    pub fn open(
        ffmpeg: &Ffmpeg,
        path: Option<&Path>,
        encoding: &Encoding,
        size: Size,
        clock: Clock,
        origin: i64,
    ) -> Result<Self> {
        let mut command = ffmpeg.command("error");
        let Ratio { numerator, denominator } = clock.tick;
        command.args(["-f", "matroska", "-i", "pipe:0", "-map", "0:v:0"]);
        command.args(["-vf", &format!("settb={numerator}/{denominator}")]);
        command.args(["-enc_time_base", &format!("{numerator}/{denominator}")]).args(ffmpeg.pass_frames());
        command.args(&encoding.arguments);
        if matches!(encoding.container, "mp4" | "mov") {
            command.args(["-video_track_timescale", &(denominator / numerator.max(1)).max(1).to_string()]);
        }
        command.args(["-f", encoding.container, "-y"]).stdin(Stdio::piped());
        match path {
            Some(path) => command.arg(path_argument(path)),
            None => command.arg("pipe:1").stdout(Stdio::inherit()),
        };
        let mut running = Running::start(command, |_| false)?;
        let stdin = running.stdin().ok_or_else(|| Error::new(Kind::Internal, "the encoder has no input"))?;
        let mut writer =
            Self { running: Some(running), pipe: Some(BufWriter::with_capacity(1 << 16, stdin)), clock, origin };
        let samples = if encoding.alpha { Samples::WithAlpha } else { Samples::Opaque };
        writer.send(|pipe| matroska::begin(pipe, size, samples, clock.rate))?;
        Ok(writer)
    }

    /// Encodes one frame, given as planes.
    ///
    /// # Errors
    /// [`Kind::EncodingFailed`] with ffmpeg's words when it broke off; [`Kind::OutputUnwritable`] when the disk is full.
    pub fn write(&mut self, planes: &[&[u8]], ticks: i64) -> Result<()> {
        let microseconds = self.clock.microseconds(ticks - self.origin).max(0) as u64;
        self.send(|pipe| matroska::frame(pipe, planes, microseconds))
    }

    /// Ends the file and waits for it to be whole.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(mut self) -> Result<()> {
        self.send(Write::flush)?;
        drop(self.pipe.take());
        self.running.take().map_or(Ok(()), |running| running.finish(Kind::EncodingFailed, "encoding failed").map(drop))
    }

    fn send(&mut self, write: impl FnOnce(&mut BufWriter<ChildStdin>) -> std::io::Result<()>) -> Result<()> {
        let Some(pipe) = self.pipe.as_mut() else { return Ok(()) };
        let Err(error) = write(pipe) else { return Ok(()) };
        // What is left in the buffer is for nobody.
        let pipe = self.pipe.take().map(BufWriter::into_parts);
        drop(pipe);
        let Some(running) = self.running.take() else { return Ok(()) };
        if error.kind() == ErrorKind::BrokenPipe {
            running.finish(Kind::EncodingFailed, "encoding broke off")?;
        }
        Err(Error::new(Kind::EncodingFailed, format!("encoding broke off: {error}")).because(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_microseconds() {
        let clock = Clock { tick: Ratio::new(1001, 30000), rate: Ratio::new(30000, 1001) };
        assert_eq!([0, 1, 2, 3, -1].map(|ticks| clock.microseconds(ticks)), [0, 33367, 66733, 100_100, -33367]);
        assert_eq!(clock.frame(), 1);
        assert_eq!(Clock { tick: Ratio::new(1, 90000), rate: Ratio::new(25, 1) }.frame(), 3600);
    }
}
