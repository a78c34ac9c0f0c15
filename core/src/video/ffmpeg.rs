//! ffmpeg on this machine: where it is, what it can, and how it is run.

use std::{
    collections::HashSet,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::{Error, Kind, Result};

/// The oldest version whose options are used here.
const OLDEST: (u32, u32) = (4, 4);
/// From this version on, `-fps_mode` takes the place of `-vsync`.
const FPS_MODE: (u32, u32) = (5, 1);

/// The programs `ffmpeg` and `ffprobe` of one installation.
#[derive(Debug, Clone)]
pub struct Ffmpeg {
    program: PathBuf,
    probe: PathBuf,
    version: (u32, u32),
    about: String,
    encoders: HashSet<String>,
    filters: OnceLock<HashSet<String>>,
}

impl Ffmpeg {
    /// Finds ffmpeg: the program named, with ffprobe beside it, or both on the search path.
    ///
    /// # Errors
    /// [`Kind::FfmpegUnusable`] when there is none, or an older one than 4.4.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        let program = named.map_or_else(|| PathBuf::from("ffmpeg"), Path::to_owned);
        let beside = named.map(|path| path.with_file_name(format!("ffprobe{}", std::env::consts::EXE_SUFFIX)));
        let probe = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from("ffprobe"));
        // It begins with what it says of itself, whatever it is asked. To start takes either longer than to answer.
        let ask = || answer(&program, &["-encoders"]);
        let (told, probed) = rayon::join(ask, || answer(&probe, &["-hide_banner", "-version"]));
        let (encoders, banner) = told?;
        probed?;
        let about = banner.lines().find(|line| line.contains("version")).unwrap_or_default().to_owned();
        let version = version(&about);
        if version < OLDEST {
            let message = format!("{} is too old: {about}; {}.{} is needed", program.display(), OLDEST.0, OLDEST.1);
            return Err(Error::new(Kind::FfmpegUnusable, message));
        }
        Ok(Self { program, probe, version, about, encoders: names(&encoders), filters: OnceLock::new() })
    }

    /// What it says of itself: name, version, makers.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// A call of `ffmpeg` that talks to nobody and says only what is told by its level, each line with its level.
    #[must_use]
    pub fn command(&self, level: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-nostdin", "-hide_banner", "-nostats", "-loglevel", &format!("repeat+level+{level}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// A call of `ffprobe`.
    #[must_use]
    pub fn probe_command(&self) -> Command {
        let mut command = Command::new(&self.probe);
        command.args(["-hide_banner", "-loglevel", "error"]).stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The option that lets frames through as they are, none dropped, none repeated.
    #[must_use]
    pub fn pass_frames(&self) -> [&'static str; 2] {
        if self.version >= FPS_MODE { ["-fps_mode", "passthrough"] } else { ["-vsync", "passthrough"] }
    }

    /// Whether it was built with an encoder of that name.
    #[must_use]
    pub fn has_encoder(&self, name: &str) -> bool {
        self.encoders.contains(name)
    }

    /// Whether it was built with a filter of that name.
    #[must_use]
    pub fn has_filter(&self, name: &str) -> bool {
        let filters = || answer(&self.program, &["-hide_banner", "-filters"]).map(|(list, _)| names(&list));
        self.filters.get_or_init(|| filters().unwrap_or_default()).contains(name)
    }
}

/// The names in a list that ffmpeg prints: the second word of each line.
fn names(list: &str) -> HashSet<String> {
    list.lines().filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned)).collect()
}

/// What a program prints when asked, and what it says beside that.
fn answer(program: &Path, arguments: &[&str]) -> Result<(String, String)> {
    let unusable = |why: String| Error::new(Kind::FfmpegUnusable, format!("{} {why}", program.display()));
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok((words(&output.stdout), words(&output.stderr))),
        Ok(output) => Err(unusable(format!("ends with {}", output.status))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unusable("is not on this machine".to_owned())),
        Err(error) => Err(unusable(format!("cannot be run: {error}")).because(error)),
    }
}

/// The version in `ffmpeg version 5.1.9-0+deb12u1 …` or `ffmpeg version n7.0 …`. A build from a repository has none:
/// it counts as new.
fn version(about: &str) -> (u32, u32) {
    let word = about.split_whitespace().nth(2).unwrap_or_default().trim_start_matches('n');
    let mut numbers = word.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), minor) => (major, minor.unwrap_or(0)),
        (None, _) => (u32::MAX, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_releases_and_repositories() {
        let cases = [
            ("ffmpeg version 5.1.9-0+deb12u1 Copyright", (5, 1)),
            ("ffmpeg version n7.0 Copyright", (7, 0)),
            ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", (4, 4)),
            ("ffmpeg version 8 Copyright", (8, 0)),
            ("ffmpeg version N-109468-gd39b34123d Copyright", (u32::MAX, 0)),
        ];
        for (about, expected) in cases {
            assert_eq!(version(about), expected, "{about}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        let error = Ffmpeg::find(Some("/nowhere/ffmpeg".as_ref())).unwrap_err();
        assert_eq!(error.kind(), Kind::FfmpegUnusable);
        assert!(error.hint().contains("--ffmpeg"));
    }
}
