//! Local activities of a run: what is to be begun, what runs, and ends that were found ahead in the history.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use crate::replay::decision::LocalActivity;
use crate::replay::machine::Resolution;

/// A local activity to begin.
#[derive(Debug, Clone)]
pub(crate) struct NewLocal {
    pub request: Arc<LocalActivity>,
    pub original_schedule_time: SystemTime,
}

#[derive(Debug, Default)]
pub(super) struct Locals {
    new: Vec<NewLocal>,
    cancels: Vec<u32>,
    running: BTreeSet<u32>,
    /// In the order of their markers.
    known: VecDeque<(u32, Resolution)>,
    /// Scheduled in a replay and without a marker so far, in the order in which they were scheduled.
    pub awaited: Vec<u32>,
    /// The position of the next activation within the task. Markers carry it, so that a replay shows each end in the activation in which the
    /// code first heard of it. Counted from the task's start: activations that leave no trace, as for refused updates, do not shift it.
    activation: u64,
    ended: bool,
}

impl Locals {
    pub fn begin(&mut self, local: NewLocal) {
        self.new.push(local);
    }

    pub fn cancel(&mut self, seq: u32) {
        self.cancels.push(seq);
    }

    /// It ended, or nobody waits for it.
    pub fn over(&mut self, seq: u32) {
        self.new.retain(|local| local.request.seq != seq);
        self.running.remove(&seq);
    }

    /// What is to be cancelled and begun now.
    pub fn take(&mut self) -> (Vec<u32>, Vec<NewLocal>) {
        if self.ended {
            return Default::default();
        }
        self.running.extend(self.new.iter().map(|local| local.request.seq));
        (std::mem::take(&mut self.cancels), std::mem::take(&mut self.new))
    }

    /// Whether the task must wait.
    pub fn outstanding(&self) -> bool {
        !(self.ended || self.running.is_empty() && self.new.is_empty())
    }

    /// The run ends: nothing is begun or waited for any more.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    pub fn know(&mut self, seq: u32, resolution: Resolution) {
        self.known.push_back((seq, resolution));
    }

    pub fn take_known(&mut self, seq: u32) -> Option<Resolution> {
        let index = self.known.iter().position(|(other, _)| *other == seq)?;
        self.known.remove(index).map(|(_, resolution)| resolution)
    }

    /// The next end that was found ahead; unless `early`, not if it belongs to a later activation.
    pub fn next_known(&self, early: bool) -> Option<u32> {
        let (seq, resolution) = self.known.front()?;
        (early || !self.is_later(resolution)).then_some(*seq)
    }

    pub fn is_held(&self, seq: u32) -> bool {
        self.known.iter().any(|(other, resolution)| *other == seq && self.is_later(resolution))
    }

    fn is_later(&self, resolution: &Resolution) -> bool {
        resolution.activation.is_some_and(|activation| activation > self.activation)
    }

    pub fn task_applied(&mut self) {
        self.activation = 0;
    }

    pub fn activation_sent(&mut self) {
        self.activation += 1;
    }

    pub fn activation(&self) -> u64 {
        self.activation
    }

    /// Takes one back that was not begun.
    pub fn take_back(&mut self, seq: u32) -> Option<NewLocal> {
        let index = self.new.iter().position(|local| local.request.seq == seq)?;
        Some(self.new.remove(index))
    }
}
