//! Ctrl-C and requests to end (SIGTERM, SIGHUP): the pictures in hand are finished, downloads stop; a second one ends at once.

use std::{
    io::{IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Starts listening; without a handler Ctrl-C simply ends the process, which leaves nothing half-written either.
pub fn listen() {
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(crate::exit::INTERRUPTED));
        }
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            let _ = stderr.write_all(b"\nfinishing what is in hand; Ctrl-C again ends at once\n");
        }
    });
}

/// Whether the program was asked to end.
pub fn pending() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
