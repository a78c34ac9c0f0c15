//! The command line of `remove`.

use std::{ffi::OsString, path::PathBuf};

use backgroundfx_core::{
    files::{Compression, Depth, Format, MetadataPolicy},
    options::{Canvas, Margins, Matting, Preset},
};
use clap::ValueEnum;

use super::CutArguments;

pub const EXAMPLES: &str = "\
Examples:
  backgroundfx remove photo.jpg                                photo-nobg.png beside it
  backgroundfx remove photo.jpg -o out.webp --background '#fff'
  backgroundfx remove photo.jpg --background beach.jpg --shadow -o beach-photo.jpg
  backgroundfx remove products/ -r -o cut/ --crop --margin 5% --canvas 2000x2000
  cat photo.jpg | backgroundfx remove - -o - > cutout.png
  backgroundfx remove '*.jpg' -o '{dir}/{stem}-{index:04}.png' --json";

/// What `remove` understands.
#[derive(Debug, clap::Args)]
pub struct RemoveArguments {
    /// Pictures, folders (with -r), patterns such as '*.jpg', or - for standard input
    #[arg(value_name = "INPUT", required_unless_present_any = ["files_from", "watch"])]
    pub inputs: Vec<OsString>,
    /// Read more inputs from a file, one a line; - is standard input
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub files_from: Option<PathBuf>,
    /// Names of --files-from end with a zero byte instead of a line end
    #[arg(short = '0', long, requires = "files_from", help_heading = "Input")]
    pub null: bool,
    /// Go into folders
    #[arg(short, long, help_heading = "Input")]
    pub recursive: bool,
    /// Watch a folder and cut out every picture that appears in it, until Ctrl-C
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["inputs", "files_from", "dry_run"], help_heading = "Input")]
    pub watch: Option<PathBuf>,
    /// Which frame of an animated file, from 0
    #[arg(long, default_value_t = 0, help_heading = "Input")]
    pub frame: u32,
    /// Refuse pictures of more pixels, in millions
    #[arg(long, value_name = "NUMBER", help_heading = "Input")]
    pub max_megapixels: Option<u32>,

    /// File, folder/, - for standard output, or a template of {stem} {name} {ext} {dir} {reldir} {index:04} {model} {w} {h} {hash8} {date}
    #[arg(short, long, help_heading = "Output")]
    pub output: Option<String>,
    /// Format; by default told by the output's name, else PNG
    #[arg(long, help_heading = "Output")]
    pub format: Option<Format>,
    /// What to write, several divided by commas: one run of the network gives them all
    #[arg(long, value_delimiter = ',', default_value = "rgba", help_heading = "Output")]
    pub output_kind: Vec<OutputKind>,
    /// Quality of JPEG and AVIF, 1 to 100
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u8).range(1..=100), help_heading = "Output")]
    pub quality: u8,
    /// Bits a channel
    #[arg(long, value_name = "auto|8|16", default_value = "auto", value_parser = depth, help_heading = "Output")]
    pub depth: Depth,
    /// How hard PNG tries to be small
    #[arg(long, value_name = "fast|balanced|small", default_value = "fast", value_parser = compression, help_heading = "Output")]
    pub compression: Compression,
    /// What is kept of the metadata; `safe` drops position, maker's notes and thumbnail
    #[arg(long, value_name = "keep|safe|none", default_value = "safe", value_parser = metadata, help_heading = "Output")]
    pub metadata: MetadataPolicy,
    /// Keep the picture's colour profile, or convert to sRGB
    #[arg(long, value_name = "keep|srgb", default_value = "keep", value_parser = ["keep", "srgb"], help_heading = "Output")]
    pub icc: String,
    /// Replace outputs that exist
    #[arg(short = 'y', long, help_heading = "Output")]
    pub overwrite: bool,
    /// Leave out inputs whose output exists
    #[arg(long, conflicts_with = "overwrite", help_heading = "Output")]
    pub skip_existing: bool,
    /// Say what would be written, and do nothing
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,

    /// How often the network may look at one picture: 1, or 2 to look closer at a small subject (default: by preset)
    #[arg(long, value_name = "1|2", help_heading = "Cutting out")]
    pub looks: Option<u8>,
    /// Find hair, fur and fine structure again by the best matting that is built in (today closed-form)
    #[arg(long, conflicts_with = "matting", help_heading = "Cutting out")]
    pub preserve_details: bool,
    /// How soft edges are found again: none, closed-form (from colours) or vitmatte (by a network of its own)
    #[arg(long, value_name = "none|closed-form|vitmatte", value_parser = matting, help_heading = "Cutting out")]
    pub matting: Option<Matting>,
    /// The network of `--matting vitmatte` (see `models list`)
    #[arg(long, value_name = "NAME", requires = "matting", help_heading = "Cutting out")]
    pub matting_model: Option<String>,
    /// A mask of your own in place of the network: a grey picture, or one with transparency
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch", "model", "key_color", "key_plate"], help_heading = "Cutting out")]
    pub mask: Option<PathBuf>,
    /// Where to find out: black is background, white subject, grey or transparent unknown; a few marks are enough.
    /// Without --mask or --model no network is used
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch", "compat"], help_heading = "Cutting out")]
    pub trimap: Option<PathBuf>,
    /// Leave the edge as the network gave it
    #[arg(long, help_heading = "Cutting out")]
    pub no_refine: bool,
    /// Make opaque what is partly transparent inside the subject, such as the windows of a car; edges stay soft
    #[arg(long, help_heading = "Cutting out")]
    pub solid: bool,
    /// Keep transparency the picture brings along (this is the default)
    #[arg(long, help_heading = "Cutting out")]
    pub keep_alpha: bool,
    /// Drop transparency the picture brings along
    #[arg(long, conflicts_with = "keep_alpha", help_heading = "Cutting out")]
    pub ignore_alpha: bool,
    /// Reproduce another program's processing, to compare outputs
    #[arg(long, value_name = "rembg", value_parser = ["rembg"], help_heading = "Cutting out")]
    pub compat: Option<String>,
    /// What to do with a picture in which nothing is found
    #[arg(long, default_value = "keep", help_heading = "Cutting out")]
    pub on_empty: OnEmpty,
    /// A picture whose confidence is below this counts as failed, and nothing is written for it
    #[arg(long, value_name = "0..1", value_parser = unit, help_heading = "Cutting out")]
    pub fail_below: Option<f32>,

    #[command(flatten)]
    pub cut: CutArguments,

    /// Colour (#fff, tomato, 'rgb(1 2 3)'), picture, blur[:12|:2%], gradient:#fff,#000,45, or transparent
    #[arg(short, long, alias = "bg", help_heading = "Composition")]
    pub background: Option<String>,
    /// Cut away what lies outside the subject
    #[arg(long, help_heading = "Composition")]
    pub crop: bool,
    /// Room around the subject: 20, 20px, or 5% of its longer side; or for two or four sides, as in '10px 5%'
    #[arg(long, value_name = "LENGTHS", help_heading = "Composition")]
    pub margin: Option<Margins>,
    /// Make the output smaller if it has more pixels than this, in millions
    #[arg(long, value_name = "N", value_parser = megapixels, help_heading = "Composition")]
    pub max_output_megapixels: Option<u64>,
    /// Size of the output; the subject is fitted into it
    #[arg(long, value_name = "WIDTHxHEIGHT", help_heading = "Composition")]
    pub canvas: Option<Canvas>,
    /// How much of the output the subject fills: 0.85 or 85%
    #[arg(long, value_parser = share, help_heading = "Composition")]
    pub scale: Option<f32>,
    /// Where the subject lies in the free room: center, top, left …, or two shares such as 0.5,1
    #[arg(long, value_parser = position, help_heading = "Composition")]
    pub position: Option<[f32; 2]>,
    /// Add a shadow; optionally kind=drop|cast|contact,opacity=0.5,blur=1%,x=0.6%,y=0.9%,color=black
    #[arg(long, value_name = "SPEC", num_args = 0..=1, default_missing_value = "", require_equals = true, help_heading = "Composition")]
    pub shadow: Option<String>,

    /// Pictures in hand at the same time: while one is in the network, others are read and written (default: one for each core, 2 to 8)
    #[arg(short, long, value_parser = at_least_one(), help_heading = "Batch")]
    pub jobs: Option<usize>,
    /// Stop at the first picture that fails
    #[arg(long, help_heading = "Batch")]
    pub fail_fast: bool,
    /// One JSON object a picture on standard output
    #[arg(long, help_heading = "Batch")]
    pub json: bool,
    /// Write those JSON lines to a file
    #[arg(long, value_name = "FILE", help_heading = "Batch")]
    pub report: Option<PathBuf>,
    /// Write picture bytes to a terminal after all
    #[arg(long, help_heading = "Output")]
    pub force_tty: bool,
}

/// One thing that can be written of a cut-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum OutputKind {
    /// Colour and transparency, or the composite when there is a background
    Rgba,
    /// The matte alone, as a grey picture
    Alpha,
    /// The matte made hard at one half
    Mask,
    /// The subject's colours without transparency
    Color,
}

impl OutputKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Rgba, Self::Alpha, Self::Mask, Self::Color];

    /// What stands behind the stem of its name, where kinds have to be told apart.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Rgba => "",
            Self::Alpha => "-alpha",
            Self::Mask => "-mask",
            Self::Color => "-color",
        }
    }
}

/// What to do with a picture in which nothing is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnEmpty {
    /// Write the empty cut-out, and say so
    Keep,
    /// Write nothing, and say so
    Skip,
    /// Write nothing; the picture counts as failed
    Fail,
}

pub(super) fn at_least_one() -> clap::builder::RangedU64ValueParser<usize> {
    clap::builder::RangedU64ValueParser::new().range(1..)
}

fn depth(text: &str) -> Result<Depth, String> {
    match text {
        "auto" => Ok(Depth::Auto),
        "8" => Ok(Depth::Eight),
        "16" => Ok(Depth::Sixteen),
        _ => Err("write auto, 8 or 16".to_owned()),
    }
}

fn compression(text: &str) -> Result<Compression, String> {
    match text {
        "fast" => Ok(Compression::Fast),
        "balanced" => Ok(Compression::Balanced),
        "small" => Ok(Compression::Small),
        _ => Err("write fast, balanced or small".to_owned()),
    }
}

fn metadata(text: &str) -> Result<MetadataPolicy, String> {
    match text {
        "keep" => Ok(MetadataPolicy::Keep),
        "safe" => Ok(MetadataPolicy::Safe),
        "none" => Ok(MetadataPolicy::None),
        _ => Err("write keep, safe or none".to_owned()),
    }
}

pub(super) fn preset(text: &str) -> Result<Preset, String> {
    let found = Preset::ALL.into_iter().find(|preset| preset.name() == text);
    found.ok_or_else(|| "write low, medium, high or ultra".to_owned())
}

pub(super) fn unit(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "write a number of 0 to 1".to_owned())
}

fn matting(text: &str) -> Result<Matting, String> {
    let found = Matting::ALL.into_iter().find(|matting| matting.name() == text);
    found.ok_or_else(|| "write none, closed-form or vitmatte".to_owned())
}

fn megapixels(text: &str) -> Result<u64, String> {
    let number = text.parse::<f64>().map_err(|_| "write 4 or 0.25".to_owned())?;
    if (0.0001..=10_000.0).contains(&number) {
        Ok((number * 1e6) as u64)
    } else {
        Err("allowed is 0.0001 to 10000".to_owned())
    }
}

fn share(text: &str) -> Result<f32, String> {
    let (number, divisor) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f32>().map_err(|_| "write 0.85 or 85%".to_owned())? / divisor;
    if (0.01..=1.0).contains(&share) { Ok(share) } else { Err("allowed is 0.01 to 1".to_owned()) }
}

fn position(text: &str) -> Result<[f32; 2], String> {
    let named = match text {
        "center" => Some([0.5, 0.5]),
        "top" => Some([0.5, 0.0]),
        "bottom" => Some([0.5, 1.0]),
        "left" => Some([0.0, 0.5]),
        "right" => Some([1.0, 0.5]),
        "top-left" => Some([0.0, 0.0]),
        "top-right" => Some([1.0, 0.0]),
        "bottom-left" => Some([0.0, 1.0]),
        "bottom-right" => Some([1.0, 1.0]),
        _ => None,
    };
    let pair = || {
        let (x, y) = text.split_once(',')?;
        Some([x.trim().parse().ok()?, y.trim().parse().ok()?])
    };
    let found = named.or_else(pair).filter(|pair| pair.iter().all(|share| (0.0..=1.0).contains(share)));
    found.ok_or_else(|| "write center, top, bottom-right …, or two shares of 0 to 1 such as 0.5,1".to_owned())
}
