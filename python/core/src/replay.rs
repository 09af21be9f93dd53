//! Replay of recorded histories against workflow code, without a server.

use std::sync::{Arc, Mutex, PoisonError};

use ostro_wire::json;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_sdk_core::replay::{HistoryFeeder, HistoryForReplay, ReplayWorkerInput};
use temporalio_sdk_core::{Worker, init_replay_worker};

use crate::config::Settings;
use crate::runtime::runtime;
use crate::workflow_thread;

/// Replays one history.
#[pyclass(frozen, module = "ostro._core")]
pub struct Replayer {
    core: Arc<Worker>,
    /// Dropped when the history is through: the worker must not end before it has said what went wrong.
    feeder: Mutex<Option<HistoryFeeder>>,
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
        let (feeder, histories) = HistoryFeeder::new(1);
        let handle = runtime()?.tokio_handle();
        handle
            .block_on(feeder.feed(HistoryForReplay::new(history, workflow_id)))
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let _entered = handle.enter();
        let mut config = settings.config(false)?;
        // What went wrong comes with the eviction.
        config.ignore_evicts_on_shutdown = false;
        let core = init_replay_worker(ReplayWorkerInput::new(config, histories))
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok(Self { core: Arc::new(core), feeder: Mutex::new(Some(feeder)) })
    }

    /// As [`crate::worker::Worker::run_workflows`]; ends after [`Replayer::finish`].
    fn run_workflows(&self, activate: Py<PyAny>, done: Py<PyAny>) -> PyResult<()> {
        workflow_thread::start(Arc::clone(&self.core), activate, done)
    }

    /// The history is through.
    fn finish(&self) {
        self.feeder.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
