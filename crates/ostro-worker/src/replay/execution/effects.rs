//! What machines want done is done.

use std::time::Duration;

use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes},
    enums::v1::CommandType,
};

use super::locals::NewLocal;
use super::slots::SlotId;
use super::{Execution, Queued};
use crate::replay::error::Result;
use crate::replay::job::Job;
use crate::replay::machine::{
    CancelExternal, Effect, Effects, LocalResult, Machine, Note, Resolution, empty_cancellation,
};
use crate::replay::seed;

impl Execution {
    /// Does what the machine at `id` wants done.
    pub(super) fn carry_out(&mut self, id: SlotId, effects: Effects) -> Result<()> {
        effects.into_iter().try_for_each(|effect| self.carry_out_one(id, effect))
    }

    fn carry_out_one(&mut self, id: SlotId, effect: Effect) -> Result<()> {
        match effect {
            Effect::Job(job) => self.jobs.push(job),
            Effect::Command(command) => self.queue(id, command),
            Effect::Message(message) if self.replaying => drop(message),
            Effect::Message(message) => self.outbox.push(*message),
            Effect::CancelChild(target, annotations) => {
                let (cancel, command) = CancelExternal::new(None, *target, &annotations);
                let machine = Machine::CancelExternal(Box::new(cancel));
                self.add(machine, command);
            }
            Effect::Upsert(attributes, annotations) => {
                let attributes = Attributes::UpsertWorkflowSearchAttributesCommandAttributes(*attributes);
                let note = Note::new(CommandType::UpsertWorkflowSearchAttributes);
                self.add(Machine::Note(note), annotations.on(attributes));
            }
            Effect::TaskStarted(event_id, time) => {
                self.current_started = event_id;
                self.set_time(time);
                self.begin_unrecorded_locals()?;
            }
            Effect::Reseed(run_id) => self.jobs.push(Job::Reseed(seed::of_run(&run_id))),
            Effect::RunLocal(request, original_schedule_time) => {
                self.locals.begin(NewLocal { request, original_schedule_time });
            }
            Effect::CancelLocal(seq) => self.cancel_local(id, seq)?,
            Effect::ForgetLocal(seq) => self.locals.over(seq),
            Effect::Time(time) => self.set_time(time),
        }
        Ok(())
    }

    /// A command of a machine that has others already.
    fn queue(&mut self, slot: SlotId, command: Box<Command>) {
        self.slots.queued(slot);
        self.new_commands.push_back(Queued { kind: command.command_type(), command: Some(command), slot });
    }

    /// A machine that the code does not know by a number, with its first command.
    pub(super) fn add(&mut self, machine: Machine, command: Command) -> SlotId {
        let id = self.slots.insert(machine, None);
        self.queue(id, Box::new(command));
        id
    }

    /// A machine that the code knows by a number, with its first command.
    pub(super) fn add_numbered(&mut self, machine: Machine, command: Command, key: (super::slots::Kind, u32)) {
        let id = self.slots.insert(machine, Some(key));
        self.queue(id, Box::new(command));
    }

    /// A task begins that is no replay: local activities without a marker so far have none.
    fn begin_unrecorded_locals(&mut self) -> Result<()> {
        if self.replaying {
            return Ok(());
        }
        for seq in std::mem::take(&mut self.locals.awaited) {
            let Ok(Some(id)) = self.slots.find(super::slots::Kind::LocalActivity, seq) else { continue };
            let local = self.local(id)?;
            if !local.takes_marker() {
                continue;
            }
            let mut out = Vec::new();
            local.not_recorded(&mut out)?;
            self.carry_out(id, out)?;
        }
        Ok(())
    }

    /// If its end is known it is told; if it was not begun it ends here; else whoever runs it is asked.
    fn cancel_local(&mut self, id: SlotId, seq: u32) -> Result<()> {
        if self.locals.is_held(seq) {
            return Ok(());
        }
        let mut out = Vec::new();
        if let Some(known) = self.locals.take_known(seq) {
            self.local(id)?.resolve_known(known, &mut out)?;
        } else if let Some(local) = self.locals.take_back(seq) {
            let resolution = Resolution {
                result: LocalResult::Cancelled(empty_cancellation()),
                complete_time: None,
                attempt: local.request.attempt,
                backoff: None,
                original_schedule_time: Some(local.original_schedule_time),
                activation: Some(self.locals.activation()),
            };
            self.local(id)?.resolve(resolution, Duration::ZERO, &mut out)?;
        } else {
            self.locals.cancel(seq);
        }
        self.carry_out(id, out)
    }
}
