//! Commands as Python writes them: tuples that begin with their kind.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use temporalio_common::protos::coresdk::common::NamespacedWorkflowExecution;
use temporalio_common::protos::coresdk::workflow_commands::workflow_command::Variant;
use temporalio_common::protos::coresdk::workflow_commands::*;
use temporalio_common::protos::temporal::api::common::v1::{Memo, RetryPolicy, SearchAttributes};
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;

use crate::payload::{list_from_python as payloads, map_from_python};
use crate::seconds::{to_duration, to_timestamp};
use crate::{failure, payload};

type Object<'py> = Bound<'py, PyAny>;
type Value = temporalio_common::protos::temporal::api::common::v1::Payload;
type Seconds = Option<f64>;

// The kinds of commands; `_bridge.py` has the same names.
const START_TIMER: u8 = 1;
const CANCEL_TIMER: u8 = 2;
const SCHEDULE_ACTIVITY: u8 = 3;
const SCHEDULE_LOCAL_ACTIVITY: u8 = 4;
const CANCEL_ACTIVITY: u8 = 5;
const CANCEL_LOCAL_ACTIVITY: u8 = 6;
const COMPLETE: u8 = 7;
const FAIL: u8 = 8;
const CONTINUE_AS_NEW: u8 = 9;
const CANCELLED: u8 = 10;
const QUERY_RESULT: u8 = 11;
const UPDATE_RESPONSE: u8 = 12;
const PATCH: u8 = 13;
const START_CHILD: u8 = 14;
const CANCEL_CHILD: u8 = 15;
const SIGNAL_EXTERNAL: u8 = 16;
const CANCEL_EXTERNAL: u8 = 17;
const CANCEL_SIGNAL: u8 = 18;
const UPSERT_SEARCH_ATTRIBUTES: u8 = 19;
const UPSERT_MEMO: u8 = 20;

pub fn list_from_python(commands: &Object<'_>) -> PyResult<Vec<WorkflowCommand>> {
    commands.try_iter()?.map(|command| from_python(&command?)).collect()
}

fn from_python(command: &Object<'_>) -> PyResult<WorkflowCommand> {
    let kind: u8 = command.get_item(0)?.extract()?;
    let (variant, summary) = match kind {
        START_TIMER => start_timer(command)?,
        CANCEL_TIMER => (Variant::CancelTimer(CancelTimer { seq: seq(command)? }), None),
        SCHEDULE_ACTIVITY => schedule_activity(command)?,
        SCHEDULE_LOCAL_ACTIVITY => schedule_local_activity(command)?,
        CANCEL_ACTIVITY => (Variant::RequestCancelActivity(RequestCancelActivity { seq: seq(command)? }), None),
        CANCEL_LOCAL_ACTIVITY => {
            (Variant::RequestCancelLocalActivity(RequestCancelLocalActivity { seq: seq(command)? }), None)
        }
        COMPLETE => {
            let result = Some(payload::from_python(&command.get_item(1)?)?);
            (Variant::CompleteWorkflowExecution(CompleteWorkflowExecution { result }), None)
        }
        FAIL => {
            let failure = Some(failure::from_python(&command.get_item(1)?)?);
            (Variant::FailWorkflowExecution(FailWorkflowExecution { failure }), None)
        }
        CONTINUE_AS_NEW => (continue_as_new(command)?, None),
        CANCELLED => (Variant::CancelWorkflowExecution(CancelWorkflowExecution::default()), None),
        QUERY_RESULT => (query_result(command)?, None),
        UPDATE_RESPONSE => (update_response(command)?, None),
        PATCH => {
            let (_, patch_id, deprecated): (u8, String, bool) = command.extract()?;
            (Variant::SetPatchMarker(SetPatchMarker { patch_id, deprecated }), None)
        }
        START_CHILD => (start_child(command)?, None),
        CANCEL_CHILD => {
            let (_, child_workflow_seq, reason): (u8, u32, String) = command.extract()?;
            let cancel = CancelChildWorkflowExecution { child_workflow_seq, reason };
            (Variant::CancelChildWorkflowExecution(cancel), None)
        }
        SIGNAL_EXTERNAL => (signal_external(command)?, None),
        CANCEL_EXTERNAL => {
            let (_, seq, namespace, workflow_id, run_id, reason): (u8, u32, String, String, String, String) =
                command.extract()?;
            let workflow_execution = Some(NamespacedWorkflowExecution { namespace, workflow_id, run_id });
            let cancel = RequestCancelExternalWorkflowExecution { seq, workflow_execution, reason };
            (Variant::RequestCancelExternalWorkflowExecution(cancel), None)
        }
        CANCEL_SIGNAL => (Variant::CancelSignalWorkflow(CancelSignalWorkflow { seq: seq(command)? }), None),
        UPSERT_SEARCH_ATTRIBUTES => {
            let indexed_fields = map_from_python(&command.get_item(1)?)?;
            let search_attributes = Some(SearchAttributes { indexed_fields });
            (Variant::UpsertWorkflowSearchAttributes(UpsertWorkflowSearchAttributes { search_attributes }), None)
        }
        UPSERT_MEMO => {
            let upserted_memo = Some(Memo { fields: map_from_python(&command.get_item(1)?)? });
            (Variant::ModifyWorkflowProperties(ModifyWorkflowProperties { upserted_memo }), None)
        }
        unknown => return Err(PyValueError::new_err(format!("no command has the kind {unknown}"))),
    };
    let user_metadata = summary.map(|summary| UserMetadata { summary: Some(summary), details: None });
    Ok(WorkflowCommand { user_metadata, variant: Some(variant), ..Default::default() })
}

type WithSummary = (Variant, Option<Value>);

/// The elements from `from` up to `to`: a tuple converts as a whole up to twelve.
fn part<'py>(command: &Object<'py>, from: usize, to: usize) -> PyResult<Bound<'py, PyTuple>> {
    Ok(command.cast::<PyTuple>()?.get_slice(from, to))
}

fn seq(command: &Object<'_>) -> PyResult<u32> {
    command.get_item(1)?.extract()
}

fn summary(summary: &Object<'_>) -> PyResult<Option<Value>> {
    if summary.is_none() { Ok(None) } else { payload::from_python(summary).map(Some) }
}

fn start_timer(command: &Object<'_>) -> PyResult<WithSummary> {
    let (_, seq, span, text): (u8, u32, f64, Object<'_>) = command.extract()?;
    let timer = StartTimer { seq, start_to_fire_timeout: Some(to_duration(span)) };
    Ok((Variant::StartTimer(timer), summary(&text)?))
}

fn retry_policy(policy: &Object<'_>) -> PyResult<Option<RetryPolicy>> {
    if policy.is_none() {
        return Ok(None);
    }
    let (maximum_attempts, backoff_coefficient, initial, maximum, non_retryable_error_types): (
        i32,
        f64,
        Seconds,
        Seconds,
        Vec<String>,
    ) = policy.extract()?;
    Ok(Some(RetryPolicy {
        initial_interval: initial.map(to_duration),
        backoff_coefficient,
        maximum_interval: maximum.map(to_duration),
        maximum_attempts,
        non_retryable_error_types,
    }))
}

fn schedule_activity(command: &Object<'_>) -> PyResult<WithSummary> {
    let (_, seq, activity_id, activity_type, task_queue, arguments): (u8, u32, String, String, String, Object<'_>) =
        part(command, 0, 6)?.extract()?;
    let (to_close, to_start, attempt, heartbeat): (Seconds, Seconds, Seconds, Seconds) =
        part(command, 6, 10)?.extract()?;
    let (retry, cancellation_type, do_not_eagerly_execute, headers, text): (
        Object<'_>,
        i32,
        bool,
        Object<'_>,
        Object<'_>,
    ) = part(command, 10, 15)?.extract()?;
    let activity = ScheduleActivity {
        seq,
        activity_id,
        activity_type,
        task_queue,
        headers: map_from_python(&headers)?,
        arguments: payloads(&arguments)?,
        schedule_to_close_timeout: to_close.map(to_duration),
        schedule_to_start_timeout: to_start.map(to_duration),
        start_to_close_timeout: attempt.map(to_duration),
        heartbeat_timeout: heartbeat.map(to_duration),
        retry_policy: retry_policy(&retry)?,
        cancellation_type,
        do_not_eagerly_execute,
        ..Default::default()
    };
    Ok((Variant::ScheduleActivity(activity), summary(&text)?))
}

fn schedule_local_activity(command: &Object<'_>) -> PyResult<WithSummary> {
    let (_, seq, activity_id, activity_type, arguments): (u8, u32, String, String, Object<'_>) =
        part(command, 0, 5)?.extract()?;
    let (to_close, one_attempt): (Seconds, Seconds) = part(command, 5, 7)?.extract()?;
    let (retry, threshold, cancellation_type, attempt, scheduled, headers, text): (
        Object<'_>,
        Seconds,
        i32,
        u32,
        Seconds,
        Object<'_>,
        Object<'_>,
    ) = part(command, 7, 14)?.extract()?;
    let activity = ScheduleLocalActivity {
        seq,
        activity_id,
        activity_type,
        attempt,
        original_schedule_time: scheduled.map(to_timestamp),
        headers: map_from_python(&headers)?,
        arguments: payloads(&arguments)?,
        schedule_to_close_timeout: to_close.map(to_duration),
        start_to_close_timeout: one_attempt.map(to_duration),
        retry_policy: retry_policy(&retry)?,
        local_retry_threshold: threshold.map(to_duration),
        cancellation_type,
        ..Default::default()
    };
    Ok((Variant::ScheduleLocalActivity(activity), summary(&text)?))
}

fn continue_as_new(command: &Object<'_>) -> PyResult<Variant> {
    let (_, workflow_type, task_queue, arguments, memo, headers): (
        u8,
        String,
        String,
        Object<'_>,
        Object<'_>,
        Object<'_>,
    ) = command.extract()?;
    Ok(Variant::ContinueAsNewWorkflowExecution(ContinueAsNewWorkflowExecution {
        workflow_type,
        task_queue,
        arguments: payloads(&arguments)?,
        memo: map_from_python(&memo)?,
        headers: map_from_python(&headers)?,
        ..Default::default()
    }))
}

fn query_result(command: &Object<'_>) -> PyResult<Variant> {
    let (_, query_id, answered, value): (u8, String, bool, Object<'_>) = command.extract()?;
    let variant = if answered {
        query_result::Variant::Succeeded(QuerySuccess { response: Some(payload::from_python(&value)?) })
    } else {
        query_result::Variant::Failed(failure::from_python(&value)?)
    };
    Ok(Variant::RespondToQuery(QueryResult { query_id, variant: Some(variant) }))
}

const UPDATE_ACCEPTED: u8 = 0;
const UPDATE_REJECTED: u8 = 1;

fn update_response(command: &Object<'_>) -> PyResult<Variant> {
    let (_, protocol_instance_id, outcome, value): (u8, String, u8, Object<'_>) = command.extract()?;
    let response = match outcome {
        UPDATE_ACCEPTED => update_response::Response::Accepted(()),
        UPDATE_REJECTED => update_response::Response::Rejected(failure::from_python(&value)?),
        _ => update_response::Response::Completed(payload::from_python(&value)?),
    };
    Ok(Variant::UpdateResponse(UpdateResponse { protocol_instance_id, response: Some(response) }))
}

fn start_child(command: &Object<'_>) -> PyResult<Variant> {
    let (_, seq, namespace, workflow_id, workflow_type, task_queue, input): (
        u8,
        u32,
        String,
        String,
        String,
        String,
        Object<'_>,
    ) = part(command, 0, 7)?.extract()?;
    let (execution, run): (Seconds, Seconds) = part(command, 7, 9)?.extract()?;
    let (parent_close_policy, cancellation_type, workflow_id_reuse_policy, retry, headers, memo): (
        i32,
        i32,
        i32,
        Object<'_>,
        Object<'_>,
        Object<'_>,
    ) = part(command, 9, 15)?.extract()?;
    Ok(Variant::StartChildWorkflowExecution(StartChildWorkflowExecution {
        seq,
        namespace,
        workflow_id,
        workflow_type,
        task_queue,
        input: payloads(&input)?,
        workflow_execution_timeout: execution.map(to_duration),
        workflow_run_timeout: run.map(to_duration),
        parent_close_policy,
        cancellation_type,
        workflow_id_reuse_policy,
        retry_policy: retry_policy(&retry)?,
        headers: map_from_python(&headers)?,
        memo: map_from_python(&memo)?,
        ..Default::default()
    }))
}

fn signal_external(command: &Object<'_>) -> PyResult<Variant> {
    type Parts<'py> = (u8, u32, String, String, String, Option<String>, String, Object<'py>);
    let (_, seq, namespace, workflow_id, run_id, child, signal_name, args): Parts<'_> = command.extract()?;
    let target = match child {
        Some(id) => signal_external_workflow_execution::Target::ChildWorkflowId(id),
        None => signal_external_workflow_execution::Target::WorkflowExecution(NamespacedWorkflowExecution {
            namespace,
            workflow_id,
            run_id,
        }),
    };
    Ok(Variant::SignalExternalWorkflowExecution(SignalExternalWorkflowExecution {
        seq,
        target: Some(target),
        signal_name,
        args: payloads(&args)?,
        ..Default::default()
    }))
}
