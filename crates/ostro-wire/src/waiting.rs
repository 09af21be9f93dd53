//! How many calls of one namespace wait for something to happen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::Status;

/// Calls of one namespace that may wait at a time.
pub(crate) const WAITING_MAX: usize = 20_000;

/// Whether a method may wait for a worker, or for an execution to go on.
pub(crate) fn may_wait(method: &str) -> bool {
    const WAITING: [&str; 5] = [
        "GetWorkflowExecutionHistory",
        "UpdateWorkflowExecution",
        "QueryWorkflow",
        "ExecuteMultiOperation",
        "DescribeActivityExecution",
    ];
    method.starts_with("Poll") || WAITING.contains(&method)
}

/// The calls that wait now.
#[derive(Default)]
pub(crate) struct Waiting {
    by_namespace: Mutex<HashMap<String, usize>>,
}

/// A call that waits; it no longer does once this is dropped.
pub(crate) struct WaitingCall {
    all: Arc<Waiting>,
    namespace: String,
}

impl Waiting {
    /// Counts one more call of a namespace.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where `max` wait already.
    pub(crate) fn enter(self: &Arc<Self>, namespace: String, max: usize) -> Result<WaitingCall, Status> {
        let mut waiting = self.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.get(&namespace).copied().unwrap_or(0);
        if count >= max {
            return Err(Status::resource_exhausted(format!(
                "{count} calls of namespace {namespace} wait already: polls, waits for results, updates and queries. Wait for \
                 fewer at a time, or keep fewer polls open"
            )));
        }
        waiting.insert(namespace.clone(), count + 1);
        drop(waiting);
        Ok(WaitingCall { all: self.clone(), namespace })
    }
}

impl Drop for WaitingCall {
    fn drop(&mut self) {
        let mut waiting = self.all.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get_mut(&self.namespace) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(waiting.remove(&self.namespace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_namespace_that_waits_too_often_keeps_no_other_from_it() {
        let waiting = Arc::new(Waiting::default());
        let enter = |namespace: &str| waiting.enter(namespace.to_owned(), 2);
        let calls = [enter("a").unwrap(), enter("a").unwrap(), enter("b").unwrap()];
        assert!(enter("a").err().unwrap().message().contains("2 calls of namespace a wait already"));
        enter("b").unwrap();
        drop(calls);
        enter("a").unwrap();
        assert!(waiting.by_namespace.lock().unwrap().is_empty());
        assert!(may_wait("PollNexusTaskQueue") && !may_wait("StartWorkflowExecution"));
    }
}
