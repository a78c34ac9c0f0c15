//! remove.bg's fields, read leniently where its clients are lax, and turned into our options.

use backgroundfx_core::{
    files::{Format, WriteOptions},
    options::{Options, Shadow, ShadowKind},
};

use super::{lengths, refusal::Refusal};
use crate::{
    App,
    http::form::Form,
    picture::{Corners, Output},
};

/// What the fields ask for, but for the pictures themselves.
pub struct Fields {
    /// How the picture is cut out.
    pub options: Options,
    /// The part of the picture that may hold foreground.
    pub region: Option<Corners>,
    /// What is written.
    pub output: Output,
    /// How finely the class is told.
    pub level: TypeLevel,
}

/// How finely `X-Type` tells the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeLevel {
    /// Not at all.
    None,
    /// People, animals, products, cars.
    Coarse,
    /// Also what else carries people and things.
    Fine,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Auto,
    Png,
    Jpg,
    WebP,
    Zip,
}

type Read<T> = Result<T, Refusal>;

fn invalid(code: &'static str, field: &str, value: &str) -> Refusal {
    Refusal::new(400, code, format!("Invalid {field} parameter given: {value}"))
}

impl Fields {
    /// Reads all fields.
    ///
    /// # Errors
    /// The first that is wrong, with remove.bg's code for it.
    pub fn read(app: &App, form: &Form) -> Read<Self> {
        let mut options = Options { model: app.model().to_owned(), ..Options::default() };
        let wanted = format(form)?;
        options.background = background(form)?;
        let behind = options.background.is_some() || has_background_picture(form);
        // JPEG shows what is transparent on white.
        if wanted == Wanted::Jpg && !has_background_picture(form) {
            options.background = Some(on_white(options.background.as_deref()));
        }
        options.layout.most_pixels = Some(most_pixels(form, wanted, behind)?);
        layout(form, &mut options)?;
        options.shadow = shadow(form)?;
        options.edges.solid = !flag(form, "semitransparency", "invalid_semitransparency", true)?;
        Ok(Self {
            options,
            region: form
                .text("roi")
                .map(|roi| lengths::corners(roi).ok_or_else(|| invalid("invalid_roi", "roi", roi)))
                .transpose()?,
            output: output(wanted, channels(form)?),
            level: match lower(form, "type_level").as_deref() {
                Some("none") => TypeLevel::None,
                Some("2" | "latest") => TypeLevel::Fine,
                _ => TypeLevel::Coarse,
            },
        })
    }
}

fn lower(form: &Form, name: &str) -> Option<String> {
    form.text(name).map(str::to_ascii_lowercase)
}

fn flag(form: &Form, name: &str, code: &'static str, default: bool) -> Read<bool> {
    match lower(form, name).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes" | "on") => Ok(true),
        Some("false" | "0" | "no" | "off") => Ok(false),
        Some(other) => Err(invalid(code, name, other)),
    }
}

fn format(form: &Form) -> Read<Wanted> {
    match lower(form, "format").as_deref() {
        None | Some("auto") => Ok(Wanted::Auto),
        Some("png") => Ok(Wanted::Png),
        Some("jpg" | "jpeg") => Ok(Wanted::Jpg),
        Some("webp") => Ok(Wanted::WebP),
        Some("zip") => Ok(Wanted::Zip),
        Some(other) => Err(invalid("invalid_format", "format", other)),
    }
}

/// Whether only the matte is wanted.
fn channels(form: &Form) -> Read<bool> {
    match lower(form, "channels").as_deref() {
        None | Some("rgba") => Ok(false),
        Some("alpha") => Ok(true),
        Some(other) => Err(invalid("invalid_channels", "channels", other)),
    }
}

fn output(wanted: Wanted, alpha_only: bool) -> Output {
    let written = |format| WriteOptions::new(format);
    let format = match wanted {
        Wanted::Auto | Wanted::Png => Format::Png,
        Wanted::Jpg => Format::Jpeg,
        Wanted::WebP => Format::WebP,
        Wanted::Zip => return Output::Pair(written(Format::Png)),
    };
    match (alpha_only, wanted) {
        (true, _) => Output::Matte(written(format)),
        (false, Wanted::Auto) => Output::Fitting(written(format)),
        (false, _) => Output::Picture(written(format)),
    }
}

/// The most pixels of the result. PNG, which `auto` gives where anything is transparent, ends at ten million.
fn most_pixels(form: &Form, wanted: Wanted, behind: bool) -> Read<u64> {
    let transparent = wanted == Wanted::Png || (wanted == Wanted::Auto && !behind);
    let full = if transparent { 10_000_000 } else { 25_000_000 };
    match lower(form, "size").as_deref() {
        None | Some("preview" | "small" | "regular") => Ok(250_000),
        Some("medium") => Ok(1_500_000),
        Some("hd") => Ok(4_000_000),
        Some("full" | "4k" | "auto") => Ok(full),
        Some("50mp") => Ok(if transparent { full } else { 50_000_000 }),
        Some(other) => Err(invalid("invalid_size", "size", other)),
    }
}

fn has_background_picture(form: &Form) -> bool {
    form.file("bg_image_file").is_some() || form.text("bg_image_url").is_some()
}

/// The colour behind the subject; the three ways of saying what is there exclude each other.
fn background(form: &Form) -> Read<Option<String>> {
    let color = form.text("bg_color");
    let given = [color.is_some(), form.file("bg_image_file").is_some(), form.text("bg_image_url").is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(Refusal::new(400, "multiple_bg_sources", "Multiple background sources given"));
    }
    let Some(color) = color else { return Ok(None) };
    let digits = color.strip_prefix('#').unwrap_or(color);
    let hexadecimal = matches!(digits.len(), 3 | 4 | 6 | 8) && digits.chars().all(|c| c.is_ascii_hexdigit());
    let name = color.chars().all(|c| c.is_ascii_alphabetic());
    let css = match () {
        () if hexadecimal => format!("color:#{digits}"),
        () if name => format!("color:{}", color.to_ascii_lowercase()),
        () => return Err(invalid("invalid_bg_color", "bg_color", color)),
    };
    match backgroundfx_core::backgrounds::parse(&css) {
        Ok(_) => Ok(Some(css)),
        Err(_) => Err(invalid("invalid_bg_color", "bg_color", color)),
    }
}

/// A colour of `background` as it looks on white; white itself without one.
fn on_white(color: Option<&str>) -> String {
    let digits = color.and_then(|color| color.strip_prefix("color:#")).unwrap_or_default();
    let each = if digits.len() == 4 { 1 } else { 2 };
    let value =
        |at: usize| u32::from_str_radix(&digits[at * each..(at + 1) * each].repeat(3 - each), 16).unwrap_or(255);
    match (digits.len(), color) {
        (4 | 8, _) => {
            let mixed = |at: usize| (value(at) * value(3) + 255 * (255 - value(3)) + 127) / 255;
            format!("color:#{:02x}{:02x}{:02x}", mixed(0), mixed(1), mixed(2))
        }
        (_, Some("color:transparent") | None) => "color:#ffffff".to_owned(),
        (_, Some(opaque)) => opaque.to_owned(),
    }
}

fn layout(form: &Form, options: &mut Options) -> Read<()> {
    let layout = &mut options.layout;
    layout.crop = flag(form, "crop", "invalid_crop", false)?;
    if let Some(text) = form.text("crop_margin") {
        let wrong = || invalid("invalid_crop_margin", "crop_margin", text);
        let margins = lengths::margins(text).ok_or_else(wrong)?;
        if layout.crop {
            layout.margin = margins.parse().map_err(|_| wrong())?;
        }
    }
    if let Some(text) = form.text("scale").filter(|text| !text.eq_ignore_ascii_case("original")) {
        let share =
            text.strip_suffix('%').and_then(|number| number.trim().parse::<f32>().ok()).map(|percent| percent / 100.0);
        layout.scale = Some(
            share.filter(|share| (0.1..=1.0).contains(share)).ok_or_else(|| invalid("invalid_scale", "scale", text))?,
        );
    }
    layout.position = match lower(form, "position").as_deref() {
        None => layout.scale.map(|_| [0.5, 0.5]),
        Some("original") => None,
        Some("center") => Some([0.5, 0.5]),
        Some(text) => Some(lengths::position(text).ok_or_else(|| invalid("invalid_position", "position", text))?),
    };
    Ok(())
}

fn shadow(form: &Form) -> Read<Option<Shadow>> {
    let kind = match lower(form, "shadow_type").as_deref() {
        None | Some("none") => None,
        Some("auto") => Some(shadow_of_class(lower(form, "type").as_deref())),
        Some("car") => Some(ShadowKind::Contact),
        Some("3d") => Some(ShadowKind::Cast),
        Some("drop") => Some(ShadowKind::Drop),
        Some(other) => return Err(invalid("invalid_shadow_type", "shadow_type", other)),
    };
    let deprecated = flag(form, "add_shadow", "invalid_add_shadow", false)?;
    if deprecated && form.text("shadow_type").is_some() {
        return Err(Refusal::new(400, "multiple_shadow_params", "shadow_type and add_shadow exclude each other"));
    }
    let Some(kind) = kind.or(deprecated.then_some(ShadowKind::Contact)) else { return Ok(None) };
    let mut shadow = Shadow::of(kind);
    if let Some(text) = form.text("shadow_opacity").filter(|text| !text.eq_ignore_ascii_case("auto")) {
        let percent = text.trim_end_matches('%').parse::<f32>().ok().filter(|percent| (0.0..=100.0).contains(percent));
        shadow.opacity = percent.ok_or_else(|| invalid("invalid_shadow_opacity", "shadow_opacity", text))? / 100.0;
    }
    Ok(Some(shadow))
}

/// The shadow that `auto` means for a class the client names.
fn shadow_of_class(class: Option<&str>) -> ShadowKind {
    match class {
        Some("car") => ShadowKind::Contact,
        Some("person" | "transportation") => ShadowKind::Cast,
        _ => ShadowKind::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_shown_on_white_where_nothing_can_be_transparent() {
        for (color, shown) in [
            (None, "color:#ffffff"),
            (Some("color:tomato"), "color:tomato"),
            (Some("color:transparent"), "color:#ffffff"),
            (Some("color:#f00"), "color:#f00"),
            (Some("color:#ff000080"), "color:#ff7f7f"),
            (Some("color:#f008"), "color:#ff7777"),
        ] {
            assert_eq!(on_white(color), shown, "{color:?}");
        }
    }
}
