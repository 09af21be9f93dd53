//! Activations as Python sees them: jobs are tuples that begin with their kind.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use temporalio_common::protos::coresdk::activity_result::activity_resolution::Status as ActivityStatus;
use temporalio_common::protos::coresdk::child_workflow::child_workflow_result::Status as ChildStatus;
use temporalio_common::protos::coresdk::workflow_activation::workflow_activation_job::Variant;
use temporalio_common::protos::coresdk::workflow_activation::{
    InitializeWorkflow, ResolveActivity, ResolveChildWorkflowExecution, ResolveChildWorkflowExecutionStart,
    WorkflowActivation, resolve_child_workflow_execution_start::Status as StartStatus,
};

use crate::{failure, payload, seconds};

// The kinds of jobs; `_bridge.py` has the same names.
const INITIALIZE: u8 = 0;
const FIRE_TIMER: u8 = 1;
const RANDOM_SEED: u8 = 2;
const QUERY: u8 = 3;
const CANCEL: u8 = 4;
const SIGNAL: u8 = 5;
const RESOLVE_ACTIVITY: u8 = 6;
const HAS_PATCH: u8 = 7;
const CHILD_STARTED: u8 = 8;
const CHILD_RESOLVED: u8 = 9;
const SIGNAL_SENT: u8 = 10;
const CANCEL_SENT: u8 = 11;
const UPDATE: u8 = 12;
const REMOVE: u8 = 13;

// What became of an operation.
const COMPLETED: u8 = 0;
const FAILED: u8 = 1;
const CANCELLED: u8 = 2;
const BACKOFF: u8 = 3;

/// `(run_id, timestamp, is_replaying, history_length, history_size, continue_as_new_suggested, jobs)`.
pub fn to_python<'py>(py: Python<'py>, activation: &WorkflowActivation) -> PyResult<Bound<'py, PyAny>> {
    let jobs = PyList::empty(py);
    for job in &activation.jobs {
        if let Some(variant) = &job.variant {
            jobs.append(job_to_python(py, variant)?)?;
        }
    }
    (
        &activation.run_id,
        seconds::from_timestamp(activation.timestamp.as_ref()),
        activation.is_replaying,
        activation.history_length,
        activation.history_size_bytes,
        activation.continue_as_new_suggested,
        jobs,
    )
        .into_bound_py_any(py)
}

fn job_to_python<'py>(py: Python<'py>, job: &Variant) -> PyResult<Bound<'py, PyAny>> {
    match job {
        Variant::InitializeWorkflow(job) => initialize(py, job),
        Variant::FireTimer(job) => (FIRE_TIMER, job.seq).into_bound_py_any(py),
        Variant::UpdateRandomSeed(job) => (RANDOM_SEED, job.randomness_seed).into_bound_py_any(py),
        Variant::QueryWorkflow(job) => {
            let arguments = payload::list_to_python(py, &job.arguments)?;
            (QUERY, &job.query_id, &job.query_type, arguments).into_bound_py_any(py)
        }
        Variant::CancelWorkflow(job) => (CANCEL, &job.reason).into_bound_py_any(py),
        Variant::SignalWorkflow(job) => {
            (SIGNAL, &job.signal_name, payload::list_to_python(py, &job.input)?).into_bound_py_any(py)
        }
        Variant::ResolveActivity(job) => activity(py, job),
        Variant::NotifyHasPatch(job) => (HAS_PATCH, &job.patch_id).into_bound_py_any(py),
        Variant::ResolveChildWorkflowExecutionStart(job) => child_started(py, job),
        Variant::ResolveChildWorkflowExecution(job) => child_resolved(py, job),
        Variant::ResolveSignalExternalWorkflow(job) => {
            (SIGNAL_SENT, job.seq, failure::option_to_python(py, job.failure.as_ref())?).into_bound_py_any(py)
        }
        Variant::ResolveRequestCancelExternalWorkflow(job) => {
            (CANCEL_SENT, job.seq, failure::option_to_python(py, job.failure.as_ref())?).into_bound_py_any(py)
        }
        Variant::DoUpdate(job) => {
            let input = payload::list_to_python(py, &job.input)?;
            (UPDATE, &job.id, &job.protocol_instance_id, &job.name, input, job.run_validator).into_bound_py_any(py)
        }
        Variant::RemoveFromCache(job) => (REMOVE, job.reason, &job.message).into_bound_py_any(py),
        // Nexus operations are not offered, so none can be resolved.
        Variant::ResolveNexusOperationStart(_) | Variant::ResolveNexusOperation(_) => Ok(py.None().into_bound(py)),
    }
}

fn initialize<'py>(py: Python<'py>, job: &InitializeWorkflow) -> PyResult<Bound<'py, PyAny>> {
    let info = PyDict::new(py);
    let parent = job.parent_workflow_info.as_ref();
    info.set_item("parent", parent.map(|p| (&p.namespace, &p.workflow_id, &p.run_id)))?;
    info.set_item("root", job.root_workflow.as_ref().map(|root| (&root.workflow_id, &root.run_id)))?;
    info.set_item("attempt", job.attempt)?;
    info.set_item("cron_schedule", &job.cron_schedule)?;
    info.set_item("continued_run_id", &job.continued_from_execution_run_id)?;
    info.set_item("first_execution_run_id", &job.first_execution_run_id)?;
    info.set_item("execution_timeout", seconds::from_duration(job.workflow_execution_timeout.as_ref()))?;
    info.set_item("run_timeout", seconds::from_duration(job.workflow_run_timeout.as_ref()))?;
    info.set_item("task_timeout", seconds::from_duration(job.workflow_task_timeout.as_ref()))?;
    info.set_item("start_time", seconds::from_timestamp(job.start_time.as_ref()))?;
    info.set_item("headers", payload::map_to_python(py, &job.headers)?)?;
    let memo = job.memo.as_ref().map(|memo| payload::map_to_python(py, &memo.fields)).transpose()?;
    info.set_item("memo", memo)?;
    let attributes = job.search_attributes.as_ref();
    let attributes = attributes.map(|found| payload::map_to_python(py, &found.indexed_fields)).transpose()?;
    info.set_item("search_attributes", attributes)?;
    let arguments = payload::list_to_python(py, &job.arguments)?;
    (INITIALIZE, &job.workflow_type, &job.workflow_id, arguments, job.randomness_seed, info).into_bound_py_any(py)
}

fn activity<'py>(py: Python<'py>, job: &ResolveActivity) -> PyResult<Bound<'py, PyAny>> {
    let (outcome, value) = match job.result.as_ref().and_then(|result| result.status.as_ref()) {
        Some(ActivityStatus::Completed(done)) => (COMPLETED, payload::option_to_python(py, done.result.as_ref())?),
        Some(ActivityStatus::Failed(failed)) => (FAILED, failure::option_to_python(py, failed.failure.as_ref())?),
        Some(ActivityStatus::Cancelled(gone)) => (CANCELLED, failure::option_to_python(py, gone.failure.as_ref())?),
        Some(ActivityStatus::Backoff(wait)) => {
            let backoff = seconds::from_duration(wait.backoff_duration.as_ref());
            let scheduled = seconds::from_timestamp(wait.original_schedule_time.as_ref());
            (BACKOFF, (wait.attempt, backoff, scheduled).into_bound_py_any(py)?)
        }
        None => (COMPLETED, py.None().into_bound(py)),
    };
    (RESOLVE_ACTIVITY, job.seq, outcome, value).into_bound_py_any(py)
}

fn child_started<'py>(py: Python<'py>, job: &ResolveChildWorkflowExecutionStart) -> PyResult<Bound<'py, PyAny>> {
    let (outcome, value) = match &job.status {
        Some(StartStatus::Succeeded(started)) => (COMPLETED, (&started.run_id).into_bound_py_any(py)?),
        Some(StartStatus::Failed(failed)) => {
            (FAILED, (&failed.workflow_id, &failed.workflow_type, failed.cause).into_bound_py_any(py)?)
        }
        Some(StartStatus::Cancelled(gone)) => (CANCELLED, failure::option_to_python(py, gone.failure.as_ref())?),
        None => (COMPLETED, "".into_bound_py_any(py)?),
    };
    (CHILD_STARTED, job.seq, outcome, value).into_bound_py_any(py)
}

fn child_resolved<'py>(py: Python<'py>, job: &ResolveChildWorkflowExecution) -> PyResult<Bound<'py, PyAny>> {
    let (outcome, value) = match job.result.as_ref().and_then(|result| result.status.as_ref()) {
        Some(ChildStatus::Completed(done)) => (COMPLETED, payload::option_to_python(py, done.result.as_ref())?),
        Some(ChildStatus::Failed(failed)) => (FAILED, failure::option_to_python(py, failed.failure.as_ref())?),
        Some(ChildStatus::Cancelled(gone)) => (CANCELLED, failure::option_to_python(py, gone.failure.as_ref())?),
        None => (COMPLETED, py.None().into_bound(py)),
    };
    (CHILD_RESOLVED, job.seq, outcome, value).into_bound_py_any(py)
}
