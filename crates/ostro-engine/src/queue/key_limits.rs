//! The limit of each fairness key of a queue: the same rate for all, times the weight of the key. Queues of one name keep
//! it in step, whatever versions they are for.

use std::collections::BTreeMap;

use super::rate_limit::{Grant, RateLimit};
use crate::base::time::Time;

/// Keys remembered beyond the moment when they may go again; more are looked through.
const KEYS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct KeyLimits {
    /// Tasks per second of a key of weight 1.
    rate: Option<f64>,
    /// Keys of which a task went lately.
    limits: BTreeMap<Box<str>, RateLimit>,
}

/// What a grant has changed, to be undone.
#[derive(Debug)]
pub(super) struct KeyGrant {
    pub key: Box<str>,
    grant: Grant,
}

impl KeyLimits {
    /// Sets the rate of every key; `false` where it is that already.
    pub(crate) fn set(&mut self, rate: Option<f64>) -> bool {
        let changed = self.rate != rate;
        if changed {
            self.rate = rate;
            self.limits.clear();
        }
        changed
    }

    /// From when on the next task of the key may go: `Time::MIN` for any moment, `Time::MAX` for never.
    pub(crate) fn open_from(&self, key: &str) -> Time {
        match self.rate {
            None => Time::MIN,
            Some(0.0) => Time::MAX,
            Some(_) => self.limits.get(key).map_or(Time::MIN, RateLimit::next),
        }
    }

    /// Takes the key's slot for a task that leaves at `now`; nothing where keys have no limit.
    pub(crate) fn grant(&mut self, key: &str, weight: f32, now: Time) -> Option<KeyGrant> {
        let rate = self.rate?;
        if self.limits.len() > KEYS_MAX {
            self.limits.retain(|_, limit| limit.next() > now);
        }
        let limit = self.limits.entry(key.into()).or_default();
        limit.set(Some(rate * f64::from(weight)));
        Some(KeyGrant { key: key.into(), grant: limit.grant(now) })
    }

    /// What is used of the limit of a key.
    pub(crate) fn used(&self, key: &str) -> Option<&RateLimit> {
        self.limits.get(key)
    }

    /// Takes over what another queue of the same name has used of the limit of a key.
    pub(crate) fn share(&mut self, key: &str, used: &RateLimit) {
        if self.rate.is_some() {
            self.limits.insert(key.into(), used.clone());
        }
    }

    /// The same of all keys.
    pub(crate) fn share_all(&mut self, other: &Self) {
        self.limits.clone_from(&other.limits);
    }

    /// Gives the slot of the key's last grant back.
    pub(crate) fn undo(&mut self, grant: &KeyGrant) {
        if let Some(limit) = self.limits.get_mut(&grant.key) {
            limit.undo(grant.grant);
        }
    }
}
