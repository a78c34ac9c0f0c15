//! From an item to its planes: an AV1 picture, or a grid of them (ISO/IEC 23008-12, 6.6.2.3: `grid`).

use super::{av1, boxes::Fields, container::Container, planes::Planes, properties::Property};
use crate::{Error, Kind, Result, files::Format, files::decode::corrupt, limits::Limits, pixels::Size};

/// Decodes an item that is a picture.
///
/// # Errors
/// `PictureTooLarge` for what the file claims, before it is decoded; `PictureCorrupt`; `FormatUnsupported`.
pub(super) fn decode(file: &Container<'_>, id: u32, limits: &Limits) -> Result<Planes> {
    match &file.item(id)?.kind {
        b"av01" => av1::decode(&file.bytes_of(id)?, claimed_size(file, id, limits)?),
        b"grid" => grid(file, id, limits),
        [0, ..] => Err(corrupt(Format::Avif, format!("it does not say what item {id} is"))),
        kind => {
            let message = format!("pictures of the kind `{}` are not read here", kind.escape_ascii());
            Err(Error::new(Kind::FormatUnsupported, message))
        }
    }
}

/// The sides in `ispe`, checked.
fn claimed_size(file: &Container<'_>, id: u32, limits: &Limits) -> Result<Size> {
    let size = file.properties(id)?.into_iter().find_map(|property| match property {
        Property::Size(size) => Some(size),
        _ => None,
    });
    let size = size.ok_or_else(|| corrupt(Format::Avif, format!("it does not say how large item {id} is")))?;
    limits.check(size)?;
    Ok(size)
}

/// Tiles of one size, row by row; those at the right and bottom may stick out.
struct Grid {
    columns: u32,
    rows: u32,
    size: Size,
}

impl Grid {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new(bytes);
        let (_version, flags) = (fields.u8()?, fields.u8()?);
        let (rows, columns) = (u32::from(fields.u8()?) + 1, u32::from(fields.u8()?) + 1);
        let width = if flags & 1 == 1 { 4 } else { 2 };
        let size = Size::new(fields.number(width)? as u32, fields.number(width)? as u32);
        Ok(Self { columns, rows, size })
    }

    /// Whether tiles of a size cover the picture and every one of them is seen, so that the work is
    /// bounded by the picture's size (tiles of at least 64 × 64: ISO/IEC 23000-22, 7.3.11.4.2).
    fn fits(&self, tile: Size) -> bool {
        let covers = |count: u32, tile: u32, whole: u32| {
            let (count, tile, whole) = (u64::from(count), u64::from(tile), u64::from(whole));
            tile >= 64 && count * tile >= whole && (count - 1) * tile < whole
        };
        covers(self.columns, tile.width, self.size.width) && covers(self.rows, tile.height, self.size.height)
    }
}

fn grid(file: &Container<'_>, id: u32, limits: &Limits) -> Result<Planes> {
    let grid = Grid::parse(&file.bytes_of(id)?)?;
    limits.check(grid.size)?;
    let tiles = file.referred(*b"dimg", id);
    let (Some(first), true) = (tiles.first(), tiles.len() as u64 == u64::from(grid.columns) * u64::from(grid.rows))
    else {
        return Err(corrupt(Format::Avif, "its grid has more or fewer tiles than places"));
    };
    let size = claimed_size(file, *first, limits)?;
    if claimed_size(file, id, limits)? != grid.size || !grid.fits(size) {
        return Err(corrupt(Format::Avif, "the tiles of its grid do not make up the picture"));
    }
    let mut whole: Option<Planes> = None;
    for (tile_id, place) in tiles.iter().zip(0..) {
        let tile = tile(file, *tile_id, size, limits)?;
        let whole = match &mut whole {
            Some(whole) => whole,
            none => none.insert(Planes::zeroed_like(&tile, grid.size)?),
        };
        if !tile.is_like(whole) {
            return Err(corrupt(Format::Avif, "the tiles of its grid are of different kinds"));
        }
        let (left, top) = (place % grid.columns * size.width, place / grid.columns * size.height);
        let (across, down) = tile.layout.shifts();
        if left.trailing_zeros() < across || top.trailing_zeros() < down {
            return Err(corrupt(Format::Avif, "the tiles of its grid have odd sides"));
        }
        whole.draw(&tile, left, top);
    }
    whole.ok_or_else(|| corrupt(Format::Avif, "its grid has no tiles"))
}

/// A tile is never a grid itself: nothing here goes round in circles.
fn tile(file: &Container<'_>, id: u32, size: Size, limits: &Limits) -> Result<Planes> {
    if file.item(id)?.kind != *b"av01" {
        return Err(corrupt(Format::Avif, "a tile of its grid is no AV1 picture"));
    }
    if claimed_size(file, id, limits)? != size {
        return Err(corrupt(Format::Avif, "the tiles of its grid are of different sizes"));
    }
    av1::decode(&file.bytes_of(id)?, size)
}
