//! The network's mattes brought together with those before along their motion, without waiting.

use rayon::prelude::*;

use super::{
    cut::Histogram,
    flow,
    small::Small,
    warp::{self, Row},
    window::COLUMNS,
};
use crate::pixels::{Alpha, Rgb};

/// Share of the earlier matte where its motion is fully to be believed.
const SHARE: f32 = 0.5;

/// The last frame and the matte that was given for it.
#[derive(Debug, Default)]
pub struct Trail {
    last: Option<(Small, Histogram, Alpha)>,
}

impl Trail {
    /// Takes the next frame with its matte; answers the steadier one.
    pub fn push(&mut self, frame: &Rgb, mut matte: Alpha) -> Alpha {
        let small = Small::new(frame, COLUMNS);
        let histogram = Histogram::of(&small.luma);
        if let Some((before, past, earlier)) = &self.last
            && !past.is_cut(&histogram)
        {
            let (here, there) = (&small.pyramid, &before.pyramid);
            let (out, home) = rayon::join(|| flow::between(here, there, None), || flow::between(there, here, None));
            let mut confidence = warp::confidence(&small, before, &out, None);
            warp::check_return(&mut confidence, &out, &home, None);
            let width = matte.size().width as usize;
            matte.values_mut().par_chunks_mut(width).enumerate().for_each(|(y, row)| {
                let other = Row::new(earlier, &out, &confidence, small.block, y);
                for (x, value) in row.iter_mut().enumerate() {
                    let (found, believed) = other.at(x);
                    *value += SHARE * believed * (found - *value);
                }
            });
        }
        self.last = Some((small, histogram, matte.clone()));
        matte
    }
}
