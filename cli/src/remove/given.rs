//! A mask or trimap of the user's own, read once.

use std::path::Path;

use backgroundfx_core::{
    Error, Kind, Result,
    files::{self, ReadOptions},
    models::Given,
    pixels::Alpha,
    steps::trimap::{Region, Trimap},
};

use super::inputs::Input;
use crate::args::RemoveArguments;

/// What takes the network's place, and regions that go beside it.
pub struct OwnWork {
    /// A mask, or a trimap that stands alone.
    pub instead: Option<(Alpha, Instead, String)>,
    /// A trimap beside a mask or network.
    pub beside: Option<Trimap>,
}

/// What a file of the user's is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// A matte.
    Mask,
    /// Regions.
    Trimap,
}

/// Reads what the arguments name.
///
/// # Errors
/// [`Kind::OptionInvalid`] for several pictures, or when a trimap that stands alone lacks a kind; what reading reports.
pub fn read(arguments: &RemoveArguments, inputs: &[Input], options: &ReadOptions) -> Result<OwnWork> {
    let one = |option: &str| {
        if inputs.len() > 1 {
            let message = format!("{option} is for one picture, and {} are named", inputs.len());
            return Err(Error::new(Kind::OptionInvalid, message));
        }
        Ok(())
    };
    let mut own = OwnWork { instead: None, beside: None };
    if let Some(path) = &arguments.mask {
        one("--mask")?;
        let mask = files::read_matte(path, options).map_err(|error| error.on(path.display()))?;
        own.instead = Some((mask, Instead::Mask, path.display().to_string()));
    }
    if let Some(path) = &arguments.trimap {
        one("--trimap")?;
        let trimap = trimap(path, options).map_err(|error| error.on(path.display()))?;
        if own.instead.is_some() || arguments.cut.model().is_some() {
            own.beside = Some(trimap);
        } else if trimap.marks_both() {
            own.instead = Some((trimap.values(), Instead::Trimap, path.display().to_string()));
        } else {
            let message = format!("{} must mark subject (white) and background (black)", path.display());
            return Err(Error::new(Kind::OptionInvalid, message));
        }
    }
    Ok(own)
}

/// A grey picture's values; where it is transparent, nothing is marked.
fn trimap(path: &Path, options: &ReadOptions) -> Result<Trimap> {
    let picture = files::read(path, options)?;
    let size = picture.color.size();
    let region = |index: usize| {
        let marked = picture.alpha.as_ref().is_none_or(|alpha| alpha.values()[index] >= 0.5);
        let grey = picture.color.unit(index).iter().sum::<f32>() / 3.0;
        if marked { Region::nearest(grey) } else { Region::Unknown }
    };
    Ok(Trimap::new(size, (0..size.area()).map(region).collect()))
}

impl OwnWork {
    /// A segmenter that gives it; nothing when the network is to be asked.
    pub fn segmenter(&self) -> Option<Given> {
        let (values, what, file) = self.instead.as_ref()?;
        Some(match what {
            Instead::Mask => Given::mask(values.clone(), file.clone()),
            Instead::Trimap => Given::trimap(Trimap::from_values(values), file.clone()),
        })
    }
}
