//! A worker of one task queue.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use temporalio_common::protos::coresdk::activity_task::ActivityTask;
use temporalio_common::protos::coresdk::{ActivityHeartbeat, ActivityTaskCompletion};
use temporalio_sdk_core::{PollError, Worker as Core, init_worker};

use crate::config::Settings;
use crate::connection::{Connection, answer};
use crate::mailbox::{Answer, Mailbox, Sender};
use crate::runtime::runtime;
use crate::{activity, detached, payload, workflow_thread};

/// Polls one task queue and gives what it gets to Python.
#[pyclass(frozen, module = "ostro._core")]
#[derive(Clone)]
pub struct Worker {
    pub core: Arc<Core>,
}

#[pymethods]
impl Worker {
    #[new]
    fn new(connection: &Connection, settings: Settings) -> PyResult<Self> {
        let runtime = runtime()?;
        let config = settings.config(connection.is_in_process())?;
        let _entered = runtime.tokio_handle().enter();
        let core = init_worker(runtime, config, connection.client())
            .map_err(|error| PyRuntimeError::new_err(format!("the worker does not start: {error}")))?;
        Ok(Self { core: Arc::new(core) })
    }

    /// Asks the server whether the namespace exists and what its limits are.
    fn validate(&self, mailbox: &Mailbox, id: u64) -> PyResult<()> {
        let core = Arc::clone(&self.core);
        answer(mailbox.sender(), id, async move {
            core.validate().await.map_err(|error| tonic::Status::not_found(error.to_string()))?;
            Ok(Answer::Nothing)
        })
    }

    /// Sends each activity task to the mailbox under `id`, and an empty one when no more will come.
    fn poll_activities(&self, mailbox: &Mailbox, id: u64) -> PyResult<()> {
        let (core, sender) = (Arc::clone(&self.core), mailbox.sender());
        mailbox.feed(poll_activities(core, sender, id));
        Ok(())
    }

    /// Starts a thread that calls `activate` with each activation; it answers the commands. `done()` is called at its end.
    fn run_workflows(&self, activate: Py<PyAny>, done: Py<PyAny>) -> PyResult<()> {
        workflow_thread::start(Arc::clone(&self.core), activate, done)
    }

    fn complete_activity(&self, token: Vec<u8>, outcome: u8, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let result = activity::result_from_python(outcome, value)?;
        let core = Arc::clone(&self.core);
        detached::begin(&runtime()?.tokio_handle(), async move {
            // The core has said why in its log; the server notices the missing answer by the activity's timeout.
            let _ =
                core.complete_activity_task(ActivityTaskCompletion { task_token: token, result: Some(result) }).await;
        });
        Ok(())
    }

    fn heartbeat(&self, token: Vec<u8>, details: &Bound<'_, PyAny>) -> PyResult<()> {
        let details = payload::list_from_python(details)?;
        let _entered = runtime()?.tokio_handle().enter();
        self.core.record_activity_heartbeat(ActivityHeartbeat { task_token: token, details });
        Ok(())
    }

    /// Stops polling; tasks under way may finish.
    fn initiate_shutdown(&self) -> PyResult<()> {
        let _entered = runtime()?.tokio_handle().enter();
        self.core.initiate_shutdown();
        Ok(())
    }

    /// Answers when everything under way has been answered.
    fn shutdown(&self, mailbox: &Mailbox, id: u64) -> PyResult<()> {
        let core = Arc::clone(&self.core);
        answer(mailbox.sender(), id, async move {
            core.shutdown().await;
            Ok(Answer::Nothing)
        })
    }
}

async fn poll_activities(core: Arc<Core>, sender: Sender, id: u64) {
    loop {
        let task = match core.poll_activity_task().await {
            Ok(task) => task,
            Err(PollError::ShutDown) => ActivityTask::default(),
            Err(PollError::TonicError(status)) => {
                sender.put(id, Answer::Refused(status.code().into(), status.message().to_owned()));
                continue;
            }
        };
        let over = task.variant.is_none();
        sender.put(id, Answer::Activity(Box::new(task)));
        if over {
            return;
        }
    }
}
