//! `doctor removebg`: fires a list of checks at a server and tells where it differs from remove.bg.

use backgroundfx_server::conformance::{Line, Outcome, Target, run_here};
use serde_json::{Value, json};

use crate::{
    args::RemovebgArguments,
    exit::{self, DONE, Ended, GATE_FAILED},
    stdout::say,
};

/// Checks the server; exit code 8 when it differs.
pub fn run(arguments: &RemovebgArguments) -> Ended {
    let target = Target::new(&arguments.base, &arguments.key, arguments.image_url.as_deref());
    let report = run_here(&target, |line| {
        if !arguments.json {
            let _ = crate::stdout::write(format!("{line}\n").as_bytes());
        }
    });
    let report = match report {
        Ok(report) => report,
        Err(error) => return Ok(exit::served(&error)),
    };
    let (passed, failed, left_out) = report.counts();
    if arguments.json {
        let checks: Vec<Value> = report.lines.iter().map(shown).collect();
        say!("{}", json!({"passed": passed, "failed": failed, "left_out": left_out, "checks": checks}));
    } else {
        say!("{passed} passed, {failed} failed, {left_out} left out");
    }
    Ok(if failed == 0 { DONE } else { GATE_FAILED })
}

fn shown(line: &Line) -> Value {
    let (outcome, why) = match &line.outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Failed(why) => ("failed", Some(why)),
        Outcome::LeftOut(why) => ("left_out", Some(why)),
    };
    json!({"check": line.name, "outcome": outcome, "why": why})
}
