//! The one tokio runtime of the process, with the worker core's telemetry on it.

use std::sync::OnceLock;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use temporalio_common::telemetry::{Logger, TelemetryOptions};
use temporalio_sdk_core::{CoreRuntime, RuntimeOptions, TokioRuntimeBuilder};

/// How often a worker tells the server that it lives, where the server wants to know.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// Threads for the core, the client and the engine: Python runs on one core at a time, they have the next.
const WORKER_THREADS: usize = 2;
/// Says another number of them.
const THREADS_VARIABLE: &str = "OSTRO_CORE_THREADS";
const LOG_VARIABLE: &str = "OSTRO_CORE_LOG";
const LOG_DEFAULT: &str = "error";

static RUNTIME: OnceLock<Result<CoreRuntime, String>> = OnceLock::new();

/// The runtime, started by the first call.
pub fn runtime() -> PyResult<&'static CoreRuntime> {
    let runtime = RUNTIME.get_or_init(|| start().map_err(|error| error.to_string()));
    runtime.as_ref().map_err(|error| PyRuntimeError::new_err(format!("the tokio runtime does not start: {error}")))
}

fn start() -> anyhow::Result<CoreRuntime> {
    let filter = std::env::var(LOG_VARIABLE).unwrap_or_else(|_| LOG_DEFAULT.to_owned());
    let logging = Logger::Console { filter, format: None };
    let options = RuntimeOptions::builder()
        .telemetry_options(TelemetryOptions::builder().logging(logging).build())
        .heartbeat_interval(Some(HEARTBEAT_INTERVAL))
        .build()
        .map_err(anyhow::Error::msg)?;
    let threads =
        std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok()).filter(|threads| *threads > 0);
    let mut builder = TokioRuntimeBuilder::default();
    builder.inner.worker_threads(threads.unwrap_or(WORKER_THREADS)).thread_name("ostro-core");
    CoreRuntime::new(options, builder)
}
