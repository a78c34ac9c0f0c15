//! Frames out of a file: ffmpeg decodes, turns upright, deinterlaces and scales; every frame comes with its own time.

use std::{
    io::{ErrorKind, Read},
    path::Path,
    process::{ChildStdout, Stdio},
    sync::mpsc::{Receiver, channel},
};

use super::{
    child::{Complaints, Running},
    ffmpeg::Ffmpeg,
    frame::Frame,
    probe::path_argument,
    time::Ratio,
};
use crate::{Error, Kind, Result, pixels::Size};

/// What of a file is read, and how.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Seconds of the clip from which on frames are wanted; 0 is its beginning.
    pub from: f64,
    /// ffmpeg's filters, in order.
    pub filters: Vec<String>,
    /// Whether the file is begun again at its end, for ever.
    pub repeated: bool,
    /// Size of the frames that the filters give.
    pub size: Size,
    /// A decoder to use instead of ffmpeg's own choice.
    pub decoder: Option<&'static str>,
}

/// A decoder at work.
pub(super) struct Reader {
    running: Option<Running>,
    pictures: ChildStdout,
    /// The times of frames, in the order in which the frames come.
    times: Receiver<i64>,
    size: Size,
    tick: Ratio,
    /// The time of the first frame, which is waited for to learn the clock.
    first: Option<i64>,
}

impl Reader {
    /// Starts decoding.
    ///
    /// # Errors
    /// [`Kind::VideoCorrupt`] when not even one frame can be decoded and something is wrong with the file.
    /// `Ok(None)` when there is no frame from that time on.
    pub fn open(ffmpeg: &Ffmpeg, path: &Path, reading: &Reading) -> Result<Option<Self>> {
        let mut command = ffmpeg.command("info");
        // With these, times are those of the clip wherever reading begins.
        command.args(["-copyts", "-start_at_zero"]);
        if reading.repeated {
            command.args(["-stream_loop", "-1"]);
        }
        if reading.from > 0.0 {
            command.args(["-ss", &format!("{:.6}", reading.from)]);
        }
        if let Some(decoder) = reading.decoder {
            command.args(["-c:v", decoder]);
        }
        let filters = [&reading.filters[..], &["showinfo=checksum=0".to_owned()]].concat().join(",");
        command.arg("-i").arg(path_argument(path));
        command.args(["-map", "0:v:0", "-vf", &filters]).args(ffmpeg.pass_frames());
        command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]).stdout(Stdio::piped());

        let (say_tick, hear_tick) = channel();
        let (say_time, times) = channel();
        let mut running = Running::start(command, move |line| match Told::of(line) {
            // Nobody listens any more when the reader was dropped early.
            Some(Told::Clock(tick)) => say_tick.send(tick).is_ok(),
            Some(Told::Time(ticks)) => say_time.send(ticks).is_ok(),
            Some(Told::Nothing) => true,
            None => false,
        })?;
        let pictures = running.stdout().ok_or_else(|| Error::new(Kind::Internal, "the decoder has no output"))?;
        // A filter may set its clock anew; the last word before the first frame counts.
        let first = times.recv().ok();
        let tick = hear_tick.try_iter().last();
        match (first, tick) {
            (Some(first), Some(tick)) => {
                Ok(Some(Self { running: Some(running), pictures, times, size: reading.size, tick, first: Some(first) }))
            }
            _ => running.finish(Kind::VideoCorrupt, "it cannot be decoded").and_then(|complaints| {
                let nothing = complaints.count == 0;
                if nothing { Ok(None) } else { Err(complaints.error(Kind::VideoCorrupt, "no frame can be decoded")) }
            }),
        }
    }

    /// Length of a tick of the clip's clock in seconds.
    pub fn tick(&self) -> Ratio {
        self.tick
    }

    /// Reads the next frame into `frame`; false at the end.
    ///
    /// # Errors
    /// [`Kind::VideoCorrupt`] when the decoder breaks off.
    pub fn next(&mut self, frame: &mut Frame) -> Result<bool> {
        debug_assert_eq!(frame.size(), self.size, "buffers are of the frames' size");
        match self.pictures.read_exact(frame.samples_mut()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => {
                return Err(Error::new(Kind::VideoCorrupt, format!("decoding broke off: {error}")).because(error));
            }
        }
        // The line about a frame is written before the frame.
        let ticks = self.first.take().or_else(|| self.times.recv().ok());
        frame.ticks = ticks.ok_or_else(|| Error::new(Kind::Internal, "ffmpeg told no time of a frame"))?;
        Ok(true)
    }

    /// Waits for the decoder's end and tells what it complained of.
    ///
    /// # Errors
    /// [`Kind::VideoCorrupt`] when it failed.
    pub fn finish(mut self) -> Result<Complaints> {
        let running = self.running.take();
        running.map_or_else(
            || Ok(Complaints::default()),
            |running| running.finish(Kind::VideoCorrupt, "decoding broke off"),
        )
    }

    /// Ends decoding before the file's end.
    pub fn end(mut self) -> Complaints {
        self.running.take().map_or_else(Complaints::default, Running::end)
    }
}

/// What a line of the filter `showinfo` tells.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The length of a tick.
    Clock(Ratio),
    /// The time of a frame in ticks.
    Time(i64),
    /// Something about the frame before.
    Nothing,
}

impl Told {
    fn of(line: &str) -> Option<Self> {
        let told = line.strip_prefix("[Parsed_showinfo_")?.split_once("[info] ")?.1;
        if let Some(rest) = told.strip_prefix("config in time_base:") {
            return Some(
                rest.split(',').next().and_then(|text| Ratio::parse(text.trim())).map_or(Self::Nothing, Self::Clock),
            );
        }
        let time = told.strip_prefix("n:").and_then(|rest| rest.split_once("pts:")).map(|(_, rest)| rest.trim_start());
        let number = time.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        Some(number.map_or(Self::Nothing, Self::Time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_frames_are_understood() {
        let cases = [
            (
                "[Parsed_showinfo_1 @ 0x5] [info] config in time_base: 1/30000, frame_rate: 30000/1001",
                Some(Told::Clock(Ratio::new(1, 30000))),
            ),
            ("[Parsed_showinfo_1 @ 0x5] [info] config out time_base: 0/0, frame_rate: 0/0", Some(Told::Nothing)),
            (
                "[Parsed_showinfo_2 @ 0x5] [info] n:   0 pts:  15015 pts_time:0.5005  pos:    27935 fmt:yuv420p",
                Some(Told::Time(15015)),
            ),
            ("[Parsed_showinfo_2 @ 0x5] [info] n:  12 pts:-512 pts_time:-0.5 duration: 512", Some(Told::Time(-512))),
            ("[Parsed_showinfo_2 @ 0x5] [info] color_range:unknown color_space:unknown", Some(Told::Nothing)),
            ("[h264 @ 0x5] [error] error while decoding MB 3 4", None),
        ];
        for (line, expected) in cases {
            assert_eq!(Told::of(line), expected, "{line}");
        }
    }
}
