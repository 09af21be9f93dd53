//! The workflow's own code: all its tasks in one row.

use std::time::SystemTime;

use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use super::{Kind, Outcome, Part, PartKind, Row};

/// Parts that a row shows at most: of a long run the last.
const PARTS_MAX: usize = 400;

/// The tasks of a run.
#[derive(Default)]
pub(super) struct Tasks {
    first: i64,
    parts: Vec<Part>,
    failures: i64,
    count: i64,
    error: String,
    open: bool,
}

impl Tasks {
    /// Takes an event of a workflow task.
    pub(super) fn push(&mut self, event: i64, time: SystemTime, attributes: &Attributes) {
        use Attributes::*;
        match attributes {
            WorkflowTaskScheduledEventAttributes(_) => {
                self.first = if self.first == 0 { event } else { self.first };
                self.count += 1;
                self.begin(PartKind::Queued, time);
            }
            WorkflowTaskStartedEventAttributes(_) => {
                self.end(time);
                self.begin(PartKind::Running, time);
            }
            WorkflowTaskCompletedEventAttributes(_) => {
                self.end(time);
                self.error.clear();
            }
            WorkflowTaskFailedEventAttributes(a) => {
                self.end(time);
                self.failures += 1;
                let said = a.failure.as_ref().map(ostro_explain::failure::line).unwrap_or_default();
                self.error = crate::shown::line(&said);
            }
            WorkflowTaskTimedOutEventAttributes(_) => {
                self.end(time);
                self.failures += 1;
                self.error = "the worker took the task and did not answer in time".to_owned();
            }
            _ => {}
        }
    }

    fn begin(&mut self, kind: PartKind, from: SystemTime) {
        if self.parts.len() >= PARTS_MAX {
            self.parts.remove(0);
        }
        self.parts.push(Part { kind, from, to: None });
        self.open = true;
    }

    fn end(&mut self, at: SystemTime) {
        self.open = false;
        if let Some(part) = self.parts.last_mut().filter(|part| part.to.is_none()) {
            part.to = Some(at);
        }
    }

    /// The row; nothing where no task was ever scheduled.
    pub(super) fn row(&self, now: SystemTime) -> Option<Row> {
        let first = self.parts.first()?;
        let mut row = Row::new(self.first, Kind::WorkflowTask, "its code", "", first.kind, first.from);
        row.parts.clone_from(&self.parts);
        row.outcome = match (self.open, self.error.is_empty()) {
            (true, _) => Outcome::Open,
            (false, true) => Outcome::Done,
            (false, false) => Outcome::Failed,
        };
        row.error.clone_from(&self.error);
        row.detail("Tasks", &self.count.to_string());
        if self.failures > 0 {
            row.detail("Failed", &self.failures.to_string());
        }
        let busy = self.parts.iter().filter(|part| part.kind == PartKind::Running);
        let busy = busy.filter_map(|part| part.to.unwrap_or(now).duration_since(part.from).ok()).sum();
        row.detail("Time on workers", &ostro_explain::duration::text(busy));
        Some(row)
    }
}
