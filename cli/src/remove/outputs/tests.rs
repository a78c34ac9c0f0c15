//! Tests of the outputs' names.

use super::*;

fn file(path: &str) -> Input {
    Input { source: Source::File(path.into()), root: None }
}

fn found(path: &str, root: &str) -> Input {
    Input { source: Source::File(path.into()), root: Some(root.into()) }
}

fn naming(output: Option<&str>, kinds: &[OutputKind], inputs: &[Input]) -> Result<Naming> {
    let wanted = Wanted { format: None, kinds: kinds.to_vec(), model: "u2net".into(), transparent: true };
    Ok(Naming::new(Destination::parse(output, inputs, Many::AsNamed)?, wanted, inputs))
}

fn names(output: Option<&str>, kinds: &[OutputKind], inputs: &[Input]) -> Vec<String> {
    let naming = naming(output, kinds, inputs).unwrap();
    let targets = inputs.iter().enumerate().flat_map(|(at, input)| naming.targets(input, at + 1, None).unwrap());
    targets.map(|target| target.path.map_or("-".into(), |path| path.display().to_string())).collect()
}

#[test]
fn outputs_are_named_as_documented() {
    use OutputKind::{Alpha, Color, Mask, Rgba};
    let one = [file("a/photo.jpg")];
    let two = [file("a/photo.jpg"), file("b/photo2.webp")];
    let tree = [found("in/x.jpg", "in"), found("in/sub/y.jpg", "in")];
    let piped = [Input { source: Source::Stdin, root: None }];
    type Case<'a> = (Option<&'a str>, &'a [OutputKind], &'a [Input], &'a [&'a str]);
    let cases: [Case; 14] = [
        (None, &[Rgba], &one, &["a/photo-nobg.png"]),
        (None, &[Alpha], &one, &["a/photo-nobg-alpha.png"]),
        (None, &[Rgba, Mask], &one, &["a/photo-nobg.png", "a/photo-nobg-mask.png"]),
        (Some("cut.webp"), &[Rgba], &one, &["cut.webp"]),
        (Some("matte.png"), &[Alpha], &one, &["matte.png"]),
        (Some("x.png"), &[Color, Alpha], &one, &["x-color.png", "x-alpha.png"]),
        (Some("out/"), &[Rgba], &two, &["out/photo.png", "out/photo2.png"]),
        (Some("no-such-folder"), &[Rgba], &two, &["no-such-folder/photo.png", "no-such-folder/photo2.png"]),
        (Some("out"), &[Rgba], &tree, &["out/x.png", "out/sub/y.png"]),
        (Some("out/"), &[Alpha], &one, &["out/photo-alpha.png"]),
        (Some("{dir}/{index:03}.png"), &[Rgba], &two, &["a/001.png", "b/002.png"]),
        (Some("o/{reldir}/{stem}.webp"), &[Rgba], &tree, &["o/./x.webp", "o/sub/y.webp"]),
        (None, &[Rgba], &piped, &["-"]),
        (Some("-"), &[Rgba], &one, &["-"]),
    ];
    for (output, kinds, inputs, expected) in cases {
        assert_eq!(names(output, kinds, inputs), expected, "{output:?} {kinds:?}");
    }
}

#[test]
fn several_pictures_do_not_go_into_one() {
    let two = [file("a.jpg"), file("b.jpg")];
    for output in ["-", "one.png"] {
        let error = naming(Some(output), &[OutputKind::Rgba], &two).unwrap_err();
        assert_eq!(error.kind(), Kind::OptionInvalid, "{output}");
    }
}

#[test]
fn formats_that_cannot_hold_the_output_are_refused_before_any_work() {
    let one = [file("a.jpg")];
    for (output, kind, refused) in [
        ("a.jpg", OutputKind::Rgba, true),
        ("a.gif", OutputKind::Rgba, true),
        ("a.xyz", OutputKind::Rgba, true),
        ("a.jpg", OutputKind::Alpha, false),
        ("a.jpg", OutputKind::Color, false),
        ("a", OutputKind::Rgba, false),
    ] {
        let got = naming(Some(output), &[kind], &one).unwrap().targets(&one[0], 1, None);
        assert_eq!(got.is_err(), refused, "{output} {kind:?}");
        assert!(got.is_ok() || got.unwrap_err().kind() == Kind::OutputUnsupported);
    }
}

#[test]
fn a_name_goes_to_one_input_only_and_never_to_an_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("b.png"), b"").unwrap();
    let inputs = [file(&at("b.jpg")), file(&at("b.png")), file(&at("b.tiff"))];
    let beside = naming(None, &[OutputKind::Rgba], &inputs).unwrap();
    let claim = |naming: &Naming, input: &Input| naming.claim(input, &naming.targets(input, 1, None).unwrap());
    claim(&beside, &inputs[0]).unwrap();
    claim(&beside, &inputs[0]).unwrap();
    let taken = claim(&beside, &inputs[2]).unwrap_err();
    assert!(taken.to_string().contains("b.jpg"), "{taken}");
    let same = naming(Some(&at("")), &[OutputKind::Rgba], &inputs).unwrap();
    let replaced = claim(&same, &inputs[1]).unwrap_err();
    assert!(replaced.to_string().contains("never replaced"), "{replaced}");
}

#[test]
fn own_outputs_are_recognised() {
    for (name, own) in [("a-nobg.png", true), ("a-nobg-alpha.webp", true), ("a.png", false), ("nobg-a.png", false)] {
        assert_eq!(is_cutout_name(Path::new(name)), own, "{name}");
    }
}

#[test]
fn what_is_there_is_refused_left_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let target =
        |name: &str| Target { kind: OutputKind::Rgba, path: Some(folder.path().join(name)), format: Format::Png };
    std::fs::write(folder.path().join("there"), b"").unwrap();
    let (there, missing) = (target("there"), target("missing"));
    for (existing, targets, expected) in [
        (Existing::Refuse, vec![missing.clone()], Some(Decision::Go)),
        (Existing::Refuse, vec![missing.clone(), there.clone()], None),
        (Existing::Skip, vec![there.clone()], Some(Decision::Skip)),
        (Existing::Skip, vec![there.clone(), missing.clone()], Some(Decision::Go)),
        (Existing::Replace, vec![there.clone()], Some(Decision::Go)),
    ] {
        assert_eq!(existing.decide(&targets).ok(), expected, "{existing:?} {targets:?}");
    }
}
