//! A mask or trimap of the user's own in place of a network.

use super::{ModelUsed, Segmented, Segmenter};
use crate::{
    Error, Kind, Result,
    engine::{Device, Precision, artifacts::License},
    files::Picture,
    options::Options,
    pixels::{Alpha, Size},
    steps::trimap::Trimap,
};
use backgroundfx_resample::{Filter, gray_f32};

/// The same matte or the same regions for every picture, brought to its size.
pub struct Given {
    what: What,
    used: ModelUsed,
}

enum What {
    Mask(Alpha),
    Trimap(Trimap),
}

impl Given {
    /// A matte that was made elsewhere; `file` is what it is called in reports.
    #[must_use]
    pub fn mask(mask: Alpha, file: String) -> Self {
        Self { what: What::Mask(mask), used: used("mask", file) }
    }

    /// Regions that were marked by hand; `file` is what they are called in reports.
    #[must_use]
    pub fn trimap(trimap: Trimap, file: String) -> Self {
        Self { what: What::Trimap(trimap), used: used("trimap", file) }
    }
}

impl Segmenter for Given {
    fn segment(&mut self, picture: &Picture, _: &Options) -> Result<Segmented> {
        let size = picture.color.size();
        let (alpha, trimap) = match &self.what {
            What::Mask(mask) => (resized(mask, size)?, None),
            What::Trimap(trimap) => {
                let trimap = trimap.resized(size);
                (trimap.values(), Some(trimap))
            }
        };
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap })
    }

    fn shows_softness(&self) -> bool {
        false
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

fn resized(mask: &Alpha, size: Size) -> Result<Alpha> {
    if mask.size() == size {
        return Ok(mask.clone());
    }
    let mut values = gray_f32(mask.values(), mask.size().sides(), size.sides(), Filter::CatmullRom)
        .map_err(|wrong| Error::new(Kind::Internal, format!("cannot resize the mask: {wrong}")))?;
    values.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    Ok(Alpha::new(size, values))
}

/// What reports call a matte that no model made.
pub(crate) fn used(model: &str, file: String) -> ModelUsed {
    let own = || "own".to_owned();
    ModelUsed {
        model: model.to_owned(),
        file,
        sha256: None,
        license: License { code: own(), weights: own(), data: None, commercial: true, note: None },
        device: Device::Cpu,
        precision: Precision::Fp32,
        passed_over: Vec::new(),
    }
}
