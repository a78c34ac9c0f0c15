//! Settings of ONNX operators.

use super::{Attribute, attribute_type};

/// A setting that is a whole number.
#[must_use]
pub fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.to_owned(), r#type: attribute_type::INT, i, ..Attribute::default() }
}

/// A setting that is a list of whole numbers.
#[must_use]
pub fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), r#type: attribute_type::INTS, ints: ints.to_vec(), ..Attribute::default() }
}

/// A setting that is text.
#[must_use]
pub fn text(name: &str, text: &str) -> Attribute {
    let s = text.as_bytes().to_vec();
    Attribute { name: name.to_owned(), r#type: attribute_type::STRING, s, ..Attribute::default() }
}
