//! A history as rows of a timeline: one for each activity, timer, child, message and operation.
//!
//! ```text
//!  activity:  scheduled --started--> running --completed | failed | timed out | canceled--> closed
//!  others alike: what begins a row names it by its event, what follows finds it by that.
//! ```

mod activity;
mod call;
mod message;
mod pending;
mod row;
mod scale;
mod task;

use std::collections::HashMap;
use std::time::SystemTime;

use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

pub(crate) use row::{Detail, Kind, Outcome, Part, PartKind, Row};
pub(crate) use scale::{Scale, Tick};

use crate::moment::time_of;

/// The rows of a run, event by event in their order.
#[derive(Default)]
pub(crate) struct Timeline {
    pub rows: Vec<Row>,
    /// When the run began, and the last thing that is known of it.
    pub started: Option<SystemTime>,
    pub last: Option<SystemTime>,
    /// When it ended.
    pub closed: Option<SystemTime>,
    pub events: i64,
    /// Rows by the event that began them.
    by_event: HashMap<i64, usize>,
    tasks: task::Tasks,
}

impl Timeline {
    /// Takes the next event.
    pub(crate) fn push(&mut self, event: &HistoryEvent) {
        let Some(time) = time_of(event.event_time.as_ref()) else { return };
        self.started.get_or_insert(time);
        self.last = Some(time);
        self.events = event.event_id;
        let Some(attributes) = &event.attributes else { return };
        self.tasks.push(event.event_id, time, attributes);
        let _ = activity::push(self, event.event_id, time, attributes)
            || call::push(self, event.event_id, time, attributes)
            || message::push(self, event.event_id, time, attributes);
        if is_close(attributes) {
            self.closed = Some(time);
            self.close_open_rows(time);
        }
    }

    /// The row of the workflow's own code, and those of its steps after it.
    pub(crate) fn finish(mut self, now: SystemTime) -> Self {
        if let Some(row) = self.tasks.row(now) {
            self.rows.insert(0, row);
        }
        self
    }

    fn begin(&mut self, row: Row) {
        self.by_event.insert(row.event, self.rows.len());
        self.rows.push(row);
    }

    fn of_event(&mut self, event: i64) -> Option<&mut Row> {
        self.by_event.get(&event).and_then(|&at| self.rows.get_mut(at))
    }

    /// What was open when the run ended stays as it was.
    fn close_open_rows(&mut self, time: SystemTime) {
        let open = self.rows.iter_mut().filter(|row| row.outcome == Outcome::Open);
        open.for_each(|row| row.close(time, Outcome::Abandoned));
    }
}

fn is_close(attributes: &Attributes) -> bool {
    use Attributes::*;
    matches!(
        attributes,
        WorkflowExecutionCompletedEventAttributes(_)
            | WorkflowExecutionFailedEventAttributes(_)
            | WorkflowExecutionTimedOutEventAttributes(_)
            | WorkflowExecutionCanceledEventAttributes(_)
            | WorkflowExecutionTerminatedEventAttributes(_)
            | WorkflowExecutionContinuedAsNewEventAttributes(_)
    )
}

#[cfg(test)]
mod tests;
