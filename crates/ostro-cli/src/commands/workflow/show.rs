//! `ostro workflow show`.

use ostro_wire::json::to_json;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;

use super::event;
use crate::arguments::Target;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::session::Session;

/// Prints the history, as a table or as the JSON that Temporal's replayers read; `follow` waits for the end.
pub async fn show(session: &Session, target: Target, follow: bool) -> Result<(), Failure> {
    let request = GetWorkflowExecutionHistoryRequest { wait_new_event: follow, ..request(session, target.into()) };
    match session.format {
        Format::Text => show_table(session, request).await,
        Format::Json if follow => each_page(session, request, |events| events.iter().for_each(print_json_line)).await,
        Format::Json => show_json(session, request).await,
    }
}

async fn show_table(session: &Session, request: GetWorkflowExecutionHistoryRequest) -> Result<(), Failure> {
    let mut header = Some(event::header());
    each_page(session, request, |events| {
        let header = header.take().into_iter();
        header.chain(events.iter().map(event::line)).for_each(|line| output::write(&line));
    })
    .await
}

async fn show_json(session: &Session, request: GetWorkflowExecutionHistoryRequest) -> Result<(), Failure> {
    output::write(&format!("{:#}", to_json(&whole(session, request).await?)));
    Ok(())
}

/// The history of a run as it stands.
pub(super) async fn history(session: &Session, run: WorkflowExecution) -> Result<History, Failure> {
    whole(session, request(session, run)).await
}

fn request(session: &Session, run: WorkflowExecution) -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest {
        namespace: session.namespace.clone(),
        execution: Some(run),
        history_event_filter_type: HistoryEventFilterType::AllEvent.into(),
        skip_archival: true,
        ..Default::default()
    }
}

async fn whole(session: &Session, request: GetWorkflowExecutionHistoryRequest) -> Result<History, Failure> {
    let mut history = History::default();
    each_page(session, request, |events| history.events.extend(events)).await?;
    Ok(history)
}

fn print_json_line(event: &HistoryEvent) {
    output::write(&to_json(event).to_string());
}

async fn each_page(
    session: &Session,
    mut request: GetWorkflowExecutionHistoryRequest,
    mut take: impl FnMut(Vec<HistoryEvent>),
) -> Result<(), Failure> {
    loop {
        let page = if request.wait_new_event { session.poll(&request).await? } else { session.ask(&request).await? };
        take(page.history.unwrap_or_default().events);
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.next_page_token = page.next_page_token;
    }
}
