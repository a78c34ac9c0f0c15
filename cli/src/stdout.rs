//! Standard output: a reader that has seen enough, such as `head`, is no failure.

use std::{io::Write, ops::ControlFlow};

/// Writes; answers to stop when nobody reads any more.
pub fn write(bytes: &[u8]) -> ControlFlow<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// Writes lines to standard output, as `println!` does, but ends the process quietly when nobody reads them.
macro_rules! say {
    ($($part:tt)*) => {
        if $crate::stdout::write(format!("{}\n", format_args!($($part)*)).as_bytes()).is_break() {
            std::process::exit(i32::from($crate::exit::DONE));
        }
    };
}
pub(crate) use say;
