//! Encoders and decoders with the signatures of Segment Anything's, whose answer can be foreseen: what is red, within
//! reach of a place to keep, not within reach of one to drop, and inside the box.

use backgroundfx_core::{
    Kind,
    engine::{
        Device, Engine,
        onnx::{Node, TensorData, data_type},
    },
    models::{Catalog, ModelCard, Prompted, Segmenter},
    options::Options,
    pixels::Size,
    progress::Silent,
};

use crate::{
    engine, picture,
    tiny::{file, int, ints, node, port, tensor},
    used,
};

/// How far from a place the decoder reaches, along the axes, in the encoder's pixels.
const REACH: f32 = 100.0;

fn encoder(generation: u32) -> Vec<u8> {
    let shape: &[Option<i64>] = if generation == 1 { &[None, None, Some(3)] } else { &[Some(1), Some(3), None, None] };
    let (scale, shift) = if generation == 1 { (1.0 / 255.0, 0.0) } else { (0.229, 0.485) };
    let mut nodes = Vec::new();
    if generation == 1 {
        nodes.push(node("Transpose", &["picture"], "turned", vec![ints("perm", &[2, 0, 1])]));
        nodes.push(node("Unsqueeze", &["turned", "first axis"], "planes", vec![]));
    } else {
        nodes.push(node("Identity", &["picture"], "planes", vec![]));
    }
    nodes.push(node("Conv", &["planes", "weights", "bias"], "red", vec![ints("kernel_shape", &[1, 1])]));
    let pool = |output: &str, size: i64| {
        node("AveragePool", &["red"], output, vec![ints("kernel_shape", &[size; 2]), ints("strides", &[size; 2])])
    };
    let outputs = if generation == 1 {
        nodes.push(pool("image_embeddings", 4));
        vec!["image_embeddings"]
    } else {
        nodes.extend([pool("high_res_feats_0", 4), pool("high_res_feats_1", 8), pool("image_embed", 16)]);
        vec!["high_res_feats_0", "high_res_feats_1", "image_embed"]
    };
    let weights = tensor("weights", &[1, 3, 1, 1], &[scale, 0.0, 0.0]);
    let values = vec![weights, tensor("bias", &[1], &[shift]), whole_numbers("first axis", &[0])];
    let outputs = outputs.into_iter().map(|name| port(name, data_type::FLOAT, &[])).collect();
    file(nodes, values, vec![port("picture", data_type::FLOAT, shape)], outputs)
}

/// Three masks of 256 by 256, of which the middle one is the answer and has the best score.
fn decoder(generation: u32) -> Vec<u8> {
    let float = |name: &str, shape: &[Option<i64>]| port(name, data_type::FLOAT, shape);
    let mut inputs = if generation == 1 {
        vec![float("image_embeddings", &[Some(1), Some(1), Some(256), Some(256)])]
    } else {
        let features = [("image_embed", 64), ("high_res_feats_0", 256), ("high_res_feats_1", 128)];
        features.map(|(name, side)| float(name, &[Some(1), Some(1), Some(side), Some(side)])).to_vec()
    };
    inputs.push(float("point_coords", &[Some(1), None, Some(2)]));
    inputs.push(float("point_labels", &[Some(1), None]));
    inputs.push(float("mask_input", &[Some(1), Some(1), Some(256), Some(256)]));
    inputs.push(float("has_mask_input", &[Some(1)]));
    let (redness, masks) = if generation == 1 {
        inputs.push(float("orig_im_size", &[Some(2)]));
        ("image_embeddings", "low_res_masks")
    } else {
        ("high_res_feats_0", "masks")
    };
    let outputs = vec![float(masks, &[]), float("iou_predictions", &[])];
    file(decoder_nodes(redness, masks), decoder_values(), inputs, outputs)
}

fn whole_numbers(name: &str, values: &[i64]) -> TensorData {
    TensorData {
        name: name.to_owned(),
        dims: vec![values.len() as i64],
        data_type: data_type::INT64,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorData::default()
    }
}

fn decoder_values() -> Vec<TensorData> {
    let grid = |name: &str, value: fn(usize) -> usize| {
        // Centres of cells of four pixels.
        let values: Vec<f32> = (0..256 * 256).map(|i| value(i) as f32 * 4.0 + 1.5).collect();
        tensor(name, &[1, 1, 256, 256], &values)
    };
    let numbers = [
        ("is drop", 0.0),
        ("is keep", 1.0),
        ("is first corner", 2.0),
        ("is second corner", 3.0),
        ("reach", REACH),
        ("much", 1000.0),
        ("little", -1000.0),
        ("half", 0.5),
        ("steep", 400.0),
        ("none", 0.0),
    ];
    let mut values: Vec<TensorData> = numbers.iter().map(|(name, value)| tensor(name, &[1], &[*value])).collect();
    values.extend([grid("columns", |i| i % 256), grid("rows", |i| i / 256)]);
    values.extend([whole_numbers("last axes", &[2, 3]), whole_numbers("last axis", &[3])]);
    values.push(tensor("iou", &[1, 3], &[0.1, 0.9, 0.2]));
    values
}

fn decoder_nodes(redness: &str, masks: &str) -> Vec<Node> {
    let simple = |op: &str, inputs: &[&str], output: &str| node(op, inputs, output, vec![]);
    let mut split = node("Split", &["point_coords"], "x", vec![int("axis", 2)]);
    split.output.push("y".into());
    vec![
        split,
        simple("Unsqueeze", &["x", "last axis"], "px"),
        simple("Unsqueeze", &["y", "last axis"], "py"),
        simple("Unsqueeze", &["point_labels", "last axes"], "labels"),
        simple("Sub", &["columns", "px"], "right"),
        simple("Sub", &["rows", "py"], "down"),
        simple("Abs", &["right"], "across"),
        simple("Abs", &["down"], "along"),
        simple("Max", &["across", "along"], "distance"),
        simple("Sub", &["reach", "distance"], "near"),
        simple("Neg", &["near"], "far"),
        simple("Neg", &["right"], "left"),
        simple("Neg", &["down"], "up"),
        simple("Min", &["right", "down"], "after"),
        simple("Min", &["left", "up"], "before"),
        simple("Equal", &["labels", "is keep"], "keep"),
        simple("Equal", &["labels", "is drop"], "drop"),
        simple("Equal", &["labels", "is first corner"], "first"),
        simple("Equal", &["labels", "is second corner"], "second"),
        // A box alone keeps all that is in it.
        simple("Where", &["first", "much", "little"], "boxed"),
        simple("Where", &["keep", "near", "boxed"], "kept by each"),
        simple("Where", &["drop", "far", "much"], "left by each"),
        simple("Where", &["second", "before", "much"], "inside second"),
        simple("Where", &["first", "after", "inside second"], "inside each"),
        node("ReduceMax", &["kept by each"], "kept", vec![ints("axes", &[1])]),
        node("ReduceMin", &["left by each"], "left over", vec![ints("axes", &[1])]),
        node("ReduceMin", &["inside each"], "inside", vec![ints("axes", &[1])]),
        simple("Sub", &[redness, "half"], "redness"),
        simple("Mul", &["redness", "steep"], "red"),
        simple("Min", &["kept", "left over", "inside", "red"], "answer"),
        simple("Mul", &["answer", "none"], "nothing"),
        simple("Add", &["nothing", "little"], "other"),
        node("Concat", &["other", "answer", "other"], masks, vec![int("axis", 1)]),
        simple("Identity", &["iou"], "iou_predictions"),
    ]
}

fn segmenter(engine: &Engine, card: &ModelCard, folder: &std::path::Path) -> Prompted {
    let generation = if card.family == "sam" { 1 } else { 2 };
    let load = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(format!("{}.{name}.onnx", card.name));
        std::fs::write(&path, bytes).expect("the folder can be written");
        engine.network(&path, Device::Cpu, &Silent).expect("the runtime takes it").network
    };
    let (encoder, decoder) = (load("encoder", encoder(generation)), load("decoder", decoder(generation)));
    Prompted::over(card.clone(), encoder, decoder, used(card)).expect("they are as the card says")
}

fn asked(points: &[&str], region: Option<&str>) -> Options {
    let mut options = Options::default();
    options.subject.points = points.iter().map(|text| text.parse().expect("a point")).collect();
    options.subject.region = region.map(|text| text.parse().expect("a box"));
    options
}

#[test]
#[ignore = "needs the runtime"]
fn points_and_boxes_reach_the_decoder_in_its_own_pixels() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // Red grows from left to right: from column 400 on it is above one half.
    let size = Size::new(800, 400);
    for name in ["mobile-sam", "sam-vit-b", "sam2.1-tiny"] {
        let catalog = Catalog::built_in();
        let mut segmenter = segmenter(&engine, catalog.card(name).unwrap(), folder.path());
        // The first generation sees 1024 × 512, the second 1024 × 1024: a reach of 100 is 78 columns, and 78 or 39 rows.
        let rows = if name.starts_with("sam2") { 39 } else { 78 };
        type Case<'a> = (&'a [&'a str], Option<&'a str>, [(u32, u32, bool); 5]);
        let cases: [Case<'_>; 4] = [
            (
                &["600,200"],
                None,
                [
                    (600, 200, true),
                    (670, 200, true),
                    (690, 200, false),
                    (600, 205 + rows, false),
                    (600, 195 + rows, true),
                ],
            ),
            (
                &["410,200"],
                None,
                [(420, 200, true), (390, 200, false), (480, 200, true), (500, 200, false), (340, 200, false)],
            ),
            (
                &["600,200", "700,200:drop"],
                None,
                [(600, 200, true), (610, 200, true), (640, 200, false), (700, 200, false), (530, 200, true)],
            ),
            (
                &[],
                Some("50%,25%,25%,50%"),
                [(500, 200, true), (595, 295, true), (610, 200, false), (500, 90, false), (390, 200, false)],
            ),
        ];
        for (points, region, places) in cases {
            let matte = segmenter.segment(&picture(size), &asked(points, region)).unwrap().alpha;
            assert_eq!(matte.size(), size);
            for (x, y, inside) in places {
                let got = matte.values()[(y * 800 + x) as usize];
                assert_eq!(got > 0.5, inside, "{name} {points:?} {region:?} at {x},{y}: {got}");
            }
        }
    }
}

#[test]
#[ignore = "needs the runtime"]
fn upright_pictures_are_fitted_too_and_what_misses_is_told() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let catalog = Catalog::built_in();
    let mut segmenter = segmenter(&engine, catalog.card("mobile-sam").unwrap(), folder.path());
    let size = Size::new(300, 900);
    let matte = segmenter.segment(&picture(size), &asked(&["250,800"], None)).unwrap().alpha;
    let at = |x: u32, y: u32| matte.values()[(y * 300 + x) as usize];
    assert!(at(250, 800) > 0.9 && at(250, 880) > 0.9 && at(250, 700) < 0.1 && at(130, 800) < 0.1);
    for (points, kind) in [(&[][..], Kind::PromptMissing), (&["301,5"], Kind::SelectionMissed)] {
        let error = segmenter.segment(&picture(size), &asked(points, None)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
#[ignore = "needs the runtime"]
fn an_encoder_and_a_decoder_of_the_users_own_are_a_row_in_a_file() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let row = r#"
        [[model]]
        name = "ours"
        family = "sam2"
        file = "encoder.onnx"
        decoder = "decoder.onnx"
        license = "Apache-2.0"
        input = { size = { width = 1024, height = 1024 }, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }
    "#;
    let rows = folder.path().join("models.toml");
    std::fs::write(&rows, row).unwrap();
    std::fs::write(folder.path().join("encoder.onnx"), encoder(2)).unwrap();
    std::fs::write(folder.path().join("decoder.onnx"), decoder(2)).unwrap();
    let mut segmenter = Catalog::with_file(&rows).unwrap().segmenter(&engine, "ours", Device::Cpu, &Silent).unwrap();
    assert!(segmenter.answers_prompts());
    let matte = segmenter.segment(&picture(Size::new(400, 400)), &asked(&["300,200"], None)).unwrap().alpha;
    assert!(matte.values()[200 * 400 + 300] > 0.9 && matte.values()[200 * 400 + 100] < 0.1);
    std::fs::write(&rows, row.replace("decoder = \"decoder.onnx\"", "")).unwrap();
    assert_eq!(Catalog::with_file(&rows).unwrap_err().kind(), Kind::ConfigInvalid);
}
