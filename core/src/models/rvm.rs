//! Robust Video Matting: a recurrent network for people in clips (Lin et al., Robust High-Resolution Video Matting with
//! Temporal Guidance, WACV 2022, github.com/PeterL1n/RobustVideoMatting).

use std::sync::Arc;

use super::{
    Input, InputSize, Layout, ModelCard, ModelUsed, Output, Segmented, Segmenter, parts, parts::Part, recalled,
    remembered,
};
use crate::{
    Error, Kind, Result,
    engine::{Device, Engine, Network, Tensor, artifacts::Manifest},
    files::Picture,
    options::Options,
    pixels::{Rgb, Samples, Size, unit_to_u8, unit_to_u16},
    progress::Progress,
    tensor,
};

/// The family's name.
pub(super) const FAMILY: &str = "rvm";

/// Longer side of what its encoder sees; the refiner brings that to the frame's size.
const ENCODED: f32 = 512.0;
/// How the states of the four recurrent layers are called going in and coming out.
const STATES: [(&str, &str); 4] = [("r1i", "r1o"), ("r2i", "r2o"), ("r3i", "r3o"), ("r4i", "r4o")];

/// The family's variants. Frames are seen in their own size, up to that of full HD.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, about: &str| ModelCard {
        name: name.to_owned(),
        family: FAMILY,
        about: about.to_owned(),
        input: Input {
            size: InputSize::AtMost { longer_side: 1920, shorter_side: 1920 },
            layout: Layout::Nchw,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        output: Output::default(),
        memory_mb: None,
        own: None,
    };
    vec![
        card("rvm-mobilenetv3", "People in clips, with memory of earlier frames; quick."),
        card("rvm-resnet50", "People in clips, with memory of earlier frames; larger and slower."),
    ]
}

/// The network with the states that earlier frames of the clip have left.
pub struct Rvm {
    card: ModelCard,
    network: Part,
    used: ModelUsed,
    clip: Option<Clip>,
}

/// What earlier frames have left.
struct Clip {
    /// What the network saw of them.
    seen: Size,
    /// `[1, channels, height, width]` each, at a half to a sixteenth of what the encoder saw.
    states: [Tensor; 4],
}

impl Rvm {
    /// Fetches and loads what `card` describes.
    ///
    /// # Errors
    /// What fetching and loading report; [`Kind::ModelMismatch`] when the file is not of the family's signature.
    pub fn open(
        card: ModelCard,
        engine: &Engine,
        manifest: &Manifest,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let ([network], used) = parts::open(&card, engine, manifest, device, progress)?;
        Self::over(card, network, used)
    }

    /// Puts a loaded network behind the card. It takes `src` `[1, 3, height, width]`, `r1i` to `r4i` and
    /// `downsample_ratio` `[1]`, and gives `fgr` `[1, 3, height, width]`, `pha` `[1, 1, height, width]` and `r1o` to `r4o`.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when it has other inputs or outputs.
    pub fn over(card: ModelCard, network: Arc<dyn Network>, used: ModelUsed) -> Result<Self> {
        let inputs = ["src", "r1i", "r2i", "r3i", "r4i", "downsample_ratio"];
        let outputs = ["fgr", "pha", "r1o", "r2o", "r3o", "r4o"];
        let network = Part::new(network, used.file.clone(), &inputs, &outputs)?;
        Ok(Self { card, network, used, clip: None })
    }

    /// The states for a frame of which the network sees `seen`: those of the frame before, or none yet.
    fn states(&mut self, seen: Size) -> [Tensor; 4] {
        match self.clip.take() {
            Some(clip) if clip.seen == seen => clip.states,
            _ => std::array::from_fn(|_| Tensor::new(vec![1, 1, 1, 1], vec![0.0])),
        }
    }
}

impl Segmenter for Rvm {
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        self.card.check(&options.subject)?;
        let size = picture.color.size();
        let input = tensor::from_picture(&picture.color, picture.profile.as_ref(), &self.card.input)?;
        let seen = Size::new(input.shape[3] as u32, input.shape[2] as u32);
        let ratio = (ENCODED / seen.width.max(seen.height) as f32).min(1.0);
        let mut inputs = vec![("src", input), ("downsample_ratio", Tensor::new(vec![1], vec![ratio]))];
        inputs.extend(STATES.iter().map(|(name, _)| *name).zip(self.states(seen)));
        let [r1, r2, r3, r4] = STATES.map(|(_, name)| name);
        let [colors, matte, r1, r2, r3, r4] = self.network.run(inputs, ["fgr", "pha", r1, r2, r3, r4])?;
        if matte.shape != [1, 1, seen.height as usize, seen.width as usize] {
            return Err(self.network.mismatch("pha", &matte));
        }
        self.clip = Some(Clip { seen, states: [r1, r2, r3, r4] });
        // Colours of another size or colour space than the picture's are no use to it.
        let fits = seen == size && picture.profile.is_none();
        let foreground = fits.then(|| colors_of(&colors, size, picture.color.depth())).transpose()?;
        let alpha = tensor::to_matte(matte, &self.card, size)?;
        Ok(Segmented { alpha, foreground, classes: Vec::new(), trimap: None })
    }

    fn remembers(&self) -> bool {
        true
    }

    fn memory(&self) -> Vec<Tensor> {
        self.clip.as_ref().map(|clip| remembered(clip.seen, clip.states.to_vec())).unwrap_or_default()
    }

    fn recall(&mut self, memory: Vec<Tensor>) -> Result<()> {
        self.clip = recalled(memory, |seen, states| Some(Clip { seen, states: states.try_into().ok()? }))?;
        Ok(())
    }

    fn reset(&mut self) {
        self.clip = None;
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

/// Planes of red, green and blue, 0 to 1, `[1, 3, height, width]`, as a picture.
fn colors_of(planes: &Tensor, size: Size, depth: u8) -> Result<Rgb> {
    let area = size.area();
    if planes.shape != [1, 3, size.height as usize, size.width as usize] {
        let message = format!("the network gives colours of shape {:?}", planes.shape);
        return Err(Error::new(Kind::ModelMismatch, message));
    }
    let values = (0..area * 3).map(|index| planes.values[index % 3 * area + index / 3]);
    let samples = match depth {
        8 => Samples::Eight(values.map(unit_to_u8).collect()),
        _ => Samples::Sixteen(values.map(unit_to_u16).collect()),
    };
    Ok(Rgb::new(size, samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Port, Precision, artifacts::License},
        files::{Format, Metadata},
    };

    /// Its matte is how many frames its states have seen, in tenths; its colours are the frame's, red and blue exchanged.
    struct Counting {
        inputs: Vec<Port>,
        outputs: Vec<Port>,
    }

    impl Counting {
        fn new() -> Self {
            let ports = |names: &[&str]| {
                names.iter().map(|name| Port { name: (*name).to_owned(), shape: Vec::new() }).collect()
            };
            Self {
                // Not in the order of the published files.
                inputs: ports(&["downsample_ratio", "r4i", "r3i", "r2i", "r1i", "src"]),
                outputs: ports(&["fgr", "pha", "r1o", "r2o", "r3o", "r4o"]),
            }
        }
    }

    impl Network for Counting {
        fn ports(&self) -> (&[Port], &[Port]) {
            (&self.inputs, &self.outputs)
        }

        fn run_all(&self, inputs: &[Tensor], _: &[&str]) -> Result<Vec<Tensor>> {
            let [ratio, r4, r3, r2, r1, frame] = inputs else { panic!("six inputs") };
            let (height, width) = (frame.shape[2], frame.shape[3]);
            assert_eq!(ratio.values, [(512.0 / width.max(height) as f32).min(1.0)]);
            let seen = r1.values[0];
            let states = [r1, r2, r3, r4].into_iter().enumerate().map(|(index, state)| {
                let before = if seen == 0.0 { 0.0 } else { seen + index as f32 };
                assert_eq!(state.values[0], before, "state {index}");
                let shape = if seen == 0.0 { vec![1, 1, 1, 1] } else { vec![1, 1, 1, width] };
                assert_eq!(state.shape, shape);
                Tensor::new(vec![1, 1, 1, width], vec![seen + 1.0 + index as f32; width])
            });
            let area = width * height;
            let mut colors = frame.values[2 * area..].to_vec();
            colors.extend_from_slice(&frame.values[area..2 * area]);
            colors.extend_from_slice(&frame.values[..area]);
            let matte = Tensor::new(vec![1, 1, height, width], vec![(seen + 1.0) / 10.0; area]);
            let colors = Tensor::new(frame.shape.clone(), colors);
            Ok([colors, matte].into_iter().chain(states).collect())
        }
    }

    fn frame(size: Size) -> Picture {
        Picture {
            color: Rgb::filled(size, [10, 20, 30]),
            alpha: None,
            profile: None,
            metadata: Metadata::default(),
            format: Format::Png,
            warnings: Vec::new(),
        }
    }

    fn rvm() -> Rvm {
        let license = License { code: "-".into(), weights: "-".into(), data: None, commercial: true, note: None };
        let used = ModelUsed {
            model: "rvm".into(),
            file: "counting.onnx".into(),
            sha256: None,
            license,
            device: Device::Cpu,
            precision: Precision::Fp32,
            passed_over: Vec::new(),
        };
        Rvm::over(cards().remove(0), Arc::new(Counting::new()), used).unwrap()
    }

    #[test]
    fn frames_are_counted_until_the_clip_or_its_size_changes() {
        let (mut rvm, options) = (rvm(), Options::default());
        let (one, other) = (Size::new(40, 20), Size::new(20, 40));
        let seen = |rvm: &mut Rvm, size| {
            let found = rvm.segment(&frame(size), &options).unwrap();
            assert_eq!(found.alpha.size(), size);
            (found.alpha.values()[0] * 10.0).round() as u32
        };
        assert_eq!([one, one, one].map(|size| seen(&mut rvm, size)), [1, 2, 3]);
        assert_eq!([other, other, one].map(|size| seen(&mut rvm, size)), [1, 2, 1]);
        rvm.reset();
        assert_eq!([one, one].map(|size| seen(&mut rvm, size)), [1, 2]);
    }

    #[test]
    fn colours_come_where_the_frame_is_seen_in_its_own_size() {
        let options = Options::default();
        let found = rvm().segment(&frame(Size::new(40, 20)), &options).unwrap();
        assert_eq!(found.foreground, Some(Rgb::filled(Size::new(40, 20), [30, 20, 10])));
        let large = rvm().segment(&frame(Size::new(2400, 10)), &options).unwrap();
        assert_eq!((large.alpha.size(), large.foreground), (Size::new(2400, 10), None));
    }
}
