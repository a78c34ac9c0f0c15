//! What `remove` and `video` understand about keying.

use std::path::PathBuf;

use backgroundfx_core::{models::key, options::Options};

use super::remove::unit;

/// The flags of the models that key.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Keying")]
pub struct KeyArguments {
    /// Key by a screen of this colour: green, blue, or any CSS colour (model chroma; without it, by the colour at the
    /// picture's border)
    #[arg(long, value_name = "COLOR", conflicts_with = "key_plate")]
    pub key_color: Option<String>,
    /// Key by what differs from this picture of the empty scene (model difference)
    #[arg(long, value_name = "FILE")]
    pub key_plate: Option<PathBuf>,
    /// How far from the screen's colour, or the empty scene, still counts as background (default: 0.08)
    #[arg(long, value_name = "0..1", value_parser = unit)]
    pub key_tolerance: Option<f32>,
    /// Over how much further it becomes subject (default: 0.6)
    #[arg(long, value_name = "0..1", value_parser = unit)]
    pub key_softness: Option<f32>,
}

impl KeyArguments {
    /// The model that they are about, if any is named.
    pub fn model(&self) -> Option<&'static str> {
        let by_plate = self.key_plate.as_ref().map(|_| key::DIFFERENCE);
        by_plate.or_else(|| self.key_color.as_ref().map(|_| key::CHROMA))
    }

    /// Puts them into the options.
    pub fn apply(&self, options: &mut Options) {
        let key = &mut options.key;
        key.color.clone_from(&self.key_color);
        key.plate.clone_from(&self.key_plate);
        key.tolerance = self.key_tolerance.unwrap_or(key.tolerance);
        key.softness = self.key_softness.unwrap_or(key.softness);
    }
}
