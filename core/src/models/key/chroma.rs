//! Keying by a screen's colour: alpha is what of a pixel's chroma is not the screen's.

use rayon::prelude::*;

use super::{level::Level, ramp, screen::Screen, srgb, used};
use crate::{
    Error, Kind, Result,
    files::Picture,
    models::{ModelUsed, Segmented, Segmenter},
    options::{Key, KeyColor, Options},
    pixels::{Alpha, Rgb},
    steps::planes::{Plane, between},
};

/// How much chroma across the screen's takes away from that along it: 1/√3 is where another primary begins, so that yellow
/// and cyan are subject.
const ACROSS: f32 = 0.577;
/// How dark, as a share of the screen's luma around it, a shadow with an edge may be.
const SHADOW: f32 = 0.7;

/// Tells a subject from a screen of one colour, as a [`Segmenter`].
pub struct Chroma {
    /// The screen that was found, and what was known of it beforehand.
    screen: Option<(KeyColor, Screen)>,
    used: ModelUsed,
}

impl Default for Chroma {
    fn default() -> Self {
        Self { screen: None, used: used(super::CHROMA) }
    }
}

impl Chroma {
    /// The screen that was found before, else that of this picture.
    fn screen_of(&mut self, color: &Rgb, key: &Key) -> Result<Screen> {
        let known = key.known_color()?;
        if let Some((_, screen)) = self.screen.filter(|(before, _)| *before == known) {
            return Ok(screen);
        }
        let found = Screen::find(color, known);
        if let Some(screen) = found {
            self.screen = Some((known, screen));
        }
        let named = match known {
            // A clip may begin in black: the next picture may show more.
            KeyColor::About(paint) => Screen::new(paint.map(|c| f32::from(c) / 255.0)),
            _ => None,
        };
        found.or(named).ok_or_else(|| match known {
            KeyColor::Border => {
                Error::new(Kind::ScreenMissing, "no screen of one colour is seen at the picture's border")
            }
            _ => Error::new(Kind::OptionInvalid, "key.color is nearly grey: there is no colour to key by"),
        })
    }
}

impl Segmenter for Chroma {
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        let color = srgb(picture)?;
        let screen = self.screen_of(&color, &options.key)?;
        let alpha = keyed(&color, &screen, &options.key);
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None })
    }

    fn follows_edges(&self) -> bool {
        true
    }

    fn screen(&self) -> Option<[f32; 3]> {
        self.screen.map(|(_, screen)| screen.color)
    }

    fn learns_from_first(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        self.screen = None;
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

/// The matte of a picture in sRGB.
///
/// A pixel that is 1 − α screen has 1 − α of the chroma along the screen's, that the screen has there; the subject has
/// little of it (Vlahos's assumption; Smith, Blinn: Blue Screen Matting, SIGGRAPH 1996). Shadows on the screen have less
/// chroma and less luma alike, so less is expected where it is darker, within limits: dark subjects have neither.
fn keyed(color: &Rgb, screen: &Screen, key: &Key) -> Alpha {
    let level = Level::of(color, screen);
    let width = color.size().width as usize;
    let mut values = vec![0.0_f32; color.size().area()];
    values.par_chunks_mut(width).enumerate().for_each(|(y, values)| {
        let (along, luma) = (Row::of(&level.along, level.block, y), Row::of(&level.luma, level.block, y));
        for (x, value) in values.iter_mut().enumerate() {
            let pixel = screen.measure(color.unit(y * width + x));
            let shade = (pixel.luma / luma.at(x).max(1e-6)).clamp(SHADOW, 1.0);
            let share = (pixel.along - ACROSS * pixel.across) / (along.at(x) * shade).max(1e-6);
            *value = ramp(1.0 - share, key.tolerance, key.softness);
        }
    });
    Alpha::new(color.size(), values)
}

/// One row of pixels between rows of a grid.
struct Row {
    cells: Vec<f32>,
    block: usize,
}

impl Row {
    fn of(grid: &Plane, block: usize, y: usize) -> Self {
        let (top, bottom, down) = between(y, block, grid.size.height as usize);
        let cells = grid.row(top).iter().zip(grid.row(bottom)).map(|(above, below)| above + down * (below - above));
        Self { cells: cells.collect(), block }
    }

    #[inline]
    fn at(&self, x: usize) -> f32 {
        let (left, right, across) = between(x, self.block, self.cells.len());
        self.cells[left] + across * (self.cells[right] - self.cells[left])
    }
}
