//! What the code of an activity can ask and say.

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::{self, InAttempt};
use crate::error::{Error, ErrorKind, Result};
use crate::payload;

/// Says that the activity is alive, with details that the next attempt can read ([`last_heartbeat`]). Limit: 2 MiB as JSON.
///
/// Call it as often as you like: what reaches the engine is one in 0.8 × `heartbeat_timeout`, always the newest. It is also how a
/// worker learns that the activity was cancelled. In a local or an inline activity it belongs to the outer one, or to nobody; outside of
/// a worker it is only kept for the next attempt.
pub fn heartbeat(details: impl Serialize) {
    let Some(attempt) = context::attempt() else {
        tracing::debug!("a heartbeat outside of an activity says nothing to anybody");
        return;
    };
    let encoded = payload::encode(&details).and_then(|payload| {
        payload::check(std::slice::from_ref(&payload), "a heartbeat")?;
        Ok(payload)
    });
    let payload = match encoded {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(activity = attempt.info.name, %error, "the details of a heartbeat are lost");
            payload::Payload::default()
        }
    };
    attempt.heartbeat(payload);
}

/// The details of the last heartbeat of the attempt before this one, if there was one with details of this type.
pub fn last_heartbeat<T: DeserializeOwned>() -> Option<T> {
    let attempt = context::attempt()?;
    let details = attempt.last_details()?;
    match payload::decode(&details) {
        Ok(details) => Some(details),
        Err(error) => {
            tracing::warn!(activity = attempt.info.name, %error, "the last heartbeat's details have another type");
            None
        }
    }
}

/// Whether the activity was cancelled. Only bodies that are not dropped then see it: functions without `async`, and
/// `cancellation = "cooperate"`.
pub fn is_cancelled() -> bool {
    context::attempt().and_then(|attempt| attempt.task.clone()).is_some_and(|task| task.is_cancelled())
}

/// Waits until the activity is cancelled. Never ends outside of a worker.
pub async fn cancelled() {
    match context::attempt().and_then(|attempt| attempt.task.clone()) {
        Some(task) => task.cancelled().await,
        None => std::future::pending().await,
    }
}

/// What an activity is told about its call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActivityInfo {
    /// The registered name.
    pub name: String,
    /// From 1.
    pub attempt: u32,
    /// The activity's id in its workflow; empty outside of a worker.
    pub activity_id: String,
    /// The workflow that called it.
    pub workflow_id: Option<String>,
    /// That workflow's run.
    pub run_id: Option<String>,
    /// The queue it came from; empty outside of a worker.
    pub task_queue: String,
    /// Whether it runs in the worker of its workflow.
    pub is_local: bool,
    /// When this attempt times out.
    pub deadline: Option<SystemTime>,
    /// The most between two heartbeats.
    pub heartbeat_timeout: Option<Duration>,
}

/// About the activity that runs here. `None` outside of an activity.
pub fn info() -> Option<ActivityInfo> {
    context::attempt().map(|attempt| attempt.info.clone())
}

impl ActivityInfo {
    /// Of a run outside of a worker.
    pub(crate) fn outside(name: &str, attempt: u32) -> Self {
        Self {
            name: name.to_owned(),
            attempt,
            activity_id: String::new(),
            workflow_id: None,
            run_id: None,
            task_queue: String::new(),
            is_local: false,
            deadline: None,
            heartbeat_timeout: None,
        }
    }
}

/// What completes an activity from outside: bytes that only mean something to the engine. It is written as text (base64), and can
/// be stored or sent.
///
/// Each attempt has its own: that of an attempt which is over is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActivityToken(pub(crate) Vec<u8>);

impl fmt::Display for ActivityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl From<ActivityToken> for String {
    fn from(token: ActivityToken) -> Self {
        token.to_string()
    }
}

impl TryFrom<String> for ActivityToken {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let bytes = BASE64_STANDARD.decode(&text).map_err(|error| {
            Error::misuse("InvalidToken", format_args!("{text:?} is no token of an activity: {error}"))
        })?;
        Ok(Self(bytes))
    }
}

/// The token that completes this attempt from outside: see [`complete_later`].
///
/// # Errors
/// Type name `NotAllowed`: in a local activity, which its workflow waits for in the worker, and outside of a worker.
pub fn token() -> Result<ActivityToken> {
    let attempt = context::attempt();
    match attempt.as_ref().map(|attempt| attempt.token.clone()) {
        Some(Some(token)) => Ok(ActivityToken(token)),
        _ => Err(Error::misuse(
            "NotAllowed",
            "there is no activity here that could be completed later: call it in a workflow, outside of run_activities_locally",
        )),
    }
}

/// Returned by an activity that something outside completes, any time before its time-out: a person, a callback of a service, another
/// program. Until then no worker is busy with it.
///
/// Whoever completes it knows its [`token`], or the ids of the workflow and of the activity
/// ([`ActivityCall::activity_id`](crate::activity::ActivityCall::activity_id)):
///
/// ```no_run
/// use ostro::prelude::*;
/// use ostro::activity::{self, ActivityToken};
///
/// # async fn send_mail(to: &str, link: String) -> Result<()> { Ok(()) }
/// #[activity(start_to_close_timeout = "7d")]
/// async fn ask(who: String) -> Result<bool> {
///     send_mail(&who, format!("https://example.org/answer?token={}", activity::token()?)).await?;
///     activity::complete_later()
/// }
///
/// // Where the answer comes in:
/// async fn answered(ostro: &Ostro, token: ActivityToken, yes: bool) -> Result<()> {
///     ostro.activity::<ask>(token).complete(&yes).await
/// }
/// ```
///
/// # Errors
/// Always: return it. Outside of a worker, and in a local activity, it fails the activity.
pub fn complete_later<T>() -> Result<T> {
    token()?;
    Err(Error::of(ErrorKind::CompletesLater, "the activity is completed from outside: return this error"))
}

/// What a sticky activity is told about its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The same for all calls of the session, wherever it moves.
    pub id: String,
    /// How often it has moved to another worker.
    pub moves: u32,
    /// Whether this worker has nothing of it yet: it has just moved here, and no call has succeeded since.
    pub cold_start: bool,
}

/// The sticky session that this call belongs to.
pub fn session() -> Option<SessionInfo> {
    context::attempt().and_then(|attempt| attempt.session.clone())
}

/// Whether the session has just moved here from a worker that was lost, so that whatever was loaded there must be loaded again.
///
/// ```
/// # use ostro::prelude::*;
/// # use ostro::activity;
/// # async fn load() -> Result<()> { Ok(()) }
/// #[activity(sticky_to_worker)]
/// async fn predict(input: String) -> Result<String> {
///     if activity::cold_start() {
///         load().await?;
///     }
///     Ok(input)
/// }
/// ```
pub fn cold_start() -> bool {
    session().is_some_and(|session| session.cold_start)
}

/// `tokio::spawn` that keeps the activity around what it runs, so heartbeats and inline calls in it work.
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match context::attempt() {
        Some(attempt) => tokio::spawn(InAttempt { attempt, future: future.boxed() }),
        None => tokio::spawn(future),
    }
}

pub(crate) fn cancelled_error(name: &str) -> Error {
    Error::cancelled(format_args!("activity `{name}` was cancelled"))
}
