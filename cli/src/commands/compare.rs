//! `compare`: how far a matte is from another.

use backgroundfx_core::{
    Error, Kind,
    files::{self, ReadOptions},
    metrics,
};

use crate::{
    args::CompareArguments,
    exit::{DONE, Ended, GATE_FAILED},
    stdout::say,
};

/// Prints the distances.
pub fn run(arguments: &CompareArguments) -> Ended {
    let read = |path: &std::path::Path| {
        files::read_matte(path, &ReadOptions::default()).map_err(|error| error.on(path.display()))
    };
    let distances = metrics::compare(&read(&arguments.matte)?, &read(&arguments.truth)?)?;
    if arguments.json {
        let text = serde_json::to_string(&distances)
            .map_err(|error| Error::new(Kind::Internal, "cannot write JSON").because(error))?;
        say!("{text}");
    } else {
        say!("SAD   {:.4}   (thousands)", distances.sad);
        say!("MAE   {:.6}", distances.mae);
        say!("MSE   {:.6}", distances.mse);
        say!("Grad  {:.4}   (thousands)", distances.grad);
        say!("Conn  {:.4}   (thousands)", distances.conn);
        say!("IoU   {:.4}", distances.iou);
        say!("max   {:.4}", distances.max);
    }
    let passed = arguments.fail_above.is_none_or(|most| distances.mae <= most);
    Ok(if passed { DONE } else { GATE_FAILED })
}
