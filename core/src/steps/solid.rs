//! Filling what is partly transparent inside a subject: windows, glass, veils.

use crate::pixels::Alpha;

/// Alpha below this is background, also in the holes of a subject.
const BACKGROUND: f32 = 0.1;
/// Alpha from this on is filled if no background reaches it.
const FILLED: f32 = 0.25;
/// Alpha from this on stops the background.
const OPAQUE: f32 = 0.95;

/// Makes opaque what no background reaches: pixels from which every way to the background leads through opaque ones.
///
/// Soft edges, hair among them, lie at the background and stay as they are, those of holes too.
pub fn fill(matte: &mut Alpha) {
    let (width, height) = matte.size().sides();
    let (width, height) = (width as usize, height as usize);
    let values = matte.values();
    let mut reached: Vec<bool> = values.iter().map(|value| *value < BACKGROUND).collect();
    let mut front: Vec<usize> = (0..values.len()).filter(|index| reached[*index]).collect();
    while let Some(index) = front.pop() {
        let (x, y) = (index % width, index / width);
        let neighbours = [
            (x > 0).then(|| index - 1),
            (x + 1 < width).then(|| index + 1),
            (y > 0).then(|| index - width),
            (y + 1 < height).then(|| index + width),
        ];
        for neighbour in neighbours.into_iter().flatten() {
            if !reached[neighbour] && values[neighbour] < OPAQUE {
                reached[neighbour] = true;
                front.push(neighbour);
            }
        }
    }
    for (value, reached) in matte.values_mut().iter_mut().zip(reached) {
        if !reached && *value >= FILLED {
            *value = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    #[test]
    fn a_window_is_filled_and_holes_and_edges_stay() {
        // A body with a soft edge; in it a window of glass and a hole with a soft edge.
        let size = Size::new(100, 60);
        let value = |x: usize, y: usize| match (x, y) {
            (30..=45, 20..=40) => 0.4,
            (65..=75, 25..=35) => 0.0,
            (64..=76, 24..=36) => 0.5,
            (10..=90, 10..=50) => 1.0,
            (8..=92, 8..=52) => 0.5,
            _ => 0.0,
        };
        let mut matte = Alpha::new(size, (0..6000).map(|i| value(i % 100, i / 100)).collect());
        fill(&mut matte);
        let at = |x: usize, y: usize| matte.values()[y * 100 + x];
        assert_eq!((at(30, 20), at(38, 30)), (1.0, 1.0), "the window");
        assert_eq!((at(70, 30), at(64, 24), at(64, 30)), (0.0, 0.5, 0.5), "the hole");
        assert_eq!((at(8, 30), at(92, 52), at(0, 0)), (0.5, 0.5, 0.0), "the edge");
    }

    #[test]
    fn haze_is_not_filled() {
        let mut matte = Alpha::filled(Size::new(8, 8), 0.15);
        fill(&mut matte);
        assert!(matte.values().iter().all(|value| *value == 0.15));
    }
}
