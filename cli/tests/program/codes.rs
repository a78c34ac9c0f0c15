//! The table of error codes, as the documents show it.

use crate::stage::Stage;
use backgroundfx_core::error::KINDS;

#[test]
fn every_code_is_listed_with_its_exit_code() {
    let stage = Stage::new();
    let text = stage.run(&["codes"]).ends(0).out;
    let markdown = stage.run(&["codes", "--markdown"]).ends(0).out;
    assert_eq!(text.lines().count(), KINDS.len());
    assert_eq!(markdown.lines().count(), KINDS.len() + 2);
    for row in KINDS {
        assert!(markdown.contains(&format!("| `{}` | ", row.code)), "{}", row.code);
    }
    for (code, exit) in [
        ("option_invalid", 2),
        ("input_empty", 4),
        ("output_exists", 5),
        ("artifact_missing", 6),
        ("device_unavailable", 7),
        ("no_subject", 8),
        ("cancelled", 130),
    ] {
        assert!(markdown.contains(&format!("| `{code}` | {exit} |")), "{code}: {markdown}");
    }
}
