//! Templates of output names: `cut/{stem}-{index:04}.png`.

use std::{path::Path, time::SystemTime};

use backgroundfx_core::{Error, Kind, Result, pixels::Size};

/// A name with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Stem,
    Name,
    Extension,
    Folder,
    SubFolder,
    Index(usize),
    Model,
    Width,
    Height,
    Hash,
    Date,
}

/// What the places of a template are filled with.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The input's path.
    pub path: &'a Path,
    /// Its sub-folder below the folder that was named.
    pub sub_folder: &'a Path,
    /// Its number in the batch, from 1.
    pub index: usize,
    /// Name of the model.
    pub model: &'a str,
    /// What is known only once the picture was cut out.
    pub picture: Option<PictureFacts<'a>>,
}

/// What is known of a picture once it was cut out.
#[derive(Debug, Clone, Copy)]
pub struct PictureFacts<'a> {
    /// Size of the output.
    pub size: Size,
    /// SHA-256 of the input's bytes, in hexadecimal.
    pub sha256: &'a str,
}

/// The places, for messages.
const PLACES: &str = "{stem} {name} {ext} {dir} {reldir} {index} {index:04} {model} {w} {h} {hash8} {date}";

impl Template {
    /// Reads a template; `{{` and `}}` stand for the brackets themselves.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] naming the place that is not known.
    pub fn parse(text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut literal = String::new();
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let doubled = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
            if doubled {
                literal.push_str(&rest[at..=at]);
                rest = &rest[at + 2..];
                continue;
            }
            let inside = rest[at..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let Some((place, after)) = inside else {
                return Err(Error::new(Kind::OptionInvalid, format!("{text:?}: a bracket has no partner")));
            };
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
            pieces.push(Piece::parse(place).ok_or_else(|| {
                Error::new(Kind::OptionInvalid, format!("{text:?}: {{{place}}} is not known; there are {PLACES}"))
            })?);
            rest = after;
        }
        literal.push_str(rest);
        pieces.push(Piece::Text(literal));
        Ok(Self(pieces))
    }

    /// Whether names can only be told once the picture was cut out.
    pub fn needs_picture(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Width | Piece::Height | Piece::Hash))
    }

    /// Whether the input's bytes have to be hashed.
    pub fn needs_hash(&self) -> bool {
        self.0.contains(&Piece::Hash)
    }

    /// The name for one picture. What is not known yet stays as it is written.
    pub fn fill(&self, facts: &Facts<'_>) -> String {
        self.0.iter().map(|piece| piece.fill(facts)).collect()
    }
}

impl Piece {
    fn parse(place: &str) -> Option<Self> {
        Some(match place {
            "stem" => Self::Stem,
            "name" => Self::Name,
            "ext" => Self::Extension,
            "dir" => Self::Folder,
            "reldir" => Self::SubFolder,
            "index" => Self::Index(1),
            "model" => Self::Model,
            "w" => Self::Width,
            "h" => Self::Height,
            "hash8" => Self::Hash,
            "date" => Self::Date,
            _ => Self::Index(place.strip_prefix("index:")?.parse().ok().filter(|width| *width <= 20)?),
        })
    }

    fn fill(&self, facts: &Facts<'_>) -> String {
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        // An empty folder before a slash would lead to the root of the disk.
        let folder = |path: &Path| if path == Path::new("") { ".".to_owned() } else { path.display().to_string() };
        match self {
            Self::Text(text) => text.clone(),
            Self::Stem => text(facts.path.file_stem()),
            Self::Name => text(facts.path.file_name()),
            Self::Extension => text(facts.path.extension()),
            Self::Folder => folder(facts.path.parent().unwrap_or(Path::new(""))),
            Self::SubFolder => folder(facts.sub_folder),
            Self::Index(width) => format!("{:0width$}", facts.index),
            Self::Model => facts.model.to_owned(),
            Self::Width => facts.picture.map_or("{w}".to_owned(), |picture| picture.size.width.to_string()),
            Self::Height => facts.picture.map_or("{h}".to_owned(), |picture| picture.size.height.to_string()),
            Self::Hash => {
                facts.picture.map_or("{hash8}".to_owned(), |picture| picture.sha256.chars().take(8).collect())
            }
            Self::Date => today(),
        }
    }
}

/// Today's date (UTC) as 2026-02-28.
fn today() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = date(now.as_secs() / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a number of days since 1970 (Hinnant, chrono-compatible low-level date algorithms).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let picture = Some(PictureFacts { size: Size::new(640, 480), sha256: "0123456789abcdef" });
        let facts = Facts {
            path: Path::new("in/summer/beach.final.jpg"),
            sub_folder: Path::new("summer"),
            index: 7,
            model: "u2net",
            picture,
        };
        Template::parse(template).unwrap().fill(&facts)
    }

    #[test]
    fn places_are_filled() {
        for (template, name) in [
            ("{stem}.png", "beach.final.png"),
            ("out/{name}.webp", "out/beach.final.jpg.webp"),
            ("{dir}/{stem}-{ext}.png", "in/summer/beach.final-jpg.png"),
            ("out/{reldir}/{index}.png", "out/summer/7.png"),
            ("{index:04}-{model}.png", "0007-u2net.png"),
            ("{w}x{h}-{hash8}.png", "640x480-01234567.png"),
            ("{{stem}}.png", "{stem}.png"),
        ] {
            assert_eq!(filled(template), name, "{template}");
        }
        assert_eq!(filled("{date}").len(), "2026-02-28".len());
    }

    #[test]
    fn what_is_unknown_is_refused_by_name() {
        for (template, told) in
            [("{stam}.png", "{stam}"), ("{stem", "partner"), ("stem}", "partner"), ("{index:x}", "{index:x}")]
        {
            let error = Template::parse(template).unwrap_err();
            assert_eq!(error.kind(), Kind::OptionInvalid);
            assert!(error.to_string().contains(told), "{template}: {error}");
        }
    }

    #[test]
    fn a_picture_without_a_folder_stays_in_this_one() {
        let facts = Facts { path: Path::new("a.jpg"), sub_folder: Path::new(""), index: 1, model: "m", picture: None };
        let name = Template::parse("{dir}/{reldir}/{stem}-{w}.png").unwrap().fill(&facts);
        assert_eq!(name, "././a-{w}.png");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_789, (2026, 12, 2)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
    }
}
