//! AVIF. Items lie in `idat`, so that boxes can change without moving them.

use super::{Answer, CORRUPT, Case, SIZE, TOO_LARGE, UNSUPPORTED, case, cut_short, legal};
use backgroundfx_core::{files::Format, pixels::Size};

const TILE: u32 = 64;

pub fn cases() -> Vec<Case> {
    let mut cases = cut_short(Format::Avif, &[0.05, 0.2, 0.5, 0.9]);
    cases.extend([
        case("avif_legal", legal(Format::Avif, SIZE, false), Answer::Decodes),
        case("avif_legal_with_alpha", legal(Format::Avif, SIZE, true), Answer::Decodes),
        case("avif_1x1", legal(Format::Avif, Size::new(1, 1), true), Answer::Decodes),
        // Small enough for the fuzzer to decode.
        case("avif_24x24", legal(Format::Avif, Size::new(24, 24), true), Answer::Decodes),
        case("avif_1x4000", legal(Format::Avif, Size::new(1, 4000), true), Answer::Decodes),
    ]);
    cases.extend(containers());
    cases.extend(tables());
    cases.extend(grids());
    cases.extend(pictures());
    cases
}

fn containers() -> Vec<Case> {
    let file = |brand: &[u8; 4], rest: &[u8]| {
        [boxed(b"ftyp", &[brand, &b"\0\0\0\0avifmif1"[..]].concat()), rest.to_vec()].concat()
    };
    let endless = b"\0\0\0\0meta\0\0\0\0\0\0\0\x01iloc\xff\xff\xff\xff\xff\xff\xff\xff";
    vec![
        case("avif_header_only", file(b"avif", b""), CORRUPT),
        case("avif_boxes_in_a_loop", file(b"avif", &b"\0\0\0\x08meta".repeat(1000)), CORRUPT),
        case("avif_a_million_boxes", file(b"avif", &b"\0\0\0\x08free".repeat(1_000_000)), CORRUPT),
        case("avif_endless_box", file(b"avif", endless), CORRUPT),
        case("avif_only_tracks", file(b"avis", &boxed(b"moov", &[0; 32])), UNSUPPORTED),
        case("avif_meta_of_sound", file(b"avif", &full(b"meta", 0, &handler(b"soun"))), CORRUPT),
        case("avif_meta_without_primary", file(b"avif", &full(b"meta", 0, &handler(b"pict"))), CORRUPT),
    ]
}

fn tables() -> Vec<Case> {
    let still = Parts::still();
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = still.clone();
        change(&mut parts);
        parts.file()
    };
    let zero_width = [&[0, 0, 0, 1, 0, 1, 0, 1, 0, 0][..], &u16::MAX.to_be_bytes()].concat();
    let overlapping = [vec![0x44, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 200], [0, 0, 0, 0, 0, 0, 0, 99].repeat(200)].concat();
    let far = [&[0x88, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1][..], &[0xff; 16]].concat();
    let many = [&[0x44, 0][..], &[0xff; 4]].concat();
    vec![
        case("avif_made_by_hand", still.file(), Answer::Decodes),
        case("avif_item_of_nothing", with(&|parts| parts.items[0].bytes.clear()), CORRUPT),
        case("avif_without_locations", with(&|parts| parts.iloc = Some(full(b"iloc", 1, &[0; 4]))), CORRUPT),
        case(
            "avif_65535_extents_of_no_width",
            with(&|parts| parts.iloc = Some(full(b"iloc", 1, &zero_width))),
            CORRUPT,
        ),
        case("avif_extents_that_overlap", with(&|parts| parts.iloc = Some(full(b"iloc", 1, &overlapping))), CORRUPT),
        case("avif_extent_far_outside", with(&|parts| parts.iloc = Some(full(b"iloc", 1, &far))), CORRUPT),
        case("avif_4_billion_locations", with(&|parts| parts.iloc = Some(full(b"iloc", 2, &many))), CORRUPT),
        case(
            "avif_table_of_9_megabytes",
            with(&|parts| parts.iloc = Some(full(b"iloc", 1, &vec![0; 9 << 20]))),
            CORRUPT,
        ),
        case("avif_item_of_no_kind", with(&|parts| parts.items[0].kind = [0; 4]), CORRUPT),
        case("avif_item_of_hevc", with(&|parts| parts.items[0].kind = *b"hvc1"), UNSUPPORTED),
        case("avif_without_size", with(&|parts| parts.items[0].properties.clear()), CORRUPT),
        case("avif_properties_not_there", with(&|parts| parts.items[0].properties = vec![0, 77, 1]), Answer::Decodes),
        case("avif_must_know_what_is_unknown", with(&|parts| parts.add(boxed(b"zzzz", b""), 0x80)), UNSUPPORTED),
        case("avif_may_know_what_is_unknown", with(&|parts| parts.add(boxed(b"zzzz", b""), 0)), Answer::Decodes),
        case(
            "avif_shows_a_part_outside",
            with(&|parts| parts.add(boxed(b"clap", &[0x7f, 0, 0, 0, 0, 0, 0, 1].repeat(4)), 0x80)),
            CORRUPT,
        ),
        case("avif_shows_a_part_over_nothing", with(&|parts| parts.add(boxed(b"clap", &[0; 32]), 0x80)), CORRUPT),
        case("avif_profile_cut", with(&|parts| parts.add(b"\xff\xff\xff\xffcolrprof".to_vec(), 0)), CORRUPT),
        case(
            "avif_strange_matrix",
            with(&|parts| parts.add(boxed(b"colr", b"nclx\0\x01\0\x0d\0\x63\x80"), 0)),
            UNSUPPORTED,
        ),
        case("avif_is_its_own_alpha", with(&|parts| parts.auxiliary(1)), Answer::Decodes),
        case("avif_alpha_not_there", with(&|parts| parts.auxiliary(9)), CORRUPT),
    ]
}

fn grids() -> Vec<Case> {
    let grid = |rows: u8, columns: u8, (width, height): (u32, u32), tiles: Vec<u16>| {
        let mut parts = Parts::still();
        let sides = [width, height].map(u32::to_be_bytes).concat();
        let bytes = [&[0, 1, rows.wrapping_sub(1), columns.wrapping_sub(1)][..], &sides].concat();
        parts.properties.push(size_of(width, height));
        parts.items.insert(0, Item { kind: *b"grid", bytes, properties: vec![2] });
        let targets: Vec<u8> = tiles.iter().flat_map(|tile| tile.to_be_bytes()).collect();
        let list = [&[0, 1][..], &(tiles.len() as u16).to_be_bytes(), &targets].concat();
        parts.references.push(boxed(b"dimg", &list));
        parts.file()
    };
    vec![
        case("avif_grid", grid(1, 2, (100, 64), vec![2, 2]), Answer::Decodes),
        case("avif_grid_of_65535_squared", grid(0, 0, (65535, 65535), vec![2; 65535]), TOO_LARGE),
        case("avif_grid_of_4_billion_squared", grid(0, 0, (u32::MAX, u32::MAX), vec![2; 65535]), TOO_LARGE),
        case("avif_grid_of_9999_squared", grid(0, 0, (9999, 9999), vec![2; 65535]), CORRUPT),
        case("avif_grid_of_nothing", grid(1, 1, (0, 0), vec![2]), CORRUPT),
        case("avif_grid_without_tiles", grid(1, 1, (64, 64), vec![]), CORRUPT),
        case("avif_grid_of_itself", grid(1, 1, (64, 64), vec![1]), CORRUPT),
        case("avif_grid_not_covered", grid(1, 2, (200, 64), vec![2, 2]), CORRUPT),
        case("avif_grid_with_tiles_not_seen", grid(1, 2, (64, 64), vec![2, 2]), CORRUPT),
        case("avif_grid_of_a_tile_not_there", grid(1, 2, (100, 64), vec![2, 9]), CORRUPT),
    ]
}

fn pictures() -> Vec<Case> {
    let claiming = |width, height| {
        let mut parts = Parts::still();
        parts.properties[0] = size_of(width, height);
        parts.file()
    };
    let holding = |bytes: Vec<u8>| {
        let mut parts = Parts::still();
        parts.items[0].bytes = bytes;
        parts.file()
    };
    let coded = Parts::still().items[0].bytes.clone();
    let mut cases = vec![
        case("avif_claims_65535_squared", claiming(65535, 65535), TOO_LARGE),
        case("avif_claims_9999_squared", claiming(9999, 9999), CORRUPT),
        case("avif_claims_8_squared", claiming(8, 8), CORRUPT),
        case("avif_claims_nothing", claiming(0, 64), CORRUPT),
        case("avif_rubbish_inside", holding(vec![0x55; 500]), CORRUPT),
        case("avif_frames_without_header", holding([0x32, 1, 0x10].repeat(4)), CORRUPT),
        case("avif_10000_frames", holding([coded.clone(), [0x32, 1, 0x10].repeat(10_000)].concat()), CORRUPT),
        case(
            "avif_padding_without_end",
            holding([[0x7a, 0].repeat(1_000_000), coded.clone()].concat()),
            Answer::Decodes,
        ),
    ];
    // Damage in the middle of what is coded: told by some of the bits, not by others.
    for at in (4..coded.len()).step_by(coded.len() / 12) {
        let mut bytes = coded.clone();
        bytes[at] ^= 0x5a;
        cases.push(case(format!("avif_damaged_at_{at:04}"), holding(bytes), Answer::Either));
    }
    cases
}

#[derive(Clone)]
struct Item {
    kind: [u8; 4],
    bytes: Vec<u8>,
    /// Indices from 1, with 0x80 for those one must know.
    properties: Vec<u8>,
}

/// A file in parts; items are numbered from 1, the first is the picture.
#[derive(Clone)]
struct Parts {
    items: Vec<Item>,
    properties: Vec<Vec<u8>>,
    references: Vec<Vec<u8>>,
    /// Instead of the one that is right.
    iloc: Option<Vec<u8>>,
}

impl Parts {
    /// One tile, as coded by our own encoder.
    fn still() -> Self {
        let whole = legal(Format::Avif, Size::new(TILE, TILE), false);
        let data = whole.windows(4).position(|name| name == b"mdat").expect("has data") + 4;
        let item = Item { kind: *b"av01", bytes: whole[data..].to_vec(), properties: vec![1] };
        Self { items: vec![item], properties: vec![size_of(TILE, TILE)], references: vec![], iloc: None }
    }

    /// Gives the picture one more property.
    fn add(&mut self, property: Vec<u8>, essential: u8) {
        self.properties.push(property);
        self.items[0].properties.push(self.properties.len() as u8 | essential);
    }

    /// Says that an item is the picture's alpha.
    fn auxiliary(&mut self, id: u8) {
        self.add(full(b"auxC", 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"), 0);
        self.references.push(boxed(b"auxl", &[0, id, 0, 1, 0, 1]));
    }

    fn file(&self) -> Vec<u8> {
        let (mut infos, mut places, mut associations) = (Vec::new(), Vec::new(), Vec::new());
        let mut data = Vec::new();
        for (item, id) in self.items.iter().zip(1u16..) {
            infos.extend(full(b"infe", 2, &[&id.to_be_bytes()[..], &[0, 0], &item.kind, &[0]].concat()));
            let place = [data.len() as u32, item.bytes.len() as u32].map(u32::to_be_bytes).concat();
            places.extend([&id.to_be_bytes()[..], &[0, 1, 0, 0, 0, 1], &place].concat());
            associations.extend([&id.to_be_bytes()[..], &[item.properties.len() as u8], &item.properties].concat());
            data.extend(&item.bytes);
        }
        let count = (self.items.len() as u16).to_be_bytes();
        let iloc = full(b"iloc", 1, &[&[0x44, 0][..], &count, &places].concat());
        let ipma = full(b"ipma", 0, &[&[0, 0][..], &count, &associations].concat());
        let meta = [
            handler(b"pict"),
            full(b"pitm", 0, &[0, 1]),
            self.iloc.clone().unwrap_or(iloc),
            full(b"iinf", 0, &[&count[..], &infos].concat()),
            full(b"iref", 0, &self.references.concat()),
            boxed(b"iprp", &[boxed(b"ipco", &self.properties.concat()), ipma].concat()),
            boxed(b"idat", &data),
        ];
        [boxed(b"ftyp", b"avif\0\0\0\0avifmif1"), full(b"meta", 0, &meta.concat())].concat()
    }
}

fn boxed(name: &[u8; 4], inside: &[u8]) -> Vec<u8> {
    [&(inside.len() as u32 + 8).to_be_bytes()[..], name, inside].concat()
}

fn full(name: &[u8; 4], version: u8, inside: &[u8]) -> Vec<u8> {
    boxed(name, &[&[version, 0, 0, 0], inside].concat())
}

fn handler(kind: &[u8; 4]) -> Vec<u8> {
    full(b"hdlr", 0, &[&[0; 4][..], kind, &[0; 13]].concat())
}

fn size_of(width: u32, height: u32) -> Vec<u8> {
    full(b"ispe", 0, &[width, height].map(u32::to_be_bytes).concat())
}
