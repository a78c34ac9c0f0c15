//! `compare`: how far a matte is from another.

use backgroundfx_core::{
    Error, Kind,
    files::{self, ReadOptions},
    metrics,
};

use crate::{
    args::CompareArguments,
    exit::{DONE, Ended, GATE_FAILED},
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
        println!("{text}");
    } else {
        println!("SAD   {:.4}   (thousands)", distances.sad);
        println!("MAE   {:.6}", distances.mae);
        println!("MSE   {:.6}", distances.mse);
        println!("Grad  {:.4}   (thousands)", distances.grad);
        println!("Conn  {:.4}   (thousands)", distances.conn);
        println!("IoU   {:.4}", distances.iou);
        println!("max   {:.4}", distances.max);
    }
    let passed = arguments.fail_above.is_none_or(|most| distances.mae <= most);
    Ok(if passed { DONE } else { GATE_FAILED })
}
