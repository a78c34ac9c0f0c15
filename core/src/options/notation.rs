//! Lengths and sizes as people write them, on the command line and in stored options.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Margins, Point, Region};
use crate::{engine::Device, pixels::Size};

/// A length in pixels of the output, or in percent of what the field says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    /// Pixels.
    Pixels(f32),
    /// Percent of the reference length.
    Percent(f32),
}

/// The size of an output canvas, written `1200x800`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas(pub Size);

impl Default for Length {
    fn default() -> Self {
        Self::Pixels(0.0)
    }
}

impl Length {
    /// In pixels, percent taken of `reference` pixels.
    #[must_use]
    pub fn pixels(self, reference: f32) -> f32 {
        match self {
            Self::Pixels(pixels) => pixels,
            Self::Percent(percent) => percent / 100.0 * reference,
        }
    }

    pub(super) fn number(self) -> f32 {
        match self {
            Self::Pixels(number) | Self::Percent(number) => number,
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(pixels) => write!(formatter, "{pixels}px"),
            Self::Percent(percent) => write!(formatter, "{percent}%"),
        }
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let text = text.trim();
        let wrong = || format!("{text:?} is not a length: write 12, 12px or 1.5%");
        let number = |digits: &str| digits.trim().parse::<f32>().ok().filter(|n| n.is_finite()).ok_or_else(wrong);
        match text.strip_suffix('%') {
            Some(percent) => number(percent).map(Self::Percent),
            None => number(text.strip_suffix("px").unwrap_or(text)).map(Self::Pixels),
        }
    }
}

impl fmt::Display for Canvas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.0.width, self.0.height)
    }
}

impl FromStr for Canvas {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let sides = text
            .split_once(['x', 'X'])
            .and_then(|(width, height)| Some(Size::new(width.trim().parse().ok()?, height.trim().parse().ok()?)));
        sides.map(Self).ok_or_else(|| format!("{text:?} is not a size: write 1200x800"))
    }
}

/// Stored options write these types the way people do.
macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Length, Margins, Canvas, Device, Point, Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, length) in
            [("12", Length::Pixels(12.0)), ("-3px", Length::Pixels(-3.0)), ("1.5 %", Length::Percent(1.5))]
        {
            assert_eq!(text.parse(), Ok(length));
        }
        for text in ["", "px", "NaN", "1e999", "2 metres"] {
            assert!(text.parse::<Length>().is_err(), "{text}");
        }
    }
}
