//! `doctor service`: whether a running service is ready.

use backgroundfx_server::readiness;
use serde_json::{Map, Value, json};

use crate::{
    args::ServiceArguments,
    exit::{self, DONE, Ended, GATE_FAILED},
    stdout::say,
};

/// Asks the service; exit code 8 when it is not ready, or does not answer.
pub fn run(arguments: &ServiceArguments) -> Ended {
    let found = match readiness::ask(&arguments.base) {
        Ok(found) => found,
        Err(error) => return Ok(exit::served(&error)),
    };
    let ready = found.as_ref().is_ok_and(|checks| checks.iter().all(|(_, fine)| *fine));
    match &found {
        Ok(checks) if arguments.json => {
            let checks: Map<String, Value> = checks.iter().map(|(name, fine)| (name.clone(), (*fine).into())).collect();
            say!("{}", json!({"ready": ready, "checks": checks}));
        }
        Err(why) if arguments.json => say!("{}", json!({"ready": false, "why": why})),
        Ok(checks) => {
            for (name, fine) in checks {
                say!("  {}  {name}", if *fine { "ok" } else { "--" });
            }
        }
        Err(why) => say!("  --  {} does not answer: {why}", arguments.base),
    }
    Ok(if ready { DONE } else { GATE_FAILED })
}
