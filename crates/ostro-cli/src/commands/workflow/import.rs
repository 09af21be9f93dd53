//! `ostro workflow import`: runs taken over from exported histories.

use std::io::Read;
use std::path::Path;

use ostro_wire::json::from_json;
use ostro_wire::ostro_service::ImportWorkflowExecutionRequest;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::history::v1::History;

use super::status_name;
use crate::arguments::ImportArguments;
use crate::failure::Failure;
use crate::printable::line;
use crate::session::Session;

/// Imports one file after the other; the first that is refused ends it.
pub async fn import(session: &Session, arguments: ImportArguments) -> Result<(), Failure> {
    for file in &arguments.files {
        let request = ImportWorkflowExecutionRequest {
            namespace: session.namespace.clone(),
            workflow_id: arguments.workflow_id.clone(),
            run_id: arguments.run_id.clone(),
            history: Some(read(file)?),
        };
        let imported = session.ask(&request).await?;
        let status = status_name(imported.status);
        session.format.print(
            || json!({"workflowId": imported.workflow_id, "runId": imported.run_id, "status": status}),
            || format!("Imported workflow {}, run {}: {status}\n", line(&imported.workflow_id), line(&imported.run_id)),
        );
    }
    Ok(())
}

fn read(file: &Path) -> Result<History, Failure> {
    let refuse = |why: String| Failure::new("invalid_argument", format!("{}: {why}", file.display()));
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(file).map(|content| text = content),
    };
    read.map_err(|error| refuse(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| refuse(format!("not JSON: {error}")))?;
    let history: History = from_json(value).map_err(|error| refuse(format!("no exported history: {error}")))?;
    if history.events.is_empty() {
        return Err(refuse("no exported history: it has no events".to_owned()));
    }
    Ok(history)
}
