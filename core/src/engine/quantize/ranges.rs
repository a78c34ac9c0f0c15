//! What is known of a network's inner values: the range of each.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{Error, Kind, Result};

/// The least and the greatest number a value was seen to take; zero lies within.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// At most 0.
    pub low: f32,
    /// At least 0.
    pub high: f32,
}

impl Range {
    /// The range with zero taken in: zero must have an exact code, for padding is made of it.
    #[must_use]
    pub fn around_zero(low: f32, high: f32) -> Self {
        Self { low: low.min(0.0), high: high.max(0.0) }
    }

    /// What one step of the 8-bit code stands for, and the code of zero.
    #[must_use]
    pub fn code(self) -> (f32, u8) {
        let scale = (self.high - self.low).max(1e-12) / 255.0;
        (scale, (-self.low / scale).round().clamp(0.0, 255.0) as u8)
    }
}

/// Ranges by the name of the value in the graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranges {
    /// The range of each value.
    pub values: BTreeMap<String, Range>,
}

impl Ranges {
    /// The table as text: `name low high`, a line each.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, Range { low, high }) in &self.values {
            let _ = writeln!(text, "{name} {low} {high}");
        }
        text
    }

    /// Reads the table; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] naming the first line that is not understood.
    pub fn from_text(text: &str) -> Result<Self> {
        let mut ranges = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || Error::new(Kind::ModelMismatch, format!("{line:?} is no line of a table of ranges"));
            let mut words = line.rsplitn(3, ' ');
            let last = words.next().ok_or_else(wrong)?;
            let (low, name) = words.next().zip(words.next()).ok_or_else(wrong)?;
            let number = |text: &str| text.parse::<f32>().ok().filter(|number| number.is_finite()).ok_or_else(wrong);
            ranges.values.insert(name.to_owned(), Range::around_zero(number(low)?, number(last)?));
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_back_as_written() {
        let mut ranges = Ranges::default();
        ranges.values.insert("a b/Relu".to_owned(), Range::around_zero(0.25, 1.0 / 3.0));
        ranges.values.insert("c".to_owned(), Range::around_zero(-1e-9, 7e9));
        assert_eq!(Ranges::from_text(&ranges.to_text()).unwrap(), ranges);
        assert_eq!(ranges.values["a b/Relu"], Range { low: 0.0, high: 1.0 / 3.0 });
        for wrong in ["x", "x 1", "x 1 y", "x 1 NaN"] {
            assert_eq!(Ranges::from_text(wrong).unwrap_err().kind(), Kind::ModelMismatch, "{wrong}");
        }
    }

    #[test]
    fn zero_has_a_code_of_its_own() {
        for (low, high) in [(0.0, 6.0), (-2.0, 6.0), (-3.0, 0.0), (0.0, 0.0)] {
            let (scale, zero) = Range { low, high }.code();
            assert!(scale > 0.0);
            assert!((f32::from(zero) * scale + low).abs() <= scale / 2.0 + 1e-6, "{low} {high}");
        }
    }
}
