//! Networks with the signature of ViTMatte's, whose alpha is the picture's red channel where the trimap leaves it open.

use backgroundfx_core::{
    Kind,
    engine::{
        Device,
        onnx::{Node, data_type},
    },
    models::{Catalog, Given, Input, VitMatte},
    options::{Matting, Options},
    pipeline::{Recipe, remove_background},
    pixels::{Alpha, Size},
    progress::Silent,
    steps::{
        matting::Method,
        trimap::{Region, Trimap},
    },
};

use crate::{
    engine, picture,
    tiny::{file, int, node, port, tensor},
    used,
};

/// Red as it was before it was normalised, where the fourth channel is ½; that channel elsewhere.
fn red_in_the_band(input: &Input, side: i64) -> Vec<u8> {
    let mut split = node("Split", &["pixel_values"], "red", vec![int("axis", 1)]);
    split.output.extend(["green", "blue", "known"].map(String::from));
    let simple = |op: &str, inputs: &[&str], output: &str| -> Node { node(op, inputs, output, vec![]) };
    let nodes = vec![
        split,
        simple("Mul", &["red", "std"], "scaled"),
        simple("Add", &["scaled", "mean"], "moved"),
        simple("Equal", &["known", "half"], "open"),
        simple("Where", &["open", "moved", "known"], "alphas"),
    ];
    let values = vec![
        tensor("std", &[1], &[input.std[0]]),
        tensor("mean", &[1], &[input.mean[0]]),
        tensor("half", &[1], &[0.5]),
    ];
    let inputs = vec![port("pixel_values", data_type::FLOAT, &[Some(1), Some(4), Some(side), Some(side)])];
    file(nodes, values, inputs, vec![port("alphas", data_type::FLOAT, &[])])
}

/// Background on the left, subject on the right, and 60 % of the width to be found out.
fn trimap(size: Size) -> Trimap {
    let region = |i: usize| match (i as u32 % size.width) * 10 / size.width {
        0..2 => Region::Background,
        2..8 => Region::Unknown,
        _ => Region::Subject,
    };
    Trimap::new(size, (0..size.area()).map(region).collect())
}

fn check(found: &Alpha, trimap: &Trimap, name: &str) {
    let width = found.size().width;
    for (i, (value, region)) in found.values().iter().zip(trimap.regions()).enumerate() {
        let expected = match region {
            Region::Background => 0.0,
            Region::Subject => 1.0,
            Region::Unknown => ((i as u32 % width) * 255 / (width - 1)) as f32 / 255.0,
        };
        assert!((value - expected).abs() < 1e-4, "{name} at {i}: {value}, expected {expected}");
    }
}

#[test]
#[ignore = "needs the runtime"]
fn every_variant_for_matting_gives_back_what_its_network_computes() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let catalog = Catalog::built_in();
    let cards: Vec<_> = catalog.cards().iter().filter(|card| card.is_matting()).collect();
    assert!(cards.len() >= 4);
    for card in cards {
        let file = folder.path().join(format!("{}.onnx", card.name));
        std::fs::write(&file, red_in_the_band(&card.input, 1024)).unwrap();
        let network = engine.network(&file, Device::Cpu, &Silent).unwrap().network;
        let method = VitMatte::over(card.clone(), network, used(card)).unwrap();
        // One tile that is larger than the picture, and several.
        for size in [Size::new(300, 200), Size::new(2200, 1100)] {
            let trimap = trimap(size);
            let found = method.alpha(&picture(size).color, None, &trimap, None).unwrap();
            check(&found, &trimap, &card.name);
        }
    }
}

#[test]
#[ignore = "needs the runtime"]
fn the_whole_way_with_a_network_of_the_users_own() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let row = r#"
        [[model]]
        name = "our-matting"
        family = "vitmatte"
        file = "ours.onnx"
        license = "proprietary"
        input = { size = { width = 64, height = 64 } }
    "#;
    let rows = folder.path().join("models.toml");
    std::fs::write(&rows, row).unwrap();
    let catalog = Catalog::with_file(&rows).unwrap();
    let card = catalog.card("our-matting").unwrap();
    std::fs::write(folder.path().join("ours.onnx"), red_in_the_band(&card.input, 64)).unwrap();

    let matting_model = Some("our-matting".to_owned());
    let recipe = Recipe::new(Options { matting: Matting::VitMatte, matting_model, ..Options::default() }).unwrap();
    let (size, mut marks) = (Size::new(200, 150), Given::trimap(trimap(Size::new(200, 150)), "marks.png".into()));
    let refused = remove_background(picture(size), &mut marks, &recipe, &Silent).unwrap_err();
    assert_eq!((refused.kind(), recipe.lacks()), (Kind::OptionInvalid, Some("our-matting")));

    recipe.supply(catalog.matting(&engine, "our-matting", Device::Cpu, &Silent).unwrap());
    assert_eq!(recipe.lacks(), None);
    let cutout = remove_background(picture(size), &mut marks, &recipe, &Silent).unwrap();
    check(&cutout.matte, &trimap(size), "our-matting");
    assert_eq!(cutout.report.unknown, Some(trimap(size).unknown_share()));
    let used = cutout.report.matting_model.unwrap();
    assert_eq!((used.model.as_str(), used.license.weights.as_str()), ("our-matting", "proprietary"));
}

#[test]
#[ignore = "needs the runtime"]
fn what_finds_subjects_does_no_matting_and_the_other_way_round() {
    let (engine, catalog) = (engine(), Catalog::built_in());
    let wrong = catalog.matting(&engine, "isnet-general-use", Device::Cpu, &Silent).err().expect("it finds subjects");
    assert_eq!(wrong.kind(), Kind::OptionInvalid);
    let name = "vitmatte-small-distinctions-646";
    let wrong = catalog.segmenter(&engine, name, Device::Cpu, &Silent).err().expect("it is for matting");
    assert_eq!(wrong.kind(), Kind::OptionInvalid);
}
