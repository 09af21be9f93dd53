//! Commands of random code.

use temporalio_protos::coresdk::{
    common::NamespacedWorkflowExecution,
    workflow_commands::{signal_external_workflow_execution, workflow_command::Variant as Command, *},
};
use temporalio_protos::temporal::api::{
    common::v1::{Payload, RetryPolicy},
    failure::v1::Failure,
};

use crate::program::Op;

/// When a local activity is to be tried again, and since when.
#[derive(Debug, Clone)]
pub(crate) struct DoAgain {
    pub attempt: u32,
    pub original_schedule_time: Option<prost_wkt_types::Timestamp>,
}

pub(crate) fn activity(seq: u32, op: Op) -> Command {
    let what = if op.mode == 2 { "abandon" } else { "activity" };
    Command::ScheduleActivity(ScheduleActivity {
        seq,
        activity_id: format!("{what}-{seq}"),
        activity_type: format!("type-{}", op.flavour),
        task_queue: "queue".to_owned(),
        arguments: vec![payload("in")],
        start_to_close_timeout: seconds(10),
        cancellation_type: op.mode,
        // Which of them are asked for eagerly depends on slots.
        do_not_eagerly_execute: true,
        ..Default::default()
    })
}

pub(crate) fn local(seq: u32, op: Op, again: Option<&DoAgain>) -> Command {
    Command::ScheduleLocalActivity(ScheduleLocalActivity {
        seq,
        activity_id: format!("local-{seq}"),
        activity_type: format!("local-{}", op.flavour),
        attempt: again.map_or(0, |again| again.attempt),
        original_schedule_time: again.and_then(|again| again.original_schedule_time),
        arguments: vec![payload("in")],
        start_to_close_timeout: seconds(60),
        // Each wait becomes a timer: nothing waits in real time.
        local_retry_threshold: seconds(0),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        cancellation_type: op.mode,
        include_arguments_in_marker: op.flavour == 1,
        ..Default::default()
    })
}

pub(crate) fn child(seq: u32, op: Op) -> Command {
    Command::StartChildWorkflowExecution(StartChildWorkflowExecution {
        seq,
        namespace: "default".to_owned(),
        workflow_id: format!("child-{seq}"),
        workflow_type: format!("child-{}", op.flavour),
        task_queue: "elsewhere".to_owned(),
        input: vec![payload("in")],
        cancellation_type: op.mode,
        ..Default::default()
    })
}

pub(crate) fn signal(seq: u32, op: Op) -> Command {
    let target = if op.flavour == 0 {
        signal_external_workflow_execution::Target::ChildWorkflowId("child-1".to_owned())
    } else {
        signal_external_workflow_execution::Target::WorkflowExecution(other())
    };
    Command::SignalExternalWorkflowExecution(SignalExternalWorkflowExecution {
        seq,
        signal_name: format!("signal-{}", op.flavour),
        args: vec![payload("in")],
        target: Some(target),
        ..Default::default()
    })
}

pub(crate) fn cancel_external(seq: u32) -> Command {
    Command::RequestCancelExternalWorkflowExecution(RequestCancelExternalWorkflowExecution {
        seq,
        workflow_execution: Some(other()),
        reason: "why".to_owned(),
    })
}

fn other() -> NamespacedWorkflowExecution {
    NamespacedWorkflowExecution {
        namespace: "default".to_owned(),
        workflow_id: "other".to_owned(),
        run_id: String::new(),
    }
}

pub(crate) fn seconds(seconds: i64) -> Option<prost_wkt_types::Duration> {
    Some(prost_wkt_types::Duration { seconds, nanos: 0 })
}

pub fn payload(text: &str) -> Payload {
    Payload { data: text.as_bytes().to_vec(), ..Payload::default() }
}

pub fn failure(message: &str) -> Failure {
    Failure::application_failure(message.to_owned(), false)
}
