//! Brings mattes to their pictures' edges by the guided filter alone, for `training/`: reads lines of PICTURE MATTE OUT.

use std::{io::BufRead, path::Path};

use backgroundfx_core::{
    files::{self, Format, IfExists, ReadOptions, WriteOptions},
    steps::refine_edges,
};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let [picture, matte, out] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("{line:?} is not PICTURE MATTE OUT").into());
        };
        let picture = files::read(Path::new(picture), &ReadOptions::default())?;
        let mut matte = files::read_matte(Path::new(matte), &ReadOptions::default())?;
        refine_edges::refine(&picture.color, &mut matte);
        files::write_atomically(
            Path::new(out),
            &files::encode_gray(&matte, &WriteOptions::new(Format::Png))?,
            IfExists::Replace,
        )?;
    }
    Ok(())
}
