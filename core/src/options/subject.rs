//! Which of what is found is the subject: points, a box, classes, the largest piece.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Length;
use crate::{
    Error, Kind,
    pixels::{Rect, Size},
};

/// Which of what is found is kept. All unset: everything.
///
/// Networks that are asked by points and boxes take these for their question; of all others' mattes they choose the
/// connected pieces ([`crate::steps::subject`]).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subject {
    /// Keep only the largest connected piece, with what hangs on it.
    pub keep_largest: bool,
    /// Places that belong to the subject, and places that do not.
    pub points: Vec<Point>,
    /// The part of the picture that the subject lies in.
    #[serde(rename = "box")]
    pub region: Option<Region>,
    /// Names of the classes that are the subject, for networks that tell classes apart. None are all but the
    /// background.
    pub classes: Vec<String>,
}

/// A place that belongs to the subject or does not. Written `300,200`, `50%,30%` or `300,200:drop`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From the left and from the top; percent are of width and height.
    pub at: [Length; 2],
    /// What is to become of it.
    pub verdict: Verdict,
}

/// What is to become of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It belongs to the subject.
    Keep,
    /// It does not.
    Drop,
}

/// A box in a picture, written `x,y,width,height`; percent are of the picture's width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Left and top edge.
    pub corner: [Length; 2],
    /// Width and height.
    pub sides: [Length; 2],
}

impl Subject {
    /// Whether points or a box say where the subject is.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        !self.points.is_empty() || self.region.is_some()
    }

    /// Adds what is wrong with the fields.
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let mut within = |field: &str, length: Length, low: f32| {
            let high = if matches!(length, Length::Percent(_)) { 100.0 } else { 1e6 };
            if !(low..=high).contains(&length.number()) {
                problems.push(format!("{field} is {length}, allowed is {low} to {high}"));
            }
        };
        for (number, point) in self.points.iter().enumerate() {
            within(&format!("subject.points {} x", number + 1), point.at[0], 0.0);
            within(&format!("subject.points {} y", number + 1), point.at[1], 0.0);
        }
        if let Some(region) = self.region {
            let fields = [("x", region.corner[0], 0.0), ("y", region.corner[1], 0.0)];
            let sides = [("width", region.sides[0], 0.01), ("height", region.sides[1], 0.01)];
            fields.into_iter().chain(sides).for_each(|(name, length, low)| {
                within(&format!("subject.box {name}"), length, low);
            });
        }
        if self.classes.iter().any(String::is_empty) {
            problems.push("subject.classes holds an empty name".to_owned());
        }
    }
}

impl Point {
    /// The pixel it falls on in a picture of `size`: column, row.
    ///
    /// # Errors
    /// [`Kind::SelectionMissed`] when it lies outside.
    pub fn pixel(&self, size: Size) -> crate::Result<(u32, u32)> {
        let on = |length: Length, side: u32| {
            let at = length.pixels(side as f32);
            // The far edge belongs to the last pixel, so that 100% is inside.
            (0.0..=side as f32).contains(&at).then(|| (at as u32).min(side - 1))
        };
        on(self.at[0], size.width).zip(on(self.at[1], size.height)).ok_or_else(|| outside("point", self, size))
    }
}

impl Region {
    /// The pixels it covers in a picture of `size`.
    ///
    /// # Errors
    /// [`Kind::SelectionMissed`] when it lies outside.
    pub fn pixels(&self, size: Size) -> crate::Result<Rect> {
        let span = |corner: Length, length: Length, side: u32| {
            let from = corner.pixels(side as f32);
            let to = (from + length.pixels(side as f32)).round().min(side as f32) as u32;
            let from = from.round() as u32;
            (from < to).then(|| (from, to - from))
        };
        let across = span(self.corner[0], self.sides[0], size.width);
        let down = span(self.corner[1], self.sides[1], size.height);
        let part = |((left, width), (top, height))| Rect { left, top, size: Size::new(width, height) };
        across.zip(down).map(part).ok_or_else(|| outside("box", self, size))
    }
}

fn outside(what: &str, it: &impl fmt::Display, size: Size) -> Error {
    Error::new(Kind::SelectionMissed, format!("the {what} {it} lies outside the picture of {size}"))
}

fn lengths<const N: usize>(text: &str) -> Option<[Length; N]> {
    let lengths: Vec<Length> = text.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    lengths.try_into().ok()
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, verdict) = match text.rsplit_once(':') {
            Some((place, "keep")) => (place, Verdict::Keep),
            Some((place, "drop")) => (place, Verdict::Drop),
            _ => (text, Verdict::Keep),
        };
        let at = lengths(place);
        at.map(|at| Self { at, verdict })
            .ok_or_else(|| format!("{text:?} is not a point: write 300,200 or 50%,30%, with :drop behind what must go"))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = if self.verdict == Verdict::Drop { ":drop" } else { "" };
        write!(formatter, "{},{}{ending}", self.at[0], self.at[1])
    }
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [x, y, width, height] =
            lengths(text).ok_or_else(|| format!("{text:?} is not a box: write x,y,width,height"))?;
        Ok(Self { corner: [x, y], sides: [width, height] })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{},{},{},{}", self.corner[0], self.corner[1], self.sides[0], self.sides[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_boxes_are_read_as_written() {
        for (text, shown, pixel) in [
            ("300,200", "300px,200px", Some((300, 200))),
            ("50%, 100%:drop", "50%,100%:drop", Some((400, 599))),
            ("800,0:keep", "800px,0px", Some((799, 0))),
            ("801,0", "801px,0px", None),
        ] {
            let point: Point = text.parse().unwrap();
            assert_eq!(point.to_string(), shown);
            assert_eq!(shown.parse(), Ok(point));
            assert_eq!(point.pixel(Size::new(800, 600)).ok(), pixel, "{text}");
        }
        for wrong in ["", "3", "1,2,3", "1,2:maybe", "a,b"] {
            assert!(wrong.parse::<Point>().is_err(), "{wrong}");
        }
        let region: Region = "10,20,50%,5000".parse().unwrap();
        let pixels = region.pixels(Size::new(200, 100)).unwrap();
        assert_eq!((pixels.left, pixels.top, pixels.size), (10, 20, Size::new(100, 80)));
        assert_eq!(region.to_string().parse(), Ok(region));
        let missed = "300,0,10,10".parse::<Region>().unwrap().pixels(Size::new(200, 100));
        assert_eq!(missed.unwrap_err().kind(), Kind::SelectionMissed);
        assert!("1,2,3".parse::<Region>().is_err());
    }
}
