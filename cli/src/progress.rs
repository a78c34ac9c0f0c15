//! The progress bars on standard error: downloads, and pictures of a batch.

use std::{ops::ControlFlow, sync::Mutex, time::Duration};

use backgroundfx_core::progress::{Progress, Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt;

/// Shows downloads as a bar and passes Ctrl-C on.
pub struct Bars {
    hidden: bool,
    download: Mutex<Option<(String, ProgressBar)>>,
}

impl Bars {
    /// Bars on standard error, none when `hidden`.
    pub fn new(hidden: bool) -> Self {
        Self { hidden, download: Mutex::new(None) }
    }

    /// A bar that counts pictures.
    pub fn pictures(&self, total: u64) -> ProgressBar {
        let bar = self.bar(Some(total));
        bar.set_style(style("{bar:30} {pos}/{len} pictures  {per_sec}  {eta} left  {msg}"));
        bar
    }

    fn bar(&self, total: Option<u64>) -> ProgressBar {
        // indicatif itself draws nothing when standard error is no terminal.
        let target = if self.hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        ProgressBar::with_draw_target(total, target)
    }

    fn show_download(&self, step: Step<'_>) {
        let mut shown = self.download.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let same = shown.as_ref().is_some_and(|(subject, _)| subject == step.subject);
        if !same {
            if let Some((_, bar)) = shown.take() {
                bar.finish_and_clear();
            }
            let bar = self.bar(step.total);
            bar.set_style(match step.total {
                Some(_) => style("fetching {msg}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"),
                None => style("fetching {msg}  {spinner} {bytes}"),
            });
            bar.set_message(step.subject.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            *shown = Some((step.subject.to_owned(), bar));
        }
        if let Some((_, bar)) = shown.as_ref() {
            bar.set_position(step.done);
            if step.total == Some(step.done) {
                bar.finish_and_clear();
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Ok(Some((_, bar))) = self.download.lock().map(|mut shown| shown.take()) {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bars {
    fn report(&self, step: Step<'_>) -> ControlFlow<()> {
        if step.name == "download" {
            self.show_download(step);
            // Only waiting for a download is cut short; a picture in hand is finished.
            if interrupt::pending() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed and tested").progress_chars("█▉░")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_well_formed() {
        let bars = Bars::new(true);
        bars.pictures(3).inc(1);
        for total in [None, Some(10)] {
            let step = Step { name: "download", subject: "weights", done: 5, total };
            assert_eq!(bars.report(step), ControlFlow::Continue(()));
        }
    }
}
