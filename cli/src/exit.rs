//! Exit codes, and how an error is shown to a person.

use std::process::ExitCode;

use backgroundfx_core::{Error, Kind};

/// Everything went well.
pub const DONE: u8 = 0;
/// Some items of a batch failed.
pub const SOME_FAILED: u8 = 3;
/// A quality gate was not passed.
pub const GATE_FAILED: u8 = 8;
/// Interrupted from the keyboard.
pub const INTERRUPTED: u8 = 130;

/// What a command ends with: a code, or the error that ended it.
pub type Ended = Result<u8, Error>;

/// Prints the error, if any, and gives the process's exit code.
pub fn code(ended: Ended) -> ExitCode {
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            show(&error);
            ExitCode::from(of(error.kind()))
        }
    }
}

/// Prints an error as `error[code]: message` and `hint: …` on standard error.
pub fn show(error: &Error) {
    // A closed standard error leaves nobody to tell.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("error[{}]: {error}\nhint: {}\n", error.code(), error.hint()).as_bytes(),
    );
}

/// Prints an error of the service and gives the exit code.
#[cfg(feature = "server")]
pub fn served(error: &backgroundfx_server::Error) -> u8 {
    use backgroundfx_server::Kind as Served;
    let kind = error.kind();
    // Here is a command line.
    let hint = if let Served::Picture(kind) = kind { kind.row().hint } else { kind.hint() };
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("error[{}]: {error}\nhint: {hint}\n", kind.code()).as_bytes(),
    );
    match kind {
        Served::Picture(kind) => of(kind),
        Served::ConfigInvalid | Served::RequestInvalid | Served::Conflict => 2,
        Served::ListenFailed | Served::DatabaseUnusable | Served::StorageUnusable => 7,
        _ => 1,
    }
}

/// The exit code of a kind of error.
pub fn of(kind: Kind) -> u8 {
    match kind {
        Kind::OptionInvalid
        | Kind::ConfigInvalid
        | Kind::BackgroundInvalid
        | Kind::ModelUnknown
        | Kind::OutputUnsupported
        | Kind::ClassUnknown
        | Kind::PromptMissing
        | Kind::ResumeMismatch
        | Kind::ScreenMissing
        | Kind::SelectionMissed => 2,
        Kind::InputUnreadable
        | Kind::InputEmpty
        | Kind::FormatUnsupported
        | Kind::PictureCorrupt
        | Kind::PictureTooLarge
        | Kind::VideoUnreadable
        | Kind::VideoCorrupt
        | Kind::SizeMismatch => 4,
        Kind::OutputExists => 5,
        Kind::ArtifactMissing
        | Kind::DownloadFailed
        | Kind::ChecksumMismatch
        | Kind::ChecksumUnknown
        | Kind::LicenceRefused
        | Kind::ModelMismatch => 6,
        Kind::RuntimeUnusable
        | Kind::DeviceUnavailable
        | Kind::PrecisionUnavailable
        | Kind::FfmpegUnusable
        | Kind::EncoderMissing
        | Kind::OutOfMemory => 7,
        Kind::NoSubject | Kind::LowConfidence => GATE_FAILED,
        Kind::Cancelled => INTERRUPTED,
        _ => 1,
    }
}
