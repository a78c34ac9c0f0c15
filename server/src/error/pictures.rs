//! How the library's errors are told over HTTP: their status, and what a client can do, who has no command line.

use backgroundfx_core::Kind;

/// What is the request's doing is 4xx, what is this machine's 5xx.
pub fn status(kind: Kind) -> u16 {
    match kind {
        Kind::PictureTooLarge => 413,
        Kind::FormatUnsupported => 415,
        Kind::LicenceRefused => 403,
        Kind::ModelUnknown => 404,
        Kind::InputEmpty
        | Kind::OutputUnsupported
        | Kind::OptionInvalid
        | Kind::ConfigInvalid
        | Kind::BackgroundInvalid
        | Kind::PromptMissing
        | Kind::ClassUnknown => 400,
        Kind::PictureCorrupt
        | Kind::SizeMismatch
        | Kind::NoSubject
        | Kind::SelectionMissed
        | Kind::ScreenMissing
        | Kind::LowConfidence
        | Kind::VideoUnreadable
        | Kind::VideoCorrupt => 422,
        Kind::ArtifactMissing
        | Kind::DownloadFailed
        | Kind::DeviceUnavailable
        | Kind::PrecisionUnavailable
        | Kind::OutOfMemory
        | Kind::FfmpegUnusable => 503,
        _ => 500,
    }
}

/// What a client of the API can do.
pub fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::InputUnreadable | Kind::OutputUnwritable => {
            "try again in a moment; the operator finds the cause in the log"
        }
        Kind::PictureTooLarge => {
            "make the picture smaller; the operator sets the limits (body_megabytes, max_megapixels)"
        }
        Kind::OutputExists | Kind::ResumeMismatch => "send the request again, as a new one",
        Kind::OutputUnsupported => {
            "transparency needs png, webp, avif or tiff, for clips webm, mov or gif; others need a background"
        }
        Kind::OptionInvalid => "the API's description at /v1/openapi.json tells each option's range",
        Kind::BackgroundInvalid => {
            "use a colour (#fff), blur:12 or gradient:#fff,#000,45, or send a picture as background_image"
        }
        Kind::ModelUnknown => "/v1/models lists the models of this server",
        Kind::ArtifactMissing | Kind::ChecksumUnknown => {
            "/v1/models tells which models are here; the operator installs others"
        }
        Kind::DownloadFailed | Kind::ChecksumMismatch => "try again later; the operator finds the cause in the log",
        Kind::LicenceRefused => "choose another model; only the operator can allow this one",
        Kind::RuntimeUnusable | Kind::FfmpegUnusable | Kind::DeviceUnavailable | Kind::ModelMismatch => {
            "this server cannot do it; its operator finds the cause in the log"
        }
        Kind::PrecisionUnavailable => "choose another model, or have the operator set another precision",
        Kind::InferenceFailed => "try again; if it stays, the operator finds the cause in the log",
        Kind::OutOfMemory => "send a smaller picture, or a job to /v1/jobs, which waits its turn",
        Kind::NoSubject => "try another model or a closer view",
        Kind::PromptMissing => "say where the subject is (subject.points or subject.region), or choose another model",
        Kind::ClassUnknown => "choose a model that knows the class: /v1/models lists what each tells apart",
        Kind::SelectionMissed => {
            "look at the result without points and region; both count from the top left, in pixels or percent"
        }
        Kind::ScreenMissing => {
            "name the screen's colour (key.color: green, blue or #00b140), or choose a model that needs no screen"
        }
        Kind::LowConfidence => "look at the picture; choose the subject with points or a region, or try another model",
        Kind::VideoUnreadable => "send a clip as any player can play it; pictures go as image",
        Kind::VideoCorrupt => "the file is damaged or cut short; export or upload it again",
        Kind::EncoderMissing => "choose another format; the operator can install a fuller ffmpeg",
        Kind::EncodingFailed => "the detail is ffmpeg's own; another format or size may do",
        Kind::Internal => "this is a fault in backgroundfx; report it with the request id",
        as_everywhere => as_everywhere.row().hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_the_api_are_told_of_no_command_line() {
        for row in backgroundfx_core::KINDS {
            let told = hint(row.kind);
            assert!(!told.contains("--") && !told.contains('`') && !told.contains(" -"), "{}: {told}", row.code);
        }
    }
}
