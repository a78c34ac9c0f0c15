//! Keying by a screen's colour: alpha is what of a pixel's chroma is not the screen's.

use rayon::prelude::*;

use super::{edge, level::Level, ramp, screen::Screen, srgb, used};
use crate::{
    Error, Kind, Result,
    files::Picture,
    models::{ModelUsed, Segmented, Segmenter},
    options::{Key, KeyColor, Options},
    pixels::{Alpha, Rgb, Samples},
    steps::planes::between,
};

/// How much chroma across the screen's takes away from that along it: 1/√3 is where another primary begins, so that yellow
/// and cyan are subject.
const ACROSS: f32 = 0.577;
/// How dark, as a share of the screen's luma around it, a shadow with an edge may be.
const SHADOW: f32 = 0.7;
/// Share of the screen's chroma from which a dark pixel begins to be taken for a shadow, and how much more until it is.
const LIKELY: (f32, f32) = (0.3, 0.4);

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
        let mut alpha = keyed(&color, &screen, &options.key);
        if options.key.softness > 0.0 {
            edge::refine(&color, &mut alpha);
        }
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
    let columns: Vec<_> = (0..width).map(|x| between(x, level.block, level.along.size.width as usize)).collect();
    let mut values = vec![0.0_f32; color.size().area()];
    values.par_chunks_mut(width).enumerate().for_each_init(Line::default, |line, (y, values)| {
        line.measure(color, screen, y);
        line.expect(&level, &columns, y);
        let measured = line.along.iter().zip(&line.luma).zip(line.level.iter().zip(&line.light));
        for (value, ((along, luma), (level, light))) in values.iter_mut().zip(measured) {
            let share = along / level.max(1e-6);
            let shadow = 1.0 - (luma / light.max(1e-6)).clamp(SHADOW, 1.0);
            let likely = ramp(share, LIKELY.0, LIKELY.1);
            *value = ramp(1.0 - share / (1.0 - likely * shadow), key.tolerance, key.softness);
        }
    });
    Alpha::new(color.size(), values)
}

/// One row of pixels as it is measured, and as the screen alone would be. One list for each, which compilers make fast.
#[derive(Default)]
struct Line {
    /// Chroma along the screen's, less what of it another hue explains.
    along: Vec<f32>,
    luma: Vec<f32>,
    /// What the screen has of both.
    level: Vec<f32>,
    light: Vec<f32>,
}

impl Line {
    fn measure(&mut self, color: &Rgb, screen: &Screen, y: usize) {
        let width = color.size().width as usize;
        self.along.resize(width, 0.0);
        self.luma.resize(width, 0.0);
        let row = 3 * y * width..3 * (y + 1) * width;
        match color.samples() {
            Samples::Eight(samples) => self.fill(&samples[row], screen, |sample| f32::from(sample) * (1.0 / 255.0)),
            Samples::Sixteen(samples) => self.fill(&samples[row], screen, |sample| f32::from(sample) * (1.0 / 65535.0)),
        }
    }

    fn fill<T: Copy>(&mut self, samples: &[T], screen: &Screen, unit: impl Fn(T) -> f32) {
        let pixels = samples.as_chunks::<3>().0.iter();
        for ((pixel, along), luma) in pixels.zip(&mut self.along).zip(&mut self.luma) {
            let pixel = screen.measure(pixel.map(&unit));
            *along = pixel.along - ACROSS * pixel.across;
            *luma = pixel.luma;
        }
    }

    fn expect(&mut self, level: &Level, columns: &[(usize, usize, f32)], y: usize) {
        let (top, bottom, down) = between(y, level.block, level.along.size.height as usize);
        for (grid, line) in [(&level.along, &mut self.level), (&level.luma, &mut self.light)] {
            let (above, below) = (grid.row(top), grid.row(bottom));
            let cells: Vec<f32> =
                above.iter().zip(below).map(|(above, below)| above + down * (below - above)).collect();
            line.clear();
            line.extend(
                columns.iter().map(|(left, right, across)| cells[*left] + across * (cells[*right] - cells[*left])),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        files::{Format, Metadata},
        pixels::Size,
    };

    const SIZE: Size = Size::new(200, 120);

    /// A block of one colour before a screen of some light at each place.
    fn scene(block: [f32; 3], light: impl Fn(usize, usize) -> f32) -> Rgb {
        let pixel = |i: usize| {
            let (x, y) = (i % 200, i / 200);
            let inside = (70..130).contains(&x) && y > 40;
            let color = if inside { block } else { [8.0, 170.0, 70.0].map(|c| c * light(x, y)) };
            color.map(|c| c as u8)
        };
        Rgb::new(SIZE, Samples::Eight((0..SIZE.area()).flat_map(pixel).collect()))
    }

    fn segment(model: &mut Chroma, color: Rgb, key: Key) -> Result<Alpha> {
        let (metadata, format) = (Metadata::default(), Format::Png);
        let picture = Picture { color, alpha: None, profile: None, metadata, format, warnings: Vec::new() };
        Ok(model.segment(&picture, &Options { key, ..Options::default() })?.alpha)
    }

    fn at(alpha: &Alpha, x: usize, y: usize) -> f32 {
        alpha.values()[y * 200 + x]
    }

    #[test]
    fn screens_and_shadows_go_and_subjects_of_all_shades_stay() {
        // Darker to the left, and a shadow with an edge beside the subject.
        let light = |x: usize, y: usize| (0.7 + 0.3 * x as f32 / 199.0) * if x > 135 && y > 70 { 0.65 } else { 1.0 };
        let blocks = [[0.0; 3], [25.0, 27.0, 24.0], [128.0; 3], [250.0; 3], [200.0, 40.0, 30.0], [230.0, 210.0, 40.0]];
        for block in blocks {
            let alpha = segment(&mut Chroma::default(), scene(block, light), Key::default()).unwrap();
            for (x, y) in [(3, 60), (197, 20), (100, 20), (160, 100), (140, 75)] {
                assert!(at(&alpha, x, y) < 0.02, "{block:?}: {} at {x} {y}", at(&alpha, x, y));
            }
            for (x, y) in [(75, 45), (100, 100), (125, 80)] {
                assert!(at(&alpha, x, y) > 0.98, "{block:?}: {} at {x} {y}", at(&alpha, x, y));
            }
        }
    }

    #[test]
    fn the_screen_stays_for_a_clip_and_is_forgotten_for_the_next() {
        let mut model = Chroma::default();
        let (green, wall) = (scene([200.0; 3], |_, _| 1.0), Rgb::filled(SIZE, [120, 120, 120]));
        let error = segment(&mut model, wall.clone(), Key::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::ScreenMissing);
        assert_eq!(model.screen(), None);
        segment(&mut model, green, Key::default()).unwrap();
        let screen = model.screen().unwrap();
        assert!(screen[1] > 0.6 && screen[0] < 0.1, "{screen:?}");
        // Not a trace of screen, and not lost for it.
        assert!(segment(&mut model, wall.clone(), Key::default()).unwrap().values().iter().all(|alpha| *alpha > 0.98));
        model.reset();
        assert_eq!(segment(&mut model, wall, Key::default()).unwrap_err().kind(), Kind::ScreenMissing);
    }

    #[test]
    fn a_clip_that_begins_in_black_is_keyed_by_name() {
        let mut model = Chroma::default();
        let key = || Key { color: Some("green".into()), ..Key::default() };
        segment(&mut model, Rgb::filled(SIZE, [0, 0, 0]), key()).unwrap();
        assert_eq!(model.screen(), None);
        let alpha = segment(&mut model, scene([150.0, 90.0, 80.0], |_, _| 0.8), key()).unwrap();
        assert!(at(&alpha, 20, 60) < 0.02 && at(&alpha, 100, 90) > 0.98);
        assert!(model.screen().is_some());
        let grey = Key { color: Some("#777".into()), ..Key::default() };
        let error = segment(&mut model, Rgb::filled(SIZE, [0, 0, 0]), grey).unwrap_err();
        assert_eq!(error.kind(), Kind::OptionInvalid);
    }
}
