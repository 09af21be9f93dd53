//! Activities that are completed from outside.

use std::marker::PhantomData;

use serde::Serialize;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    RecordActivityTaskHeartbeatByIdRequest, RecordActivityTaskHeartbeatRequest, RespondActivityTaskCanceledByIdRequest,
    RespondActivityTaskCanceledRequest, RespondActivityTaskCompletedByIdRequest, RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedByIdRequest, RespondActivityTaskFailedRequest,
};

use crate::activity::{ActivityFn, ActivityToken};
use crate::client::rpc;
use crate::error::{Error, Result};
use crate::ostro_handle::Ostro;
use crate::payload::{self, Payload};

/// Which one.
#[derive(Clone)]
pub(crate) enum Target {
    Token(ActivityToken),
    Ids { workflow_id: String, activity_id: String },
}

/// An activity that returned [`complete_later`](crate::activity::complete_later), to whoever completes it: from
/// [`Ostro::activity`] or [`Ostro::activity_by_id`].
///
/// A completion is in the history when the call returns. What is over already (it timed out, its workflow closed, another was
/// quicker) is an error with the type name `NotFound`.
pub struct ActivityHandle<A> {
    ostro: Ostro,
    target: Target,
    activity: PhantomData<fn(A)>,
}

/// What the engine says to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeartbeatAnswer {
    /// The workflow asked the activity to cancel: answer with [`ActivityHandle::cancelled`].
    pub cancel_requested: bool,
    /// Somebody paused it.
    pub paused: bool,
}

impl<A> Clone for ActivityHandle<A> {
    fn clone(&self) -> Self {
        Self { ostro: self.ostro.clone(), target: self.target.clone(), activity: PhantomData }
    }
}

/// Sends the request of this target, by token or by ids: they have the same fields otherwise, and so have the answers.
macro_rules! send {
    ($handle:ident, $what:literal, $by_token:ident | $by_id:ident { $($field:ident: $value:expr),* $(,)? }, $answer:expr) => {{
        let ostro = &$handle.ostro;
        let (namespace, identity) = (ostro.namespace().to_owned(), ostro.identity().to_owned());
        match $handle.target.clone() {
            Target::Token(token) => {
                let request =
                    $by_token { namespace, identity, task_token: token.0, $($field: $value,)* ..Default::default() };
                rpc::ask(ostro, $what, &request).await.map($answer)
            }
            Target::Ids { workflow_id, activity_id } => {
                let what = format!("{} {activity_id:?} of workflow {workflow_id:?}", $what);
                let request =
                    $by_id { namespace, identity, workflow_id, activity_id, $($field: $value,)* ..Default::default() };
                rpc::ask(ostro, what, &request).await.map($answer)
            }
        }
    }};
}

impl<A: ActivityFn> ActivityHandle<A> {
    pub(crate) fn of(ostro: Ostro, target: Target) -> Self {
        Self { ostro, target, activity: PhantomData }
    }

    /// Completes it with this result. Limit: 2 MiB as JSON.
    pub async fn complete(&self, result: &A::Output) -> Result<()>
    where
        A::Output: Serialize,
    {
        let payload = payload::encode(result)?;
        payload::check(std::slice::from_ref(&payload), format_args!("the result of activity `{}`", A::NAME))?;
        send!(
            self,
            "the completion of activity",
            RespondActivityTaskCompletedRequest
                | RespondActivityTaskCompletedByIdRequest { result: rpc::payloads(vec![payload]) },
            drop
        )
    }

    /// Fails this attempt; it is tried again as its options say.
    pub async fn fail(&self, error: Error) -> Result<()> {
        send!(
            self,
            "the failure of activity",
            RespondActivityTaskFailedRequest
                | RespondActivityTaskFailedByIdRequest { failure: Some(error.to_failure()) },
            drop
        )
    }

    /// Says that it was cancelled, as its workflow asked ([`HeartbeatAnswer::cancel_requested`]).
    ///
    /// # Errors
    /// Nobody asked for it.
    pub async fn cancelled(&self) -> Result<()> {
        send!(
            self,
            "the cancellation of activity",
            RespondActivityTaskCanceledRequest | RespondActivityTaskCanceledByIdRequest {},
            drop
        )
    }

    /// Says that it is alive, with details for the next attempt. Limit: 2 MiB as JSON.
    pub async fn heartbeat(&self, details: impl Serialize) -> Result<HeartbeatAnswer> {
        let payload: Payload = payload::encode(&details)?;
        payload::check(std::slice::from_ref(&payload), "a heartbeat")?;
        send!(
            self,
            "a heartbeat of activity",
            RecordActivityTaskHeartbeatRequest
                | RecordActivityTaskHeartbeatByIdRequest { details: rpc::payloads(vec![payload]) },
            |answer| HeartbeatAnswer { cancel_requested: answer.cancel_requested, paused: answer.activity_paused }
        )
    }
}
