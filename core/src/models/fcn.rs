//! Networks that tell the classes of Pascal VOC apart: fully convolutional ResNet (Long et al., CVPR 2015), torchvision's.

use super::{Activation, IMAGENET, Input, InputSize, Layout, ModelCard, Output};

/// The classes of Pascal VOC 2012 in the order networks give them.
pub const PASCAL_VOC: [&str; 21] = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    vec![ModelCard {
        name: "fcn-resnet50".to_owned(),
        family: "fcn",
        about: "People, animals, vehicles and furniture by class (--class); coarse outlines.".to_owned(),
        input: Input {
            size: InputSize::ShortSide { short_side: 520, multiple: 8 },
            layout: Layout::Nchw,
            mean: IMAGENET.0,
            std: IMAGENET.1,
        },
        output: Output {
            name: Some("out".to_owned()),
            activation: Activation::Softmax,
            classes: PASCAL_VOC.map(str::to_owned).to_vec(),
            ..Output::default()
        },
        memory_mb: None,
        own: None,
    }]
}
