//! Rates and times of video: exact ratios, and counts of a clip's own clock.

use std::{fmt, str::FromStr};

/// A ratio of two positive numbers: frames a second, or the length of a tick in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// Above the line.
    pub numerator: u32,
    /// Below the line, never 0.
    pub denominator: u32,
}

impl Default for Ratio {
    /// One.
    fn default() -> Self {
        Self::new(1, 1)
    }
}

impl Ratio {
    /// A ratio.
    ///
    /// # Panics
    /// When the denominator is 0.
    #[must_use]
    pub const fn new(numerator: u32, denominator: u32) -> Self {
        assert!(denominator > 0, "a ratio's denominator is above 0");
        Self { numerator, denominator }
    }

    /// Reads `30000/1001`, `16:15` or `25`; nothing where either part is 0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once(['/', ':']).unwrap_or((text, "1"));
        let (numerator, denominator) = (numerator.trim().parse().ok()?, denominator.trim().parse().ok()?);
        (numerator > 0 && denominator > 0).then_some(Self { numerator, denominator })
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl FromStr for Ratio {
    type Err = String;

    /// Reads a ratio, or a number with up to three decimals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let decimal = || {
            let number: f64 = text.parse().ok()?;
            let thousandths = (number * 1000.0).round();
            (1.0..4e9).contains(&thousandths).then(|| Self::new(thousandths as u32, 1000))
        };
        Self::parse(text).or_else(decimal).ok_or_else(|| "write a rate such as 25, 29.97 or 30000/1001".to_owned())
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.numerator, self.denominator)
    }
}

/// Reads a time: seconds (`12.5`), or hours, minutes and seconds (`1:02:03.5`, `2:03`).
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no time; write seconds, or hours:minutes:seconds");
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    for (index, part) in parts.iter().enumerate() {
        let number: f64 = part.trim().parse().map_err(|_| wrong())?;
        let most = if index == 0 { f64::INFINITY } else { 60.0 };
        if !(number >= 0.0 && number < most) {
            return Err(wrong());
        }
        seconds = seconds * 60.0 + number;
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times_are_read() {
        assert_eq!("29.97".parse(), Ok(Ratio::new(29970, 1000)));
        assert_eq!("30000/1001".parse(), Ok(Ratio::new(30000, 1001)));
        assert!("0".parse::<Ratio>().is_err() && "fast".parse::<Ratio>().is_err());
        assert_eq!(parse_seconds("12.5"), Ok(12.5));
        assert_eq!(parse_seconds("1:02:03.5"), Ok(3723.5));
        for wrong in ["", "1:60", "-1", "a", "1:2:3:4"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
