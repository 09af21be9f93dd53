//! Where a sequence ends.

use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

/// The index of the last event of the first sequence in `events` after the start `from`; None if it is not all there. Unless the history is
/// `complete` the events behind a start must be known: they may say that it came to nothing.
pub(super) fn end(events: &[HistoryEvent], from: i64, complete: bool) -> Option<usize> {
    let mut seen = Seen::default();
    for (index, event) in events.iter().enumerate().filter(|(_, event)| event.event_id > from) {
        if is_final(event.event_type()) {
            return Some(index);
        }
        if event.is_command_event() {
            seen.command = true;
            seen.substance = true;
        }
        seen.substance |= event.event_type() == EventType::WorkflowExecutionStarted;
        if event.event_type() == EventType::WorkflowTaskStarted
            && let Some(end) = seen.task(events, index, complete)
        {
            return Some(end);
        }
    }
    None
}

/// Whether the event ends the run.
pub(crate) fn is_final(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        WorkflowExecutionCompleted
            | WorkflowExecutionCanceled
            | WorkflowExecutionFailed
            | WorkflowExecutionTimedOut
            | WorkflowExecutionContinuedAsNew
            | WorkflowExecutionTerminated
    )
}

#[derive(Default)]
struct Seen {
    /// The event of a command.
    command: bool,
    /// That, or the start of the run: something for the code.
    substance: bool,
    /// Tasks that were carried out: id of the start, index.
    tasks: Vec<(i64, usize)>,
}

impl Seen {
    /// A task starts at `index`: the end of the sequence, if that is known to be one.
    fn task(&mut self, events: &[HistoryEvent], index: usize, complete: bool) -> Option<usize> {
        let kind = |after: usize| events.get(index + after).map(|event| event.event_type());
        let next = kind(1);
        if next.is_some_and(gives_up) {
            return None;
        }
        self.tasks.push((events[index].event_id, index));
        match (next, kind(2)) {
            (None, _) | (Some(EventType::WorkflowTaskCompleted), None) if !complete => None,
            // It only said that its worker was alive.
            (Some(EventType::WorkflowTaskCompleted), Some(EventType::WorkflowTaskScheduled)) if !self.command => None,
            (Some(EventType::WorkflowTaskCompleted), Some(_)) => {
                Some(self.of_update(&events[index + 2]).unwrap_or(index))
            }
            _ => self.substance.then_some(index),
        }
    }

    /// An accepted update belongs to the task before which it arrived, though others may have said since that the worker was alive.
    fn of_update(&self, event: &HistoryEvent) -> Option<usize> {
        let Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)) = &event.attributes else {
            return None;
        };
        let arrived = accepted.accepted_request_sequencing_event_id;
        self.tasks.iter().rev().find(|(started, _)| *started < arrived).map(|(_, index)| *index)
    }
}

/// Whether the event says that the task before it came to nothing.
fn gives_up(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        WorkflowTaskFailed
            | WorkflowTaskTimedOut
            | WorkflowExecutionTimedOut
            | WorkflowExecutionTerminated
            | WorkflowExecutionCanceled
    )
}
