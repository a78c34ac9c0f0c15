//! What other tools take from this program: completion scripts, manual pages, the table of error codes.

use std::{fs, path::Path};

use backgroundfx_core::{Error, KINDS, Kind};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::Arguments,
    exit::{self, DONE, Ended},
    stdout,
};

/// Prints a completion script.
pub fn completions(shell: Shell) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "backgroundfx", &mut script);
    print(&script)
}

/// Prints the manual page of the program, or writes those of all commands into a folder.
pub fn manual(folder: Option<&Path>) -> Ended {
    let command = Arguments::command();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(unwritable)?;
        return print(&page);
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    clap_mangen::generate_to(command, folder).map_err(unwritable)?;
    Ok(DONE)
}

/// Prints the table of error codes.
pub fn codes(markdown: bool) -> Ended {
    let mut text = String::new();
    if markdown {
        text.push_str("| code | exit | try again | hint |\n|---|---|---|---|\n");
    }
    for row in KINDS {
        let (exit, retry) = (exit::of(row.kind), if row.retryable { "yes" } else { "no" });
        if markdown {
            text.push_str(&format!("| `{}` | {exit} | {retry} | {} |\n", row.code, row.hint.replace('|', "\\|")));
        } else {
            text.push_str(&format!("{:<20} exit {exit:<4} {}\n", row.code, row.hint));
        }
    }
    print(text.as_bytes())
}

/// Prints the table of the service's error codes.
#[cfg(feature = "server")]
pub fn service_codes(markdown: bool) -> Ended {
    let mut text = String::new();
    if markdown {
        text.push_str("| code | status | hint |\n|---|---|---|\n");
    }
    for row in backgroundfx_server::KINDS {
        if markdown {
            text.push_str(&format!("| `{}` | {} | {} |\n", row.code, row.status, row.hint.replace('|', "\\|")));
        } else {
            text.push_str(&format!("{:<22} {}  {}\n", row.code, row.status, row.hint));
        }
    }
    print(text.as_bytes())
}

fn print(bytes: &[u8]) -> Ended {
    // A reader that has seen enough is no failure.
    let _ = stdout::write(bytes);
    Ok(DONE)
}

fn unwritable(error: std::io::Error) -> Error {
    Error::new(Kind::OutputUnwritable, format!("cannot write the manual pages: {error}")).because(error)
}
