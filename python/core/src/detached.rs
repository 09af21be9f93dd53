//! Work that begins on the thread that asks for it, and goes to tokio only where it must wait.
//!
//! Handing a future to tokio wakes one of its threads. Most of what Python asks for is done, or handed on to another
//! thread, within its first poll.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use tokio::runtime::Handle;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

enum State {
    /// Its first poll is under way; `woken` once it is to go on.
    Begins {
        woken: bool,
    },
    Waits(Work),
    /// It is over, or tokio has it.
    Gone,
}

struct Detached {
    state: Mutex<State>,
    runtime: Handle,
}

/// Polls `work` here, once; what is left of it then runs on the runtime when it is woken.
pub fn begin(runtime: &Handle, work: impl Future<Output = ()> + Send + 'static) {
    let _entered = runtime.enter();
    let detached = Arc::new(Detached { state: Mutex::new(State::Begins { woken: false }), runtime: runtime.clone() });
    let mut work: Work = Box::pin(work);
    let waker = Waker::from(Arc::clone(&detached));
    if work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        detached.wait(work);
    }
}

impl Detached {
    fn wait(&self, work: Work) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Begins { woken: true }) {
            *state = State::Gone;
            drop(state);
            drop(self.runtime.spawn(work));
        } else {
            *state = State::Waits(work);
        }
    }
}

impl Wake for Detached {
    fn wake(self: Arc<Self>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Gone) {
            State::Begins { .. } => *state = State::Begins { woken: true },
            State::Waits(work) => {
                drop(state);
                drop(self.runtime.spawn(work));
            }
            State::Gone => {}
        }
    }
}
