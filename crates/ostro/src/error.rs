//! The one error type, in workflows, activities and clients alike.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_workflow::WorkflowTermination;

use crate::payload::{self, Payload};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An activity or a workflow returned it. [`Error::type_name`] tells more.
    Application,
    /// It was cancelled.
    Cancelled,
    /// It took too long.
    Timeout(TimeoutKind),
    /// A workflow was terminated.
    Terminated,
    /// The engine refused a request, or could not be reached.
    Engine,
    /// Not an error: the workflow goes on as a new run ([`workflow::WorkflowCall::continue_as_new`](crate::workflow::WorkflowCall::continue_as_new)).
    ContinueAsNew,
    /// Not an error: the activity is completed from outside ([`activity::complete_later`](crate::activity::complete_later)).
    CompletesLater,
}

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// One attempt took longer than `start_to_close_timeout`.
    StartToClose,
    /// No worker took the task within `schedule_to_start_timeout`.
    ScheduleToStart,
    /// All attempts together took longer than `schedule_to_close_timeout`.
    ScheduleToClose,
    /// No heartbeat came within `heartbeat_timeout`.
    Heartbeat,
    /// The workflow took longer than its `execution_timeout` or `run_timeout`.
    Workflow,
    /// [`workflow::timeout`](crate::workflow::timeout) ended.
    Future,
}

/// Why an activity, a workflow or a request failed.
///
/// Any `std::error::Error` becomes one with `?`. Then its [`type_name`](Self::type_name) is the type's name, its chain of sources is kept,
/// and it is retried. What an activity returns as an error reaches the workflow as this type again: with its kind, message, type name,
/// details and causes, and without the original value ([`downcast_ref`](Self::downcast_ref) finds that only in the process that made it).
///
/// ```
/// use ostro::{Error, Result};
///
/// fn parse(text: &str) -> Result<u32> {
///     if text.is_empty() {
///         return Err(Error::non_retryable("there is nothing to parse").with_type("EmptyInput"));
///     }
///     Ok(text.parse()?)
/// }
/// assert_eq!(parse("").unwrap_err().type_name(), Some("EmptyInput"));
/// assert_eq!(parse("x").unwrap_err().type_name(), Some("ParseIntError"));
/// ```
pub struct Error(Box<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    pub kind: Option<ErrorKind>,
    pub message: String,
    pub type_name: Option<String>,
    pub details: Vec<Payload>,
    pub non_retryable: bool,
    pub next_retry_delay: Option<Duration>,
    pub activity: Option<String>,
    pub workflow: Option<String>,
    pub cause: Option<Error>,
    pub source: Option<Box<dyn StdError + Send + Sync>>,
    /// As it came over the wire: passed on unchanged, so the history shows the whole chain.
    pub failure: Option<Failure>,
    /// How the workflow goes on as a new run.
    pub continuation: Option<Box<WorkflowTermination>>,
}

impl Error {
    /// An error that is retried where a retry policy says so.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::of(ErrorKind::Application, message)
    }

    /// An error that ends its activity at once: trying again would not help.
    pub fn non_retryable(message: impl fmt::Display) -> Self {
        Self::new(message).into_non_retryable()
    }

    pub(crate) fn of(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self(Box::new(Inner { kind: Some(kind), message: text(&message), ..Inner::default() }))
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self(Box::new(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    pub(crate) fn cancelled(message: impl fmt::Display) -> Self {
        Self::of(ErrorKind::Cancelled, message)
    }

    pub(crate) fn engine(message: impl fmt::Display) -> Self {
        Self::of(ErrorKind::Engine, message)
    }

    /// A mistake in the program: never retried.
    pub(crate) fn misuse(type_name: &str, message: impl fmt::Display) -> Self {
        Self::non_retryable(message).with_type(type_name)
    }

    /// The same error, with the name that retry policies (`retry_policy_non_retryable`) and callers know it by.
    pub fn with_type(mut self, name: impl Into<String>) -> Self {
        self.0.type_name = Some(name.into());
        self.0.failure = None;
        self
    }

    /// The same error with a value for whoever handles it. Limit: 2 MiB as JSON.
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        match payload::encode(&details) {
            Ok(payload) => self.0.details.push(payload),
            Err(error) => self.0.message = format!("{} (its details were lost: {error})", self.0.message),
        }
        self.0.failure = None;
        self
    }

    /// The same error, to be retried after this time instead of what the retry policy says.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.next_retry_delay = Some(delay);
        self.0.failure = None;
        self
    }

    /// The same error, never retried.
    pub fn into_non_retryable(mut self) -> Self {
        self.0.non_retryable = true;
        self.0.failure = None;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Application)
    }

    /// What it says, without the activity or workflow that said it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The error's name, if it has one: that of its Rust type, or the one given by [`with_type`](Self::with_type).
    pub fn type_name(&self) -> Option<&str> {
        self.0.type_name.as_deref()
    }

    /// The first of the details, if there are any of this type.
    pub fn details<T: DeserializeOwned>(&self) -> Option<T> {
        self.0.details.first().and_then(|payload| payload::decode(payload).ok())
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// Whether it took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout(_))
    }

    /// Whether it says that trying again would not help.
    pub fn is_non_retryable(&self) -> bool {
        self.0.non_retryable
    }

    /// The activity that failed, by its registered name.
    pub fn activity(&self) -> Option<&str> {
        self.0.activity.as_deref()
    }

    /// The child workflow that failed, by its registered name.
    pub fn workflow(&self) -> Option<&str> {
        self.0.workflow.as_deref()
    }

    /// What caused it.
    pub fn cause(&self) -> Option<&Error> {
        self.0.cause.as_ref()
    }

    /// The value that became this error by `?`, in the process where it did.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.source.as_deref().and_then(|source| source.downcast_ref())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(source: E) -> Self {
        let type_name = std::any::type_name::<E>();
        let type_name = type_name.split('<').next().unwrap_or(type_name).rsplit("::").next().unwrap_or(type_name);
        let cause = causes(&source)
            .into_iter()
            .rev()
            .fold(None, |cause, message| Some(Self(Box::new(Inner { message, cause, ..Inner::default() }))));
        Self(Box::new(Inner {
            message: text(&source),
            type_name: Some(type_name.to_owned()),
            cause,
            source: Some(Box::new(source)),
            ..Inner::default()
        }))
    }
}

/// A chain of sources is cut here, in its middle: the first ones and the root are kept.
const CAUSES_MAX: usize = 20;
/// A chain is not followed further: one that goes in a circle has no end.
const LINKS_MAX: usize = 10_000;

/// What caused an error, outermost first.
fn causes(error: &dyn StdError) -> Vec<String> {
    let mut sources: Vec<&dyn StdError> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next.filter(|_| sources.len() < LINKS_MAX) {
        sources.push(cause);
        next = cause.source();
    }
    let Some((root, first)) = sources.split_last() else { return Vec::new() };
    let kept = first.iter().take(CAUSES_MAX - 2).map(|cause| text(*cause));
    let left_out = (first.len() + 2).saturating_sub(CAUSES_MAX);
    let mark = if left_out == 0 { String::new() } else { format!("[{left_out} causes left out] ") };
    kept.chain([format!("{mark}{}", text(*root))]).collect()
}

/// What something says; where its `Display` gives an error, what it said until then.
fn text(said: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = String::new();
    match write!(text, "{said}") {
        Ok(()) => text,
        Err(_) => format!("{text}<its Display gives an error>"),
    }
}

/// What an error of others says, with what caused it.
pub(crate) fn chain(error: &dyn StdError) -> String {
    std::iter::once(text(error)).chain(causes(error)).collect::<Vec<_>>().join(": ")
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

/// An [`Error`] where a `std::error::Error` is asked for. (`Error` itself cannot be one and be made from any other by `?`.)
#[derive(Debug)]
pub(crate) struct Standard(pub Error);

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Standard {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.activity, &self.0.workflow) {
            (Some(activity), _) => write!(f, "activity `{activity}`: {}", self.0.message),
            (_, Some(workflow)) => write!(f, "workflow `{workflow}`: {}", self.0.message),
            _ => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if let Some(name) = &self.0.type_name {
            write!(f, " ({name})")?;
        }
        let mut cause = self.cause();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.cause();
        }
        Ok(())
    }
}
