//! Timers: `(none) --start--> Running --due--> fired | --cancel--> cancelled`.

use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::history::v1::{TimerFiredEventAttributes, history_event::Attributes};

use crate::base::time::{Time, from_duration};
use crate::config::FOREVER;
use crate::execution::{Execution, Transition};
use crate::stored::execution::Timer;
use crate::stored::persistence::{ItemKey, ItemKind};

impl Transition<'_> {
    /// The timer is due.
    pub(crate) fn fire_timer(&mut self, timer_id: &str) {
        let Some(timer) = self.exec.remove_timer(timer_id) else { return };
        self.record(TimerFiredEventAttributes { timer_id: timer.timer_id, started_event_id: timer.started_event_id });
        self.schedule_workflow_task();
    }
}

impl Execution {
    /// Adds a timer that event `id` started at `time`.
    pub(crate) fn add_timer(&mut self, id: i64, timer_id: &str, timeout: &Option<Duration>, time: Time) {
        let due = time + from_duration(timeout).min(FOREVER);
        self.insert_timer(Timer { timer_id: timer_id.to_owned(), started_event_id: id, due: due.nanos() });
    }

    fn buffered_fire(&self, timer_id: &str) -> Option<(i64, i64)> {
        self.buffered.iter().find_map(|(sequence, event)| match &event.attributes {
            Some(Attributes::TimerFiredEventAttributes(a)) if a.timer_id == timer_id => {
                Some((*sequence, a.started_event_id))
            }
            _ => None,
        })
    }

    /// Whether the timer fired while the workflow task in flight was with its worker.
    pub(crate) fn fired_timer_is_buffered(&self, timer_id: &str) -> bool {
        self.buffered_fire(timer_id).is_some()
    }

    /// Takes back a buffered fire; returns the id of the event that started the timer.
    pub(crate) fn drop_buffered_fire(&mut self, timer_id: &str) -> Option<i64> {
        let (sequence, started_event_id) = self.buffered_fire(timer_id)?;
        self.buffered.remove(&sequence);
        self.touch(ItemKind::BufferedEvent, ItemKey::Id(sequence));
        Some(started_event_id)
    }
}
