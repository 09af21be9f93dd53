//! Who polled a queue lately.

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentOptions;

use super::{Poller, PollerSeen};
use crate::base::time::{Span, Time};

/// Identities remembered per queue; beyond it the one that was seen least recently is forgotten.
const IDENTITIES_MAX: usize = 1000;

#[derive(Debug)]
struct Seen {
    last_access: Time,
    rate_per_second: f64,
    deployment: Option<Box<WorkerDeploymentOptions>>,
    /// It has said goodbye, or its connection is gone, and it has not come back.
    left: bool,
}

/// The identities that polled, each with its last poll.
#[derive(Debug, Default)]
pub(super) struct PollerHistory {
    seen: BTreeMap<String, Seen>,
}

impl PollerHistory {
    /// Notes a new poll.
    pub(crate) fn note(&mut self, poller: &Poller, now: Time) {
        let seen = Seen {
            last_access: now,
            rate_per_second: poller.max_tasks_per_second.unwrap_or(0.0),
            deployment: poller.deployment.clone().map(Box::new),
            left: false,
        };
        match self.seen.get_mut(&poller.identity) {
            Some(old) => *old = seen,
            None => {
                self.make_room();
                self.seen.insert(poller.identity.clone(), seen);
            }
        }
    }

    /// Notes that a poll of `identity` waited until `now`.
    pub(crate) fn touch(&mut self, identity: &str, now: Time) {
        if let Some(seen) = self.seen.get_mut(identity) {
            seen.last_access = seen.last_access.max(now);
        }
    }

    /// Notes that nobody of that identity polls any more.
    pub(crate) fn leave(&mut self, identity: &str) {
        if let Some(seen) = self.seen.get_mut(identity) {
            seen.left = true;
        }
    }

    /// Moves every last poll by `span`.
    pub(crate) fn skip(&mut self, span: Span) {
        for seen in self.seen.values_mut() {
            seen.last_access += span;
        }
    }

    /// Everyone seen within `span` before `now`, the most recent first.
    pub(crate) fn list(&self, now: Time, span: Span) -> Vec<PollerSeen> {
        let mut list: Vec<_> = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.last_access >= now - span)
            .map(|(identity, seen)| PollerSeen {
                identity: identity.clone(),
                last_access: seen.last_access,
                rate_per_second: seen.rate_per_second,
                deployment: seen.deployment.as_deref().cloned(),
                left: seen.left,
            })
            .collect();
        list.sort_by_key(|seen| std::cmp::Reverse(seen.last_access));
        list
    }

    fn make_room(&mut self) {
        if self.seen.len() < IDENTITIES_MAX {
            return;
        }
        let oldest = self.seen.iter().min_by_key(|(_, seen)| seen.last_access).map(|(identity, _)| identity.clone());
        if let Some(oldest) = oldest {
            self.seen.remove(&oldest);
        }
    }
}
