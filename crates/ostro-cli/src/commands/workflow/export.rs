//! `ostro workflow export`: histories as files.

use std::path::Path;

use ostro_wire::json::to_json;
use serde_json::json;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use super::show;
use crate::arguments::ExportArguments;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Executions asked for at once.
const PAGE_SIZE: i32 = 1_000;

/// Writes one history to a file or standard output, or all that match to a directory.
pub async fn export(session: &Session, arguments: ExportArguments) -> Result<(), Failure> {
    let ExportArguments { workflow_id, run_id, query, output } = arguments;
    match (query, output) {
        (Some(query), Some(directory)) => export_all(session, query, &directory).await,
        (_, output) => {
            let run = WorkflowExecution { workflow_id: workflow_id.unwrap_or_default(), run_id };
            let text = history_text(session, run).await?;
            match output {
                Some(file) => write(&file, &text),
                None => {
                    output::write(&text);
                    Ok(())
                }
            }
        }
    }
}

async fn export_all(session: &Session, query: String, directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::new("invalid_argument", format!("--output {}: {error}", directory.display())))?;
    let mut request = ListWorkflowExecutionsRequest {
        namespace: session.namespace.clone(),
        query,
        page_size: PAGE_SIZE,
        ..Default::default()
    };
    let mut files = Vec::new();
    loop {
        let page = session.ask(&request).await?;
        for run in page.executions.into_iter().filter_map(|info| info.execution) {
            let file = directory.join(file_name(&run));
            write(&file, &history_text(session, run).await?)?;
            files.push(file.display().to_string());
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    session.format.print(|| json!({ "files": files }), || files.iter().map(|file| format!("{file}\n")).collect());
    Ok(())
}

async fn history_text(session: &Session, run: WorkflowExecution) -> Result<String, Failure> {
    let history = show::history(session, run).await?;
    Ok(format!("{:#}", to_json(&history)))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, format!("{text}\n"))
        .map_err(|error| Failure::new("invalid_argument", format!("cannot write {}: {error}", file.display())))
}

/// The workflow's id, as far as file systems take it, and the run's.
fn file_name(run: &WorkflowExecution) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let id: String = run.workflow_id.chars().map(plain).take(100).collect();
    format!("{}_{}.json", id.trim_start_matches('.'), run.run_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stay_within_their_directory() {
        let run = |id: &str| WorkflowExecution { workflow_id: id.into(), run_id: "run".into() };
        for (id, name) in [("order-1", "order-1_run.json"), ("../a b/ö", "_a_b___run.json"), ("..", "_run.json")] {
            assert_eq!(file_name(&run(id)), name);
        }
    }
}
