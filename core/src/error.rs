//! Everything that can go wrong, as one type and one table from kind to code, hint and retryability.

use std::{error::Error as StdError, fmt};

/// A failure: what kind it is, what failed and on what, and the cause below it.
///
/// Shown to people as `error[code]: message` and `hint: …`; programs match on [`Error::kind`] or
/// the stable [`Error::code`].
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of anything in this library that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for programs. New kinds may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The input cannot be opened or read.
    InputUnreadable,
    /// The input has no bytes.
    InputEmpty,
    /// The input is not a picture of a format this build reads.
    FormatUnsupported,
    /// The picture's bytes break its format's rules.
    PictureCorrupt,
    /// The picture is larger than the limits allow.
    PictureTooLarge,
    /// The output exists and replacing it was not asked for.
    OutputExists,
    /// The output cannot be written.
    OutputUnwritable,
    /// The output format cannot hold what was asked of it, or is not known.
    OutputUnsupported,
    /// An option has a value outside what it allows, or two options contradict each other.
    OptionInvalid,
    /// A configuration file or model row cannot be understood.
    ConfigInvalid,
    /// A background's notation or file cannot be used.
    BackgroundInvalid,
    /// No model of that name is listed.
    ModelUnknown,
    /// A file is needed that is not on this machine and may not be fetched.
    ArtifactMissing,
    /// A file could not be fetched from any of its sources.
    DownloadFailed,
    /// A file's bytes are not the ones its manifest row names.
    ChecksumMismatch,
    /// A file's manifest row names no checksum and nobody agreed to trust it.
    ChecksumUnknown,
    /// The model's licence is not among those allowed.
    LicenceRefused,
    /// The inference runtime's library cannot be loaded.
    RuntimeUnusable,
    /// The named device cannot be used.
    DeviceUnavailable,
    /// The network cannot compute in the numbers asked for.
    PrecisionUnavailable,
    /// The model's file does not have the inputs or outputs its row describes.
    ModelMismatch,
    /// The network failed while loading or running.
    InferenceFailed,
    /// Memory is not enough for this picture and these options.
    OutOfMemory,
    /// Two pictures that must be of one size are not.
    SizeMismatch,
    /// Nothing was found in the picture, and that was to count as a failure.
    NoSubject,
    /// The model must be told by points or a box where the subject is.
    PromptMissing,
    /// The model does not tell this class apart.
    ClassUnknown,
    /// A point or a box that was to choose the subject meets nothing.
    SelectionMissed,
    /// There is no screen of one colour in the picture to key by.
    ScreenMissing,
    /// The matte is less sure than was asked for.
    LowConfidence,
    /// ffmpeg, which reads and writes video, is not on this machine or cannot be used.
    FfmpegUnusable,
    /// The file has no moving picture that can be read.
    VideoUnreadable,
    /// The video's bytes break its format's rules, or end before its end.
    VideoCorrupt,
    /// This ffmpeg has no encoder for what is to be written.
    EncoderMissing,
    /// ffmpeg failed while writing.
    EncodingFailed,
    /// The work that is to be resumed was begun with other options or another input.
    ResumeMismatch,
    /// The work was cancelled.
    Cancelled,
    /// A fault of this program.
    Internal,
}

/// One row of the table of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindRow {
    /// The kind this row is about.
    pub kind: Kind,
    /// Stable snake-case code, printed and sent to clients.
    pub code: &'static str,
    /// What the reader can do about it.
    pub hint: &'static str,
    /// Whether the same call may succeed later without any change by the caller.
    pub retryable: bool,
}

const fn row(kind: Kind, code: &'static str, retryable: bool, hint: &'static str) -> KindRow {
    KindRow { kind, code, hint, retryable }
}

/// Every kind with its code, hint and retryability; the documents' list is made from it.
pub const KINDS: &[KindRow] = &[
    row(Kind::InputUnreadable, "input_unreadable", false, "check that the path exists and may be read"),
    row(Kind::InputEmpty, "input_empty", false, "the file or stream has no bytes; write or download it again"),
    row(
        Kind::FormatUnsupported,
        "format_unsupported",
        false,
        "convert it to JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP first",
    ),
    row(
        Kind::PictureCorrupt,
        "picture_corrupt",
        false,
        "the file is damaged or cut short; export or download it again",
    ),
    row(
        Kind::PictureTooLarge,
        "picture_too_large",
        false,
        "make the picture smaller, or raise the limit with --max-megapixels",
    ),
    row(
        Kind::OutputExists,
        "output_exists",
        false,
        "add --overwrite to replace it, --skip-existing to leave it, or name another -o",
    ),
    row(
        Kind::OutputUnwritable,
        "output_unwritable",
        true,
        "check that the folder exists, may be written, and that the disk has room",
    ),
    row(
        Kind::OutputUnsupported,
        "output_unsupported",
        false,
        "transparency needs .png, .webp, .avif or .tiff, for video .webm, .mov, .gif, .webp or a folder; others need --background",
    ),
    row(
        Kind::OptionInvalid,
        "option_invalid",
        false,
        "see `backgroundfx help remove` or `help video` for each option's range",
    ),
    row(Kind::ConfigInvalid, "config_invalid", false, "correct the named field; unknown fields are refused on purpose"),
    row(
        Kind::BackgroundInvalid,
        "background_invalid",
        false,
        "use a colour (#fff), a picture's path, blur:12 or gradient:#fff,#000,45",
    ),
    row(Kind::ModelUnknown, "model_unknown", false, "`backgroundfx models list` shows the names"),
    row(
        Kind::ArtifactMissing,
        "artifact_missing",
        false,
        "run `backgroundfx models pull NAME` where the network is reachable, or fill the folder that `backgroundfx doctor` names",
    ),
    row(
        Kind::DownloadFailed,
        "download_failed",
        true,
        "check the connection or proxy; or install npm or pip, whose configured registries are tried too",
    ),
    row(
        Kind::ChecksumMismatch,
        "checksum_mismatch",
        true,
        "the file was changed or cut short; remove it with `backgroundfx models remove NAME` and pull it again",
    ),
    row(
        Kind::ChecksumUnknown,
        "checksum_unknown",
        false,
        "nobody has recorded this file's checksum yet; run `backgroundfx models pull NAME --trust-unknown` to accept what arrives",
    ),
    row(
        Kind::LicenceRefused,
        "licence_refused",
        false,
        "these weights forbid commercial use; choose another model, or add --license any if that is allowed to you",
    ),
    row(
        Kind::RuntimeUnusable,
        "runtime_unusable",
        false,
        "`backgroundfx doctor` shows which library was tried and why it failed",
    ),
    row(
        Kind::PrecisionUnavailable,
        "precision_unavailable",
        false,
        "leave out --precision, or find the ranges with `backgroundfx models optimize NAME PICTURES`",
    ),
    row(
        Kind::DeviceUnavailable,
        "device_unavailable",
        false,
        "`backgroundfx doctor` lists the devices; --device auto falls back by itself",
    ),
    row(
        Kind::ModelMismatch,
        "model_mismatch",
        false,
        "compare the model's row with the file's inputs and outputs (`backgroundfx models info NAME`)",
    ),
    row(
        Kind::InferenceFailed,
        "inference_failed",
        true,
        "try --device cpu; if it stays, `backgroundfx models verify` checks the file",
    ),
    row(Kind::OutOfMemory, "out_of_memory", true, "close other programs, use a smaller picture, or lower -j"),
    row(Kind::SizeMismatch, "size_mismatch", false, "bring both pictures to the same width and height first"),
    row(
        Kind::NoSubject,
        "no_subject",
        false,
        "try another model or a closer view; --on-empty keep writes the empty cut-out",
    ),
    row(
        Kind::PromptMissing,
        "prompt_missing",
        false,
        "say where the subject is: --point 300,200, or --box x,y,width,height; or choose another model",
    ),
    row(
        Kind::ClassUnknown,
        "class_unknown",
        false,
        "choose a model that knows the class: `backgroundfx models info NAME` lists what it tells apart",
    ),
    row(
        Kind::SelectionMissed,
        "selection_missed",
        false,
        "see what is found with `--output-kind alpha` and without --point and --box; both count from the top left, in pixels or percent",
    ),
    row(
        Kind::ScreenMissing,
        "screen_missing",
        false,
        "name the screen's colour: --key-color green, blue or '#00b140'; or choose a model that needs no screen",
    ),
    row(
        Kind::LowConfidence,
        "low_confidence",
        false,
        "look at the picture; choose the subject with --point or --box, try another model, or lower --fail-below",
    ),
    row(
        Kind::FfmpegUnusable,
        "ffmpeg_unusable",
        false,
        "install it with `apt install ffmpeg`, `brew install ffmpeg` or `winget install ffmpeg`, or name it with --ffmpeg PATH",
    ),
    row(
        Kind::VideoUnreadable,
        "video_unreadable",
        false,
        "`ffprobe FILE` shows what is in it; use `remove` for pictures",
    ),
    row(
        Kind::VideoCorrupt,
        "video_corrupt",
        false,
        "the file is damaged or cut short; copy it again (of the clip itself --accept-damage uses what can be read)",
    ),
    row(
        Kind::EncoderMissing,
        "encoder_missing",
        false,
        "`ffmpeg -encoders` lists what it has; choose another --format, or install a fuller ffmpeg",
    ),
    row(
        Kind::EncodingFailed,
        "encoding_failed",
        true,
        "the message is ffmpeg's own; another --format or size may do, and --resume goes on from what is finished",
    ),
    row(
        Kind::ResumeMismatch,
        "resume_mismatch",
        false,
        "give the same input and options as before, or leave out --resume to begin anew",
    ),
    row(Kind::Cancelled, "cancelled", true, "run the same command again; finished files are kept"),
    row(
        Kind::Internal,
        "internal",
        false,
        "this is a fault in backgroundfx; please report it with the command and --verbose output",
    ),
];

impl Kind {
    /// This kind's row of the table.
    #[must_use]
    pub fn row(self) -> &'static KindRow {
        KINDS.iter().find(|row| row.kind == self).expect("a test checks that every kind has its row")
    }
}

impl Error {
    /// Makes an error of this kind; `message` says what failed and on what.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds the cause, kept for logs.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts the thing it happened to in front of the message, as in `photo.jpg: …`.
    #[must_use]
    pub fn on(mut self, thing: impl fmt::Display) -> Self {
        self.message = format!("{thing}: {}", self.message);
        self
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable snake-case code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.row().code
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.kind.row().hint
    }

    /// Whether trying again without a change may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind.row().retryable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_snake_case_and_stands_once() {
        let codes: HashSet<_> = KINDS.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), KINDS.len());
        for row in KINDS {
            assert!(row.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", row.code);
            assert!(!row.hint.is_empty() && !row.hint.ends_with('.'), "{}: {}", row.code, row.hint);
        }
        assert!(KINDS.len() >= 15);
    }

    #[test]
    fn a_kind_finds_its_own_row() {
        for row in KINDS {
            assert_eq!(row.kind.row(), row);
        }
        // `Internal` is declared last: its number tells how many kinds there are.
        assert_eq!(Kind::Internal as usize + 1, KINDS.len());
    }
}
