//! Clips that ffmpeg draws, a segmenter that knows the subject by its colour, and what ffprobe says of the result.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
};

use backgroundfx_core::{
    Result,
    engine::{Device, Precision, Tensor, artifacts::License},
    files::{IfExists, Picture},
    models::{ModelUsed, Segmented, Segmenter},
    options::Options,
    pixels::Alpha,
    progress::{Progress, Silent, Step},
    video::{Content, Ffmpeg, Format, Job, Summary, VideoOptions, cut_out, probe, recipe_for},
};

/// Everything that is brighter than half is subject.
pub struct Bright(ModelUsed);

impl Bright {
    pub fn new() -> Self {
        Self(ModelUsed {
            model: "bright".into(),
            file: "none".into(),
            sha256: None,
            license: License { code: "MIT".into(), weights: "MIT".into(), data: None, note: None, commercial: true },
            device: Device::Cpu,
            precision: Precision::Fp32,
            passed_over: Vec::new(),
        })
    }
}

impl Segmenter for Bright {
    fn segment(&mut self, picture: &Picture, _: &Options) -> Result<Segmented> {
        let size = picture.color.size();
        let light = |i| picture.color.unit(i).iter().sum::<f32>() / 3.0;
        let alpha = Alpha::new(size, (0..size.area()).map(|i| if light(i) > 0.5 { 1.0 } else { 0.0 }).collect());
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None })
    }

    fn used(&self) -> &ModelUsed {
        &self.0
    }
}

/// The brighter the surer, and the surer the more frames it remembers.
pub struct Counting {
    bright: Bright,
    seen: f32,
}

impl Counting {
    pub fn new() -> Self {
        Self { bright: Bright::new(), seen: 0.0 }
    }
}

impl Segmenter for Counting {
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        self.seen += 1.0;
        let mut found = self.bright.segment(picture, options)?;
        found.alpha.values_mut().iter_mut().for_each(|value| *value *= self.seen / 1000.0);
        Ok(found)
    }

    fn remembers(&self) -> bool {
        true
    }

    fn memory(&self) -> Vec<Tensor> {
        vec![Tensor::new(vec![1], vec![self.seen])]
    }

    fn recall(&mut self, memory: Vec<Tensor>) -> Result<()> {
        self.seen = memory[0].values[0];
        Ok(())
    }

    fn reset(&mut self) {
        self.seen = 0.0;
    }

    fn used(&self) -> &ModelUsed {
        self.bright.used()
    }
}

/// A folder of clips.
pub struct Clips {
    folder: tempfile::TempDir,
    pub ffmpeg: Ffmpeg,
}

/// A dark ground with a white square that moves a pixel a frame; the top left corner tells the frame's number.
pub const SQUARE: &str = "lum='if(between(X,40+mod(N,50),70+mod(N,50))*between(Y,40,80),225,if(lt(X,16)*lt(Y,16),16+mod(N,32)*3,40))':cb=128:cr=128";

impl Clips {
    pub fn new() -> Self {
        let ffmpeg = Ffmpeg::find(None).expect("these tests need ffmpeg");
        Self { folder: tempfile::tempdir().unwrap(), ffmpeg }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs ffmpeg in the folder.
    pub fn draw(&self, arguments: &[&str]) {
        let mut command = Command::new("ffmpeg");
        let output = command.args(["-v", "error", "-y"]).args(arguments).current_dir(&self.folder).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A clip of the moving square with a tone, made with more arguments for ffmpeg.
    pub fn square(&self, name: &str, size: &str, seconds: f64, more: &[&str]) -> PathBuf {
        let pictures = format!("nullsrc=s={size}:r=25:d={seconds},geq={SQUARE}");
        let tone = format!("sine=440:d={seconds}");
        let inputs = ["-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &tone];
        let usual = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-c:a", "aac"];
        self.draw(&[&inputs[..], &usual, more, &[name]].concat());
        self.path(name)
    }

    /// Makes one output of a clip.
    pub fn make(&self, input: &Path, output: &str, content: Content, options: &VideoOptions) -> Result<Summary> {
        self.make_with(input, output, content, options, &Silent)
    }

    pub fn make_with(
        &self,
        input: &Path,
        output: &str,
        content: Content,
        options: &VideoOptions,
        progress: &dyn Progress,
    ) -> Result<Summary> {
        self.make_by(&mut Bright::new(), input, (output, content), options, progress)
    }

    pub fn make_by(
        &self,
        segmenter: &mut dyn Segmenter,
        input: &Path,
        (output, content): (&str, Content),
        options: &VideoOptions,
        progress: &dyn Progress,
    ) -> Result<Summary> {
        let path = self.path(output);
        let format = Format::of_path(&path)?;
        let size = probe(&self.ffmpeg, input)?.size;
        let outputs = [(content, path)];
        let job = Job { input, clip: None, outputs: &outputs, format, if_exists: IfExists::Refuse, options, look: 512 };
        let recipe = recipe_for(Options::default(), Some(size), 512, false)?;
        cut_out(&self.ffmpeg, &job, segmenter, &recipe, progress)
    }

    /// What ffprobe prints of a file's streams of one kind: the values of some entries, a line each.
    pub fn probed(&self, name: &str, stream: &str, entries: &str) -> Vec<String> {
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0"]);
        let output = command.arg(self.path(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.trim().trim_end_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
    }

    /// The times of all packets of a stream in seconds, in order.
    pub fn times(&self, name: &str, stream: &str) -> Vec<f64> {
        let mut times: Vec<f64> =
            self.probed(name, stream, "packet=pts_time").iter().filter_map(|line| line.parse().ok()).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    /// All frames of a file as raw samples of a pixel format, each with so many bytes.
    pub fn frames(&self, name: &str, decoder: &[&str], pixels: &str, bytes: usize) -> Vec<Vec<u8>> {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error"]).args(decoder).arg("-i").arg(self.path(name));
        command.args(["-map", "0:v:0", "-vsync", "passthrough", "-pix_fmt", pixels, "-f", "rawvideo", "-"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout.chunks_exact(bytes).map(<[u8]>::to_vec).collect()
    }

    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// With a plain background, so that the output is opaque.
pub fn on(background: &str) -> VideoOptions {
    VideoOptions { background: Some(background.into()), ..VideoOptions::default() }
}

/// Stops after so many frames of a run.
pub struct StopAfter(pub u64);

impl Progress for StopAfter {
    fn report(&self, step: Step<'_>) -> ControlFlow<()> {
        if step.name == "video" && step.done >= self.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
