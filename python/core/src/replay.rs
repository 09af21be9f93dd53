//! Replay of recorded histories against workflow code, without a server.

use std::sync::Arc;

use ostro_wire::json;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_sdk_core::replay::{HistoryForReplay, ReplayWorkerInput};
use temporalio_sdk_core::{Worker, init_replay_worker};

use crate::config::Settings;
use crate::runtime::runtime;
use crate::workflow_thread;

/// Replays one history.
#[pyclass(frozen, module = "ostro._core")]
pub struct Replayer {
    core: Arc<Worker>,
}

#[pymethods]
impl Replayer {
    /// `history` is JSON as Temporal's tools export it.
    #[new]
    fn new(settings: Settings, workflow_id: String, history: &[u8]) -> PyResult<Self> {
        let invalid = |error: &dyn std::fmt::Display| PyValueError::new_err(format!("not a history: {error}"));
        let value = serde_json::from_slice(history).map_err(|error| invalid(&error))?;
        let history: History = json::from_json(value).map_err(|error| invalid(&error))?;
        if history.events.is_empty() {
            return Err(PyValueError::new_err("not a history: it has no events"));
        }
        let histories = futures::stream::iter([HistoryForReplay::new(history, workflow_id)]);
        let _entered = runtime()?.tokio_handle().enter();
        let core = init_replay_worker(ReplayWorkerInput::new(settings.config()?, histories))
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok(Self { core: Arc::new(core) })
    }

    /// As [`crate::worker::Worker::run_workflows`]; ends by itself when the history is through.
    fn run_workflows(&self, activate: Py<PyAny>, done: Py<PyAny>) -> PyResult<()> {
        workflow_thread::start(Arc::clone(&self.core), activate, done)
    }

    fn initiate_shutdown(&self) -> PyResult<()> {
        let _entered = runtime()?.tokio_handle().enter();
        self.core.initiate_shutdown();
        Ok(())
    }
}
