//! What a video file says of itself, as ffprobe reads it.

use std::{path::Path, process::Command};

use serde::{Deserialize, Deserializer};

use super::{ffmpeg::Ffmpeg, time::Ratio};
use crate::{Error, Kind, Result, pixels::Size};

/// A clip as its file describes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clip {
    /// Size in pixels as it is shown: upright.
    pub size: Size,
    /// Frames a second: the rate most frames keep.
    pub rate: Ratio,
    /// Length in seconds, where the file tells.
    pub seconds: Option<f64>,
    /// Number of frames, where the file tells.
    pub frames: Option<u64>,
    /// How samples are stored, in ffmpeg's words: `yuv420p`, `yuv420p10le` …
    pub pixel_format: String,
    /// Which matrix, primaries, transfer and range its colours have.
    pub color: ColorTags,
    /// Whether its frames have transparency.
    pub transparent: bool,
    /// Whether a frame holds two fields taken one after the other.
    pub interlaced: bool,
    /// The codec of its pictures.
    pub codec: String,
    /// Ratio of a pixel's width to its height, where that is not 1.
    pub pixel_shape: Option<Ratio>,
    /// Its sound.
    pub audio: Vec<Track>,
    /// Its subtitles.
    pub subtitles: Vec<Track>,
    /// Number of chapters.
    pub chapters: usize,
}

/// One stream beside the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Its codec in ffmpeg's words.
    pub codec: String,
}

/// Names that ffmpeg gives to matrix, primaries, transfer and range; `None` where the file says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColorTags {
    /// From luma and chroma to red, green, blue: `bt709`, `smpte170m`, `bt2020nc` …
    pub matrix: Option<String>,
    /// Which red, green and blue.
    pub primaries: Option<String>,
    /// From samples to light: `bt709`, `smpte2084` (PQ), `arib-std-b67` (HLG) …
    pub transfer: Option<String>,
    /// `tv` (16 to 235) or `pc` (0 to 255).
    pub range: Option<String>,
}

impl ColorTags {
    /// Whether its light goes beyond what ordinary screens show.
    #[must_use]
    pub fn is_high_dynamic_range(&self) -> bool {
        matches!(self.transfer.as_deref(), Some("smpte2084" | "arib-std-b67"))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Format>,
    #[serde(default)]
    chapters: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(default, deserialize_with = "number")]
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    pix_fmt: Option<String>,
    field_order: Option<String>,
    color_space: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    color_range: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    sample_aspect_ratio: Option<String>,
    #[serde(default, deserialize_with = "number")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    nb_frames: Option<f64>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

#[derive(Deserialize, Default)]
struct Tags {
    #[serde(default, deserialize_with = "number")]
    rotate: Option<f64>,
    #[serde(alias = "ALPHA_MODE")]
    alpha_mode: Option<String>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

/// A number that ffprobe writes as one or as text; anything else is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_f64().or_else(|| value.as_str()?.parse().ok()))
}

/// Reads what a file says of itself.
///
/// # Errors
/// [`Kind::InputUnreadable`] for a file that cannot be opened, [`Kind::InputEmpty`] for one without bytes,
/// [`Kind::VideoCorrupt`] for one that ffmpeg cannot make out, [`Kind::VideoUnreadable`] for one without moving pictures.
pub fn probe(ffmpeg: &Ffmpeg, path: &Path) -> Result<Clip> {
    let facts = std::fs::File::open(path).and_then(|file| file.metadata()).map_err(|error| {
        Error::new(Kind::InputUnreadable, format!("the file cannot be opened: {error}")).because(error)
    })?;
    if facts.is_dir() {
        return Err(Error::new(Kind::InputUnreadable, "this is a folder"));
    }
    if facts.len() == 0 {
        return Err(Error::new(Kind::InputEmpty, "the file has no bytes"));
    }
    let mut command = ffmpeg.probe_command();
    command.args(["-show_streams", "-show_format", "-show_chapters", "-of", "json"]);
    read_clip(&mut command, path);
    let output = command
        .output()
        .map_err(|error| Error::new(Kind::FfmpegUnusable, format!("ffprobe cannot be run: {error}")).because(error))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        if words.contains("not on whitelist") {
            let message = "it is a playlist, or of another kind than clips that hold all they show";
            return Err(Error::new(Kind::VideoUnreadable, message));
        }
        let said = words.lines().next().unwrap_or("ffprobe failed without a word");
        return Err(Error::new(Kind::VideoCorrupt, format!("ffprobe cannot make it out: {}", said.trim())));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::new(Kind::Internal, "ffprobe's answer cannot be read").because(error))?;
    clip(&answer)
}

/// The containers a clip may be: those that hold all they show. Playlists, which name other files to be read, are not among them.
const CONTAINERS: &str = "3g2,3gp,apng,asf,av1,avi,dv,flv,gif,h264,hevc,ivf,m4a,m4v,matroska,mj2,mov,mp4,mpeg,mpegts,mpegvideo,\
                          mxf,nut,obu,ogg,rm,vc1,webm,wtv,yuv4mpegpipe";

/// Has ffmpeg or ffprobe read a clip, which may be anybody's: this file and no other, whatever stands in it.
pub(super) fn read_clip(command: &mut Command, path: &Path) {
    command.args(["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS, "-i"]).arg(path_argument(path));
}

/// A path as ffmpeg takes it for a file, whatever it looks like: a name with a colon is no protocol.
pub(super) fn path_argument(path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from("file:");
    argument.push(path);
    argument
}

/// How names of pixel formats with transparency begin.
const ALPHA: [&str; 7] = ["yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya"];

fn clip(answer: &Answer) -> Result<Clip> {
    let is = |kind: &'static str| move |stream: &&Stream| stream.codec_type.as_deref() == Some(kind);
    let pictures = answer.streams.iter().filter(is("video")).find(|stream| stream.disposition.attached_pic == 0);
    let tracks = |kind| -> Vec<Track> {
        let name = |stream: &Stream| Track { codec: stream.codec_name.clone().unwrap_or_default() };
        answer.streams.iter().filter(is(kind)).map(name).collect()
    };
    let stream = pictures.filter(|stream| stream.width > 0 && stream.height > 0).ok_or_else(|| {
        let has =
            if answer.streams.iter().any(|s| s.codec_type.as_deref() == Some("audio")) { "only sound" } else { "none" };
        Error::new(Kind::VideoUnreadable, format!("the file has no moving pictures, {has}"))
    })?;
    let rates = [&stream.avg_frame_rate, &stream.r_frame_rate];
    let rate = rates.into_iter().flatten().find_map(|text| Ratio::parse(text)).unwrap_or(Ratio::new(25, 1));
    let name = |tag: &Option<String>| tag.clone().filter(|tag| !matches!(tag.as_str(), "unknown" | "reserved"));
    Ok(Clip {
        size: upright(stream),
        rate,
        seconds: stream.duration.or(answer.format.as_ref().and_then(|format| format.duration)),
        frames: stream.nb_frames.map(|count| count as u64).filter(|count| *count > 0),
        pixel_format: stream.pix_fmt.clone().unwrap_or_default(),
        color: ColorTags {
            matrix: name(&stream.color_space),
            primaries: name(&stream.color_primaries),
            transfer: name(&stream.color_transfer),
            range: name(&stream.color_range),
        },
        transparent: stream.tags.alpha_mode.as_deref() == Some("1")
            || stream.pix_fmt.as_deref().is_some_and(|pixels| ALPHA.iter().any(|start| pixels.starts_with(start))),
        interlaced: matches!(stream.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
        codec: stream.codec_name.clone().unwrap_or_default(),
        pixel_shape: stream
            .sample_aspect_ratio
            .as_deref()
            .and_then(Ratio::parse)
            .filter(|shape| shape.numerator != shape.denominator),
        audio: tracks("audio"),
        subtitles: tracks("subtitle"),
        chapters: answer.chapters.len(),
    })
}

/// The size after the turn that the file asks for, which ffmpeg carries out while decoding.
fn upright(stream: &Stream) -> Size {
    let turn = stream.side_data_list.iter().find_map(|data| data.rotation).or(stream.tags.rotate).unwrap_or(0.0);
    let quarter = ((turn / 90.0).round() as i64).rem_euclid(2) == 1;
    let (width, height) = (stream.width, stream.height);
    if quarter { Size::new(height, width) } else { Size::new(width, height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Clip> {
        clip(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_turned_clip_is_told_upright() {
        let json = r#"{"streams": [{"codec_type": "video", "codec_name": "h264", "width": 320, "height": 240,
            "avg_frame_rate": "30000/1001", "nb_frames": "30", "color_space": "bt709", "color_range": "unknown",
            "side_data_list": [{"rotation": -90}], "field_order": "progressive", "sample_aspect_ratio": "1:1"},
            {"codec_type": "audio", "codec_name": "aac"}], "format": {"duration": "1.001"}}"#;
        let clip = read(json).unwrap();
        assert_eq!((clip.size, clip.rate), (Size::new(240, 320), Ratio::new(30000, 1001)));
        assert_eq!((clip.frames, clip.seconds), (Some(30), Some(1.001)));
        assert_eq!((clip.color.matrix.as_deref(), clip.color.range), (Some("bt709"), None));
        assert_eq!((clip.audio.len(), clip.interlaced, clip.pixel_shape), (1, false, None));
    }

    #[test]
    fn a_cover_of_a_song_is_no_video() {
        let json = r#"{"streams": [{"codec_type": "audio", "codec_name": "mp3"},
            {"codec_type": "video", "codec_name": "mjpeg", "width": 500, "height": 500, "disposition": {"attached_pic": 1}}]}"#;
        let error = read(json).unwrap_err();
        assert_eq!(error.kind(), Kind::VideoUnreadable);
        assert!(error.to_string().contains("only sound"), "{error}");
    }
}
