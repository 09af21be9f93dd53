//! What the doctor says of schedules: for each, what makes it act next.

use std::time::SystemTime;

use ostro_engine::invariants::NextAction;
use ostro_engine::time::Time;
use serde_json::{Value, json};

use super::distance;
use crate::printable;

/// Schedules that are printed one by one; all are counted, and JSON has all.
const SHOWN: usize = 50;

/// A schedule that is as it must be.
#[derive(Debug)]
pub struct Schedule {
    pub namespace: String,
    pub schedule_id: String,
    pub next: NextAction,
}

#[derive(Debug, Default)]
pub struct Schedules {
    all: Vec<Schedule>,
}

impl Schedules {
    pub fn add(&mut self, schedule: Schedule) {
        self.all.push(schedule);
    }

    fn count(&self, of: impl Fn(NextAction) -> bool) -> usize {
        self.all.iter().filter(|schedule| of(schedule.next)).count()
    }

    fn by_time(&self) -> usize {
        self.count(|next| matches!(next, NextAction::Due(_)))
    }

    /// When the first of them acts by time.
    fn next_due(&self) -> Option<Time> {
        let due = |schedule: &Schedule| if let NextAction::Due(due) = schedule.next { Some(due) } else { None };
        self.all.iter().filter_map(due).min()
    }

    pub fn to_json(&self) -> Value {
        json!({
            "actByTime": self.by_time(),
            "waitForRun": self.count(|next| next == NextAction::Run),
            "paused": self.count(|next| next == NextAction::Paused),
            "spent": self.count(|next| next == NextAction::Spent),
            "each": self.all.iter().map(Schedule::to_json).collect::<Vec<_>>(),
        })
    }

    /// Counts, then a line for each; nothing where there are none.
    pub fn to_text(&self, now: SystemTime) -> String {
        if self.all.is_empty() {
            return String::new();
        }
        let mut text = format!("{} schedules, of which\n", self.all.len());
        let next = self.next_due().map(|due| format!(", the next {}", distance(due, now))).unwrap_or_default();
        for (count, what) in [
            (self.by_time(), format!("act by time{next}")),
            (self.count(|next| next == NextAction::Run), "wait for a run of theirs to end".to_owned()),
            (self.count(|next| next == NextAction::Paused), "are paused".to_owned()),
            (self.count(|next| next == NextAction::Spent), "have nothing left to do".to_owned()),
        ] {
            text.push_str(&format!("  {count} {what}\n"));
        }
        for Schedule { namespace, schedule_id, next } in self.all.iter().take(SHOWN) {
            let schedule = format!("{namespace}/{schedule_id}");
            text.push_str(&format!("SCHEDULE {}: {}\n", printable::line(&schedule), sentence(*next, now)));
        }
        if let Some(more @ 1..) = self.all.len().checked_sub(SHOWN) {
            text.push_str(&format!("  and {more} more (--json shows all)\n"));
        }
        text
    }
}

impl Schedule {
    fn to_json(&self) -> Value {
        let (next, due) = match self.next {
            NextAction::Due(due) => ("time", jiff::Timestamp::from_nanosecond(due.nanos().into()).ok()),
            NextAction::Run => ("endOfRun", None),
            NextAction::Paused => ("unpause", None),
            NextAction::Spent => ("nothing", None),
        };
        let due = due.map(|due| due.to_string());
        json!({ "namespace": self.namespace, "scheduleId": self.schedule_id, "wakesBy": next, "due": due })
    }
}

fn sentence(next: NextAction, now: SystemTime) -> String {
    match next {
        NextAction::Due(due) => format!("acts {}", distance(due, now)),
        NextAction::Run => "waits for a run of its own to end".to_owned(),
        NextAction::Paused => "is paused, until somebody unpauses it".to_owned(),
        NextAction::Spent => "has nothing left to do".to_owned(),
    }
}
