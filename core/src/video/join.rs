//! Finished segments become the file that was asked for, with the sound, subtitles and chapters of the source.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    child::Running,
    ffmpeg::Ffmpeg,
    formats::{Container, Ending},
    probe::{Clip, path_argument, read_clip},
    segments::{Segments, unwritable},
    writer::Clock,
};
use crate::{Error, Kind, Result};

/// What is joined, and with what.
pub(super) struct Joining<'a> {
    pub ffmpeg: &'a Ffmpeg,
    pub segments: &'a Segments,
    /// Name of the segments' files and their container.
    pub file: (&'a str, &'a str),
    pub clock: Clock,
    /// The source, where sound is to be kept.
    pub source: Option<(&'a Path, &'a Clip)>,
    /// Seconds of the source where the output begins, and how many of it are kept.
    pub from: f64,
    pub seconds: Option<f64>,
}

/// Codecs of subtitles that are text.
const TEXT: &[&str] = &["subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"];

impl Joining<'_> {
    /// Makes `output` (which must not exist) of the segments; says what of the source could not be kept.
    ///
    /// # Errors
    /// [`Kind::EncodingFailed`], [`Kind::OutputUnwritable`], [`Kind::EncoderMissing`] when this ffmpeg cannot encode
    /// the sound as the container needs it.
    pub fn finish(&self, ending: Ending, output: &Path) -> Result<Vec<String>> {
        let list = self.list()?;
        let mut notes = Vec::new();
        match ending {
            Ending::Joined(container) => {
                let mut command = self.pictures(&list);
                self.tracks(&mut command, container, &mut notes)?;
                command.args(["-c:v", "copy"]);
                if matches!(container.muxer, "mp4" | "mov") {
                    command.args(["-movflags", "+faststart"]);
                    command.args(["-video_track_timescale", &self.clock.tick.denominator.to_string()]);
                }
                self.run(command, &["-f", container.muxer], output)?;
            }
            Ending::Gif => {
                let palette = self.segments.beside("palette.png");
                let mut command = self.pictures(&list);
                command.args(["-vf", "palettegen=reserve_transparent=1", "-frames:v", "1"]);
                self.run(command, &["-update", "1", "-f", "image2"], &palette)?;
                let mut command = self.pictures(&list);
                command.arg("-i").arg(path_argument(&palette));
                command.args(["-lavfi", "[0:v][1:v]paletteuse=alpha_threshold=128", "-loop", "0"]);
                self.run(command, &["-f", "gif"], output)?;
            }
            Ending::Webp => {
                if !self.ffmpeg.has_encoder("libwebp_anim") {
                    let message = "this ffmpeg has no encoder for animated WebP: libwebp_anim is needed";
                    return Err(Error::new(Kind::EncoderMissing, message));
                }
                let mut command = self.pictures(&list);
                command.args(["-c:v", "libwebp_anim", "-quality", "85", "-loop", "0"]);
                self.run(command, &["-f", "webp"], output)?;
            }
            // Nothing was kept to be joined.
            Ending::Piped => {}
            Ending::Pictures => {
                fs::create_dir_all(output).map_err(|error| unwritable(output, error))?;
                let mut command = self.pictures(&list);
                command.args(self.ffmpeg.pass_frames()).args(["-start_number", "1", "-c:v", "png"]);
                self.run(command, &["-f", "image2"], &output.join("%06d.png"))?;
            }
        }
        Ok(notes)
    }

    /// Writes the list of segments, each with its exact length, for ffmpeg.
    fn list(&self) -> Result<PathBuf> {
        let (file, container) = self.file;
        let done = &self.segments.done;
        let mut text = "ffconcat version 1.0\n".to_owned();
        let origin = done.first().map_or(0, |segment| segment.first);
        for (index, segment) in done.iter().enumerate() {
            let next = done.get(index + 1).map_or(segment.last + self.clock.frame(), |next| next.first);
            let at = |ticks| self.clock.microseconds(ticks - origin);
            let name = self.segments.path(index, file, container);
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let seconds = (at(next) - at(segment.first)) as f64 / 1e6;
            text.push_str(&format!("file '{name}'\nduration {seconds:.6}\n"));
        }
        let path = self.segments.beside(&format!("{file}.ffconcat"));
        fs::write(&path, text).map_err(|error| unwritable(&path, error))?;
        Ok(path)
    }

    /// A command whose first input is the pictures, beginning when they begin in the source.
    fn pictures(&self, list: &Path) -> Command {
        let mut command = self.ffmpeg.command("error");
        let first = self.segments.done.first().map_or(0, |segment| segment.first);
        let late = self.clock.microseconds(first) as f64 / 1e6 - self.from;
        if late > 0.0 {
            command.args(["-itsoffset", &format!("{late:.6}")]);
        }
        command.args(["-f", "concat", "-safe", "0", "-i"]).arg(path_argument(list));
        command
    }

    /// Adds sound, subtitles, chapters and what the source says of itself.
    fn tracks(&self, command: &mut Command, container: Container, notes: &mut Vec<String>) -> Result<()> {
        let Some((source, clip)) = self.source else {
            command.args(["-map", "0:v:0"]);
            return Ok(());
        };
        if self.from > 0.0 {
            command.args(["-ss", &format!("{:.6}", self.from)]);
        }
        if let Some(seconds) = self.seconds {
            command.args(["-t", &format!("{seconds:.6}")]);
        }
        read_clip(command, source);
        command.args(["-map", "0:v:0", "-map", "1:a?", "-map_metadata", "1", "-map_chapters", "1"]);
        if self.from > 0.0 {
            // Reading begins where the pictures' decoder could begin: copied sound from before would come along.
            command.args(["-copypriorss", "0"]);
        }
        for (index, track) in clip.audio.iter().enumerate() {
            let fits = container.audio.is_empty() || container.audio.contains(&track.codec.as_str());
            let codec = if fits { "copy" } else { self.audio_encoder(container, &track.codec, notes)? };
            command.args([&format!("-c:a:{index}"), codec]);
        }
        let mut kept = 0;
        for (index, track) in clip.subtitles.iter().enumerate() {
            if !TEXT.contains(&track.codec.as_str()) && container.muxer != "matroska" {
                notes.push(format!("subtitles of the kind {} cannot be kept in {}", track.codec, container.muxer));
                continue;
            }
            let copied = container.muxer == "matroska" && track.codec != "mov_text";
            let codec = if copied { "copy" } else { container.subtitles };
            command.args(["-map", &format!("1:s:{index}"), &format!("-c:s:{kept}"), codec]);
            kept += 1;
        }
        Ok(())
    }

    fn audio_encoder(&self, container: Container, codec: &str, notes: &mut Vec<String>) -> Result<&'static str> {
        let found = container.audio_encoders.iter().find(|name| self.ffmpeg.has_encoder(name));
        let encoder = found.copied().ok_or_else(|| {
            let message =
                format!("{} cannot hold sound as {codec}, and this ffmpeg cannot encode it anew", container.muxer);
            Error::new(Kind::EncoderMissing, message)
        })?;
        notes.push(format!("sound as {codec} cannot be kept in {}: encoded anew by {encoder}", container.muxer));
        Ok(encoder)
    }

    fn run(&self, mut command: Command, last: &[&str], output: &Path) -> Result<()> {
        command.args(last).arg("-y").arg(path_argument(output));
        Running::start(command, |_| false)?.finish(Kind::EncodingFailed, "joining the segments failed").map(drop)
    }
}
