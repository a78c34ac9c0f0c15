//! Writes small `.tflite` files for tests.

/// What a field of a table holds.
pub enum Value {
    Byte(u8),
    Int(i32),
    Ints(Vec<i32>),
    Data(Vec<u8>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// The fields of a table that are not left out, by number.
pub type Fields = Vec<(usize, Value)>;

/// A file whose first table this is.
pub fn file(root: &Fields) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(b"TFL3");
    let at = table(&mut out, root);
    point(&mut out, 0, at);
    out
}

/// Where the table was written.
fn table(out: &mut Vec<u8>, fields: &Fields) -> usize {
    let list = out.len();
    let count = fields.iter().map(|(field, _)| field + 1).max().unwrap_or(0);
    let mut places = vec![0_u16; count];
    for (index, (field, _)) in fields.iter().enumerate() {
        places[*field] = 4 + 4 * index as u16;
    }
    let sizes = [4 + 2 * count as u16, 4 + 4 * fields.len() as u16];
    out.extend(sizes.iter().chain(&places).flat_map(|number| number.to_le_bytes()));
    let at = out.len();
    out.extend(((at - list) as i32).to_le_bytes());
    for (_, value) in fields {
        let number = match value {
            Value::Byte(byte) => (*byte).into(),
            Value::Int(number) => *number,
            _ => 0,
        };
        out.extend(number.to_le_bytes());
    }
    for (index, (_, value)) in fields.iter().enumerate() {
        let target = match value {
            Value::Byte(_) | Value::Int(_) => continue,
            Value::Table(fields) => table(out, fields),
            Value::Ints(numbers) => list_of(out, numbers.len(), numbers.iter().flat_map(|number| number.to_le_bytes())),
            Value::Data(bytes) => list_of(out, bytes.len(), bytes.iter().copied()),
            Value::Tables(tables) => list_of_tables(out, tables),
        };
        point(out, at + 4 + 4 * index, target);
    }
    at
}

fn list_of(out: &mut Vec<u8>, count: usize, bytes: impl Iterator<Item = u8>) -> usize {
    let at = out.len();
    out.extend((count as u32).to_le_bytes());
    out.extend(bytes);
    at
}

fn list_of_tables(out: &mut Vec<u8>, tables: &[Fields]) -> usize {
    let at = list_of(out, tables.len(), std::iter::repeat_n(0, 4 * tables.len()));
    for (index, fields) in tables.iter().enumerate() {
        let target = table(out, fields);
        point(out, at + 4 + 4 * index, target);
    }
    at
}

fn point(out: &mut [u8], place: usize, target: usize) {
    out[place..place + 4].copy_from_slice(&((target - place) as u32).to_le_bytes());
}
