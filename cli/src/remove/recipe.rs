//! From flags to options: presets are constructors, flags change fields.

use backgroundfx_core::{
    Error, Kind, Result,
    options::{Compat, ExistingAlpha, Length, Matting, Options, Shadow, ShadowKind},
};

use crate::{args::RemoveArguments, config::Config};

/// The options that configuration and flags ask for.
///
/// # Errors
/// [`Kind::OptionInvalid`] when the shadow's parts cannot be read.
pub fn options(arguments: &RemoveArguments, config: &Config) -> Result<Options> {
    let mut options = arguments.cut.options(config);
    if arguments.compat.is_some() {
        options.compat = Compat::Rembg;
    }
    if arguments.ignore_alpha {
        options.existing_alpha = ExistingAlpha::Ignore;
    }
    options.edges.refine &= !arguments.no_refine;
    options.looks = arguments.looks.unwrap_or(options.looks);
    if arguments.preserve_details || (arguments.trimap.is_some() && options.matting == Matting::None) {
        options.matting = Matting::BEST;
    }
    options.matting = arguments.matting.unwrap_or(options.matting);
    options.matting_model.clone_from(&arguments.matting_model);
    if arguments.trimap.is_some() && options.matting == Matting::None {
        return Err(Error::new(Kind::OptionInvalid, "--trimap is for matting, and --matting none does none"));
    }
    options.background.clone_from(&arguments.background);
    options.edges.solid = arguments.solid;
    let layout = &mut options.layout;
    layout.crop = arguments.crop;
    layout.margin = arguments.margin.unwrap_or_default();
    layout.canvas = arguments.canvas;
    layout.scale = arguments.scale;
    layout.position = arguments.position;
    layout.most_pixels = arguments.max_output_megapixels;
    options.shadow = arguments.shadow.as_deref().map(shadow).transpose()?;
    Ok(options)
}

/// Reads `opacity=0.5,blur=1%,x=0.6%,y=0.9%,color=black`, each part optional.
fn shadow(text: &str) -> Result<Shadow> {
    let named = text.split(',').find_map(|part| part.strip_prefix("kind="));
    let kind = ShadowKind::ALL.into_iter().find(|kind| Some(kind.name()) == named);
    let mut shadow = Shadow::of(kind.unwrap_or_default());
    let wrong = |part: &str, why: &str| Error::new(Kind::OptionInvalid, format!("--shadow: {part:?} {why}"));
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| wrong(part, "is not written as name=value"))?;
        let length = || value.parse::<Length>().map_err(|why| wrong(part, &why));
        match name {
            "kind" if kind.is_some() => {}
            "kind" => return Err(wrong(part, "is not drop, cast or contact")),
            "opacity" => shadow.opacity = value.parse().map_err(|_| wrong(part, "is no number"))?,
            "blur" => shadow.blur = length()?,
            "x" => shadow.offset[0] = length()?,
            "y" => shadow.offset[1] = length()?,
            "color" => shadow.color = value.to_owned(),
            _ => return Err(wrong(part, "is not kind, opacity, blur, x, y or color")),
        }
    }
    Ok(shadow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_is_read_part_by_part() {
        let read = shadow("opacity=0.3,y=12,color=#123").unwrap();
        assert_eq!((read.opacity, read.offset[1], read.color.as_str()), (0.3, Length::Pixels(12.0), "#123"));
        assert_eq!(shadow("").unwrap(), Shadow::default());
        let pool = shadow("opacity=0.2,kind=contact").unwrap();
        assert_eq!(pool, Shadow { opacity: 0.2, ..Shadow::of(ShadowKind::Contact) });
        for wrong in ["blur", "kind=flat", "blur=wide", "colour=red", "opacity=much"] {
            assert_eq!(shadow(wrong).unwrap_err().kind(), Kind::OptionInvalid, "{wrong}");
        }
    }
}
