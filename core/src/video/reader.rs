//! Frames out of a file: ffmpeg decodes, turns upright, deinterlaces and scales; every frame comes with its own time.

use std::{
    io::{ErrorKind, Read},
    path::Path,
    process::{ChildStdout, Stdio},
    str::FromStr,
    sync::mpsc::{Receiver, channel},
};

use super::{
    child::{Complaints, Running},
    ffmpeg::Ffmpeg,
    frame::Frame,
    probe::{Clip, read_clip},
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
    /// The decoder in ffmpeg's words, where not its own choice.
    pub decoder: Option<&'static str>,
}

/// Where clips are read from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    File(&'a Path),
    /// This process's standard input; frames without a header must be described.
    Stdin(Option<&'a RawFrames>),
}

/// Frames that follow each other without any header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrames {
    /// Size of a frame.
    pub size: Size,
    /// Frames a second.
    pub rate: Ratio,
    /// How samples are stored, in ffmpeg's words: `rgb24`, `yuv420p` …
    pub pixels: String,
}

impl FromStr for RawFrames {
    type Err = String;

    /// Reads `1280x720,25,rgb24`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "write size, rate and pixel format, such as 1280x720,25,rgb24".to_owned();
        let mut parts = text.split(',');
        let (size, rate, pixels) = (parts.next(), parts.next(), parts.next());
        let (Some(size), Some(rate), Some(pixels), None) = (size, rate, pixels, parts.next()) else {
            return Err(wrong());
        };
        let size = size_of(size).ok_or_else(wrong)?;
        let named = !pixels.is_empty() && pixels.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if named { Ok(Self { size, rate: rate.parse()?, pixels: pixels.to_owned() }) } else { Err(wrong()) }
    }
}

/// Reads `1280x720`.
fn size_of(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    Some(Size::new(width.parse().ok()?, height.parse().ok()?))
}

/// A decoder at work.
pub(super) struct Reader {
    running: Option<Running>,
    pictures: ChildStdout,
    /// The times of frames, in the order in which the frames come.
    times: Receiver<(i64, Size)>,
    size: Size,
    tick: Ratio,
    rate: Option<Ratio>,
    /// The time of the first frame, which is waited for to learn clock and size.
    first: Option<i64>,
}

impl Reader {
    /// Starts decoding.
    ///
    /// # Errors
    /// [`Kind::VideoCorrupt`] when not even one frame can be decoded and something is wrong with the file.
    /// `Ok(None)` when there is no frame from that time on.
    pub fn open(ffmpeg: &Ffmpeg, source: Source<'_>, reading: &Reading) -> Result<Option<Self>> {
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
        match source {
            Source::File(path) => {
                read_clip(&mut command, path);
            }
            Source::Stdin(raw) => {
                if let Some(RawFrames { size: Size { width, height }, rate, pixels }) = raw {
                    command.args(["-f", "rawvideo", "-video_size", &format!("{width}x{height}")]);
                    command.args(["-framerate", &rate.to_string(), "-pixel_format", pixels]);
                }
                command.args(["-i", "pipe:0"]).stdin(Stdio::inherit());
            }
        }
        command.args(["-map", "0:v:0", "-vf", &filters]).args(ffmpeg.pass_frames());
        command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]).stdout(Stdio::piped());

        let (say_tick, hear_tick) = channel();
        let (say_time, times) = channel();
        let mut running = Running::start(command, move |line| match Told::of(line) {
            // Nobody listens any more when the reader was dropped early.
            Some(Told::Clock(tick, rate)) => say_tick.send((tick, rate)).is_ok(),
            Some(Told::Time(ticks, size)) => say_time.send((ticks, size)).is_ok(),
            Some(Told::Nothing) => true,
            None => false,
        })?;
        let pictures = running.stdout().ok_or_else(|| Error::new(Kind::Internal, "the decoder has no output"))?;
        // A filter may set its clock anew; the last word before the first frame counts.
        let first = times.recv().ok();
        let tick = hear_tick.try_iter().last();
        match (first, tick) {
            (Some((first, size)), Some((tick, rate))) => {
                Ok(Some(Self { running: Some(running), pictures, times, size, tick, rate, first: Some(first) }))
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

    /// Size of the frames.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The clip as far as its frames tell.
    pub fn clip(&self) -> Clip {
        let rate = self.rate.unwrap_or(Ratio::new(25, 1));
        Clip { size: self.size, rate, pixel_format: "yuv420p".to_owned(), ..Clip::default() }
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
        let ticks = self.first.take().or_else(|| self.times.recv().ok().map(|(ticks, _)| ticks));
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
    /// The length of a tick, and frames a second where that is known.
    Clock(Ratio, Option<Ratio>),
    /// The time of a frame in ticks, and its size.
    Time(i64, Size),
    /// Something about the frame before.
    Nothing,
}

impl Told {
    fn of(line: &str) -> Option<Self> {
        let told = line.strip_prefix("[Parsed_showinfo_")?.split_once("[info] ")?.1;
        if let Some(rest) = told.strip_prefix("config in time_base:") {
            let (tick, rate) = rest.split_once(", frame_rate:").unwrap_or((rest, ""));
            let tick = Ratio::parse(tick.trim());
            return Some(tick.map_or(Self::Nothing, |tick| Self::Clock(tick, Ratio::parse(rate.trim()))));
        }
        let frame = || {
            let (_, rest) = told.strip_prefix("n:")?.split_once("pts:")?;
            let ticks = rest.split_whitespace().next()?.parse().ok()?;
            let size = size_of(rest.split_whitespace().find_map(|word| word.strip_prefix("s:"))?)?;
            Some(Self::Time(ticks, size))
        };
        Some(frame().unwrap_or(Self::Nothing))
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
                Some(Told::Clock(Ratio::new(1, 30000), Some(Ratio::new(30000, 1001)))),
            ),
            ("[Parsed_showinfo_1 @ 0x5] [info] config out time_base: 0/0, frame_rate: 0/0", Some(Told::Nothing)),
            (
                "[Parsed_showinfo_2 @ 0x5] [info] n:   0 pts:  15015 pts_time:0.5005  pos:    27935 fmt:yuv420p sar:1/1 s:320x240 i:P",
                Some(Told::Time(15015, Size::new(320, 240))),
            ),
            (
                "[Parsed_showinfo_2 @ 0x5] [info] n:  12 pts:-512 pts_time:-0.5 duration: 512 fmt:yuv420p s:64x48 i:P",
                Some(Told::Time(-512, Size::new(64, 48))),
            ),
            ("[Parsed_showinfo_2 @ 0x5] [info] color_range:unknown color_space:unknown", Some(Told::Nothing)),
            ("[h264 @ 0x5] [error] error while decoding MB 3 4", None),
        ];
        for (line, expected) in cases {
            assert_eq!(Told::of(line), expected, "{line}");
        }
    }
}
