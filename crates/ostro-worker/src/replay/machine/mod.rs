//! One state machine a file, each with its table at the top.
//!
//! A machine is made by a request (or a message) of the code, hears that its command goes out, then of the events that follow from it. What it
//! wants done about that it puts into [`Effects`].

mod activity;
mod cancel_external;
mod child;
mod failures;
mod local_activity;
mod nexus;
mod note;
mod patch;
mod signal_external;
mod terminal;
mod timer;
pub(crate) mod transition;
mod update;
mod workflow_task;

use std::sync::Arc;
use std::time::SystemTime;

use temporalio_protos::temporal::api::{
    command::v1::{Command, UpsertWorkflowSearchAttributesCommandAttributes},
    common::v1::{Payload, Payloads},
    enums::v1::CommandType,
    history::v1::HistoryEvent,
    protocol::v1::Message,
};

use super::decision::{Annotations, ExternalCancel, LocalActivity};
use super::error::{Error, Result};
use super::flags::Flags;
use super::job::Job;

pub(crate) use activity::Activity;
pub(crate) use cancel_external::CancelExternal;
pub(crate) use child::Child;
pub(crate) use failures::empty_cancellation;
pub(crate) use local_activity::{Local, LocalResult, Recorded, Resolution, recorded};
pub(crate) use nexus::Nexus;
pub(crate) use note::Note;
pub(crate) use patch::{Patch, marker as patch_marker};
pub(crate) use signal_external::SignalExternal;
pub(crate) use terminal::Terminal;
pub(crate) use timer::Timer;
pub(crate) use update::{Incoming, Update};
pub(crate) use workflow_task::WorkflowTask;

/// What machines want done, in order.
pub(crate) type Effects = Vec<Effect>;

/// Something that a machine wants done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Tell the code.
    Job(Job),
    /// Send a command of this machine.
    Command(Box<Command>),
    /// Send a message, unless this is a replay.
    Message(Box<Message>),
    /// Send a command that has a machine of its own and that the code knows nothing of.
    CancelChild(Box<ExternalCancel>, Annotations),
    /// Likewise.
    Upsert(Box<UpsertWorkflowSearchAttributesCommandAttributes>, Annotations),
    /// A workflow task begins: time goes on to its start.
    TaskStarted(i64, SystemTime),
    /// The run was reset to another id.
    Reseed(String),
    /// Run a local activity, scheduled first at this time.
    RunLocal(Arc<LocalActivity>, SystemTime),
    /// Stop one, or resolve it if its end is known.
    CancelLocal(u32),
    /// Nobody waits for it any more.
    ForgetLocal(u32),
    /// The workflow's time goes on to this, if it is behind.
    Time(SystemTime),
}

/// What machines may know when they hear of an event.
pub(crate) struct Context<'a> {
    pub flags: &'a mut Flags,
    /// The event belongs to the task at hand, not to one that was completed.
    pub is_last_task: bool,
}

/// One of the machines that commands belong to. Workflow tasks have theirs apart.
#[derive(Debug)]
pub(crate) enum Machine {
    Activity(Box<Activity>),
    CancelExternal(Box<CancelExternal>),
    Child(Box<Child>),
    Local(Box<Local>),
    Nexus(Box<Nexus>),
    Note(Note),
    Patch(Box<Patch>),
    SignalExternal(Box<SignalExternal>),
    Terminal(Terminal),
    Timer(Box<Timer>),
    Update(Box<Update>),
}

/// Calls a method of whichever machine it is.
macro_rules! each {
    ($machine:expr, $it:ident => $call:expr) => {
        match $machine {
            Machine::Activity($it) => $call,
            Machine::CancelExternal($it) => $call,
            Machine::Child($it) => $call,
            Machine::Local($it) => $call,
            Machine::Nexus($it) => $call,
            Machine::Note($it) => $call,
            Machine::Patch($it) => $call,
            Machine::SignalExternal($it) => $call,
            Machine::Terminal($it) => $call,
            Machine::Timer($it) => $call,
            Machine::Update($it) => $call,
        }
    };
}

impl Machine {
    /// Its command goes out with the next completion.
    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        each!(self, it => it.on_command(command))
    }

    /// An event of the history belongs to it.
    pub fn on_event(&mut self, event: HistoryEvent, context: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        each!(self, it => it.on_event(event, context, out))
    }

    /// Its first command must not be sent: the code took it back within the task.
    pub fn is_taken_back(&self) -> bool {
        match self {
            Self::Activity(it) => it.is_taken_back(),
            Self::Child(it) => it.is_taken_back(),
            Self::Nexus(it) => it.is_taken_back(),
            Self::SignalExternal(it) => it.is_taken_back(),
            Self::Timer(it) => it.is_taken_back(),
            Self::CancelExternal(_)
            | Self::Local(_)
            | Self::Note(_)
            | Self::Patch(_)
            | Self::Terminal(_)
            | Self::Update(_) => false,
        }
    }

    /// Nothing more can happen to it: it may be forgotten.
    pub fn is_over(&self) -> bool {
        each!(self, it => it.is_over())
    }
}

/// A command of another kind than the machine has: a fault of ours.
fn unexpected_command<T>(machine: &str, command: CommandType) -> Result<T> {
    Err(Error::fatal(format!("{machine} has no command {}", command.as_str_name())))
}

/// The event belongs to something else than the code asked for.
fn unexpected_event<T>(machine: &str, event: &HistoryEvent) -> Result<T> {
    let kind = event.event_type().as_str_name();
    Err(Error::nondeterminism(format!("the code has {machine} where the history has {kind}")))
}

/// Compares what the history says with what the code gives.
fn same(of: &str, what: &str, history: &str, code: &str) -> Result<()> {
    if history == code {
        return Ok(());
    }
    Err(Error::nondeterminism(format!("the history has {of} {what} `{history}` where the code has `{code}`")))
}

/// The one value that results have.
fn one_payload(payloads: Option<Payloads>, of: &str) -> Result<Option<Payload>> {
    let Some(mut payloads) = payloads.map(|payloads| payloads.payloads) else { return Ok(None) };
    match (payloads.pop(), payloads.is_empty()) {
        (Some(only), true) => Ok(Some(only)),
        (last, _) => {
            let count = payloads.len() + usize::from(last.is_some());
            Err(Error::fatal(format!("the result of {of} has {count} values where it must have one")))
        }
    }
}
