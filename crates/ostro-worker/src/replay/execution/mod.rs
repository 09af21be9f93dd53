//! A run as its history and its code make it: events and requests in, jobs and commands out.
//!
//! Knows nothing of tasks' tokens, of queries or of waiting: that is [`run`](super::run)'s.

mod ahead;
mod apply;
mod decide;
mod effects;
mod event;
mod facts;
mod locals;
mod slots;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use temporalio_protos::temporal::api::{
    command::v1::Command, enums::v1::CommandType, history::v1::HistoryEvent, protocol::v1::Message,
    sdk::v1::WorkflowTaskCompletedMetadata,
};

use super::error::{Error, Result};
use super::flags::Flags;
use super::history::Window;
use super::job::{Activation, Job};
use super::machine::{LocalResult, Machine, Resolution, WorkflowTask};
use super::settings::{Identity, Settings};
use facts::{Started, TaskFacts};
use locals::Locals;
use slots::{Kind, SlotId, Slots};

pub(crate) use locals::NewLocal;

/// A command with its machine. Once it is sent its contents are gone: its event needs no more than to know whose it is.
#[derive(Debug)]
struct Queued {
    kind: CommandType,
    command: Option<Box<Command>>,
    slot: SlotId,
}

/// A local activity that ended here.
#[derive(Debug)]
pub(crate) struct LocalEnd {
    pub seq: u32,
    pub result: LocalResult,
    pub runtime: Duration,
    pub attempt: u32,
    pub backoff: Option<Duration>,
    pub original_schedule_time: Option<SystemTime>,
}

#[derive(Debug)]
pub(crate) struct Execution {
    settings: Arc<Settings>,
    identity: Identity,
    window: Window,
    /// Messages of the task that wait for their events.
    messages: Vec<super::machine::Incoming>,
    /// The start of the last task that was applied.
    current_started: i64,
    /// The start with which the sequence at hand ends.
    next_started: i64,
    last_event: i64,
    replaying: bool,
    /// The history has the event that ends the run.
    saw_end: bool,
    /// The code gave the command that ends the run.
    ended: bool,
    time: Option<SystemTime>,
    flags: Flags,
    task_facts: TaskFacts,
    started: Option<Started>,
    slots: Slots,
    tasks: BTreeMap<i64, WorkflowTask>,
    /// Prepared, in the order of their events.
    commands: VecDeque<Queued>,
    /// Of the decision at hand.
    new_commands: VecDeque<Queued>,
    /// One of them was taken back.
    took_back: bool,
    outbox: Vec<Message>,
    /// Patches of the history and of the code; whether the code asked for it.
    patches: BTreeMap<String, bool>,
    locals: Locals,
    jobs: Vec<Job>,
}

impl Execution {
    pub fn new(settings: Arc<Settings>, identity: Identity) -> Self {
        let flags = Flags::new(settings.writes_metadata, settings.sdk.clone());
        Self {
            settings,
            identity,
            window: Window::default(),
            messages: Vec::new(),
            current_started: 0,
            next_started: 0,
            last_event: 0,
            replaying: false,
            saw_end: false,
            ended: false,
            time: None,
            flags,
            task_facts: TaskFacts::default(),
            started: None,
            slots: Slots::default(),
            tasks: BTreeMap::new(),
            commands: VecDeque::new(),
            new_commands: VecDeque::new(),
            took_back: false,
            outbox: Vec::new(),
            patches: BTreeMap::new(),
            locals: Locals::default(),
            jobs: Vec::new(),
        }
    }

    /// The history of a new task. Nothing of it is applied yet.
    pub fn new_window(&mut self, window: Window, messages: Vec<super::machine::Incoming>) {
        self.replaying = window.previous_started > 0;
        self.window = window;
        self.messages = messages;
    }

    /// One more page of it.
    pub fn extend_window(&mut self, page: Vec<HistoryEvent>, complete: bool) {
        self.window.extend(page, complete);
    }

    /// Whether the next sequence is here.
    pub fn is_ready(&self) -> bool {
        self.saw_end || self.window.reaches(self.current_started)
    }

    pub fn last_event(&self) -> i64 {
        self.last_event
    }

    pub fn current_started(&self) -> i64 {
        self.current_started
    }

    pub fn replaying(&self) -> bool {
        self.replaying
    }

    pub fn saw_end(&self) -> bool {
        self.saw_end
    }

    pub fn ended(&self) -> bool {
        self.ended
    }

    /// How long a workflow task may take.
    pub fn task_timeout(&self) -> Option<Duration> {
        self.started.as_ref()?.task_timeout
    }

    pub fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    pub fn has_local_resolutions(&self) -> bool {
        self.jobs.iter().any(Job::is_local_activity)
    }

    pub fn outstanding_locals(&self) -> bool {
        self.locals.outstanding()
    }

    pub fn locals_ended(&self) -> bool {
        self.locals.is_ended()
    }

    pub fn take_locals(&mut self) -> (Vec<u32>, Vec<NewLocal>) {
        self.locals.take()
    }

    pub fn used_by_lang(&mut self, flags: &[u32]) {
        self.flags.used_by_lang(flags);
    }

    /// Whether a replay may move the command that ends the run behind the others.
    pub fn moves_terminal_commands(&mut self) -> bool {
        !self.replaying || self.flags.allows(super::flags::CoreFlag::MoveTerminalCommands, false)
    }

    /// All jobs that wait, as an activation; it may have none.
    pub fn activation(&mut self) -> Activation {
        let mut jobs = std::mem::take(&mut self.jobs);
        let only_queries = jobs.is_empty();
        if !only_queries {
            self.locals.activation_sent();
        }
        jobs.sort_by_key(Job::rank);
        let replaying = self.replaying || only_queries;
        if !replaying {
            self.task_facts.version.clone_from(&self.settings.deployment_version);
        }
        Activation {
            jobs,
            now: self.time,
            replaying,
            history_length: u32::try_from(self.last_event).unwrap_or(u32::MAX),
            history_bytes: self.task_facts.history_bytes,
            continue_as_new_suggested: self.task_facts.continue_as_new_suggested,
            continue_as_new_reasons: self.task_facts.continue_as_new_reasons.clone(),
            target_version_changed: self.task_facts.target_version_changed,
            lang_flags: self.flags.lang(),
            deployment_version: self.task_facts.version.clone(),
            last_sdk_version: self.flags.last_version(),
        }
    }

    /// The commands of a completion, in order.
    pub fn take_commands(&mut self) -> Vec<Command> {
        self.commands.iter_mut().filter_map(|queued| queued.command.take()).map(|command| *command).collect()
    }

    /// The messages of a completion.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.outbox)
    }

    /// The metadata of a completion, which counts as sent.
    pub fn take_metadata(&mut self) -> WorkflowTaskCompletedMetadata {
        self.task_facts.version.clone_from(&self.settings.deployment_version);
        self.flags.take_for_completion()
    }

    /// A local activity ended.
    pub fn local_ended(&mut self, end: LocalEnd) -> Result<()> {
        if let Some(id) = self.slots.find(Kind::LocalActivity, end.seq)? {
            let resolution = Resolution {
                result: end.result,
                complete_time: None,
                attempt: end.attempt,
                backoff: end.backoff,
                original_schedule_time: end.original_schedule_time,
                activation: Some(self.locals.activation()),
            };
            let mut out = Vec::new();
            self.local(id)?.resolve(resolution, end.runtime, &mut out)?;
            self.carry_out(id, out)?;
        }
        self.locals.over(end.seq);
        Ok(())
    }

    fn local(&mut self, id: SlotId) -> Result<&mut super::machine::Local> {
        match self.slots.get_mut(id) {
            Some(Machine::Local(local)) => Ok(local),
            _ => Err(Error::fatal("a local activity has a machine of another kind")),
        }
    }

    /// The task at hand was speculative and left no trace: the next one begins after the event `id` again.
    pub fn reset_last_started(&mut self, id: i64) {
        self.current_started = id;
        // Its scheduling and its start are events no more.
        self.last_event -= 2;
        self.tasks.retain(|event, _| *event <= self.last_event);
    }

    fn set_time(&mut self, time: SystemTime) {
        if self.time.is_none_or(|now| now < time) {
            self.time = Some(time);
        }
    }

    /// How many machines are kept.
    #[cfg(test)]
    pub fn machines(&self) -> usize {
        self.slots.len()
    }
}
