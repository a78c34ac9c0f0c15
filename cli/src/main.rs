//! `backgroundfx`: takes the background out of pictures, on your own machine.

mod args;
mod commands;
mod config;
mod exit;
mod interrupt;
mod progress;
mod remove;
mod stdout;
mod video;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let arguments = args::Arguments::parse();
    let result = commands::run(arguments);
    exit::code(result)
}
