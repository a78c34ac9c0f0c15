//! The colour of a screen: how a pixel is measured by it, and how it is found in a picture.

use crate::{options::KeyColor, pixels::Rgb, steps::spill::split};

/// Chroma (blue and red difference, ±½) below which a colour is no screen's: paler ones are walls.
const SATURATED: f32 = 0.12;
/// Share of the picture's border that must be of one hue to be a screen, and of the whole picture for a hue that was named.
const BORDER: f32 = 0.2;
const ANYWHERE: f32 = 0.02;
/// Depth of the border as a share of the shorter side.
const DEPTH: f32 = 0.02;
/// Bins of the circle of hues, and how far from the peak, in bins, a pixel is still of its hue.
const BINS: usize = 72;
const NEAR: usize = 2;
/// How far, in degrees, a hue may lie from the one that was named.
const ABOUT: f32 = 35.0;
/// Most pixels that are looked at.
const SAMPLES: usize = 40_000;

/// A screen's colour as measures on pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// Its colour in sRGB, 0 to 1.
    pub color: [f32; 3],
    /// Chroma along the screen's for one luma.
    pub ratio: f32,
    /// What red, green and blue add to chroma along the screen's, to chroma across it, and to luma.
    along: [f32; 3],
    across: [f32; 3],
    luma: [f32; 3],
}

/// A pixel measured by a screen's colour.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Chroma along the screen's.
    pub along: f32,
    /// Chroma across it, without sign.
    pub across: f32,
    /// Luma, 0 to 1.
    pub luma: f32,
}

impl Screen {
    /// Of a colour in sRGB, 0 to 1; `None` for one that is nearly grey.
    pub fn new(color: [f32; 3]) -> Option<Self> {
        let (luma, [blue, red]) = split(color);
        let length = f32::hypot(blue, red);
        if length < 0.25 * SATURATED {
            return None;
        }
        let (blue, red) = (blue / length, red / length);
        let unit = |c: usize| std::array::from_fn(|i| if i == c { 1.0 } else { 0.0 });
        let weights = |weight: &dyn Fn(f32, [f32; 2]) -> f32| {
            std::array::from_fn(|c| {
                let (luma, chroma) = split(unit(c));
                weight(luma, chroma)
            })
        };
        Some(Self {
            color,
            ratio: length / luma.max(1e-3),
            along: weights(&|_, [b, r]| b * blue + r * red),
            across: weights(&|_, [b, r]| r * blue - b * red),
            luma: weights(&|luma, _| luma),
        })
    }

    /// Measures a pixel of 0 to 1.
    #[inline]
    pub fn measure(&self, color: [f32; 3]) -> Measured {
        let dot = |weights: &[f32; 3]| color[0] * weights[0] + color[1] * weights[1] + color[2] * weights[2];
        Measured { along: dot(&self.along), across: dot(&self.across).abs(), luma: dot(&self.luma) }
    }

    /// The screen of a picture in sRGB; `None` when there is none to be seen.
    pub fn find(color: &Rgb, known: KeyColor) -> Option<Self> {
        match known {
            KeyColor::Exactly(color) => Self::new(color.map(|c| f32::from(c) / 255.0)),
            KeyColor::Border => dominant(&border(color), None, BORDER).and_then(Self::new),
            KeyColor::About(color_about) => {
                let all = thinned(color, (0..color.size().area()).collect());
                let about = hue(split(color_about.map(|c| f32::from(c) / 255.0)).1);
                dominant(&all, Some(about), ANYWHERE).and_then(Self::new)
            }
        }
    }
}

/// Degrees around the circle of hues.
fn hue([blue, red]: [f32; 2]) -> f32 {
    red.atan2(blue).to_degrees().rem_euclid(360.0)
}

/// The outermost pixels.
fn border(color: &Rgb) -> Vec<[f32; 3]> {
    let (width, height) = (color.size().width as usize, color.size().height as usize);
    let depth = ((DEPTH * width.min(height) as f32) as usize).clamp(1, width.min(height));
    let rows = (0..height).flat_map(|y| {
        let edge = y < depth || y + depth >= height;
        let inner = if edge { 0..0 } else { depth.min(width)..width.saturating_sub(depth) };
        (0..width).filter(move |x| !inner.contains(x)).map(move |x| y * width + x)
    });
    thinned(color, rows.collect())
}

fn thinned(color: &Rgb, pixels: Vec<usize>) -> Vec<[f32; 3]> {
    // No divisor of usual widths, so that not always the same columns are met.
    let step = match pixels.len() / SAMPLES {
        0 => 1,
        times => times.next_multiple_of(2) + 1,
    };
    pixels.into_iter().step_by(step).map(|index| color.unit(index)).collect()
}

/// The colour of the hue that most saturated pixels have, if these are at least `share` of all; within [`ABOUT`] of a hue
/// where one is named.
fn dominant(pixels: &[[f32; 3]], about: Option<f32>, share: f32) -> Option<[f32; 3]> {
    let from = |hue: f32, other: f32| ((hue - other + 540.0).rem_euclid(360.0) - 180.0).abs();
    let colored = pixels.iter().filter_map(|color| {
        let chroma = split(*color).1;
        let (length, hue) = (f32::hypot(chroma[0], chroma[1]), hue(chroma));
        let wanted = length >= SATURATED && about.is_none_or(|about| from(hue, about) <= ABOUT);
        wanted.then_some((hue, length, *color))
    });
    let colored: Vec<(f32, f32, [f32; 3])> = colored.collect();
    let mut votes = [0.0_f32; BINS];
    let width = 360.0 / BINS as f32;
    for (hue, length, _) in &colored {
        votes[(hue / width) as usize % BINS] += length;
    }
    let around = |bin: usize| (0..=2 * NEAR).map(|offset| votes[(bin + BINS + offset - NEAR) % BINS]).sum::<f32>();
    let peak = (0..BINS).max_by(|a, b| around(*a).total_cmp(&around(*b)))?;
    let middle = (peak as f32 + 0.5) * width;
    let reach = (NEAR as f32 + 0.5) * width;
    let mut members: Vec<_> = colored.into_iter().filter(|(hue, ..)| from(*hue, middle) <= reach).collect();
    if members.is_empty() || (members.len() as f32) < share * pixels.len() as f32 {
        return None;
    }
    // The well-lit half without its brightest: neither shadows nor glare.
    members.sort_by(|a, b| a.1.total_cmp(&b.1));
    let good = &members[members.len() * 2 / 5..(members.len() * 9).div_ceil(10)];
    Some(std::array::from_fn(|c| good.iter().map(|(_, _, color)| color[c]).sum::<f32>() / good.len() as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Samples, Size};

    /// A ground of some shade with a red block that reaches the lower border.
    fn scene(ground: impl Fn(usize, usize) -> [u8; 3]) -> Rgb {
        let pixel = |i: usize| {
            let (x, y) = (i % 160, i / 160);
            if (50..110).contains(&x) && y > 30 { [200, 40, 30] } else { ground(x, y) }
        };
        Rgb::new(Size::new(160, 90), Samples::Eight((0..160 * 90).flat_map(pixel).collect()))
    }

    #[test]
    fn the_screen_is_found_at_the_border_whatever_its_light() {
        let uneven = scene(|x, _| [10 + x as u8 / 8, 120 + x as u8 / 2, 60 + x as u8 / 4]);
        let found = Screen::find(&uneven, KeyColor::Border).unwrap();
        assert!(found.color[1] > 0.5 && found.color[0] < 0.2, "{:?}", found.color);
        let named = Screen::find(&uneven, KeyColor::About([0, 177, 64])).unwrap();
        assert!((named.color[1] - found.color[1]).abs() < 0.1, "{:?}", named.color);
        assert_eq!(Screen::find(&uneven, KeyColor::About([0, 71, 187])), None);
        let blue = Screen::find(&scene(|_, _| [20, 60, 180]), KeyColor::Border).unwrap();
        assert!(blue.color[2] > 0.6);
    }

    #[test]
    fn walls_are_no_screens() {
        for wall in [[128, 128, 128], [250, 250, 250], [10, 14, 11], [190, 180, 165]] {
            assert_eq!(Screen::find(&scene(|_, _| wall), KeyColor::Border), None, "{wall:?}");
        }
    }

    #[test]
    fn a_screens_own_colour_lies_along_itself() {
        let screen = Screen::new([0.0, 0.7, 0.25]).unwrap();
        let own = screen.measure(screen.color);
        assert!(own.across < 1e-5 && (own.along / own.luma - screen.ratio).abs() < 1e-4);
        let grey = screen.measure([0.6; 3]);
        assert!(grey.along.abs() < 1e-5 && (grey.luma - 0.6).abs() < 1e-5);
        assert!(Screen::new([0.4; 3]).is_none());
    }
}
