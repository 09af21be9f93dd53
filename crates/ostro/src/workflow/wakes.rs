//! Who wakes a workflow.
//!
//! What happens in a workflow must follow from its history alone. A wake from inside one of its own polls does (channels,
//! joins, yields between its own futures); so does one by the SDK, for something in the history. Any other comes from
//! outside: a timer of tokio, a socket, a task, a thread. Then the workflow has awaited something that a replay would not repeat.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread::ThreadId;

use temporalio_workflow::__private::sdk::is_sdk_wake;

pub(crate) struct Wakes {
    thread: ThreadId,
    polling: AtomicBool,
    from_inside: AtomicBool,
    from_outside: AtomicBool,
    sdk: Mutex<Option<Waker>>,
    /// Nobody is in the run any more: what is dropped may wake whom it likes.
    closed: AtomicBool,
    /// Called at the first wake from outside.
    on_outside: Box<dyn Fn() + Send + Sync>,
}

impl Wakes {
    pub fn new(on_outside: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            thread: std::thread::current().id(),
            polling: AtomicBool::new(false),
            from_inside: AtomicBool::new(false),
            from_outside: AtomicBool::new(false),
            sdk: Mutex::new(None),
            closed: AtomicBool::new(false),
            on_outside: Box::new(on_outside),
        })
    }

    /// Before a poll; the SDK is woken with `sdk` until the next one.
    pub fn begin(&self, sdk: &Waker) {
        let mut kept = self.sdk.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(sdk)) {
            *kept = Some(sdk.clone());
        }
        self.from_inside.store(false, SeqCst);
        self.polling.store(true, SeqCst);
    }

    /// After a poll: whether something in it woke the workflow, so it must be polled again.
    pub fn end(&self) -> bool {
        self.polling.store(false, SeqCst);
        self.from_inside.swap(false, SeqCst)
    }

    /// Forgets wakes that only make futures look again.
    pub fn forget_inside(&self) {
        self.from_inside.store(false, SeqCst);
    }

    pub fn is_from_outside(&self) -> bool {
        self.from_outside.load(SeqCst)
    }

    pub fn close(&self) {
        self.closed.store(true, SeqCst);
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.closed.load(SeqCst) {
            return;
        }
        let here = std::thread::current().id() == self.thread;
        if here && self.polling.load(SeqCst) {
            self.from_inside.store(true, SeqCst);
            return;
        }
        if !(here && is_sdk_wake()) {
            if !self.from_outside.swap(true, SeqCst) {
                (self.on_outside)();
            }
            return;
        }
        let sdk = self.sdk.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(sdk) = sdk {
            sdk.wake();
        }
    }
}
