//! One module per group of commands.

mod completions;
mod data;
mod namespace;
mod schedule;
mod search_attribute;
mod task_queue;
mod token;
mod workflow;

use std::process::ExitCode;

use crate::arguments::{Arguments, Command, ConnectionArguments, ServerCommand, ServerGroup};
use crate::failure::Failure;
use crate::printable;
use crate::session::Session;

/// Runs the command: exit code 0, or 1 after a line on standard error.
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Dev(arguments) => crate::serve::run(ServerCommand::Dev(arguments)),
        Command::Serve(arguments) => crate::serve::run(ServerCommand::Serve(arguments)),
        Command::Server(ServerGroup::StartDev(arguments)) => crate::serve::run(ServerCommand::StartDev(arguments)),
        Command::Token(arguments) => token::run(arguments),
        Command::Doctor(arguments) => data::doctor(arguments),
        Command::Compact(arguments) => data::compact(arguments),
        Command::Backup(arguments) => data::backup(arguments),
        Command::Restore(arguments) => data::restore(arguments),
        Command::Completions { shell } => {
            completions::print(shell);
            ExitCode::SUCCESS
        }
        Command::Workflow(group) => {
            client(group.connection, async |session| workflow::run(session, group.command).await)
        }
        Command::Schedule(group) => {
            client(group.connection, async |session| schedule::run(session, group.command).await)
        }
        Command::TaskQueue(group) => {
            client(group.connection, async |session| task_queue::run(session, group.command).await)
        }
        Command::Namespace(group) => {
            client(group.connection, async |session| namespace::run(session, group.command).await)
        }
        Command::SearchAttribute(group) => {
            client(group.connection, async |session| search_attribute::run(session, group.command).await)
        }
    }
}

fn client(connection: ConnectionArguments, command: impl AsyncFnOnce(&Session) -> Result<(), Failure>) -> ExitCode {
    let json = connection.json;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(json, &Failure::new("internal", format!("cannot start the runtime: {error}"))),
    };
    let outcome = runtime.block_on(async {
        let session = Session::new(connection)?;
        command(&session).await
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(json, &failure),
    }
}

fn fail(json: bool, failure: &Failure) -> ExitCode {
    if json {
        eprintln!("{}", printable::text(&failure.to_json().to_string()));
    } else {
        eprintln!("error: {}", printable::text(&failure.to_string()));
    }
    ExitCode::FAILURE
}
