//! The list of checks.

use backgroundfx_core::{
    files::Picture,
    pixels::{Samples, Size},
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Check, Outcome, Verdict,
    client::{Answer, Encoding, Part, Target, ensure, picture, sides},
    pictures,
};

/// All checks, in order.
pub const ALL: &[Check] = &[
    Check { name: "a file, with and without name and type", ask: |target| Box::pin(files(target)) },
    Check { name: "base64 in all three encodings, also with data:", ask: |target| Box::pin(base64_texts(target)) },
    Check { name: "an address in all three encodings", ask: |target| Box::pin(addresses(target)) },
    Check { name: "no source and two sources", ask: |target| Box::pin(sources(target)) },
    Check { name: "a file of 23 MB", ask: |target| Box::pin(large_file(target)) },
    Check { name: "a header that claims 51 megapixels", ask: |target| Box::pin(bomb(target)) },
    Check { name: "a clip that is called a picture", ask: |target| Box::pin(clip(target)) },
    Check { name: "every size of a picture of 12 megapixels", ask: |target| Box::pin(every_size(target)) },
    Check { name: "format: auto, png, jpg, webp", ask: |target| Box::pin(formats(target)) },
    Check { name: "zip: color.jpg and alpha.png", ask: |target| Box::pin(zip(target)) },
    Check { name: "JSON holds what the bytes are, and the headers' numbers", ask: |target| Box::pin(json(target)) },
    Check { name: "channels=alpha", ask: |target| Box::pin(alpha(target)) },
    Check { name: "crop, and margins of one, two and four sides", ask: |target| Box::pin(crop(target)) },
    Check { name: "scale and position", ask: |target| Box::pin(scale(target)) },
    Check { name: "roi: pixels, percent, a bare 0, reversed, outside", ask: |target| Box::pin(roi(target)) },
    Check { name: "bg_color: 3, 4, 6 and 8 digits, names", ask: |target| Box::pin(bg_color(target)) },
    Check { name: "bg_image_file fills the picture", ask: |target| Box::pin(bg_image(target)) },
    Check { name: "two backgrounds", ask: |target| Box::pin(two_backgrounds(target)) },
    Check { name: "shadows", ask: |target| Box::pin(shadows(target)) },
    Check { name: "empty texts for all fields, unknown fields, odd booleans", ask: |target| Box::pin(lax(target)) },
    Check { name: "wrong values have their codes", ask: |target| Box::pin(wrong_values(target)) },
    Check { name: "X-Type, and none with type_level=none", ask: |target| Box::pin(type_level(target)) },
    Check { name: "no key and a wrong key", ask: |target| Box::pin(keys(target)) },
    Check { name: "the rate limit's headers", ask: |target| Box::pin(rate(target)) },
    Check { name: "/account", ask: |target| Box::pin(account(target)) },
    Check { name: "a picture without a subject", ask: |target| Box::pin(blank(target)) },
    Check { name: "a JPEG that is turned by EXIF", ask: |target| Box::pin(turned(target)) },
];

const SIZE: Size = Size::new(800, 600);

fn ball() -> Result<Vec<u8>, Outcome> {
    pictures::ball(SIZE)
}

fn text(value: &str) -> Part<'_> {
    Part::Text(value)
}

/// The ball with some texts beside it.
async fn with(target: &Target, texts: &[(&str, &str)]) -> Result<Answer, Outcome> {
    let bytes = ball()?;
    let mut fields = vec![("image_file", Part::File(&bytes)), ("size", text("auto"))];
    fields.retain(|(name, _)| !texts.iter().any(|(other, _)| other == name));
    fields.extend(texts.iter().map(|(name, value)| (*name, text(value))));
    target.post(&fields).await
}

fn channel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let index = (y * sides(picture).width + x) as usize;
    match picture.color.samples() {
        Samples::Eight(samples) => [samples[index * 3], samples[index * 3 + 1], samples[index * 3 + 2]],
        Samples::Sixteen(_) => picture.color.unit(index).map(|value| (value * 255.0) as u8),
    }
}

fn opacity(picture: &Picture, x: u32, y: u32) -> f32 {
    picture.alpha.as_ref().map_or(1.0, |alpha| alpha.values()[(y * sides(picture).width + x) as usize])
}

fn near(found: f64, wanted: f64, within: f64, what: &str) -> Verdict {
    ensure((found - wanted).abs() <= within, || format!("{what} is {found}, not {wanted}"))
}

async fn files(target: &Target) -> Verdict {
    let bytes = ball()?;
    for part in [Part::File(&bytes), Part::Bare(&bytes)] {
        let answer = target.post(&[("image_file", part), ("size", text("regular"))]).await?;
        let cut = answer.picture()?;
        ensure(answer.header("content-type") == Some("image/png"), || "the picture is not image/png".to_owned())?;
        let (width, height) = sides(&cut).sides();
        ensure(opacity(&cut, 1, 1) < 0.1, || "the corner is not transparent".to_owned())?;
        let centre = pictures::CENTRE.map(f64::from);
        let at = ((centre[0] * f64::from(width)) as u32, (centre[1] * f64::from(height)) as u32);
        ensure(opacity(&cut, at.0, at.1) > 0.9, || "the subject is not opaque".to_owned())?;
    }
    Ok(())
}

async fn base64_texts(target: &Target) -> Verdict {
    let plain = BASE64_STANDARD.encode(ball()?);
    let data = format!("data:image/jpeg;base64,{plain}");
    for encoding in [Encoding::Multipart, Encoding::Json, Encoding::Form] {
        for value in [&plain, &data] {
            target.post_texts(&[("image_file_b64", value), ("size", "preview")], encoding).await?.picture()?;
        }
    }
    target
        .post_texts(&[("image_file_b64", "no base64!")], Encoding::Json)
        .await?
        .expect_error(400, "failed_to_read_image")
}

async fn addresses(target: &Target) -> Verdict {
    let address = target.image_url()?;
    for encoding in [Encoding::Multipart, Encoding::Json, Encoding::Form] {
        target.post_texts(&[("image_url", address), ("size", "preview")], encoding).await?.picture()?;
    }
    let inside = target.post_texts(&[("image_url", "http://169.254.169.254/a.png")], Encoding::Json).await?;
    inside.expect_error(400, "invalid_image_url")
}

async fn sources(target: &Target) -> Verdict {
    target.post(&[("size", text("auto"))]).await?.expect_error(400, "missing_source")?;
    target.post_texts(&[("size", "auto")], Encoding::Json).await?.expect_error(400, "missing_source")?;
    let bytes = ball()?;
    let both = [("image_file", Part::File(&bytes)), ("image_url", text("http://example.com/a.png"))];
    target.post(&both).await?.expect_error(400, "multiple_sources")
}

async fn large_file(target: &Target) -> Verdict {
    let mut bytes = ball()?;
    bytes.resize(23_100_000, 0);
    target.post(&[("image_file", Part::File(&bytes))]).await?.expect_error(400, "file_too_large")
}

async fn bomb(target: &Target) -> Verdict {
    target.post(&[("image_file", Part::File(&pictures::bomb()))]).await?.expect_error(400, "resolution_too_high")
}

async fn clip(target: &Target) -> Verdict {
    target.post(&[("image_file", Part::File(pictures::CLIP))]).await?.expect_error(400, "invalid_file_type")
}

async fn every_size(target: &Target) -> Verdict {
    let bytes = pictures::ball(Size::new(4000, 3000))?;
    for (size, format, most) in [
        ("preview", "png", 250_000),
        ("small", "png", 250_000),
        ("regular", "png", 250_000),
        ("medium", "png", 1_500_000),
        ("hd", "png", 4_000_000),
        ("full", "png", 10_000_000),
        ("4k", "png", 10_000_000),
        ("auto", "zip", 12_000_000),
        ("full", "jpg", 12_000_000),
        ("50MP", "jpg", 12_000_000),
    ] {
        let fields = [("image_file", Part::File(&bytes)), ("size", text(size)), ("format", text(format))];
        let answer = target.post(&fields).await?;
        answer.expect_ok()?;
        let (width, height) = (answer.number("x-width")?, answer.number("x-height")?);
        let pixels = u64::from(width) * u64::from(height);
        ensure(pixels <= most && pixels as f64 >= most as f64 * 0.97, || {
            format!("size={size} format={format}: {width} x {height}, at most {most} pixels were wanted")
        })?;
        near(f64::from(width) * 0.75, f64::from(height), 1.0, "the height")?;
    }
    Ok(())
}

async fn formats(target: &Target) -> Verdict {
    for (fields, media_type) in [
        (&[("format", "auto")][..], "image/png"),
        (&[("format", "auto"), ("bg_color", "fff")], "image/jpeg"),
        (&[("format", "PNG")], "image/png"),
        (&[("format", "jpg")], "image/jpeg"),
        (&[("format", "webp")], "image/webp"),
    ] {
        let answer = with(target, fields).await?;
        let cut = answer.picture()?;
        let found = answer.header("content-type");
        ensure(found == Some(media_type), || format!("{fields:?}: the type is {found:?}, not {media_type}"))?;
        if media_type == "image/jpeg" {
            ensure(channel(&cut, 2, 2).iter().all(|value| *value > 250), || {
                format!("{fields:?}: the ground is not white")
            })?;
        }
    }
    Ok(())
}

async fn zip(target: &Target) -> Verdict {
    let answer = with(target, &[("format", "zip")]).await?;
    answer.expect_ok()?;
    ensure(answer.header("content-type") == Some("application/zip"), || "the type is not application/zip".to_owned())?;
    let broken = |error: zip::result::ZipError| Outcome::Failed(format!("the ZIP: {error}"));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&answer.body)).map_err(broken)?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    ensure(names.len() == 2, || format!("it holds {names:?}"))?;
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        let mut file = archive.by_name(name).map_err(broken)?;
        std::io::copy(&mut file, &mut bytes).map_err(|error| broken(error.into()))?;
        picture(&bytes)
    };
    let (color, alpha) = (read("color.jpg")?, read("alpha.png")?);
    ensure(sides(&color) == SIZE && sides(&alpha) == SIZE, || {
        format!("sizes {} and {}", sides(&color), sides(&alpha))
    })?;
    let (corner, centre) = (channel(&alpha, 1, 1)[0], channel(&alpha, 320, 330)[0]);
    ensure(corner < 20 && centre > 235, || format!("alpha.png is {corner} in the corner and {centre} inside"))
}

async fn json(target: &Target) -> Verdict {
    let bytes = ball()?;
    let fields = || [("image_file", Part::File(&bytes)), ("size", text("auto")), ("crop", text("true"))];
    let (plain, wrapped) = (target.post(&fields()).await?, target.post_for_json(&fields()).await?);
    plain.expect_ok()?;
    wrapped.expect_ok()?;
    let data = &wrapped.json()?["data"];
    let decoded = data["result_b64"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
    ensure(decoded.as_deref() == Some(&plain.body[..]), || "data.result_b64 is not the picture".to_owned())?;
    for side in ["top", "left", "width", "height"] {
        let number = data[format!("foreground_{side}")].as_u64();
        let header = u64::from(plain.number(&format!("x-foreground-{side}"))?);
        ensure(number == Some(header), || format!("foreground_{side} is {number:?}, the header {header}"))?;
    }
    Ok(())
}

async fn alpha(target: &Target) -> Verdict {
    let answer = with(target, &[("channels", "alpha"), ("format", "png")]).await?;
    let matte = answer.picture()?;
    // The PNG header's colour type: 0 is grey.
    ensure(answer.body.get(25) == Some(&0), || {
        format!("the PNG's colour type is {:?}, not grey", answer.body.get(25))
    })?;
    ensure(channel(&matte, 1, 1)[0] < 20 && channel(&matte, 320, 330)[0] > 235, || "it is not the matte".to_owned())
}

async fn crop(target: &Target) -> Verdict {
    let diameter = f64::from(2.0 * pictures::RADIUS * SIZE.height as f32);
    let tight = with(target, &[("crop", "true")]).await?;
    tight.expect_ok()?;
    let (width, height) = (f64::from(tight.number("x-width")?), f64::from(tight.number("x-height")?));
    near(width, diameter, 8.0, "the cropped width")?;
    near(height, diameter, 8.0, "the cropped height")?;
    let cut = tight.picture()?;
    let touched = |row: u32| (0..width as u32).any(|x| opacity(&cut, x, row) >= 7.0 / 255.0);
    ensure(touched(0) && touched(height as u32 - 1), || "the box is not tight".to_owned())?;
    for (margin, wider, higher) in [
        ("10px", 20.0, 20.0),
        ("10%", 0.2 * width, 0.2 * height),
        ("10px 20px", 40.0, 20.0),
        ("1px 2px 3px 4px", 6.0, 4.0),
    ] {
        let answer = with(target, &[("crop", "true"), ("crop_margin", margin)]).await?;
        answer.expect_ok()?;
        near(
            f64::from(answer.number("x-width")?),
            width + wider,
            1.0,
            &format!("the width with crop_margin={margin}"),
        )?;
        near(
            f64::from(answer.number("x-height")?),
            height + higher,
            1.0,
            &format!("the height with crop_margin={margin}"),
        )?;
    }
    with(target, &[("crop", "true"), ("crop_margin", "600px")]).await?.expect_error(400, "invalid_crop_margin")
}

async fn scale(target: &Target) -> Verdict {
    let placed = |answer: &Answer| -> Result<[f64; 4], Outcome> {
        Ok([
            f64::from(answer.number("x-foreground-left")?),
            f64::from(answer.number("x-foreground-top")?),
            f64::from(answer.number("x-foreground-width")?),
            f64::from(answer.number("x-foreground-height")?),
        ])
    };
    let corner = with(target, &[("scale", "50%"), ("position", "0% 100%")]).await?;
    corner.expect_ok()?;
    ensure(corner.number("x-width")? == SIZE.width, || "the canvas changed its size".to_owned())?;
    let [left, top, _, height] = placed(&corner)?;
    near(left, 0.0, 1.0, "the left edge")?;
    near(height, 300.0, 2.0, "the height")?;
    near(top + height, 600.0, 1.0, "the lower edge")?;
    let middle = with(target, &[("scale", "50%")]).await?;
    middle.expect_ok()?;
    let [left, _, width, _] = placed(&middle)?;
    near(left + width / 2.0, 400.0, 1.5, "scale alone: the middle")
}

async fn roi(target: &Target) -> Verdict {
    for roi in ["0 0 100% 100%", "0% 0% 100% 100%", "100px 100px 700px 590px", "100% 100% 0% 0%"] {
        let cut = with(target, &[("roi", roi)]).await?.picture().map_err(|outcome| within(roi, outcome))?;
        ensure(sides(&cut) == SIZE && opacity(&cut, 320, 330) > 0.9, || {
            format!("roi={roi}: the subject is not whole")
        })?;
    }
    let half = with(target, &[("roi", "0 0 40% 100%")]).await?.picture()?;
    ensure(opacity(&half, 400, 330) < 0.1, || "there is foreground outside the roi".to_owned())?;
    with(target, &[("roi", "0 0 900px 600px")]).await?.expect_error(400, "roi_exceeds_bounds")?;
    with(target, &[("roi", "here")]).await?.expect_error(400, "invalid_roi")
}

fn within(what: &str, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(why) => Outcome::Failed(format!("{what}: {why}")),
        other => other,
    }
}

async fn bg_color(target: &Target) -> Verdict {
    for (color, wanted, opaque) in [
        ("fff", [255, 255, 255], 1.0),
        ("#ffff", [255, 255, 255], 1.0),
        ("81d4fa77", [129, 212, 250], 0.467),
        ("green", [0, 128, 0], 1.0),
        ("81d4fa", [129, 212, 250], 1.0),
    ] {
        let cut =
            with(target, &[("bg_color", color), ("format", "png")]).await?.picture().map_err(|o| within(color, o))?;
        let (found, alpha) = (channel(&cut, 2, 2), opacity(&cut, 2, 2));
        let close = found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 2);
        ensure(close && (alpha - opaque).abs() < 0.01, || format!("bg_color={color}: {found:?} of opacity {alpha}"))?;
    }
    with(target, &[("bg_color", "notacolor")]).await?.expect_error(400, "invalid_bg_color")
}

async fn bg_image(target: &Target) -> Verdict {
    let (bytes, behind) = (ball()?, pictures::halves(Size::new(300, 300))?);
    let fields = [("image_file", Part::File(&bytes)), ("bg_image_file", Part::File(&behind)), ("size", text("auto"))];
    let cut = target.post(&fields).await?.picture()?;
    ensure(sides(&cut) == SIZE, || format!("the result is {}", sides(&cut)))?;
    // A square covers the wider picture: its halves meet in the middle, and reach the edges.
    let (left, right) = (channel(&cut, 3, 3), channel(&cut, 796, 3));
    ensure(left[2] > 180 && left[0] < 80 && right[0] > 180 && right[2] < 80, || {
        format!("{left:?} and {right:?} at the edges")
    })?;
    let (before, after) = (channel(&cut, 390, 3), channel(&cut, 410, 3));
    ensure(before[2] > 180 && after[0] > 180, || "the halves do not meet in the middle".to_owned())
}

async fn two_backgrounds(target: &Target) -> Verdict {
    let (bytes, behind) = (ball()?, pictures::halves(Size::new(30, 30))?);
    let fields =
        [("image_file", Part::File(&bytes[..])), ("bg_image_file", Part::File(&behind)), ("bg_color", text("fff"))];
    target.post(&fields).await?.expect_error(400, "multiple_bg_sources")
}

async fn shadows(target: &Target) -> Verdict {
    for kind in ["drop", "3D", "car", "auto", "none"] {
        with(target, &[("shadow_type", kind)]).await?.picture().map_err(|outcome| within(kind, outcome))?;
    }
    with(target, &[("add_shadow", "true"), ("shadow_type", "drop")])
        .await?
        .expect_error(400, "multiple_shadow_params")?;
    with(target, &[("shadow_type", "drop"), ("shadow_opacity", "140")])
        .await?
        .expect_error(400, "invalid_shadow_opacity")
}

async fn lax(target: &Target) -> Verdict {
    let empty = [
        "image_url",
        "image_file_b64",
        "type",
        "format",
        "roi",
        "crop",
        "crop_margin",
        "scale",
        "position",
        "channels",
        "add_shadow",
        "semitransparency",
        "bg_color",
        "bg_image_url",
        "type_level",
        "shadow_type",
    ];
    let texts: Vec<(&str, &str)> = empty.iter().map(|name| (*name, "")).collect();
    with(target, &texts).await?.picture()?;
    for texts in
        [[("type", "car_interior")], [("crop", "True")], [("crop", "0")], [("no_such_field", "1")], [("size", "AUTO")]]
    {
        with(target, &texts).await?.picture().map_err(|outcome| within(&format!("{texts:?}"), outcome))?;
    }
    Ok(())
}

async fn wrong_values(target: &Target) -> Verdict {
    for (name, value, code) in [
        ("size", "huge", "invalid_size"),
        ("format", "bmp", "invalid_format"),
        ("channels", "cmyk", "invalid_channels"),
        ("scale", "5%", "invalid_scale"),
        ("position", "left", "invalid_position"),
        ("semitransparency", "maybe", "invalid_semitransparency"),
    ] {
        with(target, &[(name, value)])
            .await?
            .expect_error(400, code)
            .map_err(|o| within(&format!("{name}={value}"), o))?;
    }
    Ok(())
}

async fn type_level(target: &Target) -> Verdict {
    let told = with(target, &[]).await?;
    told.expect_ok()?;
    ensure(told.header("x-type").is_some_and(|kind| !kind.is_empty()), || "there is no X-Type".to_owned())?;
    let untold = with(target, &[("type_level", "none")]).await?;
    untold.expect_ok()?;
    ensure(untold.header("x-type").is_none(), || "type_level=none has an X-Type".to_owned())
}

async fn keys(target: &Target) -> Verdict {
    let bytes = ball()?;
    let fields = || [("image_file", Part::File(&bytes))];
    target.post_as(&fields(), None, "*/*").await?.expect_error(403, "auth_failed")?;
    target.post_as(&fields(), Some("wrong"), "*/*").await?.expect_error(403, "auth_failed")
}

async fn rate(target: &Target) -> Verdict {
    let answer = with(target, &[("size", "preview")]).await?;
    answer.expect_ok()?;
    let (limit, left) = (answer.number("x-ratelimit-limit")?, answer.number("x-ratelimit-remaining")?);
    ensure(left < limit, || format!("{left} of {limit} are left after a picture"))?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let reset = u64::from(answer.number("x-ratelimit-reset")?);
    ensure(reset >= now, || format!("x-ratelimit-reset is {reset}, and it is {now}"))
}

async fn account(target: &Target) -> Verdict {
    let answer = target.get("account").await?;
    answer.expect_ok()?;
    let attributes = &answer.json()?["data"]["attributes"];
    for field in ["total", "subscription", "payg", "enterprise"] {
        ensure(attributes["credits"][field].is_number(), || format!("credits.{field} is no number"))?;
    }
    ensure(attributes["api"]["free_calls"].is_number() && attributes["api"]["sizes"].is_string(), || {
        "api.free_calls or api.sizes is missing".to_owned()
    })
}

async fn blank(target: &Target) -> Verdict {
    let bytes = pictures::blank(SIZE)?;
    target.post(&[("image_file", Part::File(&bytes))]).await?.expect_error(400, "unknown_foreground")
}

async fn turned(target: &Target) -> Verdict {
    let bytes = pictures::turned(&ball()?);
    let answer = target.post(&[("image_file", Part::File(&bytes)), ("size", text("auto"))]).await?;
    let cut = answer.picture()?;
    ensure(sides(&cut) == Size::new(600, 800), || format!("the result is {}", sides(&cut)))?;
    // A quarter clockwise takes 320, 330 to 599 - 330, 320.
    ensure(opacity(&cut, 269, 320) > 0.9, || "the subject is not where it is after turning".to_owned())
}
