//! The machines of a run, found by what is known of them. What is over is forgotten, so a run that goes on for ever does not grow.

use std::collections::BTreeMap;

use crate::replay::error::{Error, Result};
use crate::replay::machine::Machine;

/// A machine's place.
pub(super) type SlotId = usize;

/// What the code numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Timer,
    Activity,
    LocalActivity,
    Child,
    Signal,
    CancelExternal,
    Nexus,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Activity => "activity",
            Self::LocalActivity => "local activity",
            Self::Child => "child workflow",
            Self::Signal => "signal",
            Self::CancelExternal => "request to cancel",
            Self::Nexus => "Nexus operation",
        }
    }
}

#[derive(Debug)]
struct Slot {
    machine: Machine,
    key: Option<(Kind, u32)>,
    /// The event that it is known by.
    event: Option<i64>,
    update: Option<String>,
    /// Its commands that wait to be sent, or for their events.
    queued: u32,
}

#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Option<Slot>>,
    free: Vec<SlotId>,
    by_key: BTreeMap<(Kind, u32), SlotId>,
    by_event: BTreeMap<i64, SlotId>,
    by_update: BTreeMap<String, SlotId>,
    /// The greatest number of each kind so far.
    seen: BTreeMap<Kind, u32>,
}

impl Slots {
    pub fn insert(&mut self, machine: Machine, key: Option<(Kind, u32)>) -> SlotId {
        let id = self.place(Slot { machine, key, event: None, update: None, queued: 0 });
        if let Some(key) = key {
            self.by_key.insert(key, id);
            let seen = self.seen.entry(key.0).or_default();
            *seen = key.1.max(*seen);
        }
        id
    }

    pub fn insert_update(&mut self, machine: Machine, instance: String) -> SlotId {
        let update = Some(instance.clone());
        let id = self.place(Slot { machine, key: None, event: None, update, queued: 0 });
        self.by_update.insert(instance, id);
        id
    }

    fn place(&mut self, slot: Slot) -> SlotId {
        match self.free.pop() {
            Some(id) => {
                self.slots[id] = Some(slot);
                id
            }
            None => {
                self.slots.push(Some(slot));
                self.slots.len() - 1
            }
        }
    }

    pub fn get(&self, id: SlotId) -> Option<&Machine> {
        self.slots.get(id)?.as_ref().map(|slot| &slot.machine)
    }

    pub fn get_mut(&mut self, id: SlotId) -> Option<&mut Machine> {
        self.slots.get_mut(id)?.as_mut().map(|slot| &mut slot.machine)
    }

    /// The machine of a number; None if it is over.
    ///
    /// # Errors
    /// There never was one.
    pub fn find(&self, kind: Kind, seq: u32) -> Result<Option<SlotId>> {
        let found = self.by_key.get(&(kind, seq)).copied();
        if found.is_none() && self.seen.get(&kind).is_none_or(|seen| *seen < seq) {
            return Err(Error::nondeterminism(format!("the code has no {} {seq}", kind.name())));
        }
        Ok(found)
    }

    pub fn of_event(&self, event: i64) -> Option<SlotId> {
        self.by_event.get(&event).copied()
    }

    pub fn of_update(&self, instance: &str) -> Option<SlotId> {
        self.by_update.get(instance).copied()
    }

    /// Further events name this one.
    pub fn known_by(&mut self, id: SlotId, event: i64) {
        if let Some(slot) = self.slots.get_mut(id).and_then(Option::as_mut)
            && slot.event.is_none()
        {
            slot.event = Some(event);
            self.by_event.insert(event, id);
        }
    }

    /// A command of it is queued.
    pub fn queued(&mut self, id: SlotId) {
        if let Some(slot) = self.slots.get_mut(id).and_then(Option::as_mut) {
            slot.queued += 1;
        }
    }

    /// A command of it is queued no more.
    pub fn unqueued(&mut self, id: SlotId) {
        if let Some(slot) = self.slots.get_mut(id).and_then(Option::as_mut) {
            slot.queued = slot.queued.saturating_sub(1);
        }
        self.forget_if_over(id);
    }

    pub fn forget_if_over(&mut self, id: SlotId) {
        let over = |slot: &Slot| slot.queued == 0 && slot.machine.is_over();
        let Some(slot) = self.slots.get_mut(id).and_then(|slot| slot.take_if(|slot| over(slot))) else { return };
        self.free.push(id);
        if let Some(key) = slot.key {
            self.by_key.remove(&key);
        }
        if let Some(event) = slot.event {
            self.by_event.remove(&event);
        }
        if let Some(update) = slot.update {
            self.by_update.remove(&update);
        }
    }

    /// How many machines are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
