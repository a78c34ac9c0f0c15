//! From what a client asks for to the library's options: a preset, single fields on top, and no file of this machine.

use backgroundfx_core::{
    backgrounds,
    engine::Device,
    options::{Options, Preset},
};
use serde_json::Value;

use crate::{App, Error, Kind, Result};

/// What a client may say about how a picture is cut out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked<'a> {
    /// Name of a preset.
    pub preset: Option<&'a str>,
    /// Name of a model.
    pub model: Option<&'a str>,
    /// A background in the library's notation.
    pub background: Option<&'a str>,
    /// Fields of [`Options`], nested as they are there.
    pub fields: Option<&'a Value>,
}

/// The options that are asked for, checked.
///
/// # Errors
/// [`Kind::RequestInvalid`] and [`Kind::Picture`] naming what is wrong.
pub fn options(app: &App, asked: &Asked<'_>) -> Result<Options> {
    let mut options = merged(app.model(), asked)?;
    check(app, &options)?;
    options.device = Device::Auto;
    Ok(options)
}

fn merged(default_model: &str, asked: &Asked<'_>) -> Result<Options> {
    let invalid = |message: String| Error::new(Kind::RequestInvalid, message);
    let preset = match asked.preset {
        None => Preset::default(),
        Some(name) => Preset::ALL.into_iter().find(|preset| preset.name() == name).ok_or_else(|| {
            invalid(format!("preset is {name:?}, allowed is {}", Preset::ALL.map(Preset::name).join(", ")))
        })?,
    };
    let mut options = Options::preset(preset);
    if preset == Preset::default() {
        default_model.clone_into(&mut options.model);
    }
    if let Some(fields) = asked.fields {
        let mut whole = serde_json::to_value(&options)
            .map_err(|error| Error::new(Kind::Internal, "cannot write options").because(error))?;
        lay_over(&mut whole, fields);
        options = serde_json::from_value(whole).map_err(|error| invalid(format!("options: {error}")))?;
    }
    if let Some(model) = asked.model {
        model.clone_into(&mut options.model);
    }
    if let Some(background) = asked.background {
        options.background = Some(background.to_owned());
    }
    Ok(options)
}

/// Puts the fields of one object over another's, object by object.
fn lay_over(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                lay_over(below.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above.clone(),
    }
}

/// What options from outside must not do: name a file, choose the device, or have weights fetched.
fn check(app: &App, options: &Options) -> Result<()> {
    // Before anything else: validating a notation reads the file it names.
    if let Some(background) = options.background.as_deref().filter(|notation| !backgrounds::is_self_contained(notation))
    {
        let message = format!("background is {background:?}: send a picture as a file or an address, not by its path");
        return Err(Error::new(Kind::RequestInvalid, message));
    }
    if options.key.plate.is_some() {
        return Err(Error::new(
            Kind::RequestInvalid,
            "key.plate names a file of the server; it is not taken from requests",
        ));
    }
    if options.device != Device::Auto {
        return Err(Error::new(Kind::RequestInvalid, "device is chosen by the server"));
    }
    let inference = &app.inference;
    for name in [Some(options.model.as_str()), options.matting_network()].into_iter().flatten() {
        let card = inference.catalog().card(name)?;
        let own = name == app.model() || name == Options::default().model || name == Options::preset(Preset::Low).model;
        if !own && !card.is_key() && !inference.catalog().is_here(inference.engine().store(), card) {
            let message =
                format!("the model {name} is not on this server; `backgroundfx models pull {name}` there fetches it");
            return Err(Error::new(Kind::Picture(backgroundfx_core::Kind::ArtifactMissing), message));
        }
    }
    inference.catalog().card(&options.model)?.check(&options.subject)?;
    options.validate()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_lie_over_the_preset_and_unknown_ones_are_refused() {
        let fields = json!({"edges": {"feather": "2px"}, "layout": {"crop": true}});
        let asked = Asked { preset: Some("high"), fields: Some(&fields), background: Some("#fff"), ..Asked::default() };
        let options = merged("isnet-general-use", &asked).unwrap();
        assert_eq!((options.preset, options.looks, options.layout.crop), (Preset::High, 2, true));
        assert!(options.edges.refine, "what is not named stays as the preset has it");
        assert_eq!(options.background.as_deref(), Some("#fff"));
        for wrong in [json!({"edgess": {}}), json!({"edges": {"feathre": 1}}), json!([1])] {
            let asked = Asked { fields: Some(&wrong), ..Asked::default() };
            assert_eq!(merged("isnet-general-use", &asked).unwrap_err().kind(), Kind::RequestInvalid, "{wrong}");
        }
        let asked = Asked { preset: Some("best"), ..Asked::default() };
        assert!(merged("isnet-general-use", &asked).unwrap_err().to_string().contains("ultra"));
    }
}
