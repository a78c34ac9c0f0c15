//! Finds alpha in the unknown band of a trimap; a method is a file here and a line in [`Matting`](crate::options::Matting).

pub mod closed_form;

use super::trimap::Trimap;
use crate::{
    Result,
    pixels::{Alpha, Rgb},
};

/// A way from colours and a trimap to a matte.
pub trait Method: Send + Sync {
    /// Alpha of every pixel: 0 and 1 where the trimap is sure, found out where it is not.
    ///
    /// `prior` is what a network thinks; without one, colours and trimap are all there is.
    ///
    /// # Errors
    /// What a network behind the method reports.
    ///
    /// # Panics
    /// When picture, trimap and prior differ in size.
    fn alpha(&self, color: &Rgb, trimap: &Trimap, prior: Option<&Alpha>) -> Result<Alpha>;
}
