//! The items of a picture file, how they lie in it and what they have to do with each other
//! (ISO/IEC 14496-12, 8.11, and ISO/IEC 23008-12: `meta`, `pitm`, `iinf`, `iloc`, `iref`, `idat`).

use super::{
    boxes::{Fields, Name},
    location::{self, Location},
    properties::{self, Association, Property},
};
use crate::{Error, Kind, Result, files::Format, files::decode::corrupt};
use std::{borrow::Cow, collections::HashMap};

/// One item: a coded picture, a grid of them, or metadata.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    /// What it is (`item_type`): `av01`, `grid`, `Exif`, `mime` …
    pub kind: Name,
    /// For a `mime` item, of what type.
    pub content_type: &'a [u8],
    location: Option<Location<'a>>,
    associations: Vec<Association>,
}

/// A file's `ftyp` and `meta`.
pub(super) struct Container<'a> {
    file: &'a [u8],
    /// Whether the file calls itself an image sequence first (brand `avis`).
    pub is_sequence: bool,
    primary: Option<u32>,
    items: HashMap<u32, Item<'a>>,
    properties: Vec<Property<'a>>,
    references: Vec<Reference<'a>>,
    /// Inside of `idat`.
    data: &'a [u8],
}

/// One item's references of one kind (`SingleItemTypeReferenceBox`).
struct Reference<'a> {
    kind: Name,
    from: u32,
    to: &'a [u8],
    /// Bytes of each identifier in `to`.
    width: usize,
}

impl Reference<'_> {
    fn targets(&self) -> impl Iterator<Item = u32> {
        self.to.chunks_exact(self.width).map(|id| id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte)))
    }
}

/// A table of a million items is an attack: a grid has at most 65536, and its tables 8 MB.
const MOST_TABLE_BYTES: usize = 8 << 20;

impl<'a> Container<'a> {
    /// Reads the tables; items stay where they are.
    ///
    /// # Errors
    /// `PictureCorrupt`; `FormatUnsupported` for a sequence without a still picture.
    pub fn parse(file: &'a [u8]) -> Result<Self> {
        let mut boxes = Fields::new(file);
        let (mut is_sequence, mut has_tracks) = (false, false);
        while let Some((name, mut inside)) = boxes.next_box()? {
            match &name {
                b"ftyp" => is_sequence = inside.name()? == *b"avis",
                b"moov" => has_tracks = true,
                b"meta" => {
                    let mut container = Self::new(file);
                    container.is_sequence = is_sequence;
                    container.read_meta(inside)?;
                    return Ok(container);
                }
                _ => {}
            }
        }
        Err(if has_tracks { only_tracks() } else { corrupt(Format::Avif, "it has no `meta` box") })
    }

    fn new(file: &'a [u8]) -> Self {
        let (items, properties, references) = Default::default();
        Self { file, is_sequence: false, primary: None, items, properties, references, data: &[] }
    }

    fn read_meta(&mut self, mut meta: Fields<'a>) -> Result<()> {
        meta.version_and_flags()?;
        while let Some((name, mut inside)) = meta.next_box()? {
            let is_table = matches!(&name, b"iinf" | b"iloc" | b"iprp" | b"iref");
            if is_table && inside.rest().len() > MOST_TABLE_BYTES {
                return Err(corrupt(Format::Avif, "it lists more items than a picture has"));
            }
            match &name {
                b"hdlr" => check_handler(inside)?,
                b"pitm" => {
                    let (version, _) = inside.version_and_flags()?;
                    self.primary = Some(identifier(&mut inside, version > 0)?);
                }
                b"iinf" => self.read_infos(inside)?,
                b"iloc" => {
                    location::read(inside, |id, location| self.item_mut(id).location = Some(location))?;
                }
                b"iprp" => {
                    let associate = |id, association| self.items.entry(id).or_default().associations.push(association);
                    properties::read(inside, &mut self.properties, associate)?;
                }
                b"iref" => self.read_references(inside)?,
                b"idat" => self.data = inside.rest(),
                _ => {}
            }
        }
        Ok(())
    }

    fn item_mut(&mut self, id: u32) -> &mut Item<'a> {
        self.items.entry(id).or_default()
    }

    /// `iinf` and its `infe` boxes.
    fn read_infos(&mut self, mut table: Fields<'a>) -> Result<()> {
        let (version, _) = table.version_and_flags()?;
        identifier(&mut table, version > 0)?; // How many; the boxes themselves tell.
        while let Some((name, mut entry)) = table.next_box()? {
            let (version, _) = if name == *b"infe" { entry.version_and_flags()? } else { continue };
            if version < 2 {
                continue; // Without a type; not used by pictures.
            }
            let id = identifier(&mut entry, version > 2)?;
            entry.u16()?; // Protection: a protected item's bytes will not decode.
            let kind = entry.name()?;
            entry.text(); // A name for people.
            let content_type = entry.text();
            let item = self.item_mut(id);
            (item.kind, item.content_type) = (kind, content_type);
        }
        Ok(())
    }

    /// `iref`.
    fn read_references(&mut self, mut table: Fields<'a>) -> Result<()> {
        let (version, _) = table.version_and_flags()?;
        let width = if version > 0 { 4 } else { 2 };
        while let Some((kind, mut entry)) = table.next_box()? {
            let from = identifier(&mut entry, version > 0)?;
            let count = usize::from(entry.u16()?);
            self.references.push(Reference { kind, from, to: entry.take(count * width)?, width });
        }
        Ok(())
    }

    /// The item that is the picture.
    pub fn primary(&self) -> Result<u32> {
        match self.primary {
            Some(id) => Ok(id),
            None if self.is_sequence => Err(only_tracks()),
            None => Err(corrupt(Format::Avif, "it does not say which item is the picture")),
        }
    }

    /// An item of the tables.
    pub fn item(&self, id: u32) -> Result<&Item<'a>> {
        self.items.get(&id).ok_or_else(|| corrupt(Format::Avif, format!("it has no item {id}")))
    }

    /// What is said about an item, in the order it says so.
    ///
    /// # Errors
    /// `FormatUnsupported` when the item cannot be shown without something not known here.
    pub fn properties(&self, id: u32) -> Result<Vec<Property<'a>>> {
        let found = |association: &Association| match self.properties.get(association.index()?) {
            Some(Property::Unknown(name)) if association.is_essential() => Some(Err(Error::new(
                Kind::FormatUnsupported,
                format!("AVIF with the property `{}` is not read here", name.escape_ascii()),
            ))),
            property => property.copied().map(Ok),
        };
        self.item(id)?.associations.iter().filter_map(found).collect()
    }

    /// An item's bytes; those of several extents are put together.
    pub fn bytes_of(&self, id: u32) -> Result<Cow<'a, [u8]>> {
        let missing = || corrupt(Format::Avif, format!("it does not say where item {id} is"));
        self.item(id)?.location.as_ref().ok_or_else(missing)?.bytes(self.file, self.data)
    }

    /// The items that refer to another in some way.
    pub fn referring(&self, kind: Name, to: u32) -> impl Iterator<Item = u32> {
        let wanted = move |reference: &&Reference<'_>| reference.kind == kind && reference.targets().any(|id| id == to);
        self.references.iter().filter(wanted).map(|reference| reference.from)
    }

    /// The items that one refers to in some way, in order.
    pub fn referred(&self, kind: Name, from: u32) -> Vec<u32> {
        let wanted = |reference: &&Reference<'_>| reference.kind == kind && reference.from == from;
        self.references.iter().find(wanted).map(|reference| reference.targets().collect()).unwrap_or_default()
    }
}

fn only_tracks() -> Error {
    Error::new(Kind::FormatUnsupported, "AVIF sequences without a still picture are not read here")
}

fn check_handler(mut handler: Fields<'_>) -> Result<()> {
    handler.version_and_flags()?;
    handler.u32()?;
    if handler.name()? != *b"pict" {
        return Err(corrupt(Format::Avif, "its items are no pictures"));
    }
    Ok(())
}

/// An item's identifier, which is wider in later versions of the tables.
pub(super) fn identifier(fields: &mut Fields<'_>, is_wide: bool) -> Result<u32> {
    if is_wide { fields.u32() } else { fields.u16().map(u32::from) }
}
