//! Where the subject stands on the output: crop, margin, scale, position, canvas.

use backgroundfx_resample as resample;

use crate::{
    Error, Kind, Result,
    options::{Canvas, Layout},
    pixels::{Alpha, Rect, Rgb, Samples, Size},
};

/// How a picture comes onto the canvas: a part of it, scaled, at an offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Size of the output.
    pub canvas: Size,
    /// The part of the picture that is shown.
    pub source: Rect,
    /// Size of that part on the canvas.
    pub scaled: Size,
    /// Column and row of its left top corner on the canvas; may be negative.
    pub offset: [i64; 2],
}

impl Placement {
    /// Everything where it was.
    #[must_use]
    pub fn identity(size: Size) -> Self {
        Self { canvas: size, source: Rect { left: 0, top: 0, size }, scaled: size, offset: [0, 0] }
    }

    /// The same on a canvas of at most so many pixels, and at least one.
    #[must_use]
    pub fn within(self, most: u64) -> Self {
        let area = self.canvas.pixels();
        if area <= most {
            return self;
        }
        let factor = (most as f64 / area as f64).sqrt();
        // Rounded down, the product cannot come out above.
        let side = |length: u32| ((f64::from(length) * factor).floor() as u32).max(1);
        let canvas = Size::new(side(self.canvas.width), side(self.canvas.height));
        if self.is_whole() {
            return Self { canvas, scaled: canvas, ..self };
        }
        let rounded = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
        let scaled = Size::new(rounded(self.scaled.width), rounded(self.scaled.height));
        Self { canvas, scaled, offset: self.offset.map(|at| (at as f64 * factor).round() as i64), ..self }
    }

    /// Whether what is shown covers the canvas exactly.
    fn is_whole(&self) -> bool {
        self.scaled == self.canvas && self.offset == [0, 0]
    }

    /// Whether nothing moves.
    #[must_use]
    pub fn is_identity(&self, size: Size) -> bool {
        *self == Self::identity(size)
    }
}

/// Decides where a picture of `size` with this subject box comes to stand. Without a subject, all of the picture is it.
#[must_use]
pub fn place(size: Size, subject: Option<Rect>, layout: &Layout) -> Placement {
    let placement = place_whole(size, subject, layout);
    layout.most_pixels.map_or(placement, |most| placement.within(most))
}

fn place_whole(size: Size, subject: Option<Rect>, layout: &Layout) -> Placement {
    let moves = layout.canvas.is_some() || layout.scale.is_some() || layout.position.is_some();
    if !layout.crop && !moves {
        return Placement::identity(size);
    }
    let subject = subject.unwrap_or(Rect { left: 0, top: 0, size });
    let box_size = subject.size;
    let [above, right_of, below, left_of] = layout.margin.pixels(box_size);
    let (across, upright) = (left_of + right_of, above + below);
    let canvas = match layout.canvas {
        Some(Canvas(canvas)) => canvas,
        None if layout.crop && layout.scale.is_none() => {
            Size::new(box_size.width + across.round() as u32, box_size.height + upright.round() as u32)
        }
        None => size,
    };
    let ratio = |inner: f32| {
        (inner * canvas.width as f32 / box_size.width as f32).min(inner * canvas.height as f32 / box_size.height as f32)
    };
    let scale = match (layout.scale, layout.canvas) {
        (Some(share), _) => ratio(share),
        (None, Some(_)) => {
            let room = |side: u32, margins: f32, length: u32| (side as f32 - margins).max(1.0) / length as f32;
            room(canvas.width, across, box_size.width).min(room(canvas.height, upright, box_size.height))
        }
        (None, None) => 1.0,
    };
    let side = |length: u32| ((length as f32 * scale).round() as u32).max(1);
    let scaled = Size::new(side(box_size.width), side(box_size.height));
    let [right, down] = layout.position.unwrap_or([0.5, 0.5]);
    // A subject that is not told where to stand leaves more room on the side of the wider margin.
    let lean = if layout.position.is_none() { [left_of - right_of, above - below] } else { [0.0; 2] };
    let offset = [(canvas.width, scaled.width, right, lean[0]), (canvas.height, scaled.height, down, lean[1])]
        .map(|(room, length, share, lean)| ((room as f32 - length as f32) * share + lean / 2.0).round() as i64);
    Placement { canvas, source: subject, scaled, offset }
}

/// Lays a cut-out onto its canvas; what the picture does not cover is transparent black.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn apply(color: Rgb, matte: Alpha, placement: &Placement) -> Result<(Rgb, Alpha)> {
    if placement.is_identity(color.size()) {
        return Ok((color, matte));
    }
    let (color, matte) = crop(&color, &matte, placement.source);
    let (color, matte) =
        if color.size() == placement.scaled { (color, matte) } else { scale(&color, &matte, placement.scaled)? };
    Ok(paste(&color, &matte, placement))
}

fn crop(color: &Rgb, matte: &Alpha, part: Rect) -> (Rgb, Alpha) {
    let (width, left) = (color.size().width as usize, part.left as usize);
    let rows = matte.values().chunks_exact(width).skip(part.top as usize).take(part.size.height as usize);
    let values = rows.flat_map(|row| &row[left..left + part.size.width as usize]).copied().collect();
    (color.part(part), Alpha::new(part.size, values))
}

/// Resizes premultiplied, so that colours of the hidden background do not return at the edge.
fn scale(color: &Rgb, matte: &Alpha, size: Size) -> Result<(Rgb, Alpha)> {
    let from = color.size();
    let source: Vec<u16> = (0..from.area())
        .flat_map(|i| {
            let [red, green, blue] = color.unit(i).map(crate::pixels::unit_to_u16);
            [red, green, blue, crate::pixels::unit_to_u16(matte.values()[i])]
        })
        .collect();
    let scaled = resample::rgba_u16(&source, from.sides(), size.sides(), resample::Filter::Lanczos3)
        .map_err(|error| Error::new(Kind::Internal, format!("cannot scale the cut-out: {error}")))?;
    let pixels = scaled.as_chunks::<4>().0;
    let samples = match color.depth() {
        // Divided by 257, sixteen bits become eight without a step at either end.
        8 => Samples::Eight(
            pixels.iter().flat_map(|p| [p[0], p[1], p[2]].map(|s| ((u32::from(s) + 128) / 257) as u8)).collect(),
        ),
        _ => Samples::Sixteen(pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).collect()),
    };
    let alpha = pixels.iter().map(|p| f32::from(p[3]) / 65535.0).collect();
    Ok((Rgb::new(size, samples), Alpha::new(size, alpha)))
}

fn paste(color: &Rgb, matte: &Alpha, placement: &Placement) -> (Rgb, Alpha) {
    let (canvas, size) = (placement.canvas, color.size());
    let mut alpha = vec![0.0; canvas.area()];
    copy_rows(matte.values(), size, &mut alpha, canvas, placement.offset, 1);
    let samples = match color.samples() {
        Samples::Eight(samples) => {
            let mut out = vec![0; canvas.area() * 3];
            copy_rows(samples, size, &mut out, canvas, placement.offset, 3);
            Samples::Eight(out)
        }
        Samples::Sixteen(samples) => {
            let mut out = vec![0; canvas.area() * 3];
            copy_rows(samples, size, &mut out, canvas, placement.offset, 3);
            Samples::Sixteen(out)
        }
    };
    (Rgb::new(canvas, samples), Alpha::new(canvas, alpha))
}

/// Copies the rows of `source` that fall onto the canvas.
fn copy_rows<T: Copy>(source: &[T], size: Size, target: &mut [T], canvas: Size, offset: [i64; 2], channels: usize) {
    let [left, top] = offset;
    let from = (-left).max(0);
    let to = i64::from(size.width).min(i64::from(canvas.width) - left);
    if from >= to {
        return;
    }
    for y in 0..i64::from(size.height) {
        let row = y + top;
        if !(0..i64::from(canvas.height)).contains(&row) {
            continue;
        }
        let read = (y * i64::from(size.width) + from) as usize * channels;
        let write = (row * i64::from(canvas.width) + from + left) as usize * channels;
        let length = (to - from) as usize * channels;
        target[write..write + length].copy_from_slice(&source[read..read + length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Length;
    use proptest::prelude::*;

    const SIZE: Size = Size::new(400, 300);
    const SUBJECT: Rect = Rect { left: 100, top: 50, size: Size::new(200, 100) };

    #[test]
    fn crop_keeps_the_box_and_its_margin() {
        let layout = Layout { crop: true, margin: Length::Pixels(10.0).into(), ..Layout::default() };
        let placement = place(SIZE, Some(SUBJECT), &layout);
        assert_eq!(placement.canvas, Size::new(220, 120));
        assert_eq!((placement.offset, placement.scaled), ([10, 10], SUBJECT.size));
        let percent = Layout { crop: true, margin: Length::Percent(10.0).into(), ..Layout::default() };
        assert_eq!(place(SIZE, Some(SUBJECT), &percent).canvas, Size::new(240, 140));
    }

    #[test]
    fn margins_differ_from_side_to_side() {
        let layout = Layout { crop: true, margin: "10px 20px 30px 40px".parse().unwrap(), ..Layout::default() };
        let placement = place(SIZE, Some(SUBJECT), &layout);
        assert_eq!((placement.canvas, placement.offset), (Size::new(260, 140), [40, 10]));
    }

    #[test]
    fn an_output_has_at_most_the_pixels_it_may_have_and_keeps_its_proportions() {
        for most in [1, 50, 999, 30_000, 119_999, 120_000, 1_000_000] {
            let layout = Layout { most_pixels: Some(most), ..Layout::default() };
            let placement = place(SIZE, Some(SUBJECT), &layout);
            let Size { width, height } = placement.canvas;
            assert!(placement.canvas.pixels() <= most.max(1), "{most}");
            assert!((f64::from(width) * 0.75 - f64::from(height)).abs() <= 1.0, "{most}: {width} x {height}");
            assert_eq!(placement.is_identity(SIZE), most >= 120_000);
            assert_eq!(placement.scaled, placement.canvas);
        }
        let layout =
            Layout { crop: true, margin: Length::Pixels(10.0).into(), most_pixels: Some(6_600), ..Layout::default() };
        let placement = place(SIZE, Some(SUBJECT), &layout);
        assert_eq!(
            (placement.canvas, placement.scaled, placement.offset),
            (Size::new(110, 60), Size::new(100, 50), [5, 5])
        );
    }

    #[test]
    fn a_canvas_is_filled_along_its_tighter_side() {
        let layout = Layout { canvas: Some(Canvas(Size::new(1000, 1000))), scale: Some(0.85), ..Layout::default() };
        let placement = place(SIZE, Some(SUBJECT), &layout);
        assert_eq!(placement.scaled, Size::new(850, 425));
        assert_eq!(placement.offset, [75, 288]);
    }

    #[test]
    fn without_a_subject_the_picture_stands_for_it() {
        let layout = Layout { crop: true, ..Layout::default() };
        assert_eq!(place(SIZE, None, &layout).canvas, SIZE);
    }

    #[test]
    fn hidden_colours_do_not_return_when_scaled() {
        // A red square on a hidden green ground.
        let size = Size::new(40, 40);
        let inside = |i: usize| (10..30).contains(&(i % 40)) && (10..30).contains(&(i / 40));
        let samples = (0..1600).flat_map(|i| if inside(i) { [255, 0, 0] } else { [0, 255, 0] }).collect();
        let alpha = Alpha::new(size, (0..1600).map(|i| if inside(i) { 1.0 } else { 0.0 }).collect());
        let (color, alpha) = scale(&Rgb::new(size, Samples::Eight(samples)), &alpha, Size::new(97, 97)).unwrap();
        for (i, &value) in alpha.values().iter().enumerate().filter(|(_, value)| **value > 0.02) {
            assert!(color.unit(i)[1] < 0.03, "{:?} at alpha {value}", color.unit(i));
        }
    }

    proptest! {
        #[test]
        fn the_subject_always_lies_whole_on_its_canvas(
            left in 0_u32..300, top in 0_u32..200, width in 1_u32..100, height in 1_u32..100,
            canvas_width in 1_u32..500, canvas_height in 1_u32..500,
            share in 0.01_f32..1.0, right in 0.0_f32..=1.0, down in 0.0_f32..=1.0,
        ) {
            let subject = Rect { left, top, size: Size::new(width, height) };
            let layout = Layout {
                canvas: Some(Canvas(Size::new(canvas_width, canvas_height))),
                scale: Some(share), position: Some([right, down]), ..Layout::default()
            };
            let placement = place(SIZE, Some(subject), &layout);
            prop_assert!(placement.offset.iter().all(|&at| at >= 0));
            prop_assert!(placement.offset[0] + i64::from(placement.scaled.width) <= i64::from(canvas_width));
            prop_assert!(placement.offset[1] + i64::from(placement.scaled.height) <= i64::from(canvas_height));
            let (color, alpha) = (Rgb::filled(SIZE, [9, 8, 7]), Alpha::filled(SIZE, 1.0));
            let (color, alpha) = apply(color, alpha, &placement).unwrap();
            prop_assert_eq!(color.size(), placement.canvas);
            let area = alpha.values().iter().filter(|value| **value > 0.5).count();
            prop_assert_eq!(area, placement.scaled.area());
        }
    }
}
