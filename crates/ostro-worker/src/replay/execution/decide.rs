//! What the code decided becomes machines and commands.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use temporalio_protos::VERSION_SEARCH_ATTR_KEY;
use temporalio_protos::temporal::api::{
    command::v1::{command::Attributes, *},
    common::v1::{Payloads, SearchAttributes},
    enums::v1::CommandType,
    failure::v1::Failure,
    taskqueue::v1::TaskQueue,
};

use super::slots::{Kind, SlotId};
use super::{Execution, Queued};
use crate::replay::decision::*;
use crate::replay::error::{Error, Result};
use crate::replay::flags::CoreFlag;
use crate::replay::machine::{
    Activity, CancelExternal, Child, Effect, Effects, Local, Machine, Nexus, Note, Patch, SignalExternal, Terminal,
    Timer, Update,
};

impl Execution {
    /// Takes the requests of an activation, in order. Queries' answers are not among them.
    pub fn decide(&mut self, requests: Vec<Requested>, now: SystemTime) -> Result<()> {
        for requested in requests {
            self.request(requested, now)?;
        }
        self.apply_known_locals(false)?;
        self.release_held_locals()?;
        self.prepare_commands()
    }

    fn request(&mut self, requested: Requested, now: SystemTime) -> Result<()> {
        let annotations = requested.annotations;
        match requested.request {
            Request::StartTimer(seq, span) => {
                let (timer, command) = Timer::new(seq, span, annotations);
                self.add_numbered(Machine::Timer(Box::new(timer)), command, (Kind::Timer, seq));
                Ok(())
            }
            Request::ScheduleActivity(request) => self.schedule_activity(*request, annotations),
            Request::ScheduleLocalActivity(request) => self.schedule_local(request, annotations, now),
            Request::StartChild(request) => self.start_child(*request, annotations),
            Request::SignalExternal(seq, attributes) => self.signal_external(seq, *attributes, &annotations),
            Request::CancelExternal(seq, target) => self.cancel_external(seq, *target, &annotations),
            Request::ScheduleNexus(request) => {
                let seq = request.seq;
                let (operation, command) = Nexus::new(*request, annotations);
                self.add_numbered(Machine::Nexus(Box::new(operation)), command, (Kind::Nexus, seq));
                Ok(())
            }
            Request::CancelTimer(seq) => self.cancel(Kind::Timer, seq, String::new(), annotations),
            Request::CancelActivity(seq) => self.cancel(Kind::Activity, seq, String::new(), annotations),
            Request::CancelLocalActivity(seq) => self.cancel(Kind::LocalActivity, seq, String::new(), annotations),
            Request::CancelChild(seq, reason) => self.cancel(Kind::Child, seq, reason, annotations),
            Request::CancelSignal(seq) => self.cancel(Kind::Signal, seq, String::new(), annotations),
            Request::CancelNexus(seq) => self.cancel(Kind::Nexus, seq, String::new(), annotations),
            Request::Patch { id, deprecated } => self.patch(id, deprecated, annotations),
            Request::UpsertSearchAttributes(attributes) => self.upsert(attributes, &annotations),
            Request::UpsertMemo(memo) => {
                let attributes = ModifyWorkflowPropertiesCommandAttributes { upserted_memo: Some(memo) };
                let command = annotations.on(Attributes::ModifyWorkflowPropertiesCommandAttributes(attributes));
                self.add(Machine::Note(Note::new(CommandType::ModifyWorkflowProperties)), command);
                Ok(())
            }
            Request::AcceptUpdate(instance) => self.update(&instance, Update::accept),
            Request::RejectUpdate(instance, failure) => self.update(&instance, |it, out| it.fail(*failure, out)),
            Request::CompleteUpdate(instance, result) => self.update(&instance, |it, out| it.complete(*result, out)),
            Request::AnswerQuery(id, _) => Err(Error::fatal(format!("the answer of query {id} is no command"))),
            Request::Complete(result) => {
                let result = result.map(|result| Payloads { payloads: vec![result] });
                let attributes = CompleteWorkflowExecutionCommandAttributes { result };
                self.end(Attributes::CompleteWorkflowExecutionCommandAttributes(attributes), &annotations)
            }
            Request::Fail(failure) => self.fail(*failure, &annotations),
            Request::Cancelled(details) => {
                let attributes = CancelWorkflowExecutionCommandAttributes { details };
                self.end(Attributes::CancelWorkflowExecutionCommandAttributes(attributes), &annotations)
            }
            Request::ContinueAsNew(next) => self.continue_as_new(*next, &annotations),
        }
    }

    fn schedule_activity(&mut self, mut request: ScheduleActivity, annotations: Annotations) -> Result<()> {
        let queue = request.attributes.task_queue.as_ref();
        request.attributes.use_workflow_build_id = self.keeps_build(request.versioning_intent, queue);
        let seq = request.seq;
        let (activity, command) = Activity::new(request, annotations);
        self.add_numbered(Machine::Activity(Box::new(activity)), command, (Kind::Activity, seq));
        Ok(())
    }

    fn schedule_local(&mut self, request: Arc<LocalActivity>, annotations: Annotations, now: SystemTime) -> Result<()> {
        let seq = request.seq;
        if request.schedule_to_close.is_none() && request.start_to_close.is_none() {
            return Err(Error::fatal(format!(
                "local activity {seq} (`{}`) has neither schedule_to_close nor start_to_close: give it one",
                request.activity_type
            )));
        }
        let mut out = Effects::new();
        let local = Local::new(request, annotations, self.replaying, self.time, now, &mut out);
        let id = self.slots.insert(Machine::Local(Box::new(local)), Some((Kind::LocalActivity, seq)));
        if self.replaying {
            self.locals.awaited.push(seq);
        }
        self.carry_out(id, out)
    }

    fn start_child(&mut self, mut request: StartChild, annotations: Annotations) -> Result<()> {
        let queue = request.attributes.task_queue.as_ref();
        request.attributes.inherit_build_id = self.keeps_build(request.versioning_intent, queue);
        let seq = request.seq;
        let (child, command) = Child::new(request, annotations);
        self.add_numbered(Machine::Child(Box::new(child)), command, (Kind::Child, seq));
        Ok(())
    }

    fn signal_external(
        &mut self,
        seq: u32,
        mut attributes: SignalExternalWorkflowExecutionCommandAttributes,
        annotations: &Annotations,
    ) -> Result<()> {
        if attributes.child_workflow_only {
            attributes.namespace.clone_from(&self.settings.namespace);
        }
        let (signal, command) = SignalExternal::new(seq, attributes, annotations);
        self.add_numbered(Machine::SignalExternal(Box::new(signal)), command, (Kind::Signal, seq));
        Ok(())
    }

    fn cancel_external(&mut self, seq: u32, target: ExternalCancel, annotations: &Annotations) -> Result<()> {
        let reason =
            format!("Cancel requested by workflow with run id {} with reason: {}", self.identity.run_id, target.reason);
        let (cancel, command) = CancelExternal::new(Some(seq), ExternalCancel { reason, ..target }, annotations);
        self.add_numbered(Machine::CancelExternal(Box::new(cancel)), command, (Kind::CancelExternal, seq));
        Ok(())
    }

    /// What is over cannot be cancelled, which is no error: its end and the cancellation may have crossed.
    fn cancel(&mut self, kind: Kind, seq: u32, reason: String, annotations: Annotations) -> Result<()> {
        let Some(id) = self.slots.find(kind, seq)? else { return Ok(()) };
        let activation = self.locals.activation();
        let mut out = Effects::new();
        match self.slots.get_mut(id) {
            Some(Machine::Timer(it)) => it.cancel(annotations, &mut out),
            Some(Machine::Activity(it)) => it.cancel(annotations, &mut out),
            Some(Machine::Local(it)) => it.cancel(activation, &mut out),
            Some(Machine::Child(it)) => it.cancel(reason, annotations, &mut out),
            Some(Machine::SignalExternal(it)) => it.cancel(&mut out),
            Some(Machine::Nexus(it)) => it.cancel(annotations, &mut out),
            _ => Err(Error::fatal(format!("{kind:?} {seq} has a machine that cannot be cancelled"))),
        }?;
        self.took_back |= self.slots.get(id).is_some_and(Machine::is_taken_back);
        self.carry_out(id, out)
    }

    fn update(&mut self, instance: &str, answer: impl FnOnce(&mut Update, &mut Effects) -> Result<()>) -> Result<()> {
        let id = self.slots.of_update(instance);
        let Some((id, Machine::Update(update))) = id.and_then(|id| self.slots.get_mut(id).map(|it| (id, it))) else {
            return Err(Error::fatal(format!("update {instance} is answered, and there is none")));
        };
        let mut out = Effects::new();
        answer(update, &mut out)?;
        self.carry_out(id, out)?;
        self.slots.forget_if_over(id);
        Ok(())
    }

    /// A patch is recorded once. In a replay without its marker, too, there is a command: the history passes over it.
    fn patch(&mut self, id: String, deprecated: bool, annotations: Annotations) -> Result<()> {
        let seen = self.patches.get(&id).copied();
        if seen == Some(true) {
            return Ok(());
        }
        let lists = self.flags.allows(CoreFlag::UpsertOnPatch, !self.replaying) && !(self.replaying && seen.is_none());
        let (patch, command) = Patch::new(id.clone(), deprecated, &annotations)?;
        let slot = self.add(Machine::Patch(Box::new(patch)), command);
        self.patches.insert(id, true);
        if lists {
            let all: BTreeSet<&str> = self.patches.iter().filter(|(_, asked)| **asked).map(|(id, _)| &**id).collect();
            if let Some(upsert) = Patch::upsert(&all)? {
                self.carry_out(slot, vec![Effect::Upsert(Box::new(upsert), annotations)])?;
            }
        }
        Ok(())
    }

    fn upsert(&mut self, mut attributes: SearchAttributes, annotations: &Annotations) -> Result<()> {
        if let Some(started) = &mut self.started {
            started.search_attributes.extend(attributes.indexed_fields.clone());
        }
        // That one is the core's. The command stays, so that runs that have it go on.
        if self.flags.allows(CoreFlag::UpsertOnPatch, !self.replaying)
            && attributes.indexed_fields.contains_key(VERSION_SEARCH_ATTR_KEY)
        {
            attributes = SearchAttributes::default();
        }
        let attributes = UpsertWorkflowSearchAttributesCommandAttributes { search_attributes: Some(attributes) };
        let command = annotations.on(Attributes::UpsertWorkflowSearchAttributesCommandAttributes(attributes));
        self.add(Machine::Note(Note::new(CommandType::UpsertWorkflowSearchAttributes)), command);
        Ok(())
    }

    /// Ends the run as failed.
    pub fn fail(&mut self, failure: Failure, annotations: &Annotations) -> Result<()> {
        let attributes = FailWorkflowExecutionCommandAttributes { failure: Some(failure) };
        self.end(Attributes::FailWorkflowExecutionCommandAttributes(attributes), annotations)
    }

    fn continue_as_new(&mut self, next: ContinueAsNew, annotations: &Annotations) -> Result<()> {
        let mut attributes = next.attributes;
        attributes.inherit_build_id = self.keeps_build(next.versioning_intent, attributes.task_queue.as_ref());
        if let Some(started) = &self.started {
            let kept = attributes.memo.take().filter(|memo| !memo.fields.is_empty());
            attributes.memo = kept.or_else(|| started.memo.clone().filter(|memo| !memo.fields.is_empty()));
            attributes.retry_policy = attributes.retry_policy.take().or_else(|| started.retry_policy.clone());
            let current = &started.search_attributes;
            let current = (!current.is_empty()).then(|| SearchAttributes { indexed_fields: current.clone() });
            attributes.search_attributes = attributes.search_attributes.take().or(current);
        }
        self.end(Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(attributes), annotations)
    }

    fn end(&mut self, attributes: Attributes, annotations: &Annotations) -> Result<()> {
        let command = annotations.on(attributes);
        self.ended = true;
        self.locals.end();
        self.add(Machine::Terminal(Terminal::new(command.command_type())), command);
        Ok(())
    }

    /// Of the old versioning: whether what is scheduled keeps to this worker's build.
    fn keeps_build(&self, intent: VersioningIntent, queue: Option<&TaskQueue>) -> bool {
        let queue = queue.map_or("", |queue| &queue.name);
        match intent {
            VersioningIntent::Compatible => true,
            VersioningIntent::Default => false,
            VersioningIntent::Unspecified => queue.is_empty() || queue == self.settings.task_queue,
        }
    }

    /// Puts new commands behind those of earlier activations of the task. What was taken back in the meantime is not sent.
    fn prepare_commands(&mut self) -> Result<()> {
        if std::mem::take(&mut self.took_back) {
            for queued in std::mem::take(&mut self.commands) {
                self.keep_unless_taken_back(queued);
            }
        }
        while let Some(queued) = self.new_commands.pop_front() {
            if let Some(machine) = self.slots.get_mut(queued.slot)
                && !machine.is_taken_back()
            {
                machine.on_command(queued.kind)?;
            }
            self.keep_unless_taken_back(queued);
        }
        Ok(())
    }

    fn keep_unless_taken_back(&mut self, queued: Queued) {
        let slot: SlotId = queued.slot;
        if self.slots.get(slot).is_none_or(Machine::is_taken_back) {
            self.slots.unqueued(slot);
        } else {
            self.commands.push_back(queued);
        }
    }
}
