//! Requests that wait to be sent by HTTP, and the shell's calls that wait for one.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::call::Answer;
use crate::call::ReplyId;
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers_later};
use crate::execution::nexus::What;
use crate::nexus::outgoing::{OutgoingRequest, TakeOutgoing};
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing {
    /// To the handler of an operation, by its scheduled event id.
    Operation(ExecutionId, i64, What),
    /// A callback, by its number.
    Callback(ExecutionId, i64),
}

/// Namespaces take turns, and in each of them first come is first served: who waits long fails by its own time-out.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: BTreeMap<NamespaceId, VecDeque<Outgoing>>,
    /// Whose turn was last.
    last: NamespaceId,
    takers: VecDeque<ReplyId>,
}

impl Outbox {
    pub(crate) fn offer(&mut self, namespace: NamespaceId, request: Outgoing) {
        self.waiting.entry(namespace).or_default().push_back(request);
    }

    pub(crate) fn withdraw(&mut self, request: Outgoing) {
        for of_namespace in self.waiting.values_mut() {
            of_namespace.retain(|waiting| *waiting != request);
        }
        self.waiting.retain(|_, of_namespace| !of_namespace.is_empty());
    }

    pub(crate) fn add_taker(&mut self, taker: ReplyId) {
        self.takers.push_back(taker);
    }

    /// Forgets a call; false where it is none of these.
    pub(crate) fn remove_taker(&mut self, taker: ReplyId) -> bool {
        let before = self.takers.len();
        self.takers.retain(|other| *other != taker);
        self.takers.len() < before
    }

    pub(crate) fn next_match(&mut self) -> Option<(Outgoing, ReplyId)> {
        if self.waiting.is_empty() {
            return None;
        }
        let taker = self.takers.pop_front()?;
        let after = (Bound::Excluded(self.last), Bound::Unbounded);
        let next = self.waiting.range(after).next().or_else(|| self.waiting.first_key_value());
        let (namespace, _) = next.expect("something waits");
        self.last = *namespace;
        let of_namespace = self.waiting.get_mut(&self.last).expect("it was found");
        let request = of_namespace.pop_front().expect("queues that are empty are removed");
        if of_namespace.is_empty() {
            self.waiting.remove(&self.last);
        }
        Some((request, taker))
    }
}

answers_later! {
    TakeOutgoing: |engine, reply, _request| {
                engine.outbox.add_taker(reply);
                Ok(Outcome::Later)
            };
}

impl<L: Loader> Engine<L> {
    /// Hands a request to the shell; a stale one is dropped and the shell waits on.
    pub(crate) fn hand_out(&mut self, request: Outgoing, taker: ReplyId) {
        let sent = match request {
            Outgoing::Operation(id, event, what) => self.load(id).then(|| self.hand_out_operation(id, event, what)),
            Outgoing::Callback(id, callback) => self.load(id).then(|| self.step(id, |t| t.send_callback(callback))),
        };
        match sent.flatten() {
            Some(request) => self.reply(taker, Ok(Answer::TakeOutgoing(Box::new(Some(request))))),
            None => self.outbox.takers.push_front(taker),
        }
    }

    /// A request did not reach the shell: it is offered again at once.
    pub(crate) fn take_back_outgoing(&mut self, request: &OutgoingRequest) {
        match request {
            OutgoingRequest::Operation { task, .. } => self.take_back_nexus(task),
            OutgoingRequest::Callback { attempt, .. } => {
                if self.load(attempt.execution) {
                    self.step(attempt.execution, |t| t.undo_callback(attempt));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_takers_meet_in_order() {
        let mut outbox = Outbox::default();
        let request = |number| Outgoing::Callback(1, number);
        outbox.add_taker(7);
        assert_eq!(outbox.next_match(), None);
        outbox.offer(1, request(1));
        outbox.offer(1, request(2));
        outbox.withdraw(request(1));
        assert_eq!(outbox.next_match(), Some((request(2), 7)));
        outbox.add_taker(8);
        assert!(outbox.remove_taker(8) && !outbox.remove_taker(8));
        outbox.offer(1, request(3));
        assert_eq!(outbox.next_match(), None);
    }

    #[test]
    fn a_namespace_that_has_much_to_send_lets_others_in_between() {
        let mut outbox = Outbox::default();
        let request = |number| Outgoing::Callback(1, number);
        for number in 0..3 {
            outbox.offer(1, request(number));
        }
        outbox.offer(2, request(10));
        outbox.offer(3, request(20));
        (0..5).for_each(|taker| outbox.add_taker(taker));
        let order: Vec<_> = std::iter::from_fn(|| outbox.next_match()).map(|(request, _)| request).collect();
        assert_eq!(order, [0, 10, 20, 1, 2].map(request));
        assert!(outbox.waiting.is_empty());
    }
}
