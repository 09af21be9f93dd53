//! Calls in the protocol's words.

use ostro_engine::call::WithDeadline;
use ostro_engine::time::{SECOND, Time};
use ostro_sim::model::times::Cron;
use ostro_sim::model::{ActivityPlan, Decision, Ending, Start, protocol};
use prost_wkt_types::Any;
use temporalio_protos::temporal::api::{
    command::v1::{command::Attributes, *},
    common::v1::{ActivityType, Payload, Payloads, RetryPolicy, WorkflowExecution, WorkflowType},
    enums::v1::{CommandType as Kind, WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse},
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    protocol::v1::Message,
    query::v1::WorkflowQuery,
    update::v1::{Acceptance, Input, Meta, Outcome, Rejection, Request, Response, WaitPolicy, outcome},
    workflowservice::v1::*,
};

use crate::handlers;
use crate::real::{NAMESPACE, queue};

pub fn payloads(text: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![Payload { data: text.into(), ..Default::default() }] })
}

pub fn workflow_type() -> Option<WorkflowType> {
    Some(WorkflowType { name: "type".into() })
}

pub fn execution(workflow: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: workflow.into(), ..Default::default() })
}

pub fn retry_policy(attempts_max: Option<i32>) -> Option<RetryPolicy> {
    attempts_max.map(|maximum_attempts| RetryPolicy { maximum_attempts, ..Default::default() })
}

pub fn start(
    workflow: &str,
    request: &str,
    start: &Start,
    (reuse, conflict): (Reuse, Conflict),
) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_id: workflow.into(),
        workflow_type: workflow_type(),
        task_queue: queue(),
        input: payloads(&start.input),
        request_id: request.into(),
        workflow_run_timeout: protocol(start.run_timeout),
        workflow_start_delay: protocol(start.delay),
        cron_schedule: start.cron.map(Cron::text).unwrap_or_default(),
        retry_policy: retry_policy(start.attempts_max),
        workflow_id_reuse_policy: reuse as i32,
        workflow_id_conflict_policy: conflict as i32,
        ..Default::default()
    }
}

pub fn signal_with_start(
    workflow: &str,
    request: &str,
    start: &Start,
    signal: &str,
) -> SignalWithStartWorkflowExecutionRequest {
    SignalWithStartWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_id: workflow.into(),
        workflow_type: workflow_type(),
        task_queue: queue(),
        input: payloads(&start.input),
        request_id: request.into(),
        workflow_run_timeout: protocol(start.run_timeout),
        workflow_start_delay: protocol(start.delay),
        cron_schedule: start.cron.map(Cron::text).unwrap_or_default(),
        retry_policy: retry_policy(start.attempts_max),
        workflow_id_reuse_policy: Reuse::AllowDuplicate as i32,
        signal_name: signal.into(),
        ..Default::default()
    }
}

pub fn signal(workflow: &str, name: &str, request: &str) -> SignalWorkflowExecutionRequest {
    SignalWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: execution(workflow),
        signal_name: name.into(),
        request_id: request.into(),
        ..Default::default()
    }
}

pub fn update(workflow: &str, id: &str) -> WithDeadline<UpdateWorkflowExecutionRequest> {
    let request = UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: execution(workflow),
        wait_policy: Some(WaitPolicy { lifecycle_stage: 3 }),
        request: update_request(id),
        ..Default::default()
    };
    WithDeadline { request, deadline: Time::MAX }
}

fn update_request(id: &str) -> Option<Request> {
    Some(Request {
        meta: Some(Meta { update_id: id.into(), ..Default::default() }),
        input: Some(Input { name: "update".into(), ..Default::default() }),
        ..Default::default()
    })
}

pub fn query(workflow: &str) -> QueryWorkflowRequest {
    QueryWorkflowRequest {
        namespace: NAMESPACE.into(),
        execution: execution(workflow),
        query: Some(WorkflowQuery { query_type: "query".into(), ..Default::default() }),
        ..Default::default()
    }
}

pub fn failure(non_retryable: bool) -> Option<Failure> {
    let info = ApplicationFailureInfo { non_retryable, ..Default::default() };
    Some(Failure { failure_info: Some(FailureInfo::ApplicationFailureInfo(info)), ..Default::default() })
}

/// A completion with these decisions; `start` is what a run that goes on is started with.
pub fn completion(token: &[u8], decisions: &[Decision], start: &Start) -> RespondWorkflowTaskCompletedRequest {
    let mut request = RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.into(),
        task_token: token.to_vec(),
        ..Default::default()
    };
    for decision in decisions {
        let (command, message) = written(decision, start);
        request.messages.extend(message);
        request.commands.extend(command);
    }
    request
}

fn written(decision: &Decision, start: &Start) -> (Option<Command>, Option<Message>) {
    let said = |(command, message): (Option<Command>, Message)| (command, Some(message));
    match decision {
        Decision::Activity(plan) => (Some(activity(plan)), None),
        Decision::CancelActivity(scheduled_event_id) => {
            let attributes = RequestCancelActivityTaskCommandAttributes { scheduled_event_id: *scheduled_event_id };
            (Some(command(Kind::RequestCancelActivityTask, attributes)), None)
        }
        Decision::Timer(id, span) => {
            let attributes =
                StartTimerCommandAttributes { timer_id: id.clone(), start_to_fire_timeout: protocol(*span) };
            (Some(command(Kind::StartTimer, attributes)), None)
        }
        Decision::CancelTimer(id) => {
            let attributes = CancelTimerCommandAttributes { timer_id: id.clone() };
            (Some(command(Kind::CancelTimer, attributes)), None)
        }
        Decision::Marker => {
            let attributes = RecordMarkerCommandAttributes { marker_name: "marker".into(), ..Default::default() };
            (Some(command(Kind::RecordMarker, attributes)), None)
        }
        Decision::Child(workflow, policy) => {
            let attributes = StartChildWorkflowExecutionCommandAttributes {
                workflow_id: workflow.clone(),
                workflow_type: workflow_type(),
                input: payloads(ostro_sim::model::CHILD_INPUT),
                parent_close_policy: *policy as i32,
                ..Default::default()
            };
            (Some(command(Kind::StartChildWorkflowExecution, attributes)), None)
        }
        Decision::Operation(plan) => (Some(handlers::operation(plan)), None),
        Decision::CancelOperation(scheduled) => (Some(handlers::cancel_operation(*scheduled)), None),
        Decision::Accept(id) => said(message(id, "accept", &acceptance(id), true)),
        Decision::Answer(id) => said(message(id, "answer", &response(id), true)),
        Decision::Reject(id) => said(message(id, "reject", &rejection(id), false)),
        Decision::End(ending) => (Some(end(*ending, start)), None),
    }
}

pub fn command(kind: Kind, attributes: impl Into<Attributes>) -> Command {
    Command { command_type: kind as i32, attributes: Some(attributes.into()), ..Default::default() }
}

fn activity(plan: &ActivityPlan) -> Command {
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: plan.id.clone(),
        activity_type: Some(ActivityType { name: "activity".into() }),
        task_queue: queue(),
        start_to_close_timeout: protocol(plan.start_to_close),
        schedule_to_close_timeout: protocol(plan.schedule_to_close),
        schedule_to_start_timeout: protocol(plan.schedule_to_start),
        heartbeat_timeout: protocol(plan.heartbeat),
        retry_policy: retry_policy(Some(plan.attempts_max)),
        ..Default::default()
    };
    command(Kind::ScheduleActivityTask, attributes)
}

fn end(ending: Ending, start: &Start) -> Command {
    match ending {
        Ending::Completes => {
            let attributes = CompleteWorkflowExecutionCommandAttributes { result: payloads(&start.input) };
            command(Kind::CompleteWorkflowExecution, attributes)
        }
        Ending::Cancels => command(Kind::CancelWorkflowExecution, CancelWorkflowExecutionCommandAttributes::default()),
        Ending::Fails { for_good } => {
            let attributes = FailWorkflowExecutionCommandAttributes { failure: failure(for_good) };
            command(Kind::FailWorkflowExecution, attributes)
        }
        Ending::ContinuesAsNew => {
            let attributes = ContinueAsNewWorkflowExecutionCommandAttributes {
                workflow_type: workflow_type(),
                task_queue: queue(),
                input: payloads(&start.input),
                workflow_run_timeout: protocol(start.run_timeout),
                workflow_task_timeout: protocol(10 * SECOND),
                retry_policy: retry_policy(start.attempts_max),
                ..Default::default()
            };
            command(Kind::ContinueAsNewWorkflowExecution, attributes)
        }
    }
}

/// A message about an update, with the command that gives it its place among the others.
fn message(update: &str, what: &str, body: &Any, in_order: bool) -> (Option<Command>, Message) {
    let id = format!("{update}/{what}");
    let attributes = ProtocolMessageCommandAttributes { message_id: id.clone() };
    let command = in_order.then(|| command(Kind::ProtocolMessage, attributes));
    let body = Some(body.clone());
    (command, Message { id, protocol_instance_id: update.into(), body, ..Default::default() })
}

fn any(name: &str, message: &impl prost::Message) -> Any {
    Any { type_url: format!("type.googleapis.com/temporal.api.update.v1.{name}"), value: message.encode_to_vec() }
}

fn acceptance(id: &str) -> Any {
    let accepted_request_message_id = format!("{id}/request");
    // Its own words, for one that an event brought.
    let accepted_request = update_request(id);
    any("Acceptance", &Acceptance { accepted_request_message_id, accepted_request, ..Default::default() })
}

fn response(id: &str) -> Any {
    let meta = Some(Meta { update_id: id.into(), ..Default::default() });
    let value = payloads("answer").map(outcome::Value::Success);
    any("Response", &Response { meta, outcome: Some(Outcome { value }) })
}

/// What rejections say, so that they are told from other failures.
pub const REJECTED: &str = "rejected";

fn rejection(id: &str) -> Any {
    let failure = Some(Failure { message: REJECTED.into(), ..Default::default() });
    let rejected_request_message_id = format!("{id}/request");
    any("Rejection", &Rejection { rejected_request_message_id, failure, ..Default::default() })
}
