//! The part of a history that is at hand, cut into workflow tasks.
//!
//! A *sequence* is what happened up to the start of a workflow task that was carried out: the completion of the one before with the events
//! of its commands, what came from outside, the scheduling and the start. Tasks that failed, timed out or only said that their worker is
//! alive do not end one. To replay a sequence is to bring the code to the same point where it was when that task began.

mod sequence;

use std::collections::VecDeque;

use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, WorkflowTaskCompletedEventAttributes, history_event::Attributes},
};

pub(crate) use sequence::is_final;

/// Events that were not applied yet, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Contiguous in memory as well: only taken from at the front.
    events: VecDeque<HistoryEvent>,
    /// Events that came with the task, behind pages that are still to be read.
    tail: Vec<HistoryEvent>,
    /// The last task that was completed, as the server says with the task at hand. 0: none.
    pub previous_started: i64,
    /// Everything up to the task at hand is here.
    complete: bool,
}

/// What [`Window::take`] gives.
pub(crate) struct Sequence {
    pub events: Vec<HistoryEvent>,
    /// Nothing follows it.
    pub is_last: bool,
}

impl Window {
    /// `complete`: no page of the history follows.
    pub fn new(events: Vec<HistoryEvent>, previous_started: i64, complete: bool) -> Self {
        Self { events: events.into(), tail: Vec::new(), previous_started, complete }
    }

    /// The same task, when what came with it does not begin where the run is: its pages must be read first.
    pub fn behind_pages(self) -> Self {
        Self { tail: self.events.into(), events: VecDeque::new(), complete: false, ..self }
    }

    /// One more page.
    pub fn extend(&mut self, page: Vec<HistoryEvent>, complete: bool) {
        self.append(page);
        self.complete = complete;
        if complete {
            let tail = std::mem::take(&mut self.tail);
            self.append(tail);
        }
    }

    fn append(&mut self, events: Vec<HistoryEvent>) {
        let last = self.events.back().map_or(0, |event| event.event_id);
        self.events.extend(events.into_iter().skip_while(|event| event.event_id <= last));
        self.events.make_contiguous();
    }

    pub fn first(&self) -> Option<i64> {
        self.events.front().map(|event| event.event_id)
    }

    /// Whether the sequence after `from` is here, with the one that follows it: markers in that one say what the code had seen in this one.
    pub fn reaches(&self, from: i64) -> bool {
        if self.complete {
            return true;
        }
        let events = self.after(from);
        let Some(end) = sequence::end(events, from, false) else { return false };
        sequence::end(&events[end + 1..], events[end].event_id, false).is_some()
    }

    /// Takes the sequence after the start `from`. None: there is nothing after it.
    pub fn take(&mut self, from: i64) -> Option<Sequence> {
        let skipped = self.events.iter().take_while(|event| event.event_id <= from).count();
        self.events.drain(..skipped);
        let count = match sequence::end(self.slice(), from, self.complete) {
            Some(end) => end + 1,
            // An incomplete one at the end of a history: it ended in the middle of a task. A single event is none.
            None if self.events.len() > 1 => self.events.len(),
            None => return None,
        };
        let events = self.events.drain(..count).collect();
        Some(Sequence { events, is_last: self.events.is_empty() && self.complete })
    }

    /// The sequence that [`Window::take`] would give, or what there is of it.
    pub fn peek(&self, from: i64) -> &[HistoryEvent] {
        let events = self.after(from);
        let count = sequence::end(events, from, self.complete).map_or(events.len(), |end| end + 1);
        &events[..count]
    }

    /// The first completion of a task from `from` on.
    pub fn completed_from(&self, from: i64) -> Option<&WorkflowTaskCompletedEventAttributes> {
        self.slice().iter().skip_while(|event| event.event_id < from).find_map(completed)
    }

    fn slice(&self) -> &[HistoryEvent] {
        self.events.as_slices().0
    }

    fn after(&self, from: i64) -> &[HistoryEvent] {
        let events = self.slice();
        let skipped = events.iter().take_while(|event| event.event_id <= from).count();
        // As far as all of it is known already there is nothing to skip: then the caller looks at events it has.
        if skipped == events.len() { events } else { &events[skipped..] }
    }
}

/// The completion of a task, if the event is one.
pub(crate) fn completed(event: &HistoryEvent) -> Option<&WorkflowTaskCompletedEventAttributes> {
    match &event.attributes {
        Some(Attributes::WorkflowTaskCompletedEventAttributes(attributes)) => Some(attributes),
        _ => None,
    }
}

/// Id and type, for errors.
pub(crate) fn name(event: &HistoryEvent) -> (i64, EventType) {
    (event.event_id, event.event_type())
}
