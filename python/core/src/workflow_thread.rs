//! The thread on which workflow code runs: no queue, no event loop between the core and it.

use std::sync::Arc;
use std::thread;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use temporalio_common::protos::coresdk::workflow_activation::WorkflowActivation;
use temporalio_common::protos::coresdk::workflow_completion::{
    Failure as TaskFailure, Success, WorkflowActivationCompletion, workflow_activation_completion::Status,
};
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_sdk_core::{PollError, Worker};

use crate::runtime::runtime;
use crate::{activation, command};

/// Stack of the thread: workflow code may recurse as deep as on Python's main thread.
const STACK_BYTES: usize = 16 * 1024 * 1024;

pub fn start(core: Arc<Worker>, activate: Py<PyAny>, done: Py<PyAny>) -> PyResult<()> {
    let handle = runtime()?.tokio_handle();
    let run = move || {
        loop {
            match handle.block_on(core.poll_workflow_activation()) {
                Ok(activation) => {
                    let completion = Python::attach(|py| run_activation(py, &activate, activation));
                    let core = Arc::clone(&core);
                    // The answer's way to the server is not waited for: other executions have work.
                    handle.spawn(async move { core.complete_workflow_activation(completion).await });
                }
                Err(PollError::ShutDown) => break,
                // A lost connection ends in ShutDown.
                Err(PollError::TonicError(_)) => {}
            }
        }
        Python::attach(|py| {
            if let Err(error) = done.call0(py) {
                error.print(py);
            }
        });
    };
    let thread = thread::Builder::new().name("ostro-workflows".to_owned()).stack_size(STACK_BYTES).spawn(run);
    thread.map(|_| ()).map_err(|error| PyRuntimeError::new_err(format!("no thread for workflows: {error}")))
}

fn run_activation(
    py: Python<'_>,
    activate: &Py<PyAny>,
    activation: WorkflowActivation,
) -> WorkflowActivationCompletion {
    let run_id = activation.run_id.clone();
    let commands = activation::to_python(py, &activation)
        .and_then(|activation| activate.bind(py).call1((activation,)))
        .and_then(|commands| command::list_from_python(&commands));
    let status = match commands {
        Ok(commands) => Status::Successful(Success { commands, ..Default::default() }),
        Err(error) => Status::Failed(TaskFailure { failure: Some(task_failure(py, &error)), ..Default::default() }),
    };
    WorkflowActivationCompletion { run_id, status: Some(status), ..Default::default() }
}

/// The failure of the task (not of the execution): it is tried again.
fn task_failure(py: Python<'_>, error: &PyErr) -> Failure {
    let stack_trace = error.traceback(py).and_then(|traceback| traceback.format().ok()).unwrap_or_default();
    Failure { message: error.to_string(), stack_trace, source: "ostro-python".to_owned(), ..Default::default() }
}
