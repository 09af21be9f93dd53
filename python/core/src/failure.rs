//! Failures as Python sees them: `(kind, message, stack_trace, source, cause, info)`, cause of the same form or `None`.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use temporalio_common::protos::temporal::api::common::v1::{ActivityType, Payloads, WorkflowExecution, WorkflowType};
use temporalio_common::protos::temporal::api::failure::v1::{
    ActivityFailureInfo, ApplicationFailureInfo, CanceledFailureInfo, ChildWorkflowExecutionFailureInfo, Failure,
    ServerFailureInfo, TerminatedFailureInfo, TimeoutFailureInfo, failure::FailureInfo,
};

use crate::{payload, seconds};

// The kinds; `_bridge.py` has the same names.
const PLAIN: u8 = 0;
const APPLICATION: u8 = 1;
const TIMEOUT: u8 = 2;
const CANCELED: u8 = 3;
const TERMINATED: u8 = 4;
const SERVER: u8 = 5;
const ACTIVITY: u8 = 6;
const CHILD: u8 = 7;

pub fn to_python<'py>(py: Python<'py>, failure: &Failure) -> PyResult<Bound<'py, PyAny>> {
    let (kind, info) = info_to_python(py, failure)?;
    let cause = match &failure.cause {
        Some(cause) => to_python(py, cause)?,
        None => py.None().into_bound(py),
    };
    (kind, &failure.message, &failure.stack_trace, &failure.source, cause, info).into_bound_py_any(py)
}

pub fn option_to_python<'py>(py: Python<'py>, failure: Option<&Failure>) -> PyResult<Bound<'py, PyAny>> {
    failure.map_or_else(|| Ok(py.None().into_bound(py)), |failure| to_python(py, failure))
}

fn details<'py>(py: Python<'py>, details: Option<&Payloads>) -> PyResult<Bound<'py, PyAny>> {
    let list = details.map_or(&[][..], |details| &details.payloads);
    Ok(payload::list_to_python(py, list)?.into_any())
}

fn info_to_python<'py>(py: Python<'py>, failure: &Failure) -> PyResult<(u8, Bound<'py, PyAny>)> {
    Ok(match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => {
            let delay = seconds::from_duration(info.next_retry_delay.as_ref());
            let details = details(py, info.details.as_ref())?;
            (APPLICATION, (&info.r#type, info.non_retryable, details, delay).into_bound_py_any(py)?)
        }
        Some(FailureInfo::TimeoutFailureInfo(info)) => {
            let details = details(py, info.last_heartbeat_details.as_ref())?;
            (TIMEOUT, (info.timeout_type, details).into_bound_py_any(py)?)
        }
        Some(FailureInfo::CanceledFailureInfo(info)) => {
            (CANCELED, (details(py, info.details.as_ref())?,).into_bound_py_any(py)?)
        }
        Some(FailureInfo::TerminatedFailureInfo(_)) => (TERMINATED, PyTuple::empty(py).into_any()),
        Some(FailureInfo::ServerFailureInfo(info)) => (SERVER, (info.non_retryable,).into_bound_py_any(py)?),
        Some(FailureInfo::ActivityFailureInfo(info)) => {
            let name = info.activity_type.as_ref().map_or("", |kind| &kind.name);
            let events = (info.scheduled_event_id, info.started_event_id);
            (ACTIVITY, (name, &info.activity_id, events, &info.identity, info.retry_state).into_bound_py_any(py)?)
        }
        Some(FailureInfo::ChildWorkflowExecutionFailureInfo(info)) => {
            let name = info.workflow_type.as_ref().map_or("", |kind| &kind.name);
            let (id, run) = info.workflow_execution.as_ref().map_or(("", ""), |w| (&w.workflow_id, &w.run_id));
            let events = (info.initiated_event_id, info.started_event_id);
            (CHILD, (name, id, run, &info.namespace, events, info.retry_state).into_bound_py_any(py)?)
        }
        _ => (PLAIN, PyTuple::empty(py).into_any()),
    })
}

pub fn from_python(failure: &Bound<'_, PyAny>) -> PyResult<Failure> {
    type Parts<'py> = (u8, String, String, String, Bound<'py, PyAny>, Bound<'py, PyAny>);
    let (kind, message, stack_trace, source, cause, info): Parts<'_> = failure.extract()?;
    let cause = if cause.is_none() { None } else { Some(Box::new(from_python(&cause)?)) };
    let failure_info = info_from_python(kind, &info)?;
    Ok(Failure { message, stack_trace, source, cause, failure_info, encoded_attributes: None })
}

fn info_from_python(kind: u8, info: &Bound<'_, PyAny>) -> PyResult<Option<FailureInfo>> {
    Ok(Some(match kind {
        APPLICATION => {
            let (r#type, non_retryable, details, delay): (String, bool, Bound<'_, PyAny>, Option<f64>) =
                info.extract()?;
            FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
                r#type,
                non_retryable,
                details: payload::payloads(payload::list_from_python(&details)?),
                next_retry_delay: delay.map(seconds::to_duration),
                ..Default::default()
            })
        }
        TIMEOUT => {
            let (timeout_type, details): (i32, Bound<'_, PyAny>) = info.extract()?;
            let last_heartbeat_details = payload::payloads(payload::list_from_python(&details)?);
            FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo { timeout_type, last_heartbeat_details })
        }
        CANCELED => {
            let (details,): (Bound<'_, PyAny>,) = info.extract()?;
            let details = payload::payloads(payload::list_from_python(&details)?);
            FailureInfo::CanceledFailureInfo(CanceledFailureInfo { details, ..Default::default() })
        }
        TERMINATED => FailureInfo::TerminatedFailureInfo(TerminatedFailureInfo::default()),
        SERVER => {
            let (non_retryable,): (bool,) = info.extract()?;
            FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable })
        }
        ACTIVITY => {
            let (name, activity_id, events, identity, retry_state): (String, String, (i64, i64), String, i32) =
                info.extract()?;
            FailureInfo::ActivityFailureInfo(ActivityFailureInfo {
                scheduled_event_id: events.0,
                started_event_id: events.1,
                identity,
                activity_type: Some(ActivityType { name }),
                activity_id,
                retry_state,
            })
        }
        CHILD => {
            let (name, workflow_id, run_id, namespace, events, retry_state): (
                String,
                String,
                String,
                String,
                (i64, i64),
                i32,
            ) = info.extract()?;
            FailureInfo::ChildWorkflowExecutionFailureInfo(ChildWorkflowExecutionFailureInfo {
                namespace,
                workflow_execution: Some(WorkflowExecution { workflow_id, run_id }),
                workflow_type: Some(WorkflowType { name }),
                initiated_event_id: events.0,
                started_event_id: events.1,
                retry_state,
            })
        }
        _ => return Ok(None),
    }))
}
