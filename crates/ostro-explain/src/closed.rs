//! The sentence on an execution that waits for nothing.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;

use crate::moment;
use crate::reason::{Kind, Reason};

pub(crate) fn reason(info: &WorkflowExecutionInfo, now: SystemTime) -> Reason {
    let how = match info.status() {
        WorkflowExecutionStatus::Completed => "completed",
        WorkflowExecutionStatus::Failed => "failed",
        WorkflowExecutionStatus::Canceled => "was canceled",
        WorkflowExecutionStatus::Terminated => "was terminated",
        WorkflowExecutionStatus::ContinuedAsNew => "continued as a new run",
        WorkflowExecutionStatus::TimedOut => "timed out",
        _ => "ended",
    };
    let when = moment::of(info.close_time.as_ref()).map(|time| format!(" {}", moment::ago(time, now)));
    Reason::new(Kind::Closed, "", format!("Waiting for nothing: it {how}{}.", when.unwrap_or_default()))
}
