//! Answers that must reach their caller: a poll's task would wait for its time-out if nobody noticed that it got lost.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

type Loss = Box<dyn FnOnce() + Send>;

/// What is to be done when the answer of a call does not reach its caller. Clones are of one call; when the last of them
/// goes and the answer was not [`delivered`](Self::delivered), it is done. The default one is of a call whose answer cannot
/// get lost: a method that is called directly.
#[derive(Clone, Default)]
pub struct Delivery(Option<Arc<Slot>>);

#[derive(Default)]
struct Slot(Mutex<Option<Loss>>);

impl Delivery {
    /// That of a call which may lose its answer. Whoever makes it says when the answer is delivered.
    pub(crate) fn watching() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether anybody says when the answer is delivered.
    pub(crate) fn is_watching(&self) -> bool {
        self.0.is_some()
    }

    /// Has `lost` called where the answer does not reach its caller: the call is dropped, its deadline passes, or its
    /// connection closes before the answer was written. Replaces what was to be done before.
    pub fn on_loss(&self, lost: impl FnOnce() + Send + 'static) {
        if let Some(slot) = &self.0 {
            *slot.slot() = Some(Box::new(lost));
        }
    }

    /// The caller has the answer.
    pub fn delivered(&self) {
        self.0.iter().for_each(|slot| drop(slot.slot().take()));
    }

    /// The caller will not have the answer.
    pub(crate) fn lost(&self) {
        self.0.iter().for_each(|slot| slot.lose());
    }

    /// Whether there is anything to be done.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| slot.slot().is_some())
    }
}

impl Slot {
    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Loss>> {
        // What is in it is whole whoever panicked meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self) {
        let lost = self.slot().take();
        if let Some(lost) = lost {
            lost();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.lose();
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delivery")
    }
}

/// The body of an answer: delivered when all of it was handed to the connection.
pub(crate) struct Watched {
    body: Body,
    delivery: Delivery,
}

impl Watched {
    pub(crate) fn new(body: Body, delivery: Delivery) -> Self {
        Self { body, delivery }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.delivery.delivered();
        }
        Poll::Ready(frame)
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn counted() -> (Delivery, Arc<AtomicUsize>) {
        let (delivery, losses) = (Delivery::watching(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&losses);
        delivery.on_loss(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        (delivery, losses)
    }

    #[test]
    fn a_call_that_nobody_watches_loses_nothing() {
        let delivery = Delivery::default();
        delivery.on_loss(|| panic!("its answer cannot get lost"));
        assert!(!delivery.is_watched());
    }

    #[test]
    fn a_loss_is_noticed_once_and_a_delivery_is_none() {
        let (delivery, losses) = counted();
        let clone = delivery.clone();
        drop(delivery);
        assert_eq!(losses.load(Ordering::Relaxed), 0, "somebody may still deliver it");
        drop(clone);
        assert_eq!(losses.load(Ordering::Relaxed), 1);
        let (delivery, losses) = counted();
        delivery.delivered();
        drop(delivery);
        assert_eq!(losses.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_body_is_delivered_when_it_was_read_to_its_end() {
        let body = |delivery| Box::pin(Watched::new(Body::new(http_body_util::Full::new(Bytes::from("a"))), delivery));
        let (delivery, losses) = counted();
        drop(body(delivery));
        assert_eq!(losses.load(Ordering::Relaxed), 1, "its connection closed before it was read");
        let (delivery, losses) = counted();
        let mut read = body(delivery);
        std::future::poll_fn(|context| read.as_mut().poll_frame(context)).await.unwrap().unwrap();
        assert!(std::future::poll_fn(|context| read.as_mut().poll_frame(context)).await.is_none());
        drop(read);
        assert_eq!(losses.load(Ordering::Relaxed), 0);
    }
}
