//! One event of the history is applied.

use temporalio_protos::VERSION_SEARCH_ATTR_KEY;
use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, UpsertWorkflowSearchAttributesEventAttributes, history_event::Attributes},
};

use super::facts::Started;
use super::slots::{Kind, SlotId};
use super::{Execution, Queued};
use crate::replay::error::{Error, Result};
use crate::replay::history;
use crate::replay::job::{Job, Signal, Start};
use crate::replay::machine::{Context, Machine, WorkflowTask, patch_marker, recorded};
use crate::replay::{seed, times};

/// What to do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    /// The event after it belongs to it.
    SkipNext,
}

/// What the command at the front is to the event.
enum Match {
    /// They are compared.
    Compare,
    /// The event is passed over.
    PassEvent(Then),
    /// The command is dropped: the history never had it.
    DropCommand,
}

impl Execution {
    pub(super) fn apply_event(
        &mut self,
        event: HistoryEvent,
        next: Option<&HistoryEvent>,
        is_last: bool,
    ) -> Result<Then> {
        let (name, kind) = (history::name(&event), event.event_type());
        self.saw_end |= history::is_final(kind);
        if event.is_ignorable() {
            return Ok(Then::GoOn);
        }
        if matches!(kind, EventType::WorkflowExecutionTerminated | EventType::WorkflowExecutionTimedOut) {
            let more = next.is_some() || !is_last;
            let error = || Error::fatal(format!("the history goes on after event {} ended the run", name.0));
            return if more { Err(error()) } else { Ok(Then::GoOn) };
        }
        if kind == EventType::Unspecified || event.attributes.is_none() {
            let error = || Error::fatal(format!("event {} is of a type that this worker does not know", name.0));
            return if event.worker_may_ignore { Ok(Then::GoOn) } else { Err(error()) };
        }
        let applied = if event.is_command_event() {
            self.apply_command_event(event, next, is_last)
        } else {
            self.apply_outcome(event, is_last).map(|()| Then::GoOn)
        };
        applied.map_err(|error| error.at(name))
    }

    /// An event that follows from something else than the code's commands of its task.
    fn apply_outcome(&mut self, event: HistoryEvent, is_last: bool) -> Result<()> {
        if let Some(Attributes::WorkflowTaskStartedEventAttributes(started)) = &event.attributes {
            self.task_facts.saw_start(started);
        }
        let Some(of) = event.get_initial_command_event_id() else { return self.apply_input(event) };
        if self.tasks.contains_key(&of) {
            return self.task_event(of, event);
        }
        let id = self.slots.of_event(of).ok_or_else(|| {
            Error::nondeterminism(format!("nothing that the code has asked for is known by event {of}"))
        })?;
        self.give(id, event, is_last)?;
        self.slots.forget_if_over(id);
        Ok(())
    }

    fn task_event(&mut self, of: i64, event: HistoryEvent) -> Result<()> {
        let Some(task) = self.tasks.get_mut(&of) else { return Ok(()) };
        let mut out = Vec::new();
        task.on_event(event, &mut out)?;
        if task.is_over() {
            self.tasks.remove(&of);
        }
        // Effects of tasks belong to no machine of the code's.
        self.carry_out(SlotId::MAX, out)
    }

    /// An event that comes from outside.
    fn apply_input(&mut self, event: HistoryEvent) -> Result<()> {
        let event_id = event.event_id;
        match event.attributes {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(attributes)) => {
                let start_time = event.event_time.unwrap_or_default();
                if let Some(time) = event.event_time.as_ref().and_then(times::from_timestamp) {
                    self.set_time(time);
                }
                self.started = Some(Started::of(&attributes));
                let seed = seed::of_run(&attributes.original_execution_run_id);
                let workflow_id = self.identity.workflow_id.clone();
                self.jobs.push(Job::Start(Box::new(Start { attributes, workflow_id, seed, start_time })));
                Ok(())
            }
            Some(Attributes::WorkflowTaskScheduledEventAttributes(_)) => {
                self.tasks.insert(event_id, WorkflowTask::new(self.next_started));
                self.task_event(event_id, event)
            }
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(attributes)) => {
                self.jobs.push(Job::Signal(Box::new(Signal { attributes, event_id })));
                Ok(())
            }
            Some(Attributes::WorkflowExecutionCancelRequestedEventAttributes(attributes)) => {
                self.jobs.push(Job::Cancel { reason: attributes.cause });
                Ok(())
            }
            _ => {
                let kind = event.event_type().as_str_name();
                Err(Error::fatal(format!("event {event_id} is {kind}, which belongs to nothing that workers know")))
            }
        }
    }

    /// An event that a command has left: the next command that the code gave must be that one.
    fn apply_command_event(&mut self, event: HistoryEvent, next: Option<&HistoryEvent>, is_last: bool) -> Result<Then> {
        if let Some(id) = self.local_without_command(&event)? {
            self.give(id, event, is_last)?;
            self.slots.forget_if_over(id);
            return Ok(Then::GoOn);
        }
        loop {
            match self.compare_patches(&event, next)? {
                Match::DropCommand => {
                    if let Some(queued) = self.commands.pop_front() {
                        self.slots.unqueued(queued.slot);
                    }
                    continue;
                }
                Match::PassEvent(then) => return Ok(then),
                Match::Compare => {}
            }
            let Some(queued) = self.commands.pop_front() else {
                let what = "the code gives no further command where the history has one";
                return Err(Error::nondeterminism(what));
            };
            if self.slots.get(queued.slot).is_none_or(Machine::is_taken_back) {
                self.slots.unqueued(queued.slot);
                continue;
            }
            return self.consume(queued, event, is_last).map(|()| Then::GoOn);
        }
    }

    fn consume(&mut self, queued: Queued, event: HistoryEvent, is_last: bool) -> Result<()> {
        let event_id = event.event_id;
        self.give(queued.slot, event, is_last).map_err(|error| error.given(queued.kind))?;
        self.slots.known_by(queued.slot, event_id);
        self.slots.unqueued(queued.slot);
        Ok(())
    }

    /// The local activity whose marker this is, if it has no command in this replay.
    fn local_without_command(&mut self, event: &HistoryEvent) -> Result<Option<SlotId>> {
        let Some(recorded) = recorded(event) else { return Ok(None) };
        let (seq, missing) = (recorded?.data.seq, || Error::nondeterminism("the code has no such local activity"));
        let id = self.slots.find(Kind::LocalActivity, seq)?.ok_or_else(missing)?;
        Ok(self.local(id)?.marker_has_no_command()?.then_some(id))
    }

    fn give(&mut self, id: SlotId, event: HistoryEvent, is_last_task: bool) -> Result<()> {
        let mut out = Vec::new();
        let Some(machine) = self.slots.get_mut(id) else {
            return Err(Error::fatal("a command has lost its machine"));
        };
        machine.on_event(event, &mut Context { flags: &mut self.flags, is_last_task }, &mut out)?;
        self.carry_out(id, out)
    }

    /// Markers of patches and the code's questions for patches need not go together one by one.
    fn compare_patches(&self, event: &HistoryEvent, next: Option<&HistoryEvent>) -> Result<Match> {
        let front = self.commands.front().and_then(|queued| self.slots.get(queued.slot));
        let asked = match front {
            Some(Machine::Patch(patch)) => Some(patch),
            _ => None,
        };
        let pass = || Match::PassEvent(if lists_patches(next) { Then::SkipNext } else { Then::GoOn });
        match (patch_marker(event), asked) {
            // It may be of another patch, whose code is gone.
            (Some((id, true)), Some(patch)) if patch.id() != id => Ok(pass()),
            (Some(_), Some(_)) | (None, None) => Ok(Match::Compare),
            (Some((_, true)), None) => Ok(pass()),
            (Some((id, false)), None) => Err(Error::nondeterminism(format!(
                "the history has patch `{id}`, and the code does not ask for it: ask for it, or deprecate it, as long as such runs are open"
            ))),
            (None, Some(_)) => Ok(Match::DropCommand),
        }
    }
}

/// Whether the event is what each patch writes beside its marker.
fn lists_patches(event: Option<&HistoryEvent>) -> bool {
    match event.and_then(|event| event.attributes.as_ref()) {
        Some(Attributes::UpsertWorkflowSearchAttributesEventAttributes(
            UpsertWorkflowSearchAttributesEventAttributes { search_attributes: Some(attributes), .. },
        )) => attributes.indexed_fields.contains_key(VERSION_SEARCH_ATTR_KEY),
        _ => false,
    }
}
