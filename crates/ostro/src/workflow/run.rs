//! One run of a workflow, as long as a worker has it in its cache.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use futures_util::future::LocalBoxFuture;
use temporalio_workflow::WorkflowContext;

use crate::error::{Error, Result};
use crate::payload::{Payload, Payloads};
use crate::worker::Shared;
use crate::workflow::adapter::Adapter;
use crate::workflow::entry::WorkflowEntry;
use crate::workflow::operations::Operations;
use crate::workflow::wakes::Wakes;

pub(crate) type QueryHandler = Rc<dyn Fn(Payloads) -> Result<Payload>>;

/// What outlives the entrypoint, because a closed workflow still answers queries. Nothing here refers to the SDK's context.
#[derive(Default)]
pub(crate) struct Kept {
    pub state: RefCell<Option<Rc<dyn Any>>>,
    pub queries: RefCell<BTreeMap<String, QueryHandler>>,
    /// Signals that no `#[signal]` takes, until the workflow asks for them.
    pub signals: RefCell<BTreeMap<String, VecDeque<Payloads>>>,
}

pub(crate) struct Run {
    /// Unique in this process.
    pub number: u64,
    pub entry: &'static WorkflowEntry,
    pub sdk: WorkflowContext<Adapter>,
    pub shared: Arc<Shared>,
    pub kept: Rc<Kept>,
    pub operations: Operations,
    pub wakes: Arc<Wakes>,
    /// Futures that run beside the entrypoint, in the order they were spawned.
    pub background: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    /// Those who wait for a condition.
    conditions: RefCell<Vec<Waker>>,
    /// An error of a handler that ends the workflow.
    pub fatal: RefCell<Option<Error>>,
    /// How often in a row it woke itself.
    pub spins: Cell<u32>,
    /// Handlers of signals and updates that have not ended.
    pub handlers: Cell<u32>,
    /// Numbers that must be the same in a replay: sessions.
    pub counter: Cell<u64>,
}

impl Run {
    pub fn new(
        entry: &'static WorkflowEntry,
        sdk: WorkflowContext<Adapter>,
        shared: Arc<Shared>,
        kept: Rc<Kept>,
    ) -> Rc<Self> {
        let runtime = tokio::runtime::Handle::current();
        let (worker, id, run_id) = (shared.clone(), sdk.workflow_id().to_owned(), sdk.run_id().to_owned());
        let wakes = Wakes::new(move || worker.wake_workflow(&runtime, id.clone(), run_id.clone()));
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Rc::new(Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            entry,
            sdk,
            shared,
            kept,
            operations: Operations::default(),
            wakes,
            background: RefCell::default(),
            conditions: RefCell::default(),
            fatal: RefCell::new(None),
            spins: Cell::new(0),
            handlers: Cell::new(0),
            counter: Cell::new(0),
        })
    }

    /// The state changed: whoever waits looks again, in this workflow task.
    pub fn changed(&self) {
        self.wake_conditions();
        self.progress();
    }

    /// Makes the SDK poll every routine of the run once more.
    pub fn progress(&self) {
        self.sdk.state_mut(|_| ());
    }

    pub fn wake_conditions(&self) {
        for waker in self.conditions.take() {
            waker.wake();
        }
    }

    pub fn wait_for_change(&self, waker: &Waker) {
        let mut conditions = self.conditions.borrow_mut();
        if !conditions.iter().any(|known| known.will_wake(waker)) {
            conditions.push(waker.clone());
        }
    }

    pub fn next_number(&self) -> u64 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    /// Takes apart what refers to the run itself. Nobody is in it any more: it has ended, or left the cache.
    pub fn forget(&self) {
        self.wakes.close();
        self.operations.clear();
        let background = self.background.take();
        drop(background);
    }

    pub fn fail(&self, error: Error) {
        self.fatal.borrow_mut().get_or_insert(error);
        self.changed();
    }
}
