//! Activity tasks as Python sees them, and what became of them.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use temporalio_common::protos::coresdk::activity_result::{
    ActivityExecutionResult, Cancellation, Failure, Success, WillCompleteAsync, activity_execution_result::Status,
};
use temporalio_common::protos::coresdk::activity_task::{ActivityTask, activity_task::Variant};

use crate::{failure, payload, seconds};

const COMPLETED: u8 = 0;
const FAILED: u8 = 1;
const CANCELLED: u8 = 2;
const LATER: u8 = 3;

/// `(token, start, None)`, `(token, None, cancel reason)`, or `(None, None, None)` when no more will come.
pub fn task_to_python<'py>(py: Python<'py>, task: &ActivityTask) -> PyResult<Bound<'py, PyAny>> {
    let token = PyBytes::new(py, &task.task_token);
    match &task.variant {
        Some(Variant::Start(start)) => {
            let execution = start.workflow_execution.as_ref();
            let (workflow_id, run_id) = execution.map_or(("", ""), |w| (&w.workflow_id, &w.run_id));
            let identity = (&start.activity_type, &start.activity_id, &start.workflow_type, workflow_id, run_id);
            let times = (
                seconds::from_timestamp(start.scheduled_time.as_ref()),
                seconds::from_timestamp(start.current_attempt_scheduled_time.as_ref()),
                seconds::from_timestamp(start.started_time.as_ref()),
                seconds::from_duration(start.schedule_to_close_timeout.as_ref()),
                seconds::from_duration(start.start_to_close_timeout.as_ref()),
                seconds::from_duration(start.heartbeat_timeout.as_ref()),
            );
            let start = (
                identity,
                &start.workflow_namespace,
                payload::list_to_python(py, &start.input)?,
                payload::list_to_python(py, &start.heartbeat_details)?,
                payload::map_to_python(py, &start.header_fields)?,
                start.attempt,
                start.is_local,
                times,
            );
            (token, start, py.None()).into_bound_py_any(py)
        }
        Some(Variant::Cancel(cancel)) => (token, py.None(), cancel.reason).into_bound_py_any(py),
        None => (py.None(), py.None(), py.None()).into_bound_py_any(py),
    }
}

/// What Python says became of an activity: an outcome and its payload or failure.
pub fn result_from_python(outcome: u8, value: &Bound<'_, PyAny>) -> PyResult<ActivityExecutionResult> {
    let status = match outcome {
        COMPLETED => Status::Completed(Success { result: Some(payload::from_python(value)?) }),
        FAILED => Status::Failed(Failure { failure: Some(failure::from_python(value)?), ..Default::default() }),
        CANCELLED => Status::Cancelled(Cancellation { failure: Some(failure::from_python(value)?) }),
        LATER => Status::WillCompleteAsync(WillCompleteAsync {}),
        unknown => return Err(PyValueError::new_err(format!("no activity ends with {unknown}"))),
    };
    Ok(ActivityExecutionResult { status: Some(status) })
}
