//! Temporal failures in one line.

use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;

/// `message (Type)`, followed by its causes: `activity failed: card declined (CardError)`.
pub fn line(failure: &Failure) -> String {
    let own = own_line(failure);
    match &failure.cause {
        Some(cause) => format!("{own}: {}", line(cause)),
        None => own,
    }
}

/// To follow a sentence: `, last error `429 from api.x``; nothing where there was none.
pub(crate) fn last_error(failure: Option<&Failure>) -> String {
    failure.map(|failure| format!(", last error `{}`", line(failure))).unwrap_or_default()
}

fn own_line(failure: &Failure) -> String {
    let message = if failure.message.is_empty() { kind(failure) } else { &failure.message };
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) if !info.r#type.is_empty() => {
            format!("{message} ({})", info.r#type)
        }
        _ => message.to_owned(),
    }
}

fn kind(failure: &Failure) -> &'static str {
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(_)) => "application failure",
        Some(FailureInfo::TimeoutFailureInfo(_)) => "timed out",
        Some(FailureInfo::CanceledFailureInfo(_)) => "canceled",
        Some(FailureInfo::TerminatedFailureInfo(_)) => "terminated",
        Some(FailureInfo::ActivityFailureInfo(_)) => "activity failed",
        Some(FailureInfo::ChildWorkflowExecutionFailureInfo(_)) => "child workflow failed",
        _ => "failure without a message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::failure::v1::{ActivityFailureInfo, ApplicationFailureInfo};

    #[test]
    fn causes_follow_with_their_types() {
        let info = ApplicationFailureInfo { r#type: "CardError".into(), ..Default::default() };
        let cause = Failure {
            message: "card declined".into(),
            failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
            ..Default::default()
        };
        let failure = Failure {
            failure_info: Some(FailureInfo::ActivityFailureInfo(ActivityFailureInfo::default())),
            cause: Some(Box::new(cause)),
            ..Default::default()
        };
        assert_eq!(line(&failure), "activity failed: card declined (CardError)");
    }
}
