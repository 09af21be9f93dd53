//! What the code of an activity can ask and say.

use std::future::Future;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use temporalio_common::data_converters::RawValue;

use crate::context::{self, InAttempt};
use crate::error::Error;
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
            tracing::error!(activity = attempt.name, %error, "the details of a heartbeat are lost");
            payload::Payload::default()
        }
    };
    if let Some(relay) = &attempt.relay {
        relay.heartbeat(&payload);
    } else if let Some(sdk) = &attempt.sdk {
        // Ready at once: the details are encoded already.
        let _ = sdk.record_heartbeat(RawValue::new(vec![payload])).now_or_never();
    } else {
        *attempt.last_details.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(payload);
    }
}

/// The details of the last heartbeat of the attempt before this one, if there was one with details of this type.
pub fn last_heartbeat<T: DeserializeOwned>() -> Option<T> {
    let attempt = context::attempt()?;
    let details = match &attempt.sdk {
        Some(sdk) => sdk.heartbeat_details().raw().first().cloned(),
        None => attempt.last_details.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
    }?;
    match payload::decode(&details) {
        Ok(details) => Some(details),
        Err(error) => {
            tracing::warn!(activity = attempt.name, %error, "the last heartbeat's details have another type");
            None
        }
    }
}

/// Whether the activity was cancelled. Only bodies that are not dropped then see it: functions without `async`, and
/// `cancellation = "cooperate"`.
pub fn is_cancelled() -> bool {
    let sdk = context::attempt().and_then(|attempt| attempt.sdk.clone());
    sdk.is_some_and(|sdk| sdk.is_cancelled())
}

/// Waits until the activity is cancelled. Never ends outside of a worker.
pub async fn cancelled() {
    let sdk = context::attempt().and_then(|attempt| attempt.sdk.clone());
    match sdk {
        Some(sdk) => sdk.cancelled().await,
        None => std::future::pending().await,
    }
}

/// What an activity is told about its call.
#[derive(Debug, Clone)]
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
    let attempt = context::attempt()?;
    let sdk = attempt.sdk.as_ref().map(|sdk| sdk.info());
    Some(ActivityInfo {
        name: attempt.name.clone(),
        attempt: attempt.number,
        activity_id: sdk.map(|info| info.activity_id.clone()).unwrap_or_default(),
        workflow_id: sdk.and_then(|info| info.workflow_id.clone()),
        run_id: sdk.and_then(|info| info.workflow_run_id.clone()),
        task_queue: sdk.map(|info| info.task_queue.clone()).unwrap_or_default(),
        is_local: sdk.is_some_and(|info| info.is_local),
        deadline: sdk.and_then(|info| info.deadline),
        heartbeat_timeout: sdk.and_then(|info| info.heartbeat_timeout),
    })
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
