//! What the core has for an asyncio loop: answers to its calls and activity tasks, taken in batches.
//!
//! One byte on a socket wakes the loop when the box was empty, so a burst costs one wake and no thread of ours ever waits for
//! Python's lock.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use temporalio_common::protos::coresdk::activity_task::ActivityTask;

use crate::activity;
use crate::connection::Connection;
use crate::worker::Worker;

/// What a call came to.
pub enum Answer {
    Nothing,
    /// Canonical JSON.
    Json(Vec<u8>),
    Connection(Connection),
    Worker(Worker),
    Activity(Box<ActivityTask>),
    /// gRPC status code, message, and what the details say in JSON.
    Refused(i32, String),
}

struct Inner {
    answers: Mutex<Vec<(u64, Answer)>>,
    bell: UnixStream,
}

/// Where tokio's side puts answers. Cheap to clone.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

impl Sender {
    pub fn send(&self, id: u64, answer: Answer) {
        let mut answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push((id, answer));
        if answers.len() == 1 {
            // A full socket means that the loop is already being woken; a closed one that nobody listens any more.
            let _ = (&self.0.bell).write(&[1]);
        }
    }
}

/// The loop's end.
#[pyclass(frozen, module = "ostro._core")]
pub struct Mailbox {
    sender: Sender,
    heard: UnixStream,
}

impl Mailbox {
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }
}

#[pymethods]
impl Mailbox {
    #[new]
    fn new() -> PyResult<Self> {
        let (bell, heard) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok(Self { sender: Sender(Arc::new(Inner { answers: Mutex::default(), bell })), heard })
    }

    /// Readable when [`Mailbox::drain`] has something.
    fn fileno(&self) -> i32 {
        self.heard.as_raw_fd()
    }

    /// Everything that came since: `(id, status, value)`, status 0 for an answer, 1 for a task, else `(code, message)`.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let mut bell = [0; 8];
        let _ = (&self.heard).read(&mut bell);
        let answers = {
            let mut answers = self.sender.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *answers)
        };
        let list = PyList::empty(py);
        for (id, answer) in answers {
            let (status, value) = to_python(py, answer)?;
            list.append((id, status, value))?;
        }
        Ok(list)
    }
}

const ANSWERED: u8 = 0;
const TASK: u8 = 1;
const REFUSED: u8 = 2;

fn to_python(py: Python<'_>, answer: Answer) -> PyResult<(u8, Bound<'_, PyAny>)> {
    Ok(match answer {
        Answer::Nothing => (ANSWERED, py.None().into_bound(py)),
        Answer::Json(json) => (ANSWERED, PyBytes::new(py, &json).into_any()),
        Answer::Connection(connection) => (ANSWERED, connection.into_bound_py_any(py)?),
        Answer::Worker(worker) => (ANSWERED, worker.into_bound_py_any(py)?),
        Answer::Activity(task) => (TASK, activity::task_to_python(py, &task)?),
        Answer::Refused(code, message) => (REFUSED, (code, message).into_bound_py_any(py)?),
    })
}
