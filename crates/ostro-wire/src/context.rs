//! What a method knows about its call besides the request.

use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::{Delivery, timeout};

/// On the network the answer leaves this long before the caller's own clock ends, at most: tonic would otherwise answer
/// CANCELLED "Timeout expired" in our place.
const ANSWER_MARGIN_MAX: Duration = Duration::from_millis(5);

/// One call's headers, deadline and origin.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// Request headers in lower case, such as `authorization`, `client-name`, `client-version`.
    pub headers: HeaderMap,
    /// When the caller stops waiting (from `grpc-timeout`); `None` when it waits for ever.
    pub deadline: Option<Instant>,
    /// Whether the call came through a socket, rather than from this process.
    pub from_network: bool,
    /// What is to be done when the answer does not reach the caller.
    pub delivery: Delivery,
}

impl CallContext {
    /// A call from this process, without headers and without a deadline.
    pub fn in_process() -> Self {
        Self::default()
    }

    /// A call from this process with headers; a `grpc-timeout` among them is honoured.
    pub fn in_process_with(headers: HeaderMap) -> Self {
        let deadline = timeout::parse(&headers).map(|patience| Instant::now() + patience);
        Self { headers, deadline, ..Self::default() }
    }

    /// A call that arrived through a socket.
    pub fn from_network(headers: HeaderMap) -> Self {
        let deadline =
            timeout::parse(&headers).map(|patience| Instant::now() + patience - ANSWER_MARGIN_MAX.min(patience / 10));
        Self { headers, deadline, from_network: true, ..Self::default() }
    }

    /// The same call with a deadline `patience` from now, if that is earlier than the one it has.
    pub fn with_timeout(mut self, patience: Duration) -> Self {
        let deadline = Instant::now() + patience;
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// The text of a header; `None` when it is absent or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Time left until the deadline, zero when it is over; `None` without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}
