//! What can be done with one activity of a run.

use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::failure::v1::{ApplicationFailureInfo, Failure};
use temporalio_protos::temporal::api::workflowservice::v1::{
    PauseActivityRequest, ResetActivityRequest, RespondActivityTaskCompletedByIdRequest,
    RespondActivityTaskFailedByIdRequest, UnpauseActivityRequest, pause_activity_request, reset_activity_request,
    unpause_activity_request,
};
use uuid::Uuid;

use super::{Action, Done, Target, Undone};
use crate::form::{Field, Form, Kind, Sent};
use crate::payload;

/// The forms of this file.
pub(super) fn form(action: Action) -> Form {
    let (title, explains, fields): (_, _, Vec<Field>) = match action {
        Action::ActivityPause => (
            "Pause the activity",
            "No other attempt begins, and nothing times out, until it is unpaused. An attempt that runs goes on.",
            vec![Field::new(Kind::Line, "reason", "Reason")],
        ),
        Action::ActivityUnpause => (
            "Unpause the activity",
            "Its next attempt begins now.",
            vec![Field::new(Kind::Check, "attempts", "Count attempts from one again")],
        ),
        Action::ActivityRetry => {
            ("Retry the activity now", "Its next attempt does not wait for the end of its back-off.", Vec::new())
        }
        Action::ActivityReset => (
            "Reset the activity",
            "It begins again with its first attempt, at once unless one runs.",
            vec![Field::new(Kind::Check, "heartbeat", "Forget the details of its last heartbeat")],
        ),
        Action::ActivityComplete => (
            "Complete the activity",
            "The workflow goes on with this result; a worker that still runs it is told that it is over.",
            vec![Field::new(Kind::Json, "result", "Result").help("JSON; empty for none.")],
        ),
        _ => (
            "Fail the activity",
            "This attempt fails with your message. It is tried again where its retry policy allows it.",
            vec![
                Field::new(Kind::Line, "message", "Message").required(),
                Field::new(Kind::Line, "type", "Type of error").help("Retry policies name types that are not retried."),
                Field::new(Kind::Check, "final", "Do not retry"),
            ],
        ),
    };
    Form {
        title: title.to_owned(),
        explains: explains.to_owned(),
        verb: action.verb(),
        destroys: matches!(action, Action::ActivityComplete | Action::ActivityFail),
        fields,
    }
}

fn pause_request(target: &Target<'_>, reason: &str) -> PauseActivityRequest {
    PauseActivityRequest {
        namespace: target.place.namespace.clone(),
        execution: Some(target.place.execution()),
        identity: target.visitor.identity(),
        activity: Some(pause_activity_request::Activity::Id(target.activity.to_owned())),
        reason: reason.to_owned(),
        request_id: Uuid::new_v4().to_string(),
    }
}

fn unpause_request(target: &Target<'_>, reset_attempts: bool) -> UnpauseActivityRequest {
    UnpauseActivityRequest {
        namespace: target.place.namespace.clone(),
        execution: Some(target.place.execution()),
        identity: target.visitor.identity(),
        activity: Some(unpause_activity_request::Activity::Id(target.activity.to_owned())),
        reset_attempts,
        ..Default::default()
    }
}

pub(super) async fn pause(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    target.visitor.caller.ask(&pause_request(target, sent.text("reason"))).await?;
    Ok(Done::Said)
}

pub(super) async fn unpause(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    target.visitor.caller.ask(&unpause_request(target, sent.has("attempts"))).await?;
    Ok(Done::Said)
}

/// The protocol has no word for it: a pause that ends at once leaves the attempt due now.
pub(super) async fn retry(target: &Target<'_>) -> Result<Done, Undone> {
    target.visitor.caller.ask(&pause_request(target, "retry now")).await?;
    target.visitor.caller.ask(&unpause_request(target, false)).await?;
    Ok(Done::Said)
}

pub(super) async fn reset(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = ResetActivityRequest {
        namespace: target.place.namespace.clone(),
        execution: Some(target.place.execution()),
        identity: target.visitor.identity(),
        activity: Some(reset_activity_request::Activity::Id(target.activity.to_owned())),
        reset_heartbeat: sent.has("heartbeat"),
        ..Default::default()
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn complete(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = RespondActivityTaskCompletedByIdRequest {
        namespace: target.place.namespace.clone(),
        workflow_id: target.place.id.clone(),
        run_id: target.place.run.clone(),
        activity_id: target.activity.to_owned(),
        result: payload::arguments(sent.raw("result")).map_err(Undone::unfit)?,
        identity: target.visitor.identity(),
        ..Default::default()
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn fail(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let info = ApplicationFailureInfo {
        r#type: sent.text("type").to_owned(),
        non_retryable: sent.has("final"),
        ..Default::default()
    };
    let failure = Failure {
        message: sent.text("message").to_owned(),
        source: "console".to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
        ..Default::default()
    };
    let request = RespondActivityTaskFailedByIdRequest {
        namespace: target.place.namespace.clone(),
        workflow_id: target.place.id.clone(),
        run_id: target.place.run.clone(),
        activity_id: target.activity.to_owned(),
        failure: Some(failure),
        identity: target.visitor.identity(),
        ..Default::default()
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}
