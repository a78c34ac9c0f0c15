//! `X-Type`: what the subject is, told by a network that tells classes apart. Of the real ones' signature, and small.

use backgroundfx_core::{engine::onnx::data_type, models::Catalog};

use reqwest::multipart::{Form, Part};

use crate::{
    stage::{Stage, disc},
    tiny::{file, ints, node, port, tensor},
};

const ROW: &str = r#"
    [[model]]
    name = "pets"
    file = "pets.onnx"
    license = "MIT"
    input = { size = { width = 160, height = 80 } }
    output = { activation = "softmax", classes = ["background", "dog", "bus"] }
"#;

/// What is red is a dog, or a bus, and what is green the background.
fn pets(red: usize) -> Vec<u8> {
    let mut weights = [[0.0, 20.0, 0.0], [0.0; 3], [0.0; 3]];
    weights[red][0] = 20.0;
    let nodes = vec![
        node("Conv", &["picture", "weights", "bias"], "fine", vec![ints("kernel_shape", &[1, 1])]),
        node("AveragePool", &["fine"], "out", vec![ints("kernel_shape", &[8, 8]), ints("strides", &[8, 8])]),
    ];
    let values = vec![tensor("weights", &[3, 3, 1, 1], weights.as_flattened()), tensor("bias", &[3], &[0.0; 3])];
    let input = port("picture", data_type::FLOAT, &[Some(1), Some(3), None, None]);
    file(nodes, values, vec![input], vec![port("out", data_type::FLOAT, &[])])
}

#[tokio::test]
#[ignore = "needs the runtime"]
async fn a_model_that_tells_classes_apart_tells_the_type() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("models.toml");
    std::fs::write(&rows, ROW).unwrap();
    for (red, coarse, fine) in [(1, "animal", "animal"), (2, "other", "transportation")] {
        std::fs::write(folder.path().join("pets.onnx"), pets(red)).unwrap();
        let catalog = Catalog::with_file(&rows).unwrap();
        let stage = Stage::knowing(catalog, |config| {
            config.type_model = Some("pets".to_owned());
            config.model_minutes = 0;
        })
        .await;
        for (level, told) in [("1", coarse), ("2", fine), ("latest", fine)] {
            let picture = Part::bytes(disc(160, 80)).file_name("a.jpg");
            let form = Form::new().text("type_level", level).part("image_file", picture);
            let answer = stage.post("/v1.0/removebg").multipart(form).send().await.unwrap();
            let kind = answer.headers().get("x-type").map(|kind| kind.to_str().unwrap().to_owned());
            let status = answer.status().as_u16();
            assert_eq!((status, kind.as_deref()), (200, Some(told)), "{level}");
        }
        // Nobody asks for it any more.
        let gone = "backgroundfx_model_unloads_total{model=\"pets\",why=\"idle\"}";
        let mut told = String::new();
        for _ in 0..100 {
            told = stage.get("/metrics").send().await.unwrap().text().await.unwrap();
            if told.contains(gone) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(told.contains(gone), "{told}");
    }
}
