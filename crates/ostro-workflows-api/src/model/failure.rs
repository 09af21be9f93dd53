//! Failures in words.

use serde_json::{Value, json};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;

/// Causes told at most.
const DEPTH_MAX: usize = 20;

/// The message with those of its causes: what failed, then why.
pub(crate) fn failure_message(failure: &Failure) -> String {
    let mut messages: Vec<&str> = Vec::new();
    for failure in chain(failure) {
        let message = failure.message.as_str();
        if !message.is_empty() && messages.last() != Some(&message) {
            messages.push(message);
        }
    }
    messages.join(": ")
}

/// The failure and its causes, outermost first.
fn chain(failure: &Failure) -> impl Iterator<Item = &Failure> {
    std::iter::successors(Some(failure), |failure| failure.cause.as_deref()).take(DEPTH_MAX)
}

/// A failure as JSON: message, type, stack and causes.
pub(crate) fn failure_json(failure: &Failure) -> Value {
    chain(failure).collect::<Vec<_>>().into_iter().rev().fold(Value::Null, |cause, failure| {
        json!({
            "message": failure.message,
            "type": kind(failure),
            "stack_trace": if failure.stack_trace.is_empty() { None } else { Some(&failure.stack_trace) },
            "cause": cause,
        })
    })
}

fn kind(failure: &Failure) -> String {
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) if !info.r#type.is_empty() => info.r#type.clone(),
        Some(FailureInfo::ApplicationFailureInfo(_)) | None => "ApplicationError".to_owned(),
        Some(FailureInfo::TimeoutFailureInfo(_)) => "TimeoutError".to_owned(),
        Some(FailureInfo::CanceledFailureInfo(_)) => "CancelledError".to_owned(),
        Some(FailureInfo::TerminatedFailureInfo(_)) => "TerminatedError".to_owned(),
        Some(FailureInfo::ServerFailureInfo(_)) => "ServerError".to_owned(),
        Some(FailureInfo::ResetWorkflowFailureInfo(_)) => "ResetWorkflowError".to_owned(),
        Some(FailureInfo::ActivityFailureInfo(_)) => "ActivityError".to_owned(),
        Some(FailureInfo::ChildWorkflowExecutionFailureInfo(_)) => "ChildWorkflowError".to_owned(),
        Some(_) => "NexusError".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_its_causes() {
        let cause = Failure { message: "429 from the API".into(), ..Default::default() };
        let failure =
            Failure { message: "Activity task failed".into(), cause: Some(Box::new(cause)), ..Default::default() };
        assert_eq!(failure_message(&failure), "Activity task failed: 429 from the API");
        assert_eq!(failure_json(&failure)["cause"]["message"], "429 from the API");
    }
}
