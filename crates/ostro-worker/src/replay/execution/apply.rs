//! A sequence of the history is applied.

use std::collections::HashMap;

use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::Execution;
use super::event::Then;
use crate::replay::error::{Error, Result};
use crate::replay::history;
use crate::replay::machine::Incoming;

/// Updates that events brought, by their ids.
pub(super) type Admitted = HashMap<String, Incoming>;

impl Execution {
    /// Applies sequences until the code has something to do, or the replay is over. False: the next page of the history is wanted.
    pub fn apply_ready(&mut self) -> Result<bool> {
        while !self.has_jobs() {
            if !self.is_ready() {
                return Ok(false);
            }
            if self.apply_next()? == 0 || !self.replaying {
                break;
            }
        }
        Ok(true)
    }

    /// Applies the next sequence. Says how many events it had.
    pub fn apply_next(&mut self) -> Result<usize> {
        // The last task of a run that is over must not be applied twice.
        if self.saw_end {
            self.replaying = false;
            return Ok(0);
        }
        let from = self.current_started;
        let (mut events, is_last) =
            self.window.take(from).map_or((Vec::new(), true), |sequence| (sequence.events, sequence.is_last));
        events.retain(|event| event.event_id > self.last_event);
        let count = events.len();
        match events.last() {
            None => self.replaying = false,
            Some(last) => {
                self.locals.task_applied();
                if last.event_type() == EventType::WorkflowTaskStarted {
                    self.next_started = last.event_id;
                }
            }
        }
        self.note_completions(&events);
        let admitted = self.apply_events(events, is_last)?;
        self.look_ahead(from, admitted)?;
        self.release_held_locals()?;
        Ok(count)
    }

    /// Flags and version of the tasks in the sequence, and of the one whose commands its code will give.
    fn note_completions(&mut self, events: &[HistoryEvent]) {
        let next = events.last().and_then(|last| self.window.completed_from(last.event_id));
        for completed in events.iter().filter_map(history::completed).chain(next) {
            self.flags.saw_completed_task(completed);
            self.task_facts.saw_completion(completed);
        }
    }

    fn apply_events(&mut self, events: Vec<HistoryEvent>, is_last: bool) -> Result<Admitted> {
        let mut admitted = Admitted::new();
        let mut then = Then::GoOn;
        let mut events = events.into_iter().peekable();
        while let Some(event) = events.next() {
            let id = event.event_id;
            if id != self.last_event + 1 {
                let what = format!("event {id} of the history follows event {}", self.last_event);
                return Err(Error::fatal(what));
            }
            self.notice_end_of_replay(&event, is_last);
            let update = Incoming::admitted(&event)?;
            let is_update = update.is_some();
            match update {
                Some(update) if self.replaying => drop(admitted.insert(update.instance_id.clone(), update)),
                Some(update) => self.messages.push(update),
                None => {}
            }
            self.deliver_messages(id - 1)?;
            let skipped = is_update || then == Then::SkipNext;
            then = if skipped { Then::GoOn } else { self.apply_event(event, events.peek(), is_last)? };
            self.last_event = id;
        }
        Ok(admitted)
    }

    /// It is over with the first event that no worker has seen: one of the task at hand that does not follow from the code's own commands.
    fn notice_end_of_replay(&mut self, event: &HistoryEvent, is_last: bool) {
        let is_new = is_last
            && event.event_id > self.window.previous_started
            && event.event_type() != EventType::WorkflowTaskCompleted
            && !event.is_command_event();
        self.replaying &= !is_new;
    }

    /// Messages that arrived at `event` or before.
    fn deliver_messages(&mut self, event: i64) -> Result<()> {
        if self.messages.is_empty() {
            return Ok(());
        }
        let (due, later) = std::mem::take(&mut self.messages).into_iter().partition(|message| message.after <= event);
        self.messages = later;
        let due: Vec<Incoming> = due;
        due.into_iter().for_each(|message| self.begin_update(message));
        Ok(())
    }
}

impl Incoming {
    /// The update that the event brings, if it is one: as if its message had come.
    fn admitted(event: &HistoryEvent) -> Result<Option<Self>> {
        let Some(Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted)) = &event.attributes else {
            return Ok(None);
        };
        let missing = || Error::fatal(format!("event {} admits an update and does not have it", event.event_id));
        let request = admitted.request.clone().ok_or_else(missing)?;
        let instance_id = request.meta.as_ref().ok_or_else(missing)?.update_id.clone();
        let message_id = format!("{instance_id}/request");
        Self::new(message_id, instance_id, event.event_id, request).map(Some)
    }
}
