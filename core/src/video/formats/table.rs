//! The table of formats, a row each, with the encoders that write them.

use super::{Container, Encoder, Ending, Format};
use crate::options::Preset;

const MP4: Container = Container {
    muxer: "mp4",
    audio: &["aac", "mp3", "ac3", "eac3", "alac", "opus"],
    audio_encoders: &["aac"],
    subtitles: "mov_text",
};
const MOV: Container = Container {
    muxer: "mov",
    audio: &["aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be", "pcm_f32le"],
    audio_encoders: &["aac"],
    subtitles: "mov_text",
};
const WEBM: Container = Container {
    muxer: "webm",
    audio: &["opus", "vorbis"],
    audio_encoders: &["libopus", "libvorbis"],
    subtitles: "webvtt",
};
const MKV: Container = Container { muxer: "matroska", audio: &[], audio_encoders: &[], subtitles: "srt" };

const fn no_effort(_: Preset) -> &'static [&'static str] {
    &[]
}

const fn x26(preset: Preset) -> &'static [&'static str] {
    match preset {
        Preset::Low => &["-preset", "ultrafast"],
        Preset::Medium => &["-preset", "veryfast"],
        Preset::High => &["-preset", "medium"],
        Preset::Ultra => &["-preset", "slow"],
    }
}

const fn vp9(preset: Preset) -> &'static [&'static str] {
    match preset {
        Preset::Low => &["-deadline", "realtime", "-cpu-used", "8"],
        Preset::Medium => &["-deadline", "good", "-cpu-used", "5"],
        Preset::High => &["-deadline", "good", "-cpu-used", "3"],
        Preset::Ultra => &["-deadline", "good", "-cpu-used", "1"],
    }
}

const fn encoder(name: &'static str, pixels: &'static str, container: &'static str) -> Encoder {
    Encoder { name, hardware: false, pixels, quality: None, arguments: &[], effort: no_effort, container, even: false }
}

const fn x264(container: &'static str) -> Encoder {
    Encoder { quality: Some(("-crf", 20)), effort: x26, even: true, ..encoder("libx264", "yuv420p", container) }
}

const fn hardware(name: &'static str, quality: (&'static str, u8), container: &'static str) -> Encoder {
    Encoder { hardware: true, quality: Some(quality), even: true, ..encoder(name, "yuv420p", container) }
}

const fn with(arguments: &'static [&'static str], encoder: Encoder) -> Encoder {
    Encoder { arguments, ..encoder }
}

const H264: &[Encoder] = &[
    hardware("h264_nvenc", ("-cq", 23), "mp4"),
    hardware("h264_videotoolbox", ("-q:v", 60), "mp4"),
    hardware("h264_qsv", ("-global_quality", 23), "mp4"),
    hardware("h264_amf", ("-qp_i", 23), "mp4"),
    x264("mp4"),
    with(&["-b:v", "0"], Encoder { even: true, ..encoder("libopenh264", "yuv420p", "mp4") }),
];
const HVC1: &[&str] = &["-tag:v", "hvc1"];
const HEVC: &[Encoder] = &[
    with(HVC1, hardware("hevc_nvenc", ("-cq", 26), "mp4")),
    with(HVC1, hardware("hevc_videotoolbox", ("-q:v", 60), "mp4")),
    with(HVC1, hardware("hevc_qsv", ("-global_quality", 26), "mp4")),
    Encoder {
        quality: Some(("-crf", 24)),
        arguments: &["-tag:v", "hvc1", "-x265-params", "log-level=error"],
        effort: x26,
        even: true,
        ..encoder("libx265", "yuv420p", "mp4")
    },
];
const VP9: &[&str] = &["-b:v", "0", "-row-mt", "1", "-auto-alt-ref", "0"];
const FFV1: &[&str] = &["-level", "3", "-g", "1", "-slices", "4"];

/// Lossless segments with alpha, for formats that are made from them at the end.
const LOSSLESS: &[Encoder] = &[with(FFV1, encoder("ffv1", "yuva420p", "nut"))];
const LOSSLESS_OPAQUE: &[Encoder] = &[with(FFV1, encoder("ffv1", "yuv420p", "nut"))];

/// All formats; the first that knows a name's end is taken.
pub const FORMATS: &[Format] = &[
    Format {
        name: "mp4",
        extensions: &["mp4", "m4v"],
        opaque: H264,
        alpha: &[],
        ending: Ending::Joined(MP4),
        about: "H.264: plays everywhere; no transparency",
    },
    Format {
        name: "hevc",
        extensions: &[],
        opaque: HEVC,
        alpha: &[],
        ending: Ending::Joined(MP4),
        about: "H.265 in MP4: smaller; no transparency",
    },
    Format {
        name: "webm",
        extensions: &["webm"],
        opaque: &[Encoder {
            quality: Some(("-crf", 30)),
            arguments: VP9,
            effort: vp9,
            ..encoder("libvpx-vp9", "yuv420p", "webm")
        }],
        alpha: &[Encoder {
            quality: Some(("-crf", 24)),
            arguments: VP9,
            effort: vp9,
            ..encoder("libvpx-vp9", "yuva420p", "webm")
        }],
        ending: Ending::Joined(WEBM),
        about: "VP9: transparency for web pages",
    },
    Format {
        name: "prores",
        extensions: &["mov"],
        opaque: &[with(&["-profile:v", "hq", "-vendor", "apl0"], encoder("prores_ks", "yuv422p10le", "mov"))],
        alpha: &[with(
            &["-profile:v", "4444", "-alpha_bits", "16", "-vendor", "apl0"],
            encoder("prores_ks", "yuva444p10le", "mov"),
        )],
        ending: Ending::Joined(MOV),
        about: "ProRes in MOV: transparency for editing programs; large",
    },
    Format {
        name: "hevc-alpha",
        extensions: &[],
        opaque: &[],
        alpha: &[Encoder {
            quality: Some(("-q:v", 60)),
            arguments: &["-alpha_quality", "0.9", "-tag:v", "hvc1"],
            ..encoder("hevc_videotoolbox", "bgra", "mov")
        }],
        ending: Ending::Joined(MOV),
        about: "H.265 with transparency in MOV: for Safari; macOS only",
    },
    Format {
        name: "mkv",
        extensions: &["mkv"],
        opaque: &[Encoder { container: "matroska", ..x264("matroska") }],
        alpha: &[with(FFV1, encoder("ffv1", "yuva420p", "matroska"))],
        ending: Ending::Joined(MKV),
        about: "Matroska: H.264, or lossless FFV1 with transparency; keeps all kinds of sound and subtitles",
    },
    Format {
        name: "gif",
        extensions: &["gif"],
        opaque: LOSSLESS_OPAQUE,
        alpha: LOSSLESS,
        ending: Ending::Gif,
        about: "animated GIF: 256 colours, hard edges, no sound",
    },
    Format {
        name: "webp",
        extensions: &["webp"],
        opaque: LOSSLESS_OPAQUE,
        alpha: LOSSLESS,
        ending: Ending::Webp,
        about: "animated WebP: transparency, no sound",
    },
    Format {
        name: "png",
        extensions: &["png"],
        opaque: LOSSLESS_OPAQUE,
        alpha: LOSSLESS,
        ending: Ending::Pictures,
        about: "a folder with one PNG a frame: transparency, no sound",
    },
    Format {
        name: "y4m",
        extensions: &[],
        opaque: &[encoder("wrapped_avframe", "yuv420p", "yuv4mpegpipe")],
        alpha: &[],
        ending: Ending::Piped,
        about: "Y4M on standard output, for another program: no transparency, no sound",
    },
    Format {
        name: "raw",
        extensions: &[],
        opaque: &[encoder("rawvideo", "rgb24", "rawvideo")],
        alpha: &[encoder("rawvideo", "rgba", "rawvideo")],
        ending: Ending::Piped,
        about: "frames without a header on standard output: RGB, or RGBA with transparency",
    },
];
