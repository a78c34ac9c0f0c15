//! A network that tells classes apart, coarse as the real ones: what is red is a dog, what is green a person, and blue
//! is the background.

use backgroundfx_core::{
    Kind,
    engine::{Device, Engine, onnx::data_type},
    files::Picture,
    models::{Catalog, Segmenter},
    options::Options,
    pixels::{Rgb, Samples, Size},
    progress::Silent,
};

use crate::{
    engine, picture,
    tiny::{file, ints, node, port, tensor},
};

const ROW: &str = r#"
    [[model]]
    name = "pets"
    file = "pets.onnx"
    license = "MIT"
    input = { size = { width = 160, height = 80 } }
    output = { activation = "softmax", classes = ["background", "dog", "person", "tree"] }
"#;

/// Logits are 20 times the channel, an eighth as large as the picture; a tree is never found.
fn pets() -> Vec<u8> {
    let weights = [[0.0, 0.0, 20.0], [20.0, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 0.0, 0.0]].as_flattened().to_vec();
    let nodes = vec![
        node("Conv", &["picture", "weights", "bias"], "fine", vec![ints("kernel_shape", &[1, 1])]),
        node("AveragePool", &["fine"], "out", vec![ints("kernel_shape", &[8, 8]), ints("strides", &[8, 8])]),
    ];
    let values = vec![tensor("weights", &[4, 3, 1, 1], &weights), tensor("bias", &[4], &[0.0, 0.0, 0.0, -20.0])];
    let input = port("picture", data_type::FLOAT, &[Some(1), Some(3), None, None]);
    file(nodes, values, vec![input], vec![port("out", data_type::FLOAT, &[])])
}

/// Blue, a red quarter from column 200 to 400 and a green eighth from 500 to 600, of 800.
fn scene() -> Picture {
    let size = Size::new(800, 400);
    let mut scene = picture(size);
    let color = |x: usize| match x {
        200..400 => [255, 0, 0],
        500..600 => [0, 255, 0],
        _ => [0, 0, 255],
    };
    scene.color = Rgb::new(size, Samples::Eight((0..size.area()).flat_map(|i| color(i % 800)).collect()));
    scene
}

fn segmenter(engine: &Engine, folder: &std::path::Path) -> Box<dyn Segmenter> {
    let rows = folder.join("models.toml");
    std::fs::write(&rows, ROW).expect("the folder can be written");
    std::fs::write(folder.join("pets.onnx"), pets()).expect("the folder can be written");
    let catalog = Catalog::with_file(&rows).expect("the row is valid");
    catalog.segmenter(engine, "pets", Device::Cpu, &Silent).expect("the runtime takes it")
}

#[test]
#[ignore = "needs the runtime"]
fn the_wanted_classes_are_the_matte_and_all_are_reported() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let mut segmenter = segmenter(&engine, folder.path());
    let cases: [(&[&str], [bool; 3]); 5] = [
        (&[], [true, true, false]),
        (&["dog"], [true, false, false]),
        (&["person", "dog"], [true, true, false]),
        (&["tree"], [false, false, false]),
        (&["background"], [false, false, true]),
    ];
    for (classes, expected) in cases {
        let mut options = Options::default();
        options.subject.classes = classes.iter().map(ToString::to_string).collect();
        let found = segmenter.segment(&scene(), &options).unwrap();
        for (x, expected) in [300, 550, 100].into_iter().zip(expected) {
            let got = found.alpha.values()[200 * 800 + x];
            assert_eq!(got > 0.5, expected, "{classes:?} at {x}: {got}");
            assert!(!(0.01..=0.99).contains(&got), "{classes:?} at {x}: {got}");
        }
        let shares: Vec<_> = found.classes.iter().map(|class| (class.name.as_str(), class.share)).collect();
        let &[("dog", dog), ("person", person)] = shares.as_slice() else { panic!("{shares:?}") };
        assert!((dog - 0.25).abs() < 0.02 && (person - 0.125).abs() < 0.02, "{shares:?}");
    }
}

#[test]
#[ignore = "needs the runtime"]
fn classes_that_a_model_does_not_know_are_refused_with_those_it_knows() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let mut segmenter = segmenter(&engine, folder.path());
    let mut options = Options::default();
    options.subject.classes = vec!["dog".into(), "unicorn".into()];
    let error = segmenter.segment(&scene(), &options).unwrap_err();
    assert_eq!(error.kind(), Kind::ClassUnknown);
    let message = error.to_string();
    assert!(message.contains("unicorn") && message.contains("person") && !message.contains("class dog"), "{message}");
    let error = Catalog::built_in().card("isnet-general-use").unwrap().check(&options.subject).unwrap_err();
    assert_eq!(error.kind(), Kind::ClassUnknown);
    let rows = folder.path().join("models.toml");
    for wrong in [ROW.replace("\"background\", ", ""), ROW.replace("activation = \"softmax\", ", "")] {
        std::fs::write(&rows, wrong).unwrap();
        assert_eq!(Catalog::with_file(&rows).unwrap_err().kind(), Kind::ConfigInvalid);
    }
}
