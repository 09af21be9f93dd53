//! The Rust half of the Python package `ostro`.
//!
//! ```text
//!  asyncio loop (activities, client)          workflow thread (one per worker)
//!     ▲ Mailbox: answers and activity tasks      ▲ activation as tuples, commands back
//!     │ drained in batches, one wake a batch     │ called inline, no queue between
//!  ───┴──────────────────────────────────────────┴──────────────────────────────────
//!     temporalio-sdk-core on tokio  ──  the engine in this process, or a server
//! ```
//!
//! Nothing on tokio's threads ever waits for Python's lock: what Python must see is put into a [`mailbox::Mailbox`] or run on
//! the workflow thread.

mod activation;
mod activity;
mod command;
mod config;
mod connection;
mod detached;
mod failure;
mod guard;
mod mailbox;
mod payload;
mod replay;
mod rpc;
mod runtime;
mod seconds;
mod worker;
mod workflow_thread;

use mimalloc::MiMalloc;
use pyo3::prelude::*;

/// The worker core makes and drops small things all the time, on other threads than made them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<mailbox::Mailbox>()?;
    module.add_class::<payload::Payload>()?;
    module.add_class::<connection::Connection>()?;
    module.add_class::<worker::Worker>()?;
    module.add_class::<replay::Replayer>()?;
    module.add_class::<guard::Guarded>()?;
    module.add_function(wrap_pyfunction!(guard::set_in_workflow, module)?)?;
    module.add_function(wrap_pyfunction!(guard::in_workflow, module)?)?;
    module.add_function(wrap_pyfunction!(connection::connect, module)?)?;
    module.add_function(wrap_pyfunction!(connection::is_server, module)?)?;
    Ok(())
}
