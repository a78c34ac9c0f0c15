//! The output of a network that tells classes apart → the matte of those that are wanted.

use rayon::prelude::*;

use super::{fixed_size, resize_alpha, resize_plane};
use crate::{
    Error, Kind, Result,
    engine::Tensor,
    models::{ClassShare, ModelCard},
    pixels::{Alpha, Size},
};

/// The class that is nobody's subject.
pub const BACKGROUND: &str = "background";
/// A class that covers less of the picture was not found.
const FOUND: f32 = 0.001;

/// The probability that each pixel is of a wanted class, as a matte of `size`, and which classes were found.
///
/// The output is `[1, classes, height, width]` logits. A coarse one is enlarged to the network's input before the
/// softmax: between two classes the border then runs where the logits cross, and no third class comes up.
/// Without names, all classes but the background are wanted.
///
/// # Errors
/// [`Kind::ModelMismatch`] when the output is not of that shape, with as many classes as the card names.
pub fn to_matte(output: &Tensor, card: &ModelCard, wanted: &[String], size: Size) -> Result<(Alpha, Vec<ClassShare>)> {
    let names = &card.output.classes;
    let &[1, count, height, width] = output.shape.as_slice() else { return Err(mismatch(output, card)) };
    let small = Size::new(width as u32, height as u32);
    if count != names.len() || small.area() == 0 {
        return Err(mismatch(output, card));
    }
    let frame = fixed_size(&card.input);
    let fine = if small.area() < frame.area() { frame } else { small };
    let planes: Vec<Vec<f32>> =
        output.values.par_chunks(small.area()).map(|plane| resize_plane(plane, small, fine)).collect::<Result<_>>()?;
    let is_wanted: Vec<bool> =
        names.iter().map(|name| if wanted.is_empty() { name != BACKGROUND } else { wanted.contains(name) }).collect();
    let pixels: Vec<(f32, usize)> =
        (0..fine.area()).into_par_iter().map(|index| probability(&planes, &is_wanted, index)).collect();
    let matte = Alpha::new(fine, pixels.iter().map(|(probability, _)| *probability).collect());
    Ok((resize_alpha(&matte, size)?, found(names, &pixels)))
}

/// How probable the wanted classes are together at a pixel, and which class is the most probable.
fn probability(planes: &[Vec<f32>], is_wanted: &[bool], index: usize) -> (f32, usize) {
    let logit = |class: usize| if planes[class][index].is_nan() { f32::MIN } else { planes[class][index] };
    let best = (0..planes.len()).max_by(|&a, &b| logit(a).total_cmp(&logit(b))).unwrap_or(0);
    let (mut all, mut kept) = (0.0, 0.0);
    for (class, &is_wanted) in is_wanted.iter().enumerate() {
        let power = (logit(class) - logit(best)).exp();
        all += power;
        kept += if is_wanted { power } else { 0.0 };
    }
    ((kept / all).clamp(0.0, 1.0), best)
}

/// The classes that cover some of the picture, the largest first; the background is none.
fn found(names: &[String], pixels: &[(f32, usize)]) -> Vec<ClassShare> {
    let mut counts = vec![0_usize; names.len()];
    pixels.iter().for_each(|(_, class)| counts[*class] += 1);
    let shares = names.iter().zip(counts).map(|(name, count)| (name, count as f32 / pixels.len() as f32));
    let mut found: Vec<ClassShare> = shares
        .filter(|(name, share)| *share >= FOUND && name.as_str() != BACKGROUND)
        .map(|(name, share)| ClassShare { name: name.clone(), share })
        .collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found
}

fn mismatch(output: &Tensor, card: &ModelCard) -> Error {
    let (shape, count) = (&output.shape, card.output.classes.len());
    let message = format!("{} gives an output of shape {shape:?}, [1, {count}, height, width] is expected", card.name);
    Error::new(Kind::ModelMismatch, message)
}
