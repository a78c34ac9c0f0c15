//! The canvas that frames of a GIF or an animated PNG are drawn on, one over the other.

use super::channels::zeroed;
use crate::{
    Result,
    pixels::{Rect, Size},
};

/// What happens to a frame's place before the next frame is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It stays.
    Stay,
    /// It becomes transparent.
    Clear,
    /// It becomes what it was before the frame.
    Restore,
}

/// How a frame's pixels meet those below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blend {
    /// They replace them, transparent or not.
    Replace,
    /// They lie over them.
    Over,
}

/// Where and how one frame is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Where; what lies outside the canvas is not drawn.
    pub place: Rect,
    pub blend: Blend,
    pub after: After,
}

/// Straight RGBA of 8 bits, transparent at first.
pub(super) struct Canvas {
    size: Size,
    pixels: Vec<u8>,
}

impl Canvas {
    pub fn new(size: Size) -> Result<Self> {
        Ok(Self { size, pixels: zeroed(size, 4)? })
    }

    /// The samples, `R G B A`.
    pub fn into_samples(self) -> Vec<u8> {
        self.pixels
    }

    /// Draws a frame that another will follow, and does what is to happen to it then.
    pub fn pass(&mut self, frame: &Frame, pixels: impl Fn(usize) -> [u8; 4]) {
        let before: Option<Vec<u8>> =
            (frame.after == After::Restore).then(|| self.rows(frame).flat_map(|(_, row)| row.to_vec()).collect());
        self.draw(frame, pixels);
        match (frame.after, before) {
            (After::Clear, _) => self.rows(frame).for_each(|(_, row)| row.fill(0)),
            (After::Restore, Some(before)) => {
                let mut rest = &before[..];
                for (_, row) in self.rows(frame) {
                    let (stored, after) = rest.split_at(row.len());
                    row.copy_from_slice(stored);
                    rest = after;
                }
            }
            _ => {}
        }
    }

    /// Draws a frame; `pixels` gives straight RGBA by index into the frame.
    pub fn draw(&mut self, frame: &Frame, pixels: impl Fn(usize) -> [u8; 4]) {
        let stride = frame.place.size.width as usize;
        for (y, row) in self.rows(frame) {
            for (x, below) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let pixel = pixels(y * stride + x);
                *below = if frame.blend == Blend::Over { over(pixel, *below) } else { pixel };
            }
        }
    }

    /// The rows of the canvas under a frame, with the frame's row numbers.
    fn rows(&mut self, frame: &Frame) -> impl Iterator<Item = (usize, &mut [u8])> {
        let Rect { left, top, size } = frame.place;
        let width = size.width.min(self.size.width.saturating_sub(left)) as usize;
        let height = size.height.min(self.size.height.saturating_sub(top)) as usize;
        let left = left.min(self.size.width) as usize;
        let rows = self.pixels.chunks_exact_mut(self.size.width as usize * 4);
        rows.skip(top as usize).take(height).map(move |row| &mut row[left * 4..][..width * 4]).enumerate()
    }
}

/// Straight alpha over straight alpha (the PNG specification, third edition, 11.3.6.2).
fn over(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    match (above[3], below[3]) {
        (255, _) | (_, 0) => above,
        (0, _) => below,
        (a, b) => {
            let (a, b) = (u32::from(a), u32::from(b));
            // Both weights and their sum in units of 1/255².
            let (weight_above, weight_below) = (a * 255, b * (255 - a));
            let sum = weight_above + weight_below;
            let mix = |c: usize| {
                ((u32::from(above[c]) * weight_above + u32::from(below[c]) * weight_below + sum / 2) / sum) as u8
            };
            [mix(0), mix(1), mix(2), ((sum + 127) / 255) as u8]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const CLEAR: [u8; 4] = [0; 4];

    fn frame(left: u32, top: u32, blend: Blend, after: After) -> Frame {
        Frame { place: Rect { left, top, size: Size::new(2, 2) }, blend, after }
    }

    #[test]
    fn what_lies_outside_is_not_drawn() {
        let mut canvas = Canvas::new(Size::new(2, 2)).unwrap();
        for (left, top) in [(5, 0), (0, 5), (u32::MAX, u32::MAX)] {
            canvas.draw(&frame(left, top, Blend::Replace, After::Stay), |_| RED);
        }
        canvas.draw(&frame(1, 1, Blend::Replace, After::Stay), |_| RED);
        assert_eq!(canvas.into_samples(), [CLEAR, CLEAR, CLEAR, RED].concat());
    }

    #[test]
    fn frames_stay_go_or_give_back_what_was_below() {
        let cases = [(After::Stay, [0, 0, 255, 255]), (After::Clear, CLEAR), (After::Restore, RED)];
        for (after, expected) in cases {
            let mut canvas = Canvas::new(Size::new(3, 2)).unwrap();
            canvas.pass(&frame(0, 0, Blend::Replace, After::Stay), |_| RED);
            canvas.pass(&frame(0, 0, Blend::Over, after), |_| [0, 0, 255, 255]);
            assert_eq!(canvas.into_samples()[..4], expected, "{after:?}");
        }
    }

    #[test]
    fn half_over_full_is_full_and_over_nothing_is_itself() {
        assert_eq!(over([200, 0, 0, 128], CLEAR), [200, 0, 0, 128]);
        assert_eq!(over(CLEAR, RED), RED);
        assert_eq!(over([255, 255, 255, 128], [0, 0, 0, 255]), [128, 128, 128, 255]);
        assert_eq!(over([255, 255, 255, 128], [0, 0, 0, 128]), [170, 170, 170, 192]);
    }
}
