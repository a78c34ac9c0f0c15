//! Room around the subject's box, written as CSS writes margins.

use std::{fmt, str::FromStr};

use super::Length;
use crate::pixels::Size;

/// Room on the four sides of a box. Written `20`, `5%`, `10px 5%` (above and below, beside) or `1% 2% 3% 4%` (above, right,
/// below, left).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Margins {
    /// The same on all sides; percent are of the box's longer side.
    Around(Length),
    /// Above, right, below, left; percent are of the box's height above and below, of its width beside it.
    Sides([Length; 4]),
}

impl Default for Margins {
    fn default() -> Self {
        Self::Around(Length::default())
    }
}

impl Margins {
    /// In pixels: above, right, below, left of a box of `size`. Never below 0.
    #[must_use]
    pub fn pixels(self, size: Size) -> [f32; 4] {
        let (width, height) = (size.width as f32, size.height as f32);
        let pixels = match self {
            Self::Around(length) => [length.pixels(width.max(height)); 4],
            Self::Sides([top, right, bottom, left]) => {
                [top.pixels(height), right.pixels(width), bottom.pixels(height), left.pixels(width)]
            }
        };
        pixels.map(|pixels| pixels.max(0.0))
    }

    /// The lengths, one or four.
    pub(super) fn lengths(&self) -> &[Length] {
        match self {
            Self::Around(length) => std::slice::from_ref(length),
            Self::Sides(lengths) => lengths,
        }
    }
}

impl From<Length> for Margins {
    fn from(length: Length) -> Self {
        Self::Around(length)
    }
}

impl fmt::Display for Margins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<String> = self.lengths().iter().map(ToString::to_string).collect();
        formatter.write_str(&lengths.join(" "))
    }
}

impl FromStr for Margins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lengths = text.split_whitespace().map(str::parse).collect::<Result<Vec<Length>, String>>()?;
        match lengths[..] {
            [around] => Ok(Self::Around(around)),
            [upright, across] => Ok(Self::Sides([upright, across, upright, across])),
            [top, right, bottom, left] => Ok(Self::Sides([top, right, bottom, left])),
            _ => Err(format!("{text:?} is no margin: write one, two or four lengths, such as 20, 5% or \"10px 5%\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_read_as_css_reads_them() {
        let size = Size::new(200, 100);
        for (text, pixels) in [
            ("20", [20.0; 4]),
            ("5%", [10.0; 4]),
            ("10px 5%", [10.0, 10.0, 10.0, 10.0]),
            ("10% 10%", [10.0, 20.0, 10.0, 20.0]),
            ("1 2 3% 4%", [1.0, 2.0, 3.0, 8.0]),
        ] {
            let margins: Margins = text.parse().unwrap();
            assert_eq!(margins.pixels(size), pixels, "{text}");
            assert_eq!(margins.to_string().parse(), Ok(margins), "{text}");
        }
        for wrong in ["", "1 2 3", "1 2 3 4 5", "wide"] {
            assert!(wrong.parse::<Margins>().is_err(), "{wrong}");
        }
    }
}
