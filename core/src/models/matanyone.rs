//! MatAnyone: mattes of the subject that a first mask shows, by a memory of earlier frames (Yang et al., MatAnyone: Stable
//! Video Matting with Consistent Memory Propagation, CVPR 2025; MatAnyone 2, 2026; github.com/pq-yang/MatAnyone2).

mod memory;

use std::sync::Arc;

use super::{
    Input, InputSize, Layout, ModelCard, ModelUsed, Output, Segmented, Segmenter, parts::Part, recalled, remembered,
};
use crate::{
    Error, Kind, Result,
    engine::{Network, Tensor},
    files::Picture,
    options::Options,
    pixels::{Alpha, Size},
    steps::subject,
    tensor,
};
use memory::{Keys, Memory};

/// The family's name.
pub(super) const FAMILY: &str = "matanyone";

/// Its networks beside the image encoder.
pub(super) const PARTS: [&str; 4] = ["mask-encoder", "readout", "first-readout", "decoder"];

/// How often the first frame is shown again until its matte has settled, beside the first time.
const WARM_UP: usize = 10;
/// What both sides of the networks' input are multiples of.
const MULTIPLE: u32 = 16;
/// The readout looks at so many places of the memory, and fails where there are fewer.
const LEAST_PLACES: u32 = 30;

/// The family's variants. What they see is at most 480 on the shorter side: the readout needs memory in proportion to the
/// square of its area.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, about: &str| ModelCard {
        name: name.to_owned(),
        family: FAMILY,
        about: about.to_owned(),
        input: Input {
            size: InputSize::AtMost { longer_side: 1920, shorter_side: 480 },
            layout: Layout::Nchw,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        output: Output::default(),
        memory_mb: None,
        own: None,
    };
    vec![
        card("matanyone", "People in clips, from a first mask; non-commercial weights."),
        card("matanyone2", "People in clips, from a first mask, second version; non-commercial weights."),
    ]
}

/// The networks with what they remember of a clip.
pub struct MatAnyone {
    card: ModelCard,
    first: Box<dyn Segmenter>,
    encoder: Part,
    mask_encoder: Part,
    readout: Part,
    first_readout: Part,
    decoder: Part,
    used: ModelUsed,
    clip: Option<Clip>,
}

struct Clip {
    size: Size,
    memory: Memory,
}

/// What the encoder makes of a frame.
struct Look {
    /// What it saw, `[1, 3, height, width]`.
    image: Tensor,
    /// Features at an eighth, a quarter, a half and all of that size.
    skips: [Tensor; 4],
    /// Features `[1, channels, height / 16, width / 16]`.
    pixels: Tensor,
    /// Where the frame will be found again.
    keys: Keys,
    /// How much each part of the key counts when the frame asks.
    selection: Tensor,
}

/// What is read out of memory, or the matte before it, as the decoder takes it.
enum Reading<'a> {
    /// Of the first frame, which remembers itself.
    First(&'a Memory),
    /// Of a later one.
    Later(&'a Memory),
}

/// A frame's place in the networks' input, whose sides are multiples of 16.
#[derive(Clone, Copy)]
struct Frame {
    seen: Size,
    padded: Size,
}

impl Frame {
    fn of(seen: Size) -> Self {
        Self { seen, padded: Size::new(seen.width.next_multiple_of(MULTIPLE), seen.height.next_multiple_of(MULTIPLE)) }
    }

    /// Refuses frames whose memory would be too small to be read.
    fn check(self, card: &ModelCard) -> Result<()> {
        if self.padded.width / MULTIPLE * (self.padded.height / MULTIPLE) >= LEAST_PLACES {
            return Ok(());
        }
        let message = format!("{} sees too little in {} pixels; 96 × 80 are enough", card.name, self.seen);
        Err(Error::new(Kind::OptionInvalid, message))
    }

    /// Planes of what is seen, in the middle of zeros; of an odd rest, the larger half is at the right and below.
    fn padded(self, planes: &[f32], channels: usize) -> Tensor {
        let (seen, padded) = (self.seen, self.padded);
        let (left, top) = self.corner();
        let mut values = vec![0.0; channels * padded.area()];
        for (from, to) in planes.chunks_exact(seen.area()).zip(values.chunks_exact_mut(padded.area())) {
            for (y, row) in from.chunks_exact(seen.width as usize).enumerate() {
                let start = (y + top) * padded.width as usize + left;
                to[start..start + row.len()].copy_from_slice(row);
            }
        }
        Tensor::new(vec![1, channels, padded.height as usize, padded.width as usize], values)
    }

    /// The part of a padded matte that is seen, clamped to 0 to 1.
    fn cut(self, matte: &Tensor) -> Alpha {
        let (left, top) = self.corner();
        let rows = matte.values.chunks_exact(self.padded.width as usize).skip(top).take(self.seen.height as usize);
        let value = |value: &f32| if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
        Alpha::new(self.seen, rows.flat_map(|row| row[left..][..self.seen.width as usize].iter().map(value)).collect())
    }

    fn corner(self) -> (usize, usize) {
        let half = |padded: u32, seen: u32| ((padded - seen) / 2) as usize;
        (half(self.padded.width, self.seen.width), half(self.padded.height, self.seen.height))
    }
}

impl MatAnyone {
    /// Puts loaded networks behind the card: image encoder, mask encoder, readout, readout of the first frame, decoder;
    /// `first` finds the mask in a clip's first frame.
    ///
    /// With `h × w` a sixteenth of the input `H × W` and `N` places of the memory:
    /// - image encoder: `image` `[1, 3, H, W]`, 0 to 1 → `f8`, `f4`, `f2`, `f1`, `pix_feat` `[1, _, h, w]`, `key` `[1, K, h, w]`,
    ///   `shrinkage` `[1, 1, h, w]`, `selection` `[1, K, h, w]`;
    /// - mask encoder: `image`, `pix_feat`, `sensory` `[1, 1, S, h, w]`, `mask` `[1, 1, H, W]` → `msk_value`
    ///   `[1, 1, V, h, w]`, `new_sensory`, `obj_summaries` `[1, 1, Q, _]`;
    /// - readout: `query_key`, `query_selection`, `pix_feat`, `last_pix_feat`, `last_mask`, `last_msk_value`, `sensory`,
    ///   `obj_memory`, `mem_key` `[1, K, N]`, `mem_shrinkage` `[1, 1, N]`, `mem_value` `[1, V, N]` → `mem_readout`;
    /// - readout of the first frame: `pix_feat`, `last_mask`, `last_msk_value`, `sensory`, `obj_memory` → `mem_readout`;
    /// - decoder: `f8`, `f4`, `f2`, `f1`, `mem_readout`, `sensory` → `alpha` `[1, 1, H, W]`, `new_sensory`.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when they have other inputs or outputs.
    pub fn over(
        card: ModelCard,
        first: Box<dyn Segmenter>,
        networks: [Arc<dyn Network>; 5],
        used: ModelUsed,
    ) -> Result<Self> {
        let [encoder, mask_encoder, readout, first_readout, decoder] = networks;
        let part = |network, name: &str, inputs: &[&str], outputs: &[&str]| {
            Part::new(network, format!("{} ({name})", used.file), inputs, outputs)
        };
        let looks = ["f8", "f4", "f2", "f1", "pix_feat", "key", "shrinkage", "selection"];
        let mattes = ["image", "pix_feat", "sensory", "mask"];
        let before = ["pix_feat", "last_mask", "last_msk_value", "sensory", "obj_memory"];
        let recalled = ["query_key", "query_selection", "last_pix_feat", "mem_key", "mem_shrinkage", "mem_value"];
        let read = ["f8", "f4", "f2", "f1", "mem_readout", "sensory"];
        Ok(Self {
            encoder: part(encoder, "image encoder", &["image"], &looks)?,
            mask_encoder: part(mask_encoder, PARTS[0], &mattes, &["msk_value", "new_sensory", "obj_summaries"])?,
            readout: part(readout, PARTS[1], &[&before[..], &recalled[..]].concat(), &["mem_readout"])?,
            first_readout: part(first_readout, PARTS[2], &before, &["mem_readout"])?,
            decoder: part(decoder, PARTS[3], &read, &["alpha", "new_sensory"])?,
            card,
            first,
            used,
            clip: None,
        })
    }

    fn look(&self, image: Tensor) -> Result<Look> {
        let outputs = ["f8", "f4", "f2", "f1", "pix_feat", "key", "shrinkage", "selection"];
        let [f8, f4, f2, f1, pixels, key, shrinkage, selection] =
            self.encoder.run(vec![("image", image.clone())], outputs)?;
        if key.shape.len() != 4 || key.shape[0] != 1 {
            return Err(self.encoder.mismatch("key", &key));
        }
        Ok(Look { image, skips: [f8, f4, f2, f1], pixels, keys: Keys { key, shrinkage }, selection })
    }

    /// The mask that begins a clip, 0 or 1; `None` while the first model finds nothing.
    fn first_mask(&mut self, picture: &Picture, options: &Options) -> Result<Option<Alpha>> {
        self.first.reset();
        let mut mask = self.first.segment(picture, options)?.alpha;
        if !self.first.answers_prompts() {
            subject::select(&mut mask, &options.subject)?;
        }
        mask.values_mut().iter_mut().for_each(|value| *value = if *value >= 0.5 { 1.0 } else { 0.0 });
        Ok(mask.values().contains(&1.0).then_some(mask))
    }

    /// The first frame: its mask is remembered, and it is shown again and again until its matte has settled.
    fn begin(&self, look: &Look, mask: Tensor) -> Result<Memory> {
        let sensory = Memory::blank(&look.pixels, &self.mask_encoder)?;
        let mut memory = self.remembered(look, mask, sensory)?;
        for _ in 0..=WARM_UP {
            let (alpha, sensory) = self.decoded(look, &Reading::First(&memory), &memory.sensory)?;
            memory = self.remembered(look, alpha, sensory)?;
        }
        Ok(memory)
    }

    /// A memory of this frame and its matte alone.
    fn remembered(&self, look: &Look, matte: Tensor, sensory: Tensor) -> Result<Memory> {
        let [value, sensory, summaries] = self.encoded(look, &matte, sensory)?;
        Ok(Memory::of(&look.keys, &look.pixels, (matte, value), sensory, summaries))
    }

    /// A later frame.
    fn follow(&self, look: &Look, memory: &mut Memory) -> Result<()> {
        let (alpha, sensory) = self.decoded(look, &Reading::Later(memory), &memory.sensory)?;
        let [value, deep, summaries] = self.encoded(look, &alpha, sensory.clone())?;
        memory.passed(&look.pixels, (alpha, value), sensory);
        if memory.is_due() {
            memory.add(&look.keys, deep, &summaries);
        }
        Ok(())
    }

    /// What the matte of a frame is worth remembering as, the sensory memory that takes it in, and summaries of the subject.
    fn encoded(&self, look: &Look, matte: &Tensor, sensory: Tensor) -> Result<[Tensor; 3]> {
        let inputs = vec![
            ("image", look.image.clone()),
            ("pix_feat", look.pixels.clone()),
            ("sensory", sensory),
            ("mask", matte.clone()),
        ];
        self.mask_encoder.run(inputs, ["msk_value", "new_sensory", "obj_summaries"])
    }

    /// The frame's matte by what is remembered, and the sensory memory after it.
    fn decoded(&self, look: &Look, reading: &Reading<'_>, sensory: &Tensor) -> Result<(Tensor, Tensor)> {
        let (Reading::First(memory) | Reading::Later(memory)) = reading;
        let mut inputs = vec![
            ("pix_feat", look.pixels.clone()),
            ("last_mask", memory.last_matte.clone()),
            ("last_msk_value", memory.last_value.clone()),
            ("sensory", sensory.clone()),
            ("obj_memory", memory.summaries.clone()),
        ];
        let [readout] = match reading {
            Reading::First(_) => self.first_readout.run(inputs, ["mem_readout"])?,
            Reading::Later(_) => {
                inputs.extend(memory.recall());
                inputs.push(("query_key", look.keys.key.clone()));
                inputs.push(("query_selection", look.selection.clone()));
                self.readout.run(inputs, ["mem_readout"])?
            }
        };
        let mut inputs: Vec<_> = ["f8", "f4", "f2", "f1"].into_iter().zip(look.skips.iter().cloned()).collect();
        inputs.extend([("mem_readout", readout), ("sensory", sensory.clone())]);
        let [alpha, sensory] = self.decoder.run(inputs, ["alpha", "new_sensory"])?;
        let shape = &look.image.shape;
        if alpha.shape != [1, 1, shape[2], shape[3]] {
            return Err(self.decoder.mismatch("alpha", &alpha));
        }
        Ok((alpha, sensory))
    }
}

impl Segmenter for MatAnyone {
    /// The first frame in which the first model finds something begins the clip; points and box count there only.
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        let size = picture.color.size();
        let input = tensor::from_picture(&picture.color, picture.profile.as_ref(), &self.card.input)?;
        let frame = Frame::of(Size::new(input.shape[3] as u32, input.shape[2] as u32));
        let found = |alpha| Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None };
        let memory = match self.clip.take().filter(|clip| clip.size == size) {
            Some(Clip { mut memory, .. }) => {
                self.follow(&self.look(frame.padded(&input.values, 3))?, &mut memory)?;
                memory
            }
            None => {
                frame.check(&self.card)?;
                let Some(mask) = self.first_mask(picture, options)? else {
                    return Ok(found(Alpha::filled(size, 0.0)));
                };
                let mask = tensor::resize_alpha(&mask, frame.seen)?;
                let look = self.look(frame.padded(&input.values, 3))?;
                self.begin(&look, frame.padded(mask.values(), 1))?
            }
        };
        let alpha = tensor::resize_alpha(&frame.cut(&memory.last_matte), size)?;
        self.clip = Some(Clip { size, memory });
        Ok(found(alpha))
    }

    fn answers_prompts(&self) -> bool {
        true
    }

    fn begin_with(&mut self, first: Box<dyn Segmenter>) -> bool {
        self.first = first;
        true
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::Port,
        files::{Format, Metadata},
        models::Given,
        pixels::Rgb,
    };

    #[test]
    fn frames_lie_in_the_middle_of_zeros() {
        let frame = Frame::of(Size::new(3, 17));
        assert_eq!(frame.padded.sides(), (16, 32));
        let planes: Vec<f32> = (1..=51).map(|value| value as f32 / 100.0).collect();
        let padded = frame.padded(&planes, 1);
        let at = |x: usize, y: usize| padded.values[y * 16 + x];
        assert_eq!((at(5, 7), at(6, 7), at(8, 23), at(9, 23), at(6, 6)), (0.0, 0.01, 0.51, 0.0, 0.0));
        assert_eq!(frame.cut(&padded).values(), planes);
    }

    /// Has all inputs and outputs, and must not be run.
    struct Untouched(Vec<Port>);

    impl Network for Untouched {
        fn ports(&self) -> (&[Port], &[Port]) {
            (&[], &self.0)
        }

        fn run_all(&self, _: &[Tensor], _: &[&str]) -> Result<Vec<Tensor>> {
            panic!("there is nothing to follow")
        }
    }

    fn over_a_mask_of(value: f32) -> MatAnyone {
        let first = Given::mask(Alpha::filled(Size::new(8, 8), value), "mask".into());
        let outputs =
            "f8 f4 f2 f1 pix_feat key shrinkage selection msk_value new_sensory obj_summaries mem_readout alpha";
        let ports = || outputs.split(' ').map(|name| Port { name: name.to_owned(), shape: Vec::new() }).collect();
        let networks = std::array::from_fn(|_| Arc::new(Untouched(ports())) as Arc<dyn Network>);
        let used = first.used().clone();
        MatAnyone::over(cards().remove(0), Box::new(first), networks, used).unwrap()
    }

    fn picture(size: Size) -> Picture {
        Picture {
            color: Rgb::filled(size, [9, 9, 9]),
            alpha: None,
            profile: None,
            metadata: Metadata::default(),
            format: Format::Png,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn without_a_first_mask_there_is_nothing_to_follow() {
        let size = Size::new(100, 90);
        let found = over_a_mask_of(0.4).segment(&picture(size), &Options::default()).unwrap();
        assert_eq!(found.alpha, Alpha::filled(size, 0.0));
    }

    #[test]
    fn frames_whose_memory_cannot_be_read_are_refused() {
        let error = over_a_mask_of(1.0).segment(&picture(Size::new(64, 64)), &Options::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::OptionInvalid);
    }
}
