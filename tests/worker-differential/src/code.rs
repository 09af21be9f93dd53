//! Runs a program: activations in, completions out, both as the official core has them.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::coresdk::{
    activity_result::activity_resolution::Status as Ended,
    workflow_activation::{
        WorkflowActivation, resolve_child_workflow_execution_start::Status as ChildStart,
        resolve_nexus_operation_start::Status as NexusStart, workflow_activation_job::Variant as Job,
    },
    workflow_commands::{
        QueryResult, QuerySuccess, UpdateResponse, WorkflowCommand, query_result, update_response::Response,
        workflow_command::Variant as Command, *,
    },
    workflow_completion::Success,
};
use temporalio_protos::temporal::api::common::v1::{Memo, SearchAttributes};

use crate::commands::{DoAgain, activity, cancel_external, child, local, seconds, signal};
pub use crate::commands::{failure, payload};
use crate::mirror::Mirror;
use crate::program::{End, Instr, Kind, OnCancel, Op, Program};

#[derive(Debug, Default)]
struct Routine {
    code: Vec<Instr>,
    at: usize,
    registers: BTreeMap<usize, usize>,
    update: Option<String>,
    signals_used: usize,
}

/// An operation that was begun. A local activity that backs off goes on under other numbers.
#[derive(Debug)]
struct Begun {
    op: Op,
    seq: u32,
    done: bool,
    /// A local activity waits for this timer.
    backoff: Option<(u32, DoAgain)>,
}

/// A program and how far it is.
#[derive(Debug)]
pub struct Code {
    program: Program,
    routines: Vec<Routine>,
    begun: Vec<Begun>,
    seqs: BTreeMap<Kind, u32>,
    patched: BTreeSet<String>,
    answered: BTreeMap<String, bool>,
    signals: usize,
    cancelled: bool,
    ended: bool,
    replaying: bool,
    heard: Vec<String>,
    out: Vec<WorkflowCommand>,
    flags: Vec<u32>,
    mirrored: Mirror,
}

impl Code {
    pub fn new(program: Program) -> Self {
        Self {
            program,
            routines: Vec::new(),
            begun: Vec::new(),
            seqs: BTreeMap::new(),
            patched: BTreeSet::new(),
            answered: BTreeMap::new(),
            signals: 0,
            cancelled: false,
            ended: false,
            replaying: false,
            heard: Vec::new(),
            out: Vec::new(),
            flags: Vec::new(),
            mirrored: Mirror::default(),
        }
    }

    /// One turn.
    pub fn turn(&mut self, activation: &WorkflowActivation) -> Success {
        if let Some(events) = &self.program.mirror {
            return Success::from(self.mirrored.turn(events, activation));
        }
        self.replaying = activation.is_replaying;
        for job in &activation.jobs {
            self.take(job.variant.as_ref().expect("every job is something"));
        }
        self.run();
        let mut success = Success::from(std::mem::take(&mut self.out));
        success.used_internal_flags = std::mem::take(&mut self.flags);
        success
    }

    fn take(&mut self, job: &Job) {
        match job {
            Job::InitializeWorkflow(_) => self.spawn(self.program.main.clone(), None),
            Job::NotifyHasPatch(patch) => drop(self.patched.insert(patch.patch_id.clone())),
            Job::SignalWorkflow(_) => {
                self.signals += 1;
                self.spawn(self.program.on_signal.clone(), None);
            }
            Job::CancelWorkflow(_) => self.cancel_requested(),
            Job::DoUpdate(update) => self.update(&update.protocol_instance_id, &update.name, update.run_validator),
            Job::QueryWorkflow(query) => self.answer(&query.query_id),
            Job::UpdateRandomSeed(seed) => self.heard.push(format!("seed {}", seed.randomness_seed)),
            Job::FireTimer(timer) => self.fired(timer.seq),
            Job::ResolveActivity(it) => {
                let kind = if it.is_local { Kind::Local } else { Kind::Activity };
                let status = it.result.as_ref().and_then(|result| result.status.as_ref());
                match status {
                    Some(Ended::Backoff(backoff)) => self.back_off(it.seq, backoff.attempt, backoff),
                    _ => self.done(kind, it.seq),
                }
            }
            Job::ResolveChildWorkflowExecutionStart(it) => match it.status {
                Some(ChildStart::Succeeded(_)) => {}
                _ => self.done(Kind::Child, it.seq),
            },
            Job::ResolveChildWorkflowExecution(it) => self.done(Kind::Child, it.seq),
            Job::ResolveSignalExternalWorkflow(it) => self.done(Kind::Signal, it.seq),
            Job::ResolveRequestCancelExternalWorkflow(it) => self.done(Kind::CancelExternal, it.seq),
            Job::ResolveNexusOperationStart(it) => {
                if let Some(NexusStart::Failed(_)) = it.status {
                    self.done(Kind::Nexus, it.seq)
                }
            }
            Job::ResolveNexusOperation(it) => self.done(Kind::Nexus, it.seq),
            Job::RemoveFromCache(_) => {}
        }
    }

    fn spawn(&mut self, code: Vec<Instr>, update: Option<String>) {
        let signals_used = self.signals;
        self.routines.push(Routine { code, update, signals_used, ..Routine::default() });
    }

    fn cancel_requested(&mut self) {
        self.cancelled = true;
        match self.program.on_cancel {
            OnCancel::Ignore => {}
            OnCancel::CancelAll => (0..self.begun.len()).for_each(|begun| self.cancel(begun)),
            OnCancel::End => self.end(End::Cancel),
        }
    }

    fn update(&mut self, instance: &str, name: &str, validate: bool) {
        if validate && name == "refused" {
            return self.respond(instance, Response::Rejected(failure("refused")));
        }
        self.respond(instance, Response::Accepted(()));
        self.spawn(self.program.on_update.clone(), Some(instance.to_owned()));
    }

    fn respond(&mut self, instance: &str, response: Response) {
        let protocol_instance_id = instance.to_owned();
        self.say(Command::UpdateResponse(UpdateResponse { protocol_instance_id, response: Some(response) }));
    }

    fn answer(&mut self, query_id: &str) {
        let ended: Vec<bool> = self.begun.iter().map(|begun| begun.done).collect();
        let state = format!("{ended:?} {:?} {} {}", self.heard, self.signals, self.ended);
        let response = Some(payload(&state));
        let variant = Some(query_result::Variant::Succeeded(QuerySuccess { response }));
        self.say(Command::RespondToQuery(QueryResult { query_id: query_id.to_owned(), variant }));
    }

    fn fired(&mut self, seq: u32) {
        let waits = self.begun.iter().position(|begun| begun.backoff.as_ref().is_some_and(|(timer, _)| *timer == seq));
        let Some(begun) = waits else { return self.done(Kind::Timer, seq) };
        let Some((_, again)) = self.begun[begun].backoff.take() else { return };
        if !self.begun[begun].done && !self.ended {
            let op = self.begun[begun].op;
            self.begun[begun].seq = self.number(Kind::Local);
            let seq = self.begun[begun].seq;
            self.say(local(seq, op, Some(&again)));
        }
    }

    fn back_off(&mut self, seq: u32, attempt: u32, wait: &temporalio_protos::coresdk::activity_result::DoBackoff) {
        let found = self.begun.iter().position(|begun| begun.op.kind == Kind::Local && begun.seq == seq);
        let Some(begun) = found else { return };
        if self.ended || self.begun[begun].done {
            return;
        }
        let again = DoAgain { attempt, original_schedule_time: wait.original_schedule_time };
        let timer = self.number(Kind::Timer);
        self.begun[begun].backoff = Some((timer, again));
        self.say(Command::StartTimer(StartTimer { seq: timer, start_to_fire_timeout: wait.backoff_duration }));
    }

    fn done(&mut self, kind: Kind, seq: u32) {
        self.heard.push(format!("{kind:?}{seq}"));
        let matches = |begun: &&mut Begun| begun.op.kind == kind && begun.seq == seq;
        self.begun.iter_mut().filter(matches).for_each(|begun| begun.done = true);
    }

    fn run(&mut self) {
        let mut moved = true;
        while std::mem::take(&mut moved) {
            for routine in 0..self.routines.len() {
                while !self.ended && self.step(routine) {
                    moved = true;
                }
            }
        }
    }

    fn step(&mut self, routine: usize) -> bool {
        let Some(instr) = self.routines[routine].code.get(self.routines[routine].at).copied() else { return false };
        let is_done = |code: &Self, register| {
            let begun = code.routines[routine].registers.get(register);
            begun.is_none_or(|begun| code.begun[*begun].done)
        };
        match instr {
            Instr::Await(register) if !is_done(self, &register) => return false,
            Instr::AwaitAny(one, other) if !is_done(self, &one) && !is_done(self, &other) => return false,
            Instr::AwaitSignals(count) if self.signals < self.routines[routine].signals_used + count => return false,
            Instr::Await(_) | Instr::AwaitAny(..) => {}
            Instr::AwaitSignals(count) => self.routines[routine].signals_used += count,
            Instr::Begin(register, op) => {
                let begun = self.begin(op);
                self.routines[routine].registers.insert(register, begun);
            }
            Instr::Cancel(register) => {
                if let Some(begun) = self.routines[routine].registers.get(&register).copied() {
                    self.cancel(begun);
                }
            }
            Instr::IfPatched(id) => {
                if !self.is_patched(id) {
                    self.routines[routine].at += 1;
                }
            }
            Instr::DeprecatePatch(id) => {
                self.say(Command::SetPatchMarker(SetPatchMarker { patch_id: format!("patch-{id}"), deprecated: true }));
            }
            Instr::SearchAttribute(which) => self.search_attribute(&format!("Keyword{which}")),
            Instr::ReservedAttribute => self.search_attribute("TemporalChangeVersion"),
            Instr::Memo(which) => {
                let fields = [(format!("memo-{which}"), payload("m"))].into();
                let modified = ModifyWorkflowProperties { upserted_memo: Some(Memo { fields }) };
                self.say(Command::ModifyWorkflowProperties(modified));
            }
            Instr::UseFlag(flag) => self.flags.push(flag),
            Instr::FinishUpdate(well) => {
                if let Some(instance) = self.routines[routine].update.take() {
                    let response =
                        if well { Response::Completed(payload("done")) } else { Response::Rejected(failure("failed")) };
                    self.respond(&instance, response);
                }
            }
            Instr::End(end) => self.end(end),
        }
        self.routines[routine].at += 1;
        true
    }

    /// As SDKs do it: the first answer in a run is kept.
    fn is_patched(&mut self, id: u8) -> bool {
        let patch_id = format!("patch-{id}");
        let on = match self.answered.get(&patch_id) {
            Some(on) => *on,
            None => !self.replaying || self.patched.contains(&patch_id),
        };
        self.answered.insert(patch_id.clone(), on);
        if on {
            self.say(Command::SetPatchMarker(SetPatchMarker { patch_id, deprecated: false }));
        }
        on
    }

    fn search_attribute(&mut self, name: &str) {
        let indexed_fields = [(name.to_owned(), payload("s"))].into();
        let search_attributes = Some(SearchAttributes { indexed_fields });
        self.say(Command::UpsertWorkflowSearchAttributes(UpsertWorkflowSearchAttributes { search_attributes }));
    }

    fn number(&mut self, kind: Kind) -> u32 {
        let seq = self.seqs.entry(kind).or_default();
        *seq += 1;
        *seq
    }

    fn begin(&mut self, op: Op) -> usize {
        let seq = self.number(op.kind);
        self.begun.push(Begun { op, seq, done: false, backoff: None });
        let command = match op.kind {
            Kind::Timer => {
                Command::StartTimer(StartTimer { seq, start_to_fire_timeout: seconds(i64::from(op.flavour) + 1) })
            }
            Kind::Activity => activity(seq, op),
            Kind::Local => local(seq, op, None),
            Kind::Child => child(seq, op),
            Kind::Signal => signal(seq, op),
            Kind::CancelExternal => cancel_external(seq),
            Kind::Nexus => Command::ScheduleNexusOperation(ScheduleNexusOperation {
                seq,
                endpoint: "endpoint".to_owned(),
                service: "service".to_owned(),
                operation: format!("{}-{}", if op.mode == 1 { "abandon" } else { "operation" }, op.flavour),
                cancellation_type: op.mode,
                ..Default::default()
            }),
        };
        self.say(command);
        self.begun.len() - 1
    }

    /// Code that cancels knows what is over.
    fn cancel(&mut self, begun: usize) {
        let Begun { op, seq, done, ref backoff } = self.begun[begun];
        if done || self.ended {
            return;
        }
        if let Some((timer, _)) = backoff {
            let seq = *timer;
            self.begun[begun].done = true;
            return self.say(Command::CancelTimer(CancelTimer { seq }));
        }
        match op.kind {
            Kind::Timer => {
                self.begun[begun].done = true;
                self.say(Command::CancelTimer(CancelTimer { seq }));
            }
            Kind::Activity if !self.asked(begun) => {
                self.say(Command::RequestCancelActivity(RequestCancelActivity { seq }))
            }
            Kind::Local if !self.asked(begun) => {
                self.say(Command::RequestCancelLocalActivity(RequestCancelLocalActivity { seq }));
            }
            Kind::Child if !self.asked(begun) => {
                let cancel = CancelChildWorkflowExecution { child_workflow_seq: seq, reason: "why".to_owned() };
                self.say(Command::CancelChildWorkflowExecution(cancel));
            }
            Kind::Signal if !self.asked(begun) => self.say(Command::CancelSignalWorkflow(CancelSignalWorkflow { seq })),
            Kind::Nexus if !self.asked(begun) => {
                self.say(Command::RequestCancelNexusOperation(RequestCancelNexusOperation { seq }));
            }
            _ => {}
        }
    }

    /// Whether it was asked before; from now on it was.
    fn asked(&mut self, begun: usize) -> bool {
        let mark = format!("asked {begun}");
        let asked = self.answered.contains_key(&mark);
        self.answered.insert(mark, true);
        asked
    }

    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.say(match end {
            End::Complete => {
                Command::CompleteWorkflowExecution(CompleteWorkflowExecution { result: Some(payload("result")) })
            }
            End::Fail => Command::FailWorkflowExecution(FailWorkflowExecution { failure: Some(failure("end")) }),
            End::Cancel => Command::CancelWorkflowExecution(CancelWorkflowExecution::default()),
            End::ContinueAsNew => Command::ContinueAsNewWorkflowExecution(ContinueAsNewWorkflowExecution {
                workflow_type: "type".to_owned(),
                arguments: vec![payload("again")],
                ..Default::default()
            }),
        });
    }

    fn say(&mut self, command: Command) {
        self.out.push(command.into());
    }
}
