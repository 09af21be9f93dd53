//! Activities that are completed from outside.

use std::marker::PhantomData;

use serde::Serialize;
use temporalio_client::grpc::WorkflowService;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    RecordActivityTaskHeartbeatByIdRequest, RecordActivityTaskHeartbeatRequest, RespondActivityTaskCanceledByIdRequest,
    RespondActivityTaskCanceledRequest, RespondActivityTaskCompletedByIdRequest, RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedByIdRequest, RespondActivityTaskFailedRequest,
};
use tonic::IntoRequest;

use crate::activity::{ActivityFn, ActivityToken};
use crate::client::rpc::{self, answer};
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

/// Sends the request of this target: by token or by ids, which have the same fields otherwise.
macro_rules! send {
    ($handle:ident, $what:literal, $by_token:ident($token:ident), $by_id:ident($ids:ident), { $($field:ident: $value:expr),* $(,)? }) => {{
        let (namespace, mut client) = ($handle.ostro.namespace().to_owned(), $handle.ostro.client().clone());
        let identity = rpc::identity(&client);
        match $handle.target.clone() {
            Target::Token(token) => {
                let request = $token { namespace, identity, task_token: token.0, $($field: $value,)* ..Default::default() };
                answer($what, client.$by_token(request.into_request()).await).map(Into::into)
            }
            Target::Ids { workflow_id, activity_id } => {
                let what = format!("{} {activity_id:?} of workflow {workflow_id:?}", $what);
                let request =
                    $ids { namespace, identity, workflow_id, activity_id, $($field: $value,)* ..Default::default() };
                answer(what, client.$by_id(request.into_request()).await).map(Into::into)
            }
        }
    }};
}

/// The answers say nothing but that they came.
struct Done;

macro_rules! done {
    ($($answer:ident),*) => {
        $(impl From<temporalio_common::protos::temporal::api::workflowservice::v1::$answer> for Done {
            fn from(_: temporalio_common::protos::temporal::api::workflowservice::v1::$answer) -> Self {
                Self
            }
        })*
    };
}
done!(
    RespondActivityTaskCompletedResponse,
    RespondActivityTaskCompletedByIdResponse,
    RespondActivityTaskFailedResponse,
    RespondActivityTaskFailedByIdResponse,
    RespondActivityTaskCanceledResponse,
    RespondActivityTaskCanceledByIdResponse
);

macro_rules! heartbeat_answer {
    ($($answer:ident),*) => {
        $(impl From<temporalio_common::protos::temporal::api::workflowservice::v1::$answer> for HeartbeatAnswer {
            fn from(answer: temporalio_common::protos::temporal::api::workflowservice::v1::$answer) -> Self {
                Self { cancel_requested: answer.cancel_requested, paused: answer.activity_paused }
            }
        })*
    };
}
heartbeat_answer!(RecordActivityTaskHeartbeatResponse, RecordActivityTaskHeartbeatByIdResponse);

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
        let result: Result<Done> = send!(
            self,
            "the completion of activity",
            respond_activity_task_completed(RespondActivityTaskCompletedRequest),
            respond_activity_task_completed_by_id(RespondActivityTaskCompletedByIdRequest),
            { result: rpc::payloads(vec![payload]) }
        );
        result.map(drop)
    }

    /// Fails this attempt; it is tried again as its options say.
    pub async fn fail(&self, error: Error) -> Result<()> {
        let result: Result<Done> = send!(
            self,
            "the failure of activity",
            respond_activity_task_failed(RespondActivityTaskFailedRequest),
            respond_activity_task_failed_by_id(RespondActivityTaskFailedByIdRequest),
            { failure: Some(error.to_failure()) }
        );
        result.map(drop)
    }

    /// Says that it was cancelled, as its workflow asked ([`HeartbeatAnswer::cancel_requested`]).
    ///
    /// # Errors
    /// Nobody asked for it.
    pub async fn cancelled(&self) -> Result<()> {
        let result: Result<Done> = send!(
            self,
            "the cancellation of activity",
            respond_activity_task_canceled(RespondActivityTaskCanceledRequest),
            respond_activity_task_canceled_by_id(RespondActivityTaskCanceledByIdRequest),
            {}
        );
        result.map(drop)
    }

    /// Says that it is alive, with details for the next attempt. Limit: 2 MiB as JSON.
    pub async fn heartbeat(&self, details: impl Serialize) -> Result<HeartbeatAnswer> {
        let payload: Payload = payload::encode(&details)?;
        payload::check(std::slice::from_ref(&payload), "a heartbeat")?;
        send!(
            self,
            "a heartbeat of activity",
            record_activity_task_heartbeat(RecordActivityTaskHeartbeatRequest),
            record_activity_task_heartbeat_by_id(RecordActivityTaskHeartbeatByIdRequest),
            { details: rpc::payloads(vec![payload]) }
        )
    }
}
