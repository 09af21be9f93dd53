//! What of the buffer can be started now: overlap policies.

use temporalio_protos::temporal::api::enums::v1::ScheduleOverlapPolicy as Overlap;

use super::state::Schedule;
use super::{ACTIONS_PER_STEP, BUFFER_MAX};
use crate::stored::schedule::BufferedStart;

/// What to do now.
#[derive(Debug, Default, PartialEq)]
pub struct Round {
    /// Started beside whatever runs.
    pub overlapping: Vec<BufferedStart>,
    /// Started since nothing runs.
    pub single: Option<BufferedStart>,
    /// What runs is to be cancelled, or terminated.
    pub cancel: bool,
    pub terminate: bool,
}

impl Schedule {
    /// Takes from the buffer what can be started now, and drops what the policies say.
    pub(crate) fn take_round(&mut self) -> Round {
        let buffered = std::mem::take(&mut self.record.buffered);
        if self.action().is_none() {
            return Round::default();
        }
        let mut round = Round::default();
        let runs = !self.running().is_empty();
        let mut skipped = 0;
        for start in buffered {
            let policy = self.resolve(start.overlap_policy());
            match policy {
                Overlap::AllowAll => round.overlapping.push(start),
                _ if !runs && round.single.is_none() => round.single = Some(start),
                Overlap::BufferAll => self.record.buffered.push(start),
                Overlap::BufferOne if self.record.buffered.is_empty() => self.record.buffered.push(start),
                // Nothing runs yet: it takes the place of the one that would have been started.
                Overlap::CancelOther | Overlap::TerminateOther if !runs => round.single = Some(start),
                Overlap::CancelOther => {
                    round.cancel = true;
                    self.record.buffered.push(start);
                }
                Overlap::TerminateOther => {
                    round.terminate = true;
                    self.record.buffered.push(start);
                }
                _ => skipped += 1,
            }
        }
        self.info_mut().overlap_skipped += skipped;
        if round.cancel || round.terminate {
            // They would be stopped at once.
            round.overlapping.clear();
        }
        round
    }

    /// Whether a backfill can go on: half of the buffer is kept for the specification's own times.
    pub(super) fn may_backfill(&self) -> bool {
        !self.record.backfills.is_empty() && self.record.buffered.len() < BUFFER_MAX / 2
    }

    /// Buffers some of the actions that backfills ask for.
    pub(crate) fn process_backfills(&mut self) {
        let mut left = ACTIONS_PER_STEP;
        while left > 0 && self.may_backfill() {
            let backfill = self.record.backfills[0];
            let (from, to, overlap_policy) = (backfill.from(), backfill.to(), backfill.overlap_policy);
            let next = self.spec.as_ref().and_then(|spec| spec.next(from)).filter(|next| next.time <= to);
            let Some(next) = next else {
                self.record.backfills.remove(0);
                continue;
            };
            self.record.backfills[0].from = next.time.nanos();
            self.buffer(BufferedStart {
                nominal: next.nominal.nanos(),
                actual: next.time.nanos(),
                overlap_policy,
                manual: true,
            });
            left -= 1;
        }
    }
}

impl BufferedStart {
    /// As asked for; see [`Schedule::resolve`].
    pub(crate) fn overlap_policy(&self) -> Overlap {
        Overlap::try_from(self.overlap_policy).unwrap_or_default()
    }
}
