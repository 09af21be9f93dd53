//! `ostro workflow result`: waiting for the end of an execution.

use ostro_explain::failure;
use ostro_wire::json::to_json;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::Payloads;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::failure::v1::Failure as WireFailure;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest,
};

use crate::arguments::Target;
use crate::failure::Failure;
use crate::payload;
use crate::printable::line;
use crate::session::Session;

/// How an execution ended.
#[derive(Debug, PartialEq)]
enum Outcome {
    Completed(Option<Payloads>),
    Failed(Box<WireFailure>),
    TimedOut,
    Canceled(Option<Payloads>),
    Terminated(String),
}

/// One run's end: its outcome, or the run that goes on in its place.
#[derive(Debug, PartialEq)]
enum End {
    Outcome(Outcome),
    ContinuedBy(String),
}

/// Waits for the execution, and the runs that continue it, and prints the result.
///
/// An execution that did not complete is a failure of the command.
pub async fn result(session: &Session, mut target: Target) -> Result<(), Failure> {
    if target.run_id.is_empty() {
        target.run_id = current_run(session, &target).await?;
    }
    let outcome = loop {
        match end_of(&close_event(session, &target).await?)? {
            End::Outcome(outcome) => break outcome,
            End::ContinuedBy(run_id) => target.run_id = run_id,
        }
    };
    session.format.print_result(&target, &outcome);
    outcome.into_failure(&target.workflow_id)
}

/// The run that the id stands for now, so that one that starts later under the same id is not mistaken for it.
async fn current_run(session: &Session, target: &Target) -> Result<String, Failure> {
    let request = DescribeWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        execution: Some(target.clone().into()),
    };
    let answer = session.ask(&request).await?;
    let execution = answer.workflow_execution_info.and_then(|info| info.execution);
    Ok(execution.unwrap_or_default().run_id)
}

async fn close_event(session: &Session, target: &Target) -> Result<HistoryEvent, Failure> {
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: session.namespace.clone(),
        execution: Some(target.clone().into()),
        wait_new_event: true,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        skip_archival: true,
        ..Default::default()
    };
    loop {
        let page = session.poll(&request).await?;
        if let Some(event) = page.history.and_then(|history| history.events.into_iter().next_back()) {
            return Ok(event);
        }
        request.next_page_token = page.next_page_token;
    }
}

fn end_of(event: &HistoryEvent) -> Result<End, Failure> {
    let (outcome, next_run) = match event.attributes.clone() {
        Some(Attributes::WorkflowExecutionCompletedEventAttributes(closed)) => {
            (Outcome::Completed(closed.result), closed.new_execution_run_id)
        }
        Some(Attributes::WorkflowExecutionFailedEventAttributes(closed)) => {
            (Outcome::Failed(Box::new(closed.failure.unwrap_or_default())), closed.new_execution_run_id)
        }
        Some(Attributes::WorkflowExecutionTimedOutEventAttributes(closed)) => {
            (Outcome::TimedOut, closed.new_execution_run_id)
        }
        Some(Attributes::WorkflowExecutionCanceledEventAttributes(closed)) => {
            (Outcome::Canceled(closed.details), String::new())
        }
        Some(Attributes::WorkflowExecutionTerminatedEventAttributes(closed)) => {
            (Outcome::Terminated(closed.reason), String::new())
        }
        Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(closed)) => {
            return Ok(End::ContinuedBy(closed.new_execution_run_id));
        }
        _ => return Err(Failure::new("internal", format!("event {} does not close a run", event.event_id))),
    };
    Ok(if next_run.is_empty() { End::Outcome(outcome) } else { End::ContinuedBy(next_run) })
}

impl crate::output::Format {
    /// JSON says everything; text is the result alone, so that it can be piped.
    fn print_result(self, target: &Target, outcome: &Outcome) {
        match (self, outcome) {
            (Self::Text, Outcome::Completed(result)) => crate::output::write(&payload::result_text(result.as_ref())),
            (Self::Text, _) => {}
            (Self::Json, outcome) => self.print(|| outcome.to_json(target), String::new),
        }
    }
}

impl Outcome {
    fn status(&self) -> &'static str {
        match self {
            Self::Completed(_) => "COMPLETED",
            Self::Failed(_) => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Canceled(_) => "CANCELED",
            Self::Terminated(_) => "TERMINATED",
        }
    }

    fn to_json(&self, target: &Target) -> Value {
        let mut value = json!({ "workflowId": target.workflow_id, "runId": target.run_id, "status": self.status() });
        match self {
            Self::Completed(result) => value["result"] = payload::result_json(result.as_ref()),
            Self::Failed(failure) => value["failure"] = to_json(&**failure),
            Self::Canceled(details) => value["details"] = payload::result_json(details.as_ref()),
            Self::Terminated(reason) => value["reason"] = reason.clone().into(),
            Self::TimedOut => {}
        }
        value
    }

    fn into_failure(self, workflow_id: &str) -> Result<(), Failure> {
        let (code, what) = match self {
            Self::Completed(_) => return Ok(()),
            Self::Failed(failure) => ("workflow_failed", format!("failed: {}", failure::line(&failure))),
            Self::TimedOut => ("workflow_timed_out", "timed out".to_owned()),
            Self::Canceled(_) => ("workflow_canceled", "was canceled".to_owned()),
            Self::Terminated(reason) if reason.is_empty() => ("workflow_terminated", "was terminated".to_owned()),
            Self::Terminated(reason) => ("workflow_terminated", format!("was terminated: {reason}")),
        };
        let what = line(&what);
        Err(Failure::new(code, format!("workflow \"{workflow_id}\" {what}; see `ostro workflow show {workflow_id}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::history::v1::{
        WorkflowExecutionContinuedAsNewEventAttributes, WorkflowExecutionFailedEventAttributes,
        WorkflowExecutionTerminatedEventAttributes,
    };

    fn end(attributes: Attributes) -> Result<End, Failure> {
        end_of(&HistoryEvent { attributes: Some(attributes), ..Default::default() })
    }

    #[test]
    fn a_retried_or_continued_run_is_followed() {
        let failed =
            WorkflowExecutionFailedEventAttributes { new_execution_run_id: "next".into(), ..Default::default() };
        let continued = WorkflowExecutionContinuedAsNewEventAttributes {
            new_execution_run_id: "newer".into(),
            ..Default::default()
        };
        assert_eq!(end(failed.into()), Ok(End::ContinuedBy("next".into())));
        assert_eq!(end(continued.into()), Ok(End::ContinuedBy("newer".into())));
    }

    #[test]
    fn an_execution_that_did_not_complete_fails_the_command() {
        let terminated = WorkflowExecutionTerminatedEventAttributes { reason: "stuck".into(), ..Default::default() };
        let Ok(End::Outcome(outcome)) = end(terminated.into()) else { panic!("terminated is an end") };
        let target = Target { workflow_id: "w".into(), run_id: "r".into() };
        assert_eq!(
            outcome.to_json(&target).to_string(),
            r#"{"workflowId":"w","runId":"r","status":"TERMINATED","reason":"stuck"}"#
        );
        let failure = outcome.into_failure("w").expect_err("not completed");
        assert_eq!(failure.to_string(), "workflow \"w\" was terminated: stuck; see `ostro workflow show w`");
    }
}
