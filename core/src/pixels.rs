//! The pixel buffers: layout, channel order, range and premultiplication are stated here, once.
//!
//! All buffers are row-major from the top-left pixel, without padding between rows. Colour is
//! always straight (never premultiplied by alpha).

use std::fmt;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size from its sides.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Width × height.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Width × height as an index; buffers of this size exist, so it fits.
    #[must_use]
    pub const fn area(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Width and height.
    #[must_use]
    pub const fn sides(self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Length of the diagonal in pixels, the measure that radii scale with.
    #[must_use]
    pub fn diagonal(self) -> f32 {
        f32::hypot(self.width as f32, self.height as f32)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} × {}", self.width, self.height)
    }
}

/// A rectangle of whole pixels inside a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Column of the left edge.
    pub left: u32,
    /// Row of the top edge.
    pub top: u32,
    /// Width and height.
    pub size: Size,
}

/// Colour samples of one depth: interleaved `R G B`, straight, 0 to the depth's maximum.
#[derive(Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits a channel, 0 to 255.
    Eight(Vec<u8>),
    /// 16 bits a channel, 0 to 65535, native byte order.
    Sixteen(Vec<u16>),
}

/// A colour picture: interleaved straight RGB with 8 or 16 bits a channel.
///
/// Values are in the colour space of the ICC profile that travels beside it (sRGB when there is none).
#[derive(Clone, PartialEq, Eq)]
pub struct Rgb {
    size: Size,
    samples: Samples,
}

impl Rgb {
    /// Wraps interleaved `R G B` samples.
    ///
    /// # Panics
    /// When the number of samples is not `3 × width × height`.
    #[must_use]
    pub fn new(size: Size, samples: Samples) -> Self {
        let length = match &samples {
            Samples::Eight(samples) => samples.len(),
            Samples::Sixteen(samples) => samples.len(),
        };
        assert_eq!(length, size.area() * 3, "three samples a pixel for {size}");
        Self { size, samples }
    }

    /// A picture of one 8-bit colour.
    #[must_use]
    pub fn filled(size: Size, color: [u8; 3]) -> Self {
        Self { size, samples: Samples::Eight(color.repeat(size.area())) }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, to be changed in place.
    pub fn samples_mut(&mut self) -> &mut Samples {
        &mut self.samples
    }

    /// Takes the samples out.
    #[must_use]
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    /// Bits a channel: 8 or 16.
    #[must_use]
    pub fn depth(&self) -> u8 {
        match self.samples {
            Samples::Eight(_) => 8,
            Samples::Sixteen(_) => 16,
        }
    }

    /// A part of the picture.
    ///
    /// # Panics
    /// When it does not lie inside.
    #[must_use]
    pub fn part(&self, part: Rect) -> Self {
        let stride = self.size.width as usize * 3;
        let (left, length) = (part.left as usize * 3, part.size.width as usize * 3);
        let rows = (part.top as usize..(part.top + part.size.height) as usize)
            .map(|y| y * stride + left..y * stride + left + length);
        let samples = match &self.samples {
            Samples::Eight(all) => Samples::Eight(rows.flat_map(|range| &all[range]).copied().collect()),
            Samples::Sixteen(all) => Samples::Sixteen(rows.flat_map(|range| &all[range]).copied().collect()),
        };
        Self::new(part.size, samples)
    }

    /// The colour of one pixel, each channel 0 to 1.
    #[inline]
    #[must_use]
    pub fn unit(&self, index: usize) -> [f32; 3] {
        match &self.samples {
            Samples::Eight(samples) => std::array::from_fn(|c| f32::from(samples[index * 3 + c]) / 255.0),
            Samples::Sixteen(samples) => std::array::from_fn(|c| f32::from(samples[index * 3 + c]) / 65535.0),
        }
    }
}

impl fmt::Debug for Rgb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rgb({}, {} bit)", self.size, self.depth())
    }
}

/// An alpha matte: one `f32` a pixel, 0 (background) to 1 (subject), never NaN.
#[derive(Clone, PartialEq)]
pub struct Alpha {
    size: Size,
    values: Vec<f32>,
}

impl Alpha {
    /// Wraps one value a pixel; the values must already lie in 0 to 1.
    ///
    /// # Panics
    /// When the number of values is not `width × height`.
    #[must_use]
    pub fn new(size: Size, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), size.area(), "one value a pixel for {size}");
        debug_assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "alpha outside 0 to 1");
        Self { size, values }
    }

    /// A matte of one value.
    #[must_use]
    pub fn filled(size: Size, value: f32) -> Self {
        Self::new(size, vec![value; size.area()])
    }

    /// From 8-bit values, 255 meaning 1.
    #[must_use]
    pub fn from_u8(size: Size, values: &[u8]) -> Self {
        Self::new(size, values.iter().map(|&value| f32::from(value) / 255.0).collect())
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, to be changed in place; they must stay in 0 to 1.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Takes the values out.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Rounded to 8 bits, 255 meaning 1.
    #[must_use]
    pub fn to_u8(&self) -> Vec<u8> {
        self.values.iter().map(|&value| unit_to_u8(value)).collect()
    }
}

impl fmt::Debug for Alpha {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Alpha({})", self.size)
    }
}

/// Rounds 0 to 1 to 0 to 255; values outside are clamped.
#[inline]
#[must_use]
pub fn unit_to_u8(value: f32) -> u8 {
    // `as` saturates, and maps NaN to 0.
    (value * 255.0 + 0.5) as u8
}

/// Rounds 0 to 1 to 0 to 65535; values outside are clamped.
#[inline]
#[must_use]
pub fn unit_to_u16(value: f32) -> u16 {
    (value * 65535.0 + 0.5) as u16
}
