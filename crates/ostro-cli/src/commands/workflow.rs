//! `ostro workflow`.

mod describe;
mod event;
mod export;
mod import;
mod list;
mod message;
mod pause;
mod result;
mod show;
mod start;
mod stop;

use temporalio_protos::temporal::api::common::v1::{Payloads, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::arguments::{InputArguments, Target, WorkflowCommand};
use crate::failure::Failure;
use crate::payload;
use crate::session::Session;

/// Runs one of the commands.
pub async fn run(session: &Session, command: WorkflowCommand) -> Result<(), Failure> {
    match command {
        WorkflowCommand::Start(arguments) => start::start(session, *arguments).await,
        WorkflowCommand::Execute(arguments) => start::execute(session, *arguments).await,
        WorkflowCommand::List { query, limit } => list::list(session, query, limit).await,
        WorkflowCommand::Count { query } => list::count(session, query).await,
        WorkflowCommand::Show { target, follow } => show::show(session, target, follow).await,
        WorkflowCommand::Describe { target } => describe::describe(session, target).await,
        WorkflowCommand::Export(arguments) => export::export(session, arguments).await,
        WorkflowCommand::Import(arguments) => import::import(session, arguments).await,
        WorkflowCommand::Signal { target, name, input } => message::signal(session, target, name, input).await,
        WorkflowCommand::Query { target, kind, input } => message::query(session, target, kind, input).await,
        WorkflowCommand::Update(arguments) => message::update(session, arguments).await,
        WorkflowCommand::Pause { target, reason } => pause::pause(session, target, reason).await,
        WorkflowCommand::Unpause { target, reason } => pause::unpause(session, target, reason).await,
        WorkflowCommand::Cancel { target, reason } => stop::cancel(session, target, reason).await,
        WorkflowCommand::Terminate { target, reason } => stop::terminate(session, target, reason).await,
        WorkflowCommand::Result { target } => result::result(session, target).await,
        WorkflowCommand::Delete { target } => stop::delete(session, target).await,
    }
}

impl From<Target> for WorkflowExecution {
    fn from(target: Target) -> Self {
        Self { workflow_id: target.workflow_id, run_id: target.run_id }
    }
}

/// Arguments from `--input` or `--input-file`; `None` without any.
/// Arguments as payloads, files read.
pub(super) fn input_payloads(input: InputArguments) -> Result<Option<Payloads>, Failure> {
    let mut values = input.input;
    for path in input.input_file {
        let refuse = |why: String| Failure::new("invalid_argument", format!("--input-file {}: {why}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
        values.push(serde_json::from_str(&text).map_err(|error| refuse(format!("not JSON: {error}")))?);
    }
    Ok(payload::arguments(&values))
}

/// `Running`, `TimedOut`, ...
fn status_name(status: i32) -> String {
    WorkflowExecutionStatus::try_from(status).map_or_else(|_| status.to_string(), |status| format!("{status:?}"))
}
