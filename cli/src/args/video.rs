//! The command line of `video`.

use std::path::PathBuf;

use backgroundfx_core::video::{Content, Ratio, RawFrames, Scale, parse_seconds, steady::SteadyOptions};
use clap::ValueEnum;

use super::CutArguments;

pub const EXAMPLES: &str = "\
Examples:
  backgroundfx video clip.mp4 --background beach.jpg -o out.mp4
  backgroundfx video clip.mp4                                  clip-nobg.webm, with transparency
  backgroundfx video clip.mp4 -o clip.mov                      ProRes 4444 for editing programs
  backgroundfx video clip.mp4 --background blur -o call.mp4 --model selfie
  backgroundfx video clip.mp4 --output-kind alpha -o matte.mp4
  backgroundfx video clip.mp4 --mask matte.mp4 --background beach.jpg -o out.mp4
  backgroundfx video studio.mp4 --key-color green --background beach.jpg -o out.mp4
  backgroundfx video clips/ --background '#00ff00' --format mp4 -o keyed/
  ffmpeg -i in.mp4 -f yuv4mpegpipe - | backgroundfx video - --background '#fff' -o - | ffplay -
  backgroundfx video long.mp4 --background studio.mp4 -o out.mp4 --resume";

/// What `video` understands.
#[derive(Debug, clap::Args)]
pub struct VideoArguments {
    /// Clips, folders of clips, or - for standard input
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,
    /// Begin here: seconds, or hours:minutes:seconds
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, help_heading = "Input")]
    pub start: Option<f64>,
    /// End here
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, help_heading = "Input")]
    pub end: Option<f64>,
    /// Only so many seconds, to see how it comes out
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, conflicts_with = "end", help_heading = "Input")]
    pub preview: Option<f64>,
    /// What the frames on standard input are, where they come without a header: 1280x720,25,rgb24
    #[arg(long, value_name = "SIZE,RATE,PIXELS", help_heading = "Input")]
    pub raw: Option<RawFrames>,
    /// Use what can be read of a damaged file
    #[arg(long, help_heading = "Input")]
    pub accept_damage: bool,
    /// The ffmpeg to use (default: the one on the search path)
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub ffmpeg: Option<PathBuf>,

    /// File, or folder/ (several clips need one); an end such as .mp4, .webm, .mov, .gif tells the format,
    /// none a folder of PNGs; - is standard output
    #[arg(short, long, help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Format: mp4, hevc, webm, prores, hevc-alpha, mkv, gif, webp or png, and for pipes y4m or raw; by default told by
    /// the output's name
    #[arg(long, help_heading = "Output")]
    pub format: Option<String>,
    /// What to write; `pair` is the subject's colours and the matte as two files (default: the composite with
    /// --background, else the cut-out)
    #[arg(long, help_heading = "Output")]
    pub output_kind: Option<VideoKind>,
    /// Constant quality in the codec's own numbers: lower is better (H.264 20, H.265 24, VP9 30 by default)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=63), help_heading = "Output")]
    pub crf: Option<u8>,
    /// Frames a second (default: as the clip has them, at its own times)
    #[arg(long, value_name = "RATE", help_heading = "Output")]
    pub fps: Option<Ratio>,
    /// Height in pixels, or a size such as 1280x720
    #[arg(long, value_name = "HEIGHT|WIDTHxHEIGHT", value_parser = scale, help_heading = "Output")]
    pub scale: Option<Scale>,
    /// Leave out sound and subtitles
    #[arg(long, help_heading = "Output")]
    pub no_audio: bool,
    /// Encode with graphics hardware where ffmpeg can
    #[arg(long, help_heading = "Output")]
    pub hardware: bool,
    /// Replace outputs that exist
    #[arg(short = 'y', long, help_heading = "Output")]
    pub overwrite: bool,
    /// Go on with what an interrupted run has finished
    #[arg(long, help_heading = "Output")]
    pub resume: bool,
    /// One JSON object a clip on standard output
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Mattes of your own in place of a network: a clip with a frame for each of this one, white being the subject, or a
    /// grey picture for all frames; with --model matanyone, the first frame's mask
    #[arg(long, value_name = "FILE", help_heading = "Cutting out")]
    pub mask: Option<PathBuf>,
    /// How mattes hold still: window (the network looks at every frame), trail (the same, nothing held back), keyframes:10
    /// (it looks at one frame of ten or more, the others follow their motion) or off (default: by model and preset)
    #[arg(long, value_name = "WAY", help_heading = "Cutting out")]
    pub steady: Option<SteadyOptions>,
    /// Megabytes that frames may take while they are worked on (default: 512)
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Cutting out")]
    pub memory: Option<u32>,

    #[command(flatten)]
    pub cut: CutArguments,

    /// Colour, picture, clip, blur[:12|:2%] or gradient behind the subject; without it the output is transparent
    #[arg(short, long, alias = "bg", help_heading = "Composition")]
    pub background: Option<String>,
}

/// What can be written of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VideoKind {
    /// The subject over the background
    Composite,
    /// Colour and transparency
    Rgba,
    /// The matte alone, grey
    Alpha,
    /// The subject's colours without transparency
    Color,
    /// Colours and matte, as two files
    Pair,
}

impl VideoKind {
    /// What is written, in the order of the files.
    pub const fn contents(self) -> &'static [Content] {
        match self {
            Self::Composite => &[Content::Composite],
            Self::Rgba => &[Content::Cutout],
            Self::Alpha => &[Content::Matte],
            Self::Color => &[Content::Color],
            Self::Pair => &[Content::Color, Content::Matte],
        }
    }
}

fn scale(text: &str) -> Result<Scale, String> {
    let wrong = |_| "write a height such as 720, or a size such as 1280x720".to_owned();
    match text.split_once(['x', 'X']) {
        Some((width, height)) => Ok(Scale::Size(width.parse().map_err(wrong)?, height.parse().map_err(wrong)?)),
        None => Ok(Scale::Height(text.parse().map_err(wrong)?)),
    }
}
