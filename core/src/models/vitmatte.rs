//! ViTMatte: a vision transformer that finds alpha in the unknown band of a trimap (Yao et al., ViTMatte: Boosting Image
//! Matting with Pretrained Plain Vision Transformers, Information Fusion 2024, github.com/hustvl/ViTMatte).

use std::sync::Arc;

use super::{Input, ModelCard, ModelUsed, Output, used_model};
use crate::{
    Error, Kind, Result,
    engine::{Device, Engine, Network, Tensor, artifacts::Manifest},
    files::{self, Profile},
    pixels::{Alpha, Rect, Rgb},
    progress::Progress,
    steps::{
        matting::{Method, tiles},
        planes::mirrored,
        trimap::Trimap,
    },
    tensor,
};

/// The variant used when none is named.
pub const DEFAULT: &str = "vitmatte-small-distinctions-646";

/// The family's name.
pub(super) const FAMILY: &str = "vitmatte";

/// The family's variants. Each looks at 1024 × 1024: exports compute positions for the size they were made at.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, (mean, std): (f32, f32), about: &str| ModelCard {
        name: name.to_owned(),
        family: FAMILY,
        about: about.to_owned(),
        input: Input::square(1024, ([mean; 3], [std; 3])),
        output: Output::default(),
        memory_mb: None,
        own: None,
    };
    let plain = (0.0, 1.0);
    vec![
        card(DEFAULT, plain, "Soft edges, for --matting vitmatte; its default."),
        card("vitmatte-small-composition-1k", plain, "Soft edges, for --matting vitmatte; other training pictures."),
        card("vitmatte-base-distinctions-646", plain, "Soft edges, for --matting vitmatte; larger and slower."),
        card("vitmatte-base-composition-1k", plain, "Soft edges, for --matting vitmatte; larger and slower."),
        card("vitmatte-small-composition-1k-xenova", (0.5, 0.5), "Soft edges, for --matting vitmatte; another export."),
    ]
}

/// The network as a way of matting: on tiles of the picture's own resolution.
pub struct VitMatte {
    card: ModelCard,
    network: Arc<dyn Network>,
    output: String,
    used: ModelUsed,
}

impl VitMatte {
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
        let (found, loaded) = engine.model(card.weights(manifest), device, progress)?;
        let used = used_model(&card, found, &loaded)?;
        Self::over(card, loaded.network, used)
    }

    /// Puts a loaded network behind the card.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when the network does not take one input of four channels, or gives nothing.
    pub fn over(card: ModelCard, network: Arc<dyn Network>, used: ModelUsed) -> Result<Self> {
        let wrong = |what: &str| Error::new(Kind::ModelMismatch, format!("{}: {what}", used.file));
        let (inputs, outputs) = network.ports();
        let fits = matches!(inputs, [only] if matches!(only.shape.as_slice(), [_, None | Some(4), _, _]));
        if !fits {
            return Err(wrong("the network does not take colours and trimap as one input of four channels"));
        }
        let output = outputs.first().ok_or_else(|| wrong("the network has no output"))?.name.clone();
        Ok(Self { card, network, output, used })
    }

    /// Alpha of one tile, whatever the trimap is sure of.
    fn tile(&self, color: &Rgb, profile: Option<&Profile>, trimap: &Trimap, tile: Rect) -> Result<Alpha> {
        let frame = tensor::fixed_size(&self.card.input);
        let mut part = color.part(tile);
        if let Some(profile) = profile {
            files::to_srgb(&mut part, profile)?;
        }
        let given = self.network.run(&[question(&part, &trimap.part(tile), &self.card.input)], &self.output)?;
        let expected = [1, 1, frame.height as usize, frame.width as usize];
        if given.shape != expected {
            let message = format!("{} gives an output of shape {:?}, not {expected:?}", self.used.file, given.shape);
            return Err(Error::new(Kind::ModelMismatch, message));
        }
        // NaN, which no comparison catches later, becomes 0.
        let value = |value: &f32| if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
        let rows = given.values.chunks_exact(frame.width as usize).take(tile.size.height as usize);
        let values = rows.flat_map(|row| row[..tile.size.width as usize].iter().map(value)).collect();
        Ok(Alpha::new(tile.size, values))
    }
}

impl Method for VitMatte {
    fn alpha(&self, color: &Rgb, profile: Option<&Profile>, trimap: &Trimap, _: Option<&Alpha>) -> Result<Alpha> {
        assert_eq!(color.size(), trimap.size(), "picture and trimap are of one size");
        tiles::mend(trimap, tensor::fixed_size(&self.card.input), |tile| self.tile(color, profile, trimap, tile))
    }

    fn used(&self) -> Option<&ModelUsed> {
        Some(&self.used)
    }
}

/// Colours and trimap as one input `[1, 4, height, width]` of the size the network sees: red, green and blue
/// normalised as its row says; 0 for background, ½ for unknown, 1 for subject. What is smaller is not stretched but
/// goes on as in a mirror to the right and below.
fn question(color: &Rgb, trimap: &Trimap, input: &Input) -> Tensor {
    let (frame, size) = (tensor::fixed_size(input), color.size());
    let known = trimap.values();
    let area = frame.area();
    let mut values = vec![0.0; area * 4];
    for index in 0..area {
        let (x, y) = (index % frame.width as usize, index / frame.width as usize);
        let (width, height) = (size.width as usize, size.height as usize);
        let from = mirrored(y, height) * width + mirrored(x, width);
        for (channel, value) in color.unit(from).into_iter().enumerate() {
            values[channel * area + index] = (value - input.mean[channel]) / input.std[channel];
        }
        values[3 * area + index] = known.values()[from];
    }
    Tensor::new(vec![1, 4, frame.height as usize, frame.width as usize], values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Port, Precision, artifacts::License},
        pixels::{Samples, Size},
        steps::trimap::Region,
    };
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Alpha is red where the trimap is unknown; counts its runs.
    struct Red {
        input: Vec<Port>,
        output: Vec<Port>,
        runs: AtomicUsize,
        shape: Option<Vec<usize>>,
    }

    impl Red {
        fn new(channels: usize) -> Self {
            let port = |name: &str, channels| Port {
                name: name.to_owned(),
                shape: vec![Some(1), Some(channels), Some(32), Some(32)],
            };
            let (input, output) = (vec![port("pixel_values", channels)], vec![port("alphas", 1)]);
            Self { input, output, runs: AtomicUsize::new(0), shape: None }
        }
    }

    impl Network for Red {
        fn ports(&self) -> (&[Port], &[Port]) {
            (&self.input, &self.output)
        }

        fn run_all(&self, inputs: &[Tensor], outputs: &[&str]) -> Result<Vec<Tensor>> {
            assert_eq!((inputs[0].shape.as_slice(), outputs), ([1, 4, 32, 32].as_slice(), ["alphas"].as_slice()));
            self.runs.fetch_add(1, Ordering::Relaxed);
            let (red, known) = (&inputs[0].values[..1024], &inputs[0].values[3 * 1024..]);
            assert!(known.contains(&0.5), "a tile without anything unknown");
            let values = red.iter().zip(known).map(|(&red, &known)| if known == 0.5 { red } else { 0.3 }).collect();
            Ok(vec![Tensor::new(self.shape.clone().unwrap_or_else(|| vec![1, 1, 32, 32]), values)])
        }
    }

    fn over(network: Arc<dyn Network>, (mean, std): ([f32; 3], [f32; 3])) -> Result<VitMatte> {
        let license = License { code: "-".into(), weights: "-".into(), data: None, commercial: true, note: None };
        let used = ModelUsed {
            model: DEFAULT.into(),
            file: "red.onnx".into(),
            sha256: None,
            license,
            device: Device::Cpu,
            precision: Precision::Fp32,
            passed_over: Vec::new(),
        };
        let card = ModelCard { input: Input::square(32, (mean, std)), ..cards().remove(0) };
        VitMatte::over(card, network, used)
    }

    /// Red grows to the right; a third is background, a third unknown, a third subject.
    fn scene(size: Size) -> (Rgb, Trimap) {
        let columns = || (0..size.area()).map(|i| i as u32 % size.width);
        let samples = columns().flat_map(|x| [(x * 65535 / size.width) as u16, 9, 40_000]).collect();
        let region = |x| match x * 3 / size.width {
            0 => Region::Background,
            1 => Region::Unknown,
            _ => Region::Subject,
        };
        (Rgb::new(size, Samples::Sixteen(samples)), Trimap::new(size, columns().map(region).collect()))
    }

    #[test]
    fn what_the_network_gives_is_in_the_band_and_nowhere_else() {
        for size in [Size::new(200, 90), Size::new(20, 12), Size::new(32, 32), Size::new(3, 1), Size::new(1, 40)] {
            let (color, trimap) = scene(size);
            let network = Arc::new(Red::new(4));
            let method = over(network.clone(), ([0.0; 3], [1.0; 3])).unwrap();
            let found = method.alpha(&color, None, &trimap, None).unwrap();
            for (i, (&value, region)) in found.values().iter().zip(trimap.regions()).enumerate() {
                let expected = match region {
                    Region::Background => 0.0,
                    Region::Unknown => color.unit(i)[0],
                    Region::Subject => 1.0,
                };
                assert!((value - expected).abs() < 1e-5, "{size} at {i}: {value}, expected {expected}");
            }
            // The band of the first is 67 wide and 90 high; no tile lies outside it.
            let least = if size.width == 200 { 9..=12 } else { 0..=2 };
            assert!(least.contains(&network.runs.load(Ordering::Relaxed)), "{size}");
        }
    }

    #[test]
    fn colours_are_normalised_as_the_row_says_and_regions_are_not() {
        let (color, trimap) = scene(Size::new(30, 32));
        let method = over(Arc::new(Red::new(4)), ([0.5; 3], [0.5; 3])).unwrap();
        let found = method.alpha(&color, None, &trimap, None).unwrap();
        let expected = (color.unit(17)[0] - 0.5) / 0.5;
        assert!((found.values()[17] - expected).abs() < 1e-5);
        assert_eq!(found.values()[10], 0.0, "what is below 0 is cut off");
    }

    #[test]
    fn a_network_that_does_not_fit_is_refused() {
        let plain = ([0.0; 3], [1.0; 3]);
        let refused = over(Arc::new(Red::new(3)), plain).err().expect("three channels are too few");
        assert_eq!(refused.kind(), Kind::ModelMismatch);
        let turned = Red { shape: Some(vec![1, 32, 32, 1]), ..Red::new(4) };
        let (color, trimap) = scene(Size::new(40, 40));
        let error = over(Arc::new(turned), plain).unwrap().alpha(&color, None, &trimap, None).unwrap_err();
        assert_eq!(error.kind(), Kind::ModelMismatch);
    }
}
