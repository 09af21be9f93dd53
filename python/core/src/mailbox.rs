//! What the core has for an asyncio loop: answers to its calls and activity tasks, taken in batches.
//!
//! One byte in a pipe wakes the loop when the box was empty, so a burst costs one wake and no thread of ours ever waits for
//! Python's lock. What brings activity tasks is polled by the loop's own thread when it drains the box: no other thread
//! stands between the core and the loop.

use std::future::Future;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use temporalio_common::protos::coresdk::activity_task::ActivityTask;

use crate::activity;
use crate::connection::Connection;
use crate::runtime::runtime;
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
    bell: PipeWriter,
    /// There is a byte in the pipe, or the loop is about to look.
    rung: AtomicBool,
}

/// Where tokio's side puts answers. Cheap to clone.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

impl Sender {
    pub fn send(&self, id: u64, answer: Answer) {
        self.put(id, answer);
        self.ring();
    }

    /// As [`Sender::send`], from what [`Mailbox::feed`] feeds the box with: the loop looks anyhow.
    pub fn put(&self, id: u64, answer: Answer) {
        lock(&self.0.answers).push((id, answer));
    }

    fn ring(&self) {
        if !self.0.rung.swap(true, Ordering::AcqRel) {
            // A closed pipe says that nobody listens any more.
            let _ = (&self.0.bell).write(&[1]);
        }
    }
}

/// Work that puts answers into the box, polled by the loop's thread.
struct Source {
    work: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    sender: Sender,
    due: AtomicBool,
}

impl Wake for Source {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.due.swap(true, Ordering::AcqRel) {
            self.sender.ring();
        }
    }
}

impl Source {
    /// Polls it if it was woken; false once it is over.
    fn poll(self: &Arc<Self>) -> bool {
        if !self.due.swap(false, Ordering::AcqRel) {
            return true;
        }
        let mut work = lock(&self.work);
        let waker = Waker::from(Arc::clone(self));
        let over = work.as_mut().is_none_or(|work| work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        if over {
            *work = None;
        }
        !over
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The loop's end.
#[pyclass(frozen, module = "ostro._core")]
pub struct Mailbox {
    sender: Sender,
    heard: PipeReader,
    sources: Mutex<Vec<Arc<Source>>>,
}

impl Mailbox {
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Polls `work` whenever the loop drains the box and it has something, until it is over.
    pub fn feed(&self, work: impl Future<Output = ()> + Send + 'static) {
        let sender = self.sender();
        let source = Source { work: Mutex::new(Some(Box::pin(work))), sender, due: AtomicBool::new(false) };
        let source = Arc::new(source);
        lock(&self.sources).push(Arc::clone(&source));
        source.wake();
    }

    fn poll_sources(&self) -> PyResult<()> {
        let _entered = runtime()?.tokio_handle().enter();
        lock(&self.sources).retain(Source::poll);
        Ok(())
    }
}

#[pymethods]
impl Mailbox {
    #[new]
    fn new() -> PyResult<Self> {
        let (heard, bell) = std::io::pipe()?;
        let inner = Inner { answers: Mutex::default(), bell, rung: AtomicBool::new(false) };
        Ok(Self { sender: Sender(Arc::new(inner)), heard, sources: Mutex::default() })
    }

    /// Readable when [`Mailbox::drain`] has something.
    fn fileno(&self) -> i32 {
        self.heard.as_raw_fd()
    }

    /// Everything that came since: `(id, status, value)`, status 0 for an answer, 1 for a task, else `(code, message)`.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rung = &self.sender.0.rung;
        if rung.load(Ordering::Acquire) {
            // One byte is there, or comes right now: it is written by whoever sets `rung`.
            let _ = (&self.heard).read(&mut [0; 1]);
            rung.swap(false, Ordering::AcqRel);
        }
        self.poll_sources()?;
        let answers = std::mem::take(&mut *lock(&self.sender.0.answers));
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
