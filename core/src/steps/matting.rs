//! Finds alpha in the unknown band of a trimap; a method is a line in [`Matting`](crate::options::Matting) and a file
//! here, or among the models where it is a network.

pub mod closed_form;
pub mod tiles;

use super::trimap::Trimap;
use crate::{
    Result,
    files::Profile,
    models::ModelUsed,
    pixels::{Alpha, Rgb},
};

/// A way from colours and a trimap to a matte.
pub trait Method: Send + Sync {
    /// Alpha of every pixel: 0 and 1 where the trimap is sure, found out where it is not.
    ///
    /// `profile` is the colours' (sRGB without one). `prior` is what the network that found the subject thinks; without
    /// one, colours and trimap are all there is.
    ///
    /// # Errors
    /// What a network behind the method reports; what converting from the profile does.
    ///
    /// # Panics
    /// When picture, trimap and prior differ in size.
    fn alpha(&self, color: &Rgb, profile: Option<&Profile>, trimap: &Trimap, prior: Option<&Alpha>) -> Result<Alpha>;

    /// The network behind the method, if there is one.
    fn used(&self) -> Option<&ModelUsed> {
        None
    }
}
