//! The updates of a run.
//!
//! ```text
//! (none) --asked--> Admitted --goes with a task--> Sent --accepted--> Accepted --answered--> Completed
//!                   Admitted <--the task fails---- Sent --rejected, ignored--> (none)
//! ```

use std::collections::BTreeMap;

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

    /// A workflow task takes all that wait with it.
    pub fn send(&mut self) -> Vec<String> {
        let unsent = self.all.iter_mut().filter(|(_, stage)| *stage == Stage::Admitted);
        unsent
            .map(|(id, stage)| {
                *stage = Stage::Sent;
                id.clone()
            })
            .collect()
    }

    pub fn unsend(&mut self) {
        self.all.iter_mut().filter(|(_, s)| *s == Stage::Sent).for_each(|(_, stage)| *stage = Stage::Admitted);
    }

    pub fn accept(&mut self, id: &str, event: i64) {
        if let Some(stage) = self.stage(id) {
            *stage = Stage::Accepted(event);
        }
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
        self.tell(id, Verdict::Rejected, now);
    }

    /// Those that came with the task and of which its worker said nothing.
    pub fn reject_ignored(&mut self, now: &mut Now) {
        let ignored: Vec<_> = self.all.iter().filter(|(_, s)| *s == Stage::Sent).map(|(id, _)| id.clone()).collect();
        ignored.iter().for_each(|id| self.reject(id, now));
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

    /// The process died: what was not accepted is not stored, and nobody waits any more.
    pub fn forget_unstored(&mut self) {
        self.all.retain(|(_, stage)| matches!(stage, Stage::Accepted(_) | Stage::Completed));
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
