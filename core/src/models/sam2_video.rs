//! Segment Anything 2 on clips: what points and a box show in the first frame is followed by a memory of earlier frames
//! (Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024, github.com/facebookresearch/sam2).

mod memory;

use std::sync::Arc;

use super::{
    IMAGENET, Input, ModelCard, ModelUsed, Output, Segmented, Segmenter, parts, parts::Part, prompted::Prompt,
    recalled, remembered,
};
use crate::{
    Result,
    engine::{Device, Engine, Network, Tensor, artifacts::Manifest},
    files::Picture,
    options::Options,
    pixels::{Alpha, Size},
    progress::Progress,
    tensor,
};
use memory::{Memory, Remembered};

/// The family's name.
pub(super) const FAMILY: &str = "sam2-video";

/// Its networks beside the image encoder.
pub(super) const PARTS: [&str; 3] = ["decoder", "memory-encoder", "memory-attention"];

/// Logits of a pixel that is surely subject, and negated surely not: their sigmoid is 1 and 0.
const SURE: f32 = 1024.0;
/// How far logits are moved to see whether a mask holds still, and how much of it must.
const STABILITY: (f32, f32) = (0.05, 0.98);

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    vec![ModelCard {
        name: "sam2.1-tiny-video".to_owned(),
        family: FAMILY,
        about: "What points or a box show in a clip's first frame, followed; slow on a processor.".to_owned(),
        input: Input::square(1024, IMAGENET),
        output: Output::default(),
        memory_mb: None,
        own: None,
    }]
}

/// The networks with what they remember of a clip.
pub struct Sam2Video {
    card: ModelCard,
    encoder: Part,
    decoder: Part,
    memory_encoder: Part,
    memory_attention: Part,
    used: ModelUsed,
    clip: Option<Clip>,
}

struct Clip {
    size: Size,
    memory: Memory,
}

/// What the encoder makes of a frame.
struct Features {
    /// `[1, channels, side / 4, side / 4]`.
    fine: Tensor,
    /// `[1, channels, side / 8, side / 8]`.
    middle: Tensor,
    /// `[1, channels, side / 16, side / 16]`.
    coarse: Tensor,
}

/// What the decoder makes of a frame.
struct Answer {
    /// Logits `[side / 4, side / 4]`.
    mask: Vec<f32>,
    /// Stands for the subject in later frames.
    pointer: Vec<f32>,
    /// Logit of whether the subject is in the frame, `[1, 1]`.
    presence: Tensor,
}

impl Sam2Video {
    /// Fetches and loads what `card` describes.
    ///
    /// # Errors
    /// What fetching and loading report; [`Kind::ModelMismatch`](crate::Kind::ModelMismatch) when the files are not of the family's signature.
    pub fn open(
        card: ModelCard,
        engine: &Engine,
        manifest: &Manifest,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let (networks, used) = parts::open(&card, engine, manifest, device, progress)?;
        Self::over(card, networks, used)
    }

    /// Puts loaded networks behind the card: image encoder, mask decoder, memory encoder and memory attention.
    ///
    /// With `S` the side of the input, `f = S / 16`, `C` channels of features, `K` of memories, `M` memories and `P` pointers:
    /// - image encoder: `image` `[1, 3, S, S]` → `high_res_feats_0` `[1, _, 4f, 4f]`, `high_res_feats_1` `[1, _, 2f, 2f]`,
    ///   `image_embed` and `first_image_embed` `[1, C, f, f]`; the latter stands for a frame without memories;
    /// - mask decoder: the three features, the last one as `image_embed`, `point_coords` `[1, points, 2]` (columns and rows of
    ///   the input), `point_labels` `[1, points]` (1 subject, 0 not, 2 and 3 corners of a box, −1 none) → `low_res_masks`
    ///   `[1, 4, 4f, 4f]` (logits), `iou` `[1, 4]`, `obj_ptrs` `[1, 4, C]`, `object_score_logits` `[1, 1]`;
    /// - memory encoder: `image_embed`, `mask_logits_high_res` `[1, 1, S, S]`, `object_score_logits` → `maskmem_features`
    ///   `[1, K, f, f]`;
    /// - memory attention: `image_embed`, `maskmem_features` `[M, K, f, f]`, `maskmem_tpos_idx` `[M]` (6 for the first frame,
    ///   else distance − 1), `obj_ptrs` `[P, C]`, `obj_ptr_tpos` `[P]` (distance / 15) → `image_embed_with_mem` `[1, C, f, f]`.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`](crate::Kind::ModelMismatch) when they have other inputs or outputs.
    pub fn over(card: ModelCard, networks: [Arc<dyn Network>; 4], used: ModelUsed) -> Result<Self> {
        let [encoder, decoder, memory_encoder, memory_attention] = networks;
        let part = |network, name: &str, inputs: &[&str], outputs: &[&str]| {
            Part::new(network, format!("{} ({name})", used.file), inputs, outputs)
        };
        let features = ["high_res_feats_0", "high_res_feats_1", "image_embed", "first_image_embed"];
        let asked = ["image_embed", "high_res_feats_0", "high_res_feats_1", "point_coords", "point_labels"];
        let answers = ["low_res_masks", "iou", "obj_ptrs", "object_score_logits"];
        let kept = ["image_embed", "mask_logits_high_res", "object_score_logits"];
        let recalled = ["image_embed", "maskmem_features", "maskmem_tpos_idx", "obj_ptrs", "obj_ptr_tpos"];
        Ok(Self {
            encoder: part(encoder, "image encoder", &["image"], &features)?,
            decoder: part(decoder, PARTS[0], &asked, &answers)?,
            memory_encoder: part(memory_encoder, PARTS[1], &kept, &["maskmem_features"])?,
            memory_attention: part(memory_attention, PARTS[2], &recalled, &["image_embed_with_mem"])?,
            card,
            used,
            clip: None,
        })
    }

    fn side(&self) -> Size {
        tensor::fixed_size(&self.card.input)
    }

    /// What the encoder makes of a frame, and the coarsest of it as it is where nothing is remembered.
    fn look(&self, picture: &Picture) -> Result<(Features, Tensor)> {
        let input = tensor::from_picture(&picture.color, picture.profile.as_ref(), &self.card.input)?;
        let outputs = ["high_res_feats_0", "high_res_feats_1", "image_embed", "first_image_embed"];
        let [fine, middle, coarse, first] = self.encoder.run(vec![("image", input)], outputs)?;
        Ok((Features { fine, middle, coarse }, first))
    }

    /// Asks the decoder; `coarse` are the features of the frame in the light of what is remembered.
    fn ask(&self, features: &Features, coarse: Tensor, prompt: &Prompt) -> Result<Answer> {
        let count = prompt.labels.len();
        let inputs = vec![
            ("image_embed", coarse),
            ("high_res_feats_0", features.fine.clone()),
            ("high_res_feats_1", features.middle.clone()),
            ("point_coords", Tensor::new(vec![1, count, 2], prompt.places.concat())),
            ("point_labels", Tensor::new(vec![1, count], prompt.labels.clone())),
        ];
        let outputs = ["low_res_masks", "iou", "obj_ptrs", "object_score_logits"];
        let [masks, scores, pointers, presence] = self.decoder.run(inputs, outputs)?;
        let small = self.side().height as usize / 4;
        if masks.shape != [1, 4, small, small] {
            return Err(self.decoder.mismatch("low_res_masks", &masks));
        }
        if pointers.shape.len() != 3 || pointers.shape[1] != 4 {
            return Err(self.decoder.mismatch("obj_ptrs", &pointers));
        }
        if scores.values.len() != 4 || presence.values.len() != 1 {
            return Err(self.decoder.mismatch("iou and object_score_logits", &scores));
        }
        let (mask, pointer) = chosen(&masks.values, &scores.values, prompt);
        let length = pointers.shape[2];
        let pointer = pointers.values[pointer * length..(pointer + 1) * length].to_vec();
        let mask = if presence.values[0] > 0.0 {
            masks.values[mask * small * small..(mask + 1) * small * small].to_vec()
        } else {
            vec![-SURE; small * small]
        };
        Ok(Answer { mask, pointer, presence })
    }

    /// What is to be remembered of a frame with these logits of the input's size.
    fn remember(&self, features: Features, logits: Vec<f32>, answer: Answer) -> Result<Remembered> {
        let side = self.side();
        let inputs = vec![
            ("image_embed", features.coarse),
            ("mask_logits_high_res", Tensor::new(vec![1, 1, side.height as usize, side.width as usize], logits)),
            ("object_score_logits", answer.presence),
        ];
        let [features] = self.memory_encoder.run(inputs, ["maskmem_features"])?;
        if features.shape.len() != 4 || features.shape[0] != 1 {
            return Err(self.memory_encoder.mismatch("maskmem_features", &features));
        }
        Ok(Remembered { features, pointer: answer.pointer })
    }

    /// The first frame: the question is answered without a memory, and the answer is taken for sure.
    fn begin(&self, picture: &Picture, options: &Options) -> Result<(Vec<f32>, Memory)> {
        let prompt = Prompt::new(&options.subject, picture.color.size(), self.side(), "sam2")?;
        let (features, first) = self.look(picture)?;
        let answer = self.ask(&features, first, &prompt)?;
        let logits = self.enlarged(&answer.mask);
        let hard = logits.iter().map(|&logit| if logit > 0.0 { SURE } else { -SURE }).collect();
        Ok((logits, Memory::of(self.remember(features, hard, answer)?)))
    }

    /// A later frame: the subject is found again by what is remembered of it.
    fn follow(&self, picture: &Picture, memory: &Memory) -> Result<(Vec<f32>, Remembered)> {
        let (features, _) = self.look(picture)?;
        let mut inputs = memory.recall();
        inputs.push(("image_embed", features.coarse.clone()));
        let [coarse] = self.memory_attention.run(inputs, ["image_embed_with_mem"])?;
        let nothing = Prompt { places: vec![[0.0; 2]], labels: vec![-1.0] };
        let answer = self.ask(&features, coarse, &nothing)?;
        let logits = self.enlarged(&answer.mask);
        Ok((logits.clone(), self.remember(features, logits, answer)?))
    }

    fn enlarged(&self, mask: &[f32]) -> Vec<f32> {
        let small = self.side().height as usize / 4;
        enlarged_fourfold(mask, small)
    }
}

impl Segmenter for Sam2Video {
    /// Points and box count in the first frame only.
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        self.card.check(&options.subject)?;
        let size = picture.color.size();
        let (logits, memory) = match self.clip.take().filter(|clip| clip.size == size) {
            None => self.begin(picture, options)?,
            Some(Clip { mut memory, .. }) => {
                let (logits, remembered) = self.follow(picture, &memory)?;
                memory.add(remembered);
                (logits, memory)
            }
        };
        self.clip = Some(Clip { size, memory });
        let sigmoid = |logit: &f32| if logit.is_nan() { 0.0 } else { 1.0 / (1.0 + (-logit).exp()) };
        let alpha = Alpha::new(self.side(), logits.iter().map(sigmoid).collect());
        let alpha = tensor::resize_alpha(&alpha, size)?;
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None })
    }

    fn answers_prompts(&self) -> bool {
        true
    }

    fn shows_softness(&self) -> bool {
        false
    }

    fn remembers(&self) -> bool {
        true
    }

    fn memory(&self) -> Vec<Tensor> {
        self.clip.as_ref().map(|clip| remembered(clip.size, clip.memory.tensors())).unwrap_or_default()
    }

    fn recall(&mut self, memory: Vec<Tensor>) -> Result<()> {
        self.clip = recalled(memory, |size, rest| Some(Clip { size, memory: Memory::from_tensors(rest)? }))?;
        Ok(())
    }

    fn reset(&mut self) {
        self.clip = None;
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

/// Which of four masks, and which of four pointers, to take. A question of several points means the first mask, unless
/// that changes much with where it is cut; else the best of the other three is taken.
fn chosen(masks: &[f32], scores: &[f32], prompt: &Prompt) -> (usize, usize) {
    let best = (1..4).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a))).unwrap_or(1);
    let said = prompt.labels.iter().filter(|label| **label >= 0.0).count();
    if said <= 1 {
        return (best, best);
    }
    let (delta, least) = STABILITY;
    let above = |limit: f32| masks[..masks.len() / 4].iter().filter(|logit| **logit > limit).count() as f32;
    let around = above(-delta);
    let stable = around == 0.0 || above(delta) / around >= least;
    (if stable { 0 } else { best }, 0)
}

/// A square of `side` × `side` logits as one of four times the side, bilinear between the middles of cells.
fn enlarged_fourfold(mask: &[f32], side: usize) -> Vec<f32> {
    let places: Vec<(usize, usize, f32)> = (0..4 * side)
        .map(|at| {
            let place = ((at as f32 + 0.5) / 4.0 - 0.5).max(0.0);
            let low = place as usize;
            (low, (low + 1).min(side - 1), place - low as f32)
        })
        .collect();
    let mut values = Vec::with_capacity(16 * side * side);
    for &(top, bottom, down) in &places {
        for &(left, right, across) in &places {
            let row = |y: usize| mask[y * side + left] * (1.0 - across) + mask[y * side + right] * across;
            values.push(row(top) * (1.0 - down) + row(bottom) * down);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_keeps_slopes_and_is_flat_outside_the_outer_middles() {
        let made = enlarged_fourfold(&[0.0, 8.0, 0.0, 8.0], 2);
        assert_eq!(made[..8], [0.0, 0.0, 1.0, 3.0, 5.0, 7.0, 8.0, 8.0]);
        assert_eq!(made[56..], made[..8]);
    }

    #[test]
    fn one_point_may_mean_any_of_three_and_several_mean_the_first_if_it_holds_still() {
        let prompt = |labels: &[f32]| Prompt { places: vec![[0.0; 2]; labels.len()], labels: labels.to_vec() };
        let scores = [0.9, 0.1, 0.3, 0.2];
        let crisp = [[5.0, -5.0], [0.0; 2], [0.0; 2], [0.0; 2]].concat();
        let vague = [[0.01, -5.0], [0.0; 2], [0.0; 2], [0.0; 2]].concat();
        for (masks, labels, expected) in [
            (&crisp, vec![1.0], (2, 2)),
            (&crisp, vec![-1.0], (2, 2)),
            (&crisp, vec![2.0, 3.0], (0, 0)),
            (&vague, vec![2.0, 3.0], (2, 0)),
        ] {
            assert_eq!(chosen(masks, &scores, &prompt(&labels)), expected, "{labels:?}");
        }
    }
}
