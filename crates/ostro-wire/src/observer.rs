//! Seeing every call from outside: the hook for metrics and logs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::Code;

/// One finished call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Full protobuf service name.
    pub service: &'static str,
    /// Method name, such as `PollWorkflowTaskQueue`.
    pub method: &'static str,
    /// From dispatch to answer; long polls include their waiting.
    pub duration: Duration,
    /// The answer's code; CANCELLED when the caller went away before the answer.
    pub code: Code,
    /// Whether the call came through a socket.
    pub from_network: bool,
}

/// Told of every call of a known method, after its answer. Called on the calling task: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// Takes note of one finished call.
    fn observe(&self, call: &Call);
}

/// Reports one call when it is finished or dropped, whichever comes first.
pub(crate) struct Observation {
    observer: Arc<dyn Observer>,
    started: Instant,
    call: Call,
}

impl Observation {
    pub(crate) fn begin(
        observer: Arc<dyn Observer>,
        (service, method): (&'static str, &'static str),
        from_network: bool,
    ) -> Self {
        let call = Call { service, method, duration: Duration::ZERO, code: Code::Cancelled, from_network };
        Self { observer, started: Instant::now(), call }
    }

    pub(crate) fn finish(mut self, code: Code) {
        self.call.code = code;
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.call.duration = self.started.elapsed();
        self.observer.observe(&self.call);
    }
}
