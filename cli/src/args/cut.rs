//! What `remove` and `video` understand alike: which model cuts out, which subject, and how its edge is treated.

use backgroundfx_core::{
    engine::{Device, Precision},
    options::{Length, Options, Point, Preset, Region},
};

use super::{
    KeyArguments,
    remove::{at_least_one, preset},
};
use crate::config::Config;

/// The flags about cutting out.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cutting out")]
pub struct CutArguments {
    /// low, medium, high or ultra: how much care is taken
    #[arg(short, long, value_parser = preset)]
    pub preset: Option<Preset>,
    /// Model (see `models list`)
    #[arg(short, long)]
    pub model: Option<String>,
    /// auto, cpu, cuda, cuda:1, tensorrt, coreml or directml; a named one is used or refused
    #[arg(long)]
    pub device: Option<Device>,
    /// auto, fp32 or int8: auto takes int8, about three times as fast, where this processor and the model allow it
    #[arg(long)]
    pub precision: Option<Precision>,
    /// Threads the network uses (default: one for each core)
    #[arg(long, value_parser = at_least_one())]
    pub threads: Option<usize>,
    /// A place that belongs to the subject, or with :drop does not: 300,200, 50%,30%:drop; may be repeated
    #[arg(long, value_name = "X,Y[:keep|drop]", help_heading = "Subject")]
    pub point: Vec<Point>,
    /// Where the subject is: left, top, width and height, in pixels or percent
    #[arg(long = "box", value_name = "X,Y,W,H", help_heading = "Subject")]
    pub region: Option<Region>,
    /// Classes that are the subject, divided by commas, for models that tell classes apart (see `models info`)
    #[arg(long, value_delimiter = ',', value_name = "NAMES", help_heading = "Subject")]
    pub class: Vec<String>,
    /// Keep only the largest piece of what is found
    #[arg(long, help_heading = "Subject")]
    pub keep_largest: bool,
    /// Make the matte hard: alpha from this on becomes 1, the rest 0
    #[arg(long, value_name = "0..1")]
    pub threshold: Option<f32>,
    /// Move the edge outwards, or inwards when negative: 2, 1.5px, 0.1% of the diagonal
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true)]
    pub grow: Option<Length>,
    /// Soften the edge
    #[arg(long, value_name = "LENGTH")]
    pub feather: Option<Length>,
    /// How much of the old background's colour is taken out of soft edges, 0 to 1
    #[arg(long, value_name = "0..1")]
    pub decontaminate: Option<f32>,

    #[command(flatten)]
    pub key: KeyArguments,
}

impl CutArguments {
    /// The model that the flags name, if they do.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref().or(self.key.model())
    }

    /// The options that configuration and flags ask for.
    pub fn options(&self, config: &Config) -> Options {
        let mut options = Options::preset(self.preset.or(config.preset).unwrap_or_default());
        if let Some(model) = self.model().or(config.model.as_deref()) {
            model.clone_into(&mut options.model);
        }
        self.key.apply(&mut options);
        options.device = self.device.or(config.device).unwrap_or_default();
        let subject = &mut options.subject;
        subject.points.clone_from(&self.point);
        subject.region = self.region;
        subject.classes.clone_from(&self.class);
        subject.keep_largest = self.keep_largest;
        let edges = &mut options.edges;
        edges.threshold = self.threshold;
        edges.grow = self.grow.unwrap_or_default();
        edges.feather = self.feather.unwrap_or_default();
        options.foreground.strength = self.decontaminate.unwrap_or(options.foreground.strength);
        options
    }
}
