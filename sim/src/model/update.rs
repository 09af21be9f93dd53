//! The updates of a run.
//!
//! ```text
//! (none) --asked--> Admitted --goes with a task--> Sent --accepted--> Accepted --answered--> Completed
//!                   Admitted <--the task fails---- Sent --rejected, ignored--> (none)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::run::Now;
use super::{Refusal, Verdict};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Admitted,
    Sent,
    /// With its event.
    Accepted(i64),
    Completed,
}

#[derive(Debug, Default)]
pub struct Updates {
    /// In the order in which they were asked.
    all: Vec<(String, Stage)>,
    /// Those that an event brings to the worker, rather than a message: a reset has admitted them.
    by_event: BTreeSet<String>,
    /// Calls that wait for an answer.
    waiters: BTreeMap<String, Vec<u64>>,
}

/// Updates under way in one run, at most.
const IN_FLIGHT_MAX: usize = 10;

impl Updates {
    fn stage(&mut self, id: &str) -> Option<&mut Stage> {
        self.all.iter_mut().find(|(known, _)| known == id).map(|(_, stage)| stage)
    }

    /// A call asks for an update. True: it is new, and wants a workflow task.
    pub fn ask(&mut self, id: &str, call: u64, open: bool, tasks_fail: bool, now: &mut Now) -> Result<bool, Refusal> {
        match self.stage(id) {
            Some(Stage::Completed) => {
                now.told.push((call, Verdict::Completed));
                return Ok(false);
            }
            Some(_) if open => {
                self.waiters.entry(id.to_owned()).or_default().push(call);
                return Ok(false);
            }
            Some(_) => {
                now.told.push((call, Verdict::Aborted));
                return Ok(false);
            }
            None if !open => return Err(Refusal::NotFound),
            None if tasks_fail => return Err(Refusal::FailedPrecondition),
            None => {}
        }
        let under_way = self.all.iter().filter(|(_, stage)| *stage != Stage::Completed).count();
        if under_way >= IN_FLIGHT_MAX {
            return Err(Refusal::ResourceExhausted);
        }
        self.all.push((id.to_owned(), Stage::Admitted));
        self.waiters.entry(id.to_owned()).or_default().push(call);
        Ok(true)
    }

    pub fn any_unsent(&self) -> bool {
        self.all.iter().any(|(_, stage)| *stage == Stage::Admitted)
    }

    /// A workflow task takes all that wait with it; those that it has messages for.
    pub fn send(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        for (id, stage) in self.all.iter_mut().filter(|(_, stage)| *stage == Stage::Admitted) {
            *stage = Stage::Sent;
            if !self.by_event.contains(id) {
                sent.push(id.clone());
            }
        }
        sent
    }

    /// An event has brought it, again.
    pub fn admit_by_event(&mut self, id: &str) {
        self.all.retain(|(known, _)| known != id);
        self.all.push((id.to_owned(), Stage::Admitted));
        self.by_event.insert(id.to_owned());
    }

    pub fn is_admitted_by_event(&self, id: &str) -> bool {
        self.by_event.contains(id)
    }

    /// Those that an event brought and that no worker has answered.
    pub fn admitted_by_event(&self) -> Vec<String> {
        let waits = |stage: &Stage| matches!(stage, Stage::Admitted | Stage::Sent);
        let waiting = self.all.iter().filter(|(id, stage)| waits(stage) && self.by_event.contains(id));
        waiting.map(|(id, _)| id.clone()).collect()
    }

    /// As events tell of it.
    pub fn was_completed(&mut self, accepted: i64) {
        if let Some((_, stage)) = self.all.iter_mut().find(|(_, stage)| *stage == Stage::Accepted(accepted)) {
            *stage = Stage::Completed;
        }
    }

    /// As events tell of it.
    pub fn was_accepted(&mut self, id: &str, event: i64) {
        self.all.retain(|(known, _)| known != id);
        self.all.push((id.to_owned(), Stage::Accepted(event)));
        self.by_event.remove(id);
    }

    pub fn unsend(&mut self) {
        self.all.iter_mut().filter(|(_, s)| *s == Stage::Sent).for_each(|(_, stage)| *stage = Stage::Admitted);
    }

    /// A worker may also accept one that was forgotten meanwhile: it brings the request with it.
    pub fn accept(&mut self, id: &str, event: i64) {
        self.by_event.remove(id);
        match self.stage(id) {
            Some(stage) => *stage = Stage::Accepted(event),
            None => self.all.push((id.to_owned(), Stage::Accepted(event))),
        }
    }

    /// Whether it is with the worker of the workflow task.
    pub fn is_sent(&self, id: &str) -> bool {
        self.all.iter().any(|(known, stage)| known == id && *stage == Stage::Sent)
    }

    /// The event with which it was accepted, while it is not answered.
    pub fn accepted(&mut self, id: &str) -> Option<i64> {
        match self.stage(id) {
            Some(Stage::Accepted(event)) => Some(*event),
            _ => None,
        }
    }

    pub fn complete(&mut self, id: &str, now: &mut Now) {
        if let Some(stage) = self.stage(id) {
            *stage = Stage::Completed;
        }
        self.tell(id, Verdict::Completed, now);
    }

    pub fn reject(&mut self, id: &str, now: &mut Now) {
        self.all.retain(|(known, _)| known != id);
        self.by_event.remove(id);
        self.tell(id, Verdict::Rejected, now);
    }

    /// Those that came with the task and of which its worker said nothing.
    pub fn reject_ignored(&mut self, now: &mut Now) {
        let ignored: Vec<_> = self.all.iter().filter(|(_, s)| *s == Stage::Sent).map(|(id, _)| id.clone()).collect();
        ignored.iter().for_each(|id| self.reject(id, now));
    }

    /// The server refused what the worker said: those that came with the task end, but for those of history.
    pub fn abort_sent(&mut self, now: &mut Now) {
        let sent = self.all.iter().filter(|(id, stage)| *stage == Stage::Sent && !self.by_event.contains(id));
        let aborted: Vec<_> = sent.map(|(id, _)| id.clone()).collect();
        for id in aborted {
            self.all.retain(|(known, _)| *known != id);
            self.tell(&id, Verdict::Aborted, now);
        }
    }

    /// The run has ended.
    pub fn close(&mut self, now: &mut Now) {
        for (id, stage) in std::mem::take(&mut self.all) {
            if stage != Stage::Completed {
                self.tell(&id, Verdict::Aborted, now);
            }
            if !matches!(stage, Stage::Admitted | Stage::Sent) {
                self.all.push((id, stage));
            }
        }
    }

    /// The process died: what was not accepted is not stored, and nobody waits any more. `with_worker`: a worker still
    /// has its workflow task, and with the history the updates that events brought.
    pub fn forget_unstored(&mut self, with_worker: bool) {
        let by_event = &self.by_event;
        self.all.retain(|(id, stage)| matches!(stage, Stage::Accepted(_) | Stage::Completed) || by_event.contains(id));
        if !with_worker {
            self.unsend();
        }
        self.waiters.clear();
    }

    /// Those that are accepted and not answered.
    pub fn open(&self) -> Vec<String> {
        self.all.iter().filter(|(_, s)| matches!(s, Stage::Accepted(_))).map(|(id, _)| id.clone()).collect()
    }

    fn tell(&mut self, id: &str, verdict: Verdict, now: &mut Now) {
        let calls = self.waiters.remove(id).unwrap_or_default();
        now.told.extend(calls.into_iter().map(|call| (call, verdict)));
    }
}
