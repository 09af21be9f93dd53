//! Bodies: what comes in is counted and must come in time; until an answer is out its request is open.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::codegen::StdError;

use super::budget::Held;
use super::registry::OpenRequest;
use super::stats::NetworkStats;
use super::{Network, Protocol};

/// Slower than this a body is late, once its first time is over.
const BYTES_PER_SECOND_MIN: u64 = 16 << 10;

/// The body of a request. Its errors are statuses: too much is under way, or it did not come in time.
pub struct RequestBody {
    incoming: Incoming,
    held: Held,
    received: usize,
    announced: Option<Announced>,
    clock: Clock,
}

/// The size of a gRPC message, which is read into a buffer of that size: it counts as soon as it is announced.
#[derive(Default)]
struct Announced {
    header: Vec<u8>,
}

/// A byte that says whether the message is compressed, and four for its size.
const GRPC_HEADER_BYTES: usize = 5;

impl Announced {
    /// The size, once enough of the body is there to tell.
    fn size(&mut self, data: &[u8]) -> Option<usize> {
        let missing = GRPC_HEADER_BYTES - self.header.len();
        self.header.extend_from_slice(&data[..missing.min(data.len())]);
        let size: [u8; 4] = self.header.get(1..)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(size)).ok()
    }
}

/// How long the rest may take.
struct Clock {
    due: Instant,
    /// Made when there is something to wait for.
    sleep: Option<Pin<Box<Sleep>>>,
    timeout: Duration,
    stats: Arc<NetworkStats>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, held: Held, protocol: Protocol, network: &Network) -> Self {
        let timeout = network.limits.body_timeout;
        let clock = Clock { due: Instant::now() + timeout, sleep: None, timeout, stats: network.stats.clone() };
        let announced = (protocol == Protocol::Grpc).then(Announced::default);
        Self { incoming, held, received: 0, announced, clock }
    }

    /// Counts what came, and what is to come as far as that is said.
    fn count(&mut self, data: &[u8]) -> Result<(), Status> {
        self.received += data.len();
        self.clock.came(data.len());
        if let Some(size) = self.announced.as_mut().and_then(|announced| announced.size(data)) {
            self.announced = None;
            // What is too large for anybody is refused by its size.
            if size <= self.held.max() {
                self.held.grow_to(size + GRPC_HEADER_BYTES)?;
            }
        }
        self.held.grow_to(self.received)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.held.check()?;
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
            ready!(self.clock.poll_over(context));
            NetworkStats::count(&self.clock.stats.requests_too_slow);
            return Poll::Ready(Some(Err(self.clock.too_slow().into())));
        };
        let Some(frame) = frame else { return Poll::Ready(None) };
        let frame = frame?;
        if let Some(data) = frame.data_ref().cloned() {
            self.count(&data)?;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Clock {
    fn came(&mut self, bytes: usize) {
        let nanos = (bytes as u64).saturating_mul(1_000_000_000) / BYTES_PER_SECOND_MIN;
        self.due += Duration::from_nanos(nanos);
    }

    /// Ready once the time is over.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.due;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(context)
    }

    fn too_slow(&self) -> Status {
        Status::deadline_exceeded(format!(
            "the body of the request did not come in time: body_timeout is {:?}, and a second more for each {} KiB",
            self.timeout,
            BYTES_PER_SECOND_MIN >> 10
        ))
    }
}

/// The body of an answer: its request is open, and holds what it holds, until the last byte has gone.
pub(super) struct ResponseBody<B> {
    pub(super) body: Pin<Box<B>>,
    pub(super) _request: OpenRequest,
    pub(super) _held: Held,
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.body.as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_its_size_in_its_first_bytes_however_they_come() {
        let mut announced = Announced::default();
        assert_eq!(announced.size(&[0, 0]), None);
        assert_eq!(announced.size(&[1, 2]), None);
        assert_eq!(announced.size(&[3, 9, 9]), Some(0x0001_0203));
        assert_eq!(Announced::default().size(&[1, 0, 0, 0, 7, 8, 9]), Some(7));
    }
}
