//! How far the work is, on standard error: as bars, lines, JSON objects, or not at all.

use std::{
    io::{IsTerminal, Write},
    ops::ControlFlow,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backgroundfx_core::progress::{Progress, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::{args::ProgressMode, interrupt};

/// Shows downloads and pictures, and passes Ctrl-C on to downloads.
pub struct Screen {
    shown: Shown,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Bars,
    Lines,
    Json,
    Nothing,
}

#[derive(Default)]
struct State {
    pictures: Option<ProgressBar>,
    total: usize,
    done: usize,
    download: Option<Download>,
    clip: Option<Watched>,
}

/// The clip that is shown.
struct Watched {
    name: String,
    bar: ProgressBar,
    /// When its first frame of this run was done, and its number.
    begun: Option<(Instant, u64)>,
    /// When JSON was told last.
    told: Option<Instant>,
    /// The last tenth that was told in lines.
    tenth: Option<u64>,
}

/// JSON tells of a clip no oftener than this.
const OFTEN: Duration = Duration::from_millis(500);

/// The download that is shown.
struct Download {
    subject: String,
    bar: ProgressBar,
    /// The last tenth that was told in lines or JSON.
    tenth: Option<u64>,
}

impl Screen {
    /// A screen of this kind; `quiet` hides bars, and leaves alone what a program asked for.
    pub fn new(mode: ProgressMode, quiet: bool) -> Self {
        let shown = match mode {
            ProgressMode::Auto if !quiet && std::io::stderr().is_terminal() => Shown::Bars,
            ProgressMode::Plain if !quiet => Shown::Lines,
            ProgressMode::Json => Shown::Json,
            _ => Shown::Nothing,
        };
        let target = if shown == Shown::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { shown, bars: MultiProgress::with_draw_target(target), state: Mutex::default() }
    }

    /// So many pictures are to come.
    pub fn begin(&self, total: usize) {
        let mut state = self.state();
        state.total = total;
        if self.shown == Shown::Bars {
            let bar = self.bars.add(ProgressBar::new(total as u64));
            let several = "{bar:30} {pos}/{len} pictures  {elapsed}, {eta} left  {msg}";
            bar.set_style(style(if total > 1 { several } else { "{spinner} {msg}" }));
            bar.enable_steady_tick(Duration::from_millis(120));
            state.pictures = Some(bar);
        }
    }

    /// A folder is watched; nobody knows how many pictures will come.
    pub fn watching(&self, folder: &Path) {
        if self.shown == Shown::Bars {
            let bar = self.bars.add(ProgressBar::no_length());
            bar.set_style(style("{spinner} {pos} pictures  {msg}"));
            bar.set_message(format!("watching {}; Ctrl-C ends it", folder.display()));
            bar.enable_steady_tick(Duration::from_millis(250));
            self.state().pictures = Some(bar);
        }
    }

    /// A clip is begun.
    pub fn clip(&self, path: &Path) {
        let mut state = self.state();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_style(style("{msg}  {spinner} {pos} frames  {per_sec}"));
        bar.set_message(name.clone());
        bar.enable_steady_tick(Duration::from_millis(200));
        state.clip = Some(Watched { name, bar, begun: None, told: None, tenth: None });
    }

    /// A picture is finished with.
    pub fn picture_done(&self, name: &str, status: &str) {
        let mut state = self.state();
        state.done += 1;
        let (done, total) = (state.done, state.total);
        match self.shown {
            Shown::Bars => state.pictures.iter().for_each(|bar| bar.inc(1)),
            Shown::Lines if total == 0 => self.print(&format!("[{done}] {name}: {status}")),
            Shown::Lines => self.print(&format!("[{done}/{total}] {name}: {status}")),
            Shown::Json => {
                let total = (total > 0).then_some(total);
                let event =
                    json!({ "event": "picture", "input": name, "status": status, "done": done, "total": total });
                self.print(&event.to_string());
            }
            Shown::Nothing => {}
        }
    }

    /// Says something to the person, above the bars.
    pub fn say(&self, text: &str) {
        self.bars.suspend(|| self.print(text));
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        let mut state = self.state();
        state.pictures.take().iter().for_each(ProgressBar::finish_and_clear);
        state.download.take().iter().for_each(|download| download.bar.finish_and_clear());
        state.clip.take().iter().for_each(|clip| clip.bar.finish_and_clear());
    }

    fn print(&self, text: &str) {
        // A closed standard error leaves nobody to tell.
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames done, frames a second and seconds left.
    fn show_clip(&self, step: Step<'_>) {
        let mut state = self.state();
        let Some(clip) = state.clip.as_mut() else { return };
        let (begun, first) = *clip.begun.get_or_insert((Instant::now(), step.done));
        if clip.bar.length().is_none() && step.total.is_some() {
            clip.bar.set_style(style("{msg}  {bar:30} {pos}/{len} frames  {per_sec}  {eta} left"));
        }
        clip.bar.update(|bar| {
            bar.set_len(step.total.unwrap_or(step.done));
            bar.set_pos(step.done);
        });
        let seconds = begun.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { (step.done - first) as f64 / seconds } else { 0.0 };
        let left = step.total.filter(|_| rate > 0.0).map(|total| (total.saturating_sub(step.done)) as f64 / rate);
        match self.shown {
            Shown::Json if clip.told.is_none_or(|told| told.elapsed() >= OFTEN) || step.total == Some(step.done) => {
                clip.told = Some(Instant::now());
                let event = json!({
                    "event": "video", "input": clip.name, "done": step.done, "total": step.total,
                    "frames_per_second": (rate * 100.0).round() / 100.0, "seconds_left": left.map(f64::round),
                });
                self.print(&event.to_string());
            }
            Shown::Lines => {
                let tenth = step.total.filter(|total| *total > 0).map(|total| step.done * 10 / total);
                if clip.tenth != tenth {
                    clip.tenth = tenth;
                    let left = left.map(|left| format!(", {left:.0} s left")).unwrap_or_default();
                    let total = step.total.map(|total| format!("/{total}")).unwrap_or_default();
                    let name = &clip.name;
                    self.print(&format!("{name}: {}{total} frames, {rate:.1} a second{left}", step.done));
                }
            }
            _ => {}
        }
    }

    fn show_download(&self, step: Step<'_>) {
        let mut state = self.state();
        if state.download.as_ref().is_none_or(|download| download.subject != step.subject) {
            if let Some(old) = state.download.take() {
                old.bar.finish_and_clear();
            }
            state.download = Some(self.new_download(step));
        }
        let Some(download) = state.download.as_mut() else { return };
        if download.bar.length().is_none() && step.total.is_some() {
            *download = self.new_download(step);
        }
        download.bar.set_position(step.done);
        let tenth = step.total.filter(|total| *total > 0).map(|total| step.done * 10 / total);
        let told = (self.shown == Shown::Nothing) || download.tenth == tenth && tenth.is_some();
        download.tenth = tenth;
        match (self.shown, tenth) {
            _ if told => {}
            (Shown::Json, _) => self.print(&event(step)),
            (Shown::Lines, Some(tenth)) => self.print(&format!("{} {}: {}0 %", step.name, step.subject, tenth)),
            _ => {}
        }
        if step.total == Some(step.done) {
            download.bar.finish_and_clear();
        }
    }

    fn new_download(&self, step: Step<'_>) -> Download {
        let bar = match step.total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let bar = self.bars.insert(0, bar);
        bar.set_style(match step.total {
            Some(_) => style("fetching {msg}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"),
            None => style("fetching {msg}  {spinner} {bytes}"),
        });
        bar.set_message(step.subject.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Download { subject: step.subject.to_owned(), bar, tenth: None }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Progress for Screen {
    fn report(&self, step: Step<'_>) -> ControlFlow<()> {
        match step.name {
            "download" | "wait" => {
                self.show_download(step);
                // Only fetching is cut short; a picture in hand is finished.
                if interrupt::pending() {
                    return ControlFlow::Break(());
                }
            }
            "video" => {
                self.show_clip(step);
                if interrupt::pending() {
                    return ControlFlow::Break(());
                }
            }
            _ if self.shown == Shown::Json => self.print(&event(step)),
            // With several pictures in hand, their steps would flicker past each other.
            name => {
                let state = self.state();
                state.pictures.iter().filter(|_| state.total == 1).for_each(|bar| bar.set_message(name.to_owned()));
            }
        }
        ControlFlow::Continue(())
    }
}

fn event(step: Step<'_>) -> String {
    let event = json!({
        "event": "step", "step": step.name, "subject": step.subject, "done": step.done, "total": step.total,
    });
    event.to_string()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed and tested").progress_chars("█▉░")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_screen_takes_every_report() {
        for mode in [ProgressMode::Auto, ProgressMode::Plain, ProgressMode::Json, ProgressMode::None] {
            let screen = Screen::new(mode, false);
            screen.begin(2);
            for (name, total) in [("download", None), ("download", Some(10)), ("segment", None)] {
                let step = Step { name, subject: "weights", done: 5, total };
                assert_eq!(screen.report(step), ControlFlow::Continue(()));
            }
            screen.picture_done("a.jpg", "ok");
        }
    }

    #[test]
    fn templates_are_well_formed() {
        let screen = Screen {
            shown: Shown::Bars,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            state: Mutex::default(),
        };
        screen.begin(3);
        screen.watching(Path::new("folder"));
        for total in [None, Some(10)] {
            screen.show_download(Step { name: "download", subject: "weights", done: 10, total });
        }
        screen.finish();
    }
}
