//! The common way of networks that are asked by points and a box: an encoder runs once on the picture, a decoder
//! answers the question.

use std::sync::Arc;

use super::{ModelCard, ModelUsed, Segmented, Segmenter, parts};
use crate::{
    Error, Kind, Result,
    engine::{Device, Engine, Network, Tensor, artifacts::Manifest},
    files::Picture,
    options::{Options, Subject, Verdict},
    pixels::{Alpha, Size},
    progress::Progress,
    tensor,
};

/// An encoder and a decoder as a [`Segmenter`].
pub struct Prompted {
    card: ModelCard,
    encoder: Arc<dyn Network>,
    decoder: Arc<dyn Network>,
    used: ModelUsed,
}

impl Prompted {
    /// Fetches and loads what `card` describes.
    ///
    /// # Errors
    /// What fetching and loading report; [`Kind::ModelMismatch`] when the files are not as the family's.
    pub fn open(
        card: ModelCard,
        engine: &Engine,
        manifest: &Manifest,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let ([encoder, decoder], used) = parts::open(&card, engine, manifest, device, progress)?;
        Self::over(card, encoder, decoder, used)
    }

    /// Puts loaded networks behind the card.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when the encoder takes other than one picture, or the decoder takes no points.
    pub fn over(
        card: ModelCard,
        encoder: Arc<dyn Network>,
        decoder: Arc<dyn Network>,
        used: ModelUsed,
    ) -> Result<Self> {
        let wrong = |what: &str| Err(Error::new(Kind::ModelMismatch, format!("{}: {what}", used.file)));
        if encoder.ports().0.len() != 1 || encoder.ports().1.is_empty() {
            return wrong("the encoder does not take one picture");
        }
        if !decoder.ports().0.iter().any(|port| port.name == "point_coords") {
            return wrong("the decoder takes no point_coords");
        }
        Ok(Self { card, encoder, decoder, used })
    }

    /// The decoder's inputs, in its order.
    fn questions(&self, features: &[(String, Tensor)], prompt: &Prompt, seen: Size) -> Result<Vec<Tensor>> {
        let side = tensor::fixed_size(&self.card.input).height as usize / 4;
        let one = |value: f32| Tensor::new(vec![1], vec![value]);
        let answer = |name: &str| match name {
            "point_coords" => Some(Tensor::new(vec![1, prompt.labels.len(), 2], prompt.places.concat())),
            "point_labels" => Some(Tensor::new(vec![1, prompt.labels.len()], prompt.labels.clone())),
            "mask_input" => Some(Tensor::new(vec![1, 1, side, side], vec![0.0; side * side])),
            "has_mask_input" => Some(one(0.0)),
            "orig_im_size" => Some(Tensor::new(vec![2], vec![seen.height as f32, seen.width as f32])),
            _ => match features {
                // One output needs no name: exporters call it image_embeddings and other things.
                [(_, only)] => Some(only.clone()),
                several => several.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor.clone()),
            },
        };
        let inputs = self.decoder.ports().0.iter().map(|port| {
            answer(&port.name).ok_or_else(|| {
                let message = format!("{}: the encoder gives no {:?} for the decoder", self.used.file, port.name);
                Error::new(Kind::ModelMismatch, message)
            })
        });
        inputs.collect()
    }

    fn features(&self, input: Tensor) -> Result<Vec<(String, Tensor)>> {
        let names: Vec<String> = self.encoder.ports().1.iter().map(|port| port.name.clone()).collect();
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let tensors = self.encoder.run_all(&[input], &wanted)?;
        Ok(names.into_iter().zip(tensors).collect())
    }

    /// The decoder's masks `[1, masks, height, width]`, as logits, and how good it holds each to be.
    fn answer(&self, questions: &[Tensor]) -> Result<(Tensor, Vec<f32>)> {
        let outputs = self.decoder.ports().1;
        let named = |wanted: &str| outputs.iter().map(|port| port.name.as_str()).find(|name| *name == wanted);
        // The masks of full size are the same ones enlarged, in some files for pictures of one shape only.
        let masks = named("low_res_masks").or_else(|| named("masks"));
        let masks = masks.ok_or_else(|| Error::new(Kind::ModelMismatch, "the decoder gives no masks"))?;
        match named("iou_predictions").or_else(|| named("iou")) {
            Some(scores) => {
                let mut tensors = self.decoder.run_all(questions, &[masks, scores])?.into_iter();
                let masks = tensors.next().expect("as many outputs as were named");
                Ok((masks, tensors.next().map(|scores| scores.values).unwrap_or_default()))
            }
            None => Ok((self.decoder.run(questions, masks)?, Vec::new())),
        }
    }
}

impl Segmenter for Prompted {
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        self.card.check(&options.subject)?;
        let size = picture.color.size();
        let frame = tensor::fixed_size(&self.card.input);
        let (input, seen) = if self.card.family == "sam" {
            tensor::from_fitted(&picture.color, picture.profile.as_ref(), &self.card.input)?
        } else {
            (tensor::from_picture(&picture.color, picture.profile.as_ref(), &self.card.input)?, frame)
        };
        let prompt = Prompt::new(&options.subject, size, seen, self.card.family)?;
        let features = self.features(input)?;
        let questions = self.questions(&features, &prompt, seen)?;
        let (masks, scores) = self.answer(&questions)?;
        let alpha = matte(&masks, prompt.best(&masks, &scores)?, frame, seen, size)?;
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None })
    }

    fn answers_prompts(&self) -> bool {
        true
    }

    fn shows_softness(&self) -> bool {
        false
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

/// Points and box as the decoder takes them.
pub(super) struct Prompt {
    /// Column and row, in pixels of what the encoder saw.
    pub places: Vec<[f32; 2]>,
    /// 1 keep, 0 drop, 2 and 3 the box's corners, −1 none.
    pub labels: Vec<f32>,
}

impl Prompt {
    pub fn new(subject: &Subject, size: Size, seen: Size, family: &str) -> Result<Self> {
        let scale = [seen.width as f32 / size.width as f32, seen.height as f32 / size.height as f32];
        let mut prompt = Self { places: Vec::new(), labels: Vec::new() };
        let mut add = |x: u32, y: u32, label: f32| {
            prompt.places.push([x as f32 * scale[0], y as f32 * scale[1]]);
            prompt.labels.push(label);
        };
        for point in &subject.points {
            let (x, y) = point.pixel(size)?;
            add(x, y, if point.verdict == Verdict::Keep { 1.0 } else { 0.0 });
        }
        if let Some(region) = subject.region {
            let part = region.pixels(size)?;
            add(part.left, part.top, 2.0);
            add(part.left + part.size.width, part.top + part.size.height, 3.0);
        } else if family == "sam" {
            // Without a box the first generation was trained with one place more that says nothing.
            add(0, 0, -1.0);
        }
        Ok(prompt)
    }

    /// Which of the masks to take. Of four, the first is meant for questions of several points, the others are whole,
    /// part and part of a part for a question that is ambiguous.
    fn best(&self, masks: &Tensor, scores: &[f32]) -> Result<usize> {
        let &[1, count, _, _] = masks.shape.as_slice() else {
            let message = format!("the decoder gives masks of shape {:?}", masks.shape);
            return Err(Error::new(Kind::ModelMismatch, message));
        };
        let said = self.labels.iter().filter(|label| **label >= 0.0).count();
        let candidates = match count {
            4 if said > 1 => 0..1,
            4 => 1..4,
            _ => 0..count,
        };
        let score = |index: usize| scores.get(index).copied().unwrap_or(0.0);
        candidates
            .max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a)))
            .ok_or_else(|| Error::new(Kind::ModelMismatch, "the decoder gives no mask"))
    }
}

/// One mask as a matte of `size`: enlarged to the encoder's frame as logits, cut to what of it is picture, activated.
fn matte(masks: &Tensor, index: usize, frame: Size, seen: Size, size: Size) -> Result<Alpha> {
    let small = Size::new(masks.shape[3] as u32, masks.shape[2] as u32);
    let plane = &masks.values[index * small.area()..(index + 1) * small.area()];
    let logits = tensor::resize_plane(plane, small, frame)?;
    let rows = logits.chunks_exact(frame.width as usize).take(seen.height as usize);
    let sigmoid = |logit: &f32| if logit.is_nan() { 0.0 } else { 1.0 / (1.0 + (-logit).exp()) };
    let values = rows.flat_map(|row| row[..seen.width as usize].iter().map(sigmoid)).collect();
    tensor::resize_alpha(&Alpha::new(seen, values), size)
}
