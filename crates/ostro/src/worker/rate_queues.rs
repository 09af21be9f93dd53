//! The queues of rate limits that have a tenant (`rate_key`): asked for tasks while they are used, and for a while after.
//!
//! `Absent --a workflow calls--> Wanted --nobody calls, no task for a while--> Absent`

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Those of one worker.
#[derive(Default)]
pub(crate) struct RateQueues {
    queues: Mutex<HashMap<String, RateQueue>>,
    /// Told when a queue is wanted that was not.
    pub changed: Notify,
}

struct RateQueue {
    per_second: f64,
    /// Calls of workflows here that wait for their results.
    calls: usize,
    /// When the last call or task began or ended.
    used: Instant,
}

/// A call that waits for its result: its queue is asked for tasks meanwhile.
pub(crate) struct WaitingCall {
    queues: Arc<RateQueues>,
    name: String,
}

impl RateQueues {
    fn queues(&self) -> MutexGuard<'_, HashMap<String, RateQueue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants the queue of a call until that has its result.
    pub fn call(self: &Arc<Self>, name: &str, per_second: f64) -> WaitingCall {
        let mut queues = self.queues();
        let is_new = !queues.contains_key(name);
        let queue = queues.entry(name.to_owned()).or_insert(RateQueue { per_second, calls: 0, used: Instant::now() });
        queue.calls += 1;
        drop(queues);
        if is_new {
            self.changed.notify_one();
        }
        WaitingCall { queues: self.clone(), name: name.to_owned() }
    }

    /// A task of this queue began or ended here.
    pub fn used(&self, name: &str) {
        if let Some(queue) = self.queues().get_mut(name) {
            queue.used = Instant::now();
        }
    }

    /// The queues that should be asked for tasks, with their rates.
    pub fn wanted(&self) -> Vec<(String, f64)> {
        self.queues().iter().map(|(name, queue)| (name.clone(), queue.per_second)).collect()
    }

    /// Forgets the queues that nobody has used for `idle`, and gives their names. `runs` knows whether tasks of one still run.
    pub fn forget_idle(&self, idle: Duration, runs: impl Fn(&str) -> bool) -> Vec<String> {
        let is_idle =
            |name: &String, queue: &mut RateQueue| queue.calls == 0 && queue.used.elapsed() >= idle && !runs(name);
        self.queues().extract_if(is_idle).map(|(name, _)| name).collect()
    }
}

impl Drop for WaitingCall {
    fn drop(&mut self) {
        if let Some(queue) = self.queues.queues().get_mut(&self.name) {
            queue.calls -= 1;
            queue.used = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_wanted_while_calls_wait_or_tasks_run() {
        let queues = Arc::new(RateQueues::default());
        let (first, second) = (queues.call("a", 2.0), queues.call("a", 2.0));
        assert_eq!(queues.wanted(), [("a".to_owned(), 2.0)]);
        drop(first);
        assert!(queues.forget_idle(Duration::ZERO, |_| false).is_empty(), "a call waits");
        drop(second);
        assert!(queues.forget_idle(Duration::from_secs(60), |_| false).is_empty(), "it was used just now");
        assert!(queues.forget_idle(Duration::ZERO, |_| true).is_empty(), "a task runs");
        assert_eq!(queues.forget_idle(Duration::ZERO, |_| false), ["a"]);
        assert!(queues.wanted().is_empty());
    }
}
