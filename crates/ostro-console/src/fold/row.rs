//! One line of a timeline.

use std::time::SystemTime;

use temporalio_protos::temporal::api::common::v1::Payloads;
use temporalio_protos::temporal::api::failure::v1::Failure;

use crate::{payload, shown};

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    WorkflowTask,
    Activity,
    LocalActivity,
    Timer,
    Child,
    Signal,
    SignalSent,
    CancelSent,
    Update,
    Nexus,
    Marker,
}

impl Kind {
    /// As the page names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WorkflowTask => "workflow",
            Self::Activity => "activity",
            Self::LocalActivity => "local activity",
            Self::Timer => "timer",
            Self::Child => "child workflow",
            Self::Signal => "signal",
            Self::SignalSent => "signal sent",
            Self::CancelSent => "cancellation sent",
            Self::Update => "update",
            Self::Nexus => "Nexus operation",
            Self::Marker => "marker",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Open,
    Done,
    Failed,
    TimedOut,
    Canceled,
    /// The run ended before it.
    Abandoned,
}

impl Outcome {
    /// As the page names it, and its class of style.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Canceled => "canceled",
            Self::Abandoned => "abandoned",
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::TimedOut => "failed",
            other => other.name(),
        }
    }
}

/// What a part of a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// Waits for a worker.
    Queued,
    Running,
    /// Attempts that failed, and the waits between them.
    Retrying,
    /// Waits for its next attempt.
    BackingOff,
    Paused,
    /// A timer that runs.
    Waiting,
    /// A moment.
    Point,
}

impl PartKind {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::BackingOff => "backing-off",
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Point => "point",
        }
    }

    /// As the legend names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "earlier attempts",
            Self::BackingOff => "backing off",
            Self::Paused => "paused",
            Self::Waiting => "timer",
            Self::Point => "moment",
        }
    }
}

/// A part of a bar. Without an end it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub kind: PartKind,
    pub from: SystemTime,
    pub to: Option<SystemTime>,
}

/// A line under a row that is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detail {
    pub label: &'static str,
    pub text: String,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The event that began it.
    pub event: i64,
    pub kind: Kind,
    /// Of its type: `charge`, a signal's name...
    pub name: String,
    /// Which of them: an activity's id, a timer's, a workflow's; in full, as calls take it.
    pub subject: String,
    /// The run of a child.
    pub run: String,
    pub outcome: Outcome,
    pub attempt: i32,
    pub parts: Vec<Part>,
    pub details: Vec<Detail>,
    /// The last error, in a line.
    pub error: String,
}

impl Row {
    /// A row that begins with a part.
    pub(crate) fn new(event: i64, kind: Kind, name: &str, subject: &str, part: PartKind, from: SystemTime) -> Self {
        Self {
            event,
            kind,
            name: shown::line(name),
            subject: subject.to_owned(),
            run: String::new(),
            outcome: Outcome::Open,
            attempt: 1,
            parts: vec![Part { kind: part, from, to: None }],
            details: Vec::new(),
            error: String::new(),
        }
    }

    /// Ends the part that goes on, and begins another.
    pub(crate) fn next(&mut self, kind: PartKind, from: SystemTime) {
        self.end(from);
        self.parts.push(Part { kind, from, to: None });
    }

    /// Ends the part that goes on.
    pub(crate) fn end(&mut self, at: SystemTime) {
        if let Some(part) = self.parts.last_mut().filter(|part| part.to.is_none()) {
            part.to = Some(at);
        }
    }

    /// Ends the row.
    pub(crate) fn close(&mut self, at: SystemTime, outcome: Outcome) {
        self.end(at);
        self.outcome = outcome;
    }

    /// Adds a line for payloads, unless there are none.
    pub(crate) fn payloads(&mut self, label: &'static str, payloads: Option<&Payloads>) {
        let text = payloads.filter(|some| !some.payloads.is_empty()).map(|some| payload::preview_all(Some(some)));
        self.details.extend(text.map(|text| Detail { label, text }));
    }

    /// Adds a line, unless it is empty.
    pub(crate) fn detail(&mut self, label: &'static str, text: &str) {
        if !text.is_empty() {
            self.details.push(Detail { label, text: shown::line(text) });
        }
    }

    /// Notes an error.
    pub(crate) fn fault(&mut self, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            self.error = shown::line(&ostro_explain::failure::line(failure));
        }
    }

    /// When it began, and when it ended where it has.
    pub(crate) fn span(&self) -> Option<(SystemTime, Option<SystemTime>)> {
        Some((self.parts.first()?.from, self.parts.last()?.to))
    }
}
