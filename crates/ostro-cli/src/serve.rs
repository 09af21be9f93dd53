//! `ostro dev` and `ostro serve`.

use std::process::ExitCode;

use crate::arguments::ServerCommand;

/// Runs the server until it is told to stop.
pub fn run(_command: ServerCommand) -> ExitCode {
    eprintln!("error: this build of ostro has no server yet");
    ExitCode::FAILURE
}
