//! The thread on which workflow code runs: no queue, no event loop between the core and it.
//!
//! It also drives the answers that it gives to the core, so that none of tokio's threads need wake for them.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use temporalio_common::protos::coresdk::workflow_activation::WorkflowActivation;
use temporalio_common::protos::coresdk::workflow_completion::{
    Failure as TaskFailure, Success, WorkflowActivationCompletion, workflow_activation_completion::Status,
};
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_sdk_core::{PollError, Worker};
use tokio::runtime::Handle;

use crate::runtime::runtime;
use crate::{activation, command};

/// Stack of the thread: workflow code may recurse as deep as on Python's main thread.
const STACK_BYTES: usize = 16 * 1024 * 1024;

pub fn start(core: Arc<Worker>, activate: Py<PyAny>, done: Py<PyAny>) -> PyResult<()> {
    let runtime = runtime()?.tokio_handle();
    // Attached once: Python makes a new thread state at each attachment.
    let run = move || Python::attach(|py| run(py, &runtime, &core, &activate, &done));
    let thread = thread::Builder::new().name("ostro-workflows".to_owned()).stack_size(STACK_BYTES).spawn(run);
    thread.map(|_| ()).map_err(|error| PyRuntimeError::new_err(format!("no thread for workflows: {error}")))
}

/// Answers on their way to the core and to the engine.
type Answers = FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>;

fn run(py: Python<'_>, runtime: &Handle, core: &Arc<Worker>, activate: &Py<PyAny>, done: &Py<PyAny>) {
    let mut answers = Answers::new();
    loop {
        match py.detach(|| runtime.block_on(next(core, &mut answers))) {
            Ok(activation) => {
                let completion = run_activation(py, activate, activation);
                let core = Arc::clone(core);
                answers.push(Box::pin(async move {
                    // The core has said in its log what went wrong.
                    let _ = core.complete_workflow_activation(completion).await;
                }));
            }
            Err(PollError::ShutDown) => break,
            // A lost connection ends in ShutDown.
            Err(PollError::TonicError(_)) => {}
        }
    }
    py.detach(|| runtime.block_on(async { while answers.next().await.is_some() {} }));
    if let Err(error) = done.call0(py) {
        error.print(py);
    }
}

/// The next activation; meanwhile the answers go their way.
async fn next(core: &Worker, answers: &mut Answers) -> Result<WorkflowActivation, PollError> {
    let mut activation = pin!(core.poll_workflow_activation());
    let both = move |context: &mut Context<'_>| {
        while let Poll::Ready(Some(())) = answers.poll_next_unpin(context) {}
        activation.as_mut().poll(context)
    };
    poll_fn(both).await
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
