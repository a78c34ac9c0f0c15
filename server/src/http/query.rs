//! What addresses ask beside their paths: pages, and which fields are wanted.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, Kind, Result};

/// Reads a query; unknown fields are refused.
///
/// # Errors
/// [`Kind::RequestInvalid`] naming the field.
pub fn read<T: DeserializeOwned>(query: Option<&str>) -> Result<T> {
    serde_urlencoded::from_str(query.unwrap_or_default())
        .map_err(|error| Error::new(Kind::RequestInvalid, format!("the address's query: {error}")).because(error))
}

/// How many things a page has: 50 unless 1 to 200 are asked for.
///
/// # Errors
/// [`Kind::RequestInvalid`].
pub fn limit(asked: Option<i64>) -> Result<i64> {
    let most = asked.unwrap_or(50);
    if (1..=200).contains(&most) {
        Ok(most)
    } else {
        Err(Error::new(Kind::RequestInvalid, format!("limit is {most}, allowed is 1 to 200")))
    }
}

/// The fields of an object that are asked for, as `id,status`; all of them when nothing is.
///
/// # Errors
/// [`Kind::RequestInvalid`] for a field that it does not have.
pub fn select(object: Value, fields: Option<&str>) -> Result<Value> {
    let (Value::Object(mut object), Some(fields)) = (object.clone(), fields) else { return Ok(object) };
    let mut selected = Map::new();
    for field in fields.split(',').map(str::trim) {
        let (name, value) = object.remove_entry(field).ok_or_else(|| {
            let all: Vec<_> = object.keys().chain(selected.keys()).map(String::as_str).collect();
            Error::new(Kind::RequestInvalid, format!("fields names {field:?}, allowed is {}", all.join(", ")))
        })?;
        selected.insert(name, value);
    }
    Ok(Value::Object(selected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_selected_and_unknown_ones_named() {
        let object = json!({"id": 1, "status": "a", "items": []});
        assert_eq!(select(object.clone(), Some("status, id")).unwrap(), json!({"status": "a", "id": 1}));
        assert_eq!(select(object.clone(), None).unwrap(), object);
        assert!(select(object, Some("id,color")).unwrap_err().to_string().contains("color"));
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
        assert_eq!(limit(None).unwrap(), 50);
    }
}
