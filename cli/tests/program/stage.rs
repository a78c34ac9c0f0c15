//! A folder of its own for each test, and the program run in it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use backgroundfx_core::{
    files::{Encodable, Format, Metadata, WriteOptions, encode, encode_gray},
    pixels::{Alpha, Rgb, Samples, Size},
};

/// A folder, and a program that knows nothing but it.
pub struct Stage {
    folder: tempfile::TempDir,
    /// Whether the machine's own store of models is used.
    real: bool,
}

/// How the program ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
    pub bytes: Vec<u8>,
}

impl Stage {
    /// Without any model and offline.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), real: false }
    }

    /// With the models of this machine.
    pub fn with_models() -> Self {
        Self { real: true, ..Self::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders it lies in.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Writes a picture of a ball on a floor, in the format of its name.
    pub fn picture(&self, name: &str) {
        self.write(name, &ball(Format::from_path(Path::new(name)).unwrap(), Size::new(240, 180)));
    }

    /// Names of everything below the folder, sorted, folders left out.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backgroundfx"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BACKGROUNDFX_")) {
            command.env_remove(name);
        }
        if !self.real {
            command.env("BACKGROUNDFX_HOME", self.path(".store")).env("HOME", self.path(".home"));
            command.env("BACKGROUNDFX_OFFLINE", "1");
        }
        command.env("XDG_CONFIG_HOME", self.path(".config")).env_remove("U2NET_HOME").env_remove("REMBG_HOME");
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// Runs with variables set.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// Runs with something on standard input.
    pub fn pipe(&self, input: &[u8], arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The program may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ended::of(&child.wait_with_output().unwrap())
    }
}

impl Ended {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout.clone(),
        }
    }

    /// Checks the exit code, showing everything that was said when it is another.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    /// Checks that an error of this code was told, with its hint.
    #[track_caller]
    pub fn tells(self, code: &str) -> Self {
        assert!(self.err.contains(&format!("error[{code}]: ")) && self.err.contains("\nhint: "), "{}", self.err);
        self
    }

    /// Standard output as JSON, one value a line.
    #[track_caller]
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

fn list(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

/// A shaded red ball on a grey floor.
pub fn ball(format: Format, size: Size) -> Vec<u8> {
    let (width, height) = (size.width as f32, size.height as f32);
    let pixels = (0..size.area()).flat_map(|index| {
        let (x, y) = ((index % size.width as usize) as f32, (index / size.width as usize) as f32);
        let (dx, dy) = ((x - width * 0.5) / (height * 0.3), (y - height * 0.5) / (height * 0.3));
        let inside = dx * dx + dy * dy < 1.0;
        let light = (1.0 - ((dx + 0.4).powi(2) + (dy + 0.5).powi(2)).sqrt() * 0.5).clamp(0.1, 1.0);
        let floor = 150.0 + 60.0 * y / height;
        if inside { [230.0 * light, 40.0 * light, 30.0 * light] } else { [floor, floor, floor + 10.0] }
    });
    let color = Rgb::new(size, Samples::Eight(pixels.map(|value| value as u8).collect()));
    let picture = Encodable { color: &color, alpha: None, profile: None, metadata: &Metadata::default() };
    encode(&picture, &WriteOptions::new(format)).unwrap()
}

/// A matte of one value, as PNG.
pub fn flat_matte(size: Size, value: f32) -> Vec<u8> {
    encode_gray(&Alpha::filled(size, value), &WriteOptions::new(Format::Png)).unwrap()
}
