//! A linear gradient behind the subject: two or more CSS colours and an angle, `gradient:#fff,#000,45`.

use super::{Background, Scene, color};
use crate::{
    Error, Kind, Result,
    pixels::{Rgb, Samples},
};

struct Gradient {
    /// Colours at equal distances along the line, 8-bit sRGB.
    stops: Vec<[u8; 3]>,
    /// Direction in degrees: 0 upwards, 90 to the right, as in CSS.
    angle: f32,
}

impl Background for Gradient {
    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb> {
        let (width, height) = (scene.canvas.width as f32, scene.canvas.height as f32);
        let (sin, cos) = self.angle.to_radians().sin_cos();
        // The line's length is such that the corners get exactly the first and last colour (CSS Images 3, §3.1).
        let length = (width * sin).abs() + (height * cos).abs();
        let mut samples = Vec::with_capacity(scene.canvas.area() * 3);
        for y in 0..scene.canvas.height {
            let from_middle_y = height / 2.0 - (y as f32 + 0.5);
            for x in 0..scene.canvas.width {
                let from_middle_x = x as f32 + 0.5 - width / 2.0;
                let along = (from_middle_x * sin + from_middle_y * cos) / length + 0.5;
                samples.extend(self.color_at(along));
            }
        }
        Ok(Rgb::new(scene.canvas, Samples::Eight(samples)))
    }
}

impl Gradient {
    fn color_at(&self, along: f32) -> [u8; 3] {
        let position = along.clamp(0.0, 1.0) * (self.stops.len() - 1) as f32;
        let first = (position as usize).min(self.stops.len() - 2);
        let share = position - first as f32;
        std::array::from_fn(|c| {
            let (low, high) = (f32::from(self.stops[first][c]), f32::from(self.stops[first + 1][c]));
            (low + (high - low) * share).round() as u8
        })
    }
}

/// Reads `COLOUR,COLOUR[,…][,DEGREES]`; without degrees it runs from top to bottom.
///
/// # Errors
/// [`Kind::BackgroundInvalid`] for fewer than two colours or a part that is neither colour nor angle.
pub fn parse(argument: &str) -> Result<Box<dyn Background>> {
    let mut parts = split_outside_brackets(argument);
    let angle = parts.last().and_then(|last| last.trim_end_matches("deg").parse::<f32>().ok());
    if angle.is_some() {
        parts.pop();
    }
    let stops = parts.iter().map(|part| color::parse_css(part)).collect::<Result<Vec<_>>>()?;
    if stops.len() < 2 {
        return Err(Error::new(Kind::BackgroundInvalid, format!("gradient:{argument} names fewer than two colours")));
    }
    Ok(Box::new(Gradient { stops, angle: angle.filter(|a| a.is_finite()).unwrap_or(180.0) }))
}

/// Splits at commas, but not at those inside `rgb(1, 2, 3)`.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Alpha, Size};

    fn paint(notation: &str, canvas: Size) -> Rgb {
        let (picture, alpha) = (Rgb::filled(canvas, [0; 3]), Alpha::filled(canvas, 1.0));
        parse(notation).unwrap().paint(&Scene { canvas, picture: &picture, alpha: &alpha, scale: 1.0 }).unwrap()
    }

    #[test]
    fn runs_from_the_first_colour_to_the_last() {
        let down = paint("#000,#fff", Size::new(3, 101));
        assert!(down.unit(1)[0] < 0.01 && down.unit(100 * 3 + 1)[0] > 0.99);
        let right = paint("rgb(255, 0, 0), #00f, 90", Size::new(101, 1));
        assert!(right.unit(0)[0] > 0.99 && right.unit(100)[2] > 0.99);
    }

    #[test]
    fn needs_two_colours() {
        for wrong in ["", "#fff", "#fff,45", "#fff,nonsense"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
