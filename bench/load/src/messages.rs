//! Requests of a client and of a worker, as the SDKs send them.

use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::{
    command::v1::{
        Command, CompleteWorkflowExecutionCommandAttributes, ScheduleActivityTaskCommandAttributes,
        StartTimerCommandAttributes, command::Attributes,
    },
    common::v1::{ActivityType, Memo, Payload, Payloads, SearchAttributes, WorkflowType},
    enums::v1::{CommandType, TaskQueueKind},
    sdk::v1::WorkflowTaskCompletedMetadata,
    taskqueue::v1::{StickyExecutionAttributes, TaskQueue},
    workflowservice::v1::*,
};

pub const NAMESPACE: &str = "default";
const IDENTITY: &str = "4242@load";
const STICKY_SECONDS: i64 = 10;
const ACTIVITY_SECONDS: i64 = 60;
const TIMER_DAYS: i64 = 30;

/// A task queue and the sticky queue of the one worker on it.
#[derive(Debug, Clone)]
pub struct Queue {
    pub name: String,
}

impl Queue {
    fn normal(&self) -> TaskQueue {
        TaskQueue { name: self.name.clone(), kind: TaskQueueKind::Normal as i32, ..Default::default() }
    }

    fn sticky(&self) -> TaskQueue {
        TaskQueue {
            name: format!("{}-sticky", self.name),
            kind: TaskQueueKind::Sticky as i32,
            normal_name: self.name.clone(),
        }
    }
}

/// What a started workflow carries beside its type.
#[derive(Debug, Clone, Default)]
pub struct Start {
    pub workflow_id: String,
    pub workflow_type: String,
    /// The starter runs the first workflow task itself.
    pub eager: bool,
    pub memo: Option<Memo>,
    pub search_attributes: Option<SearchAttributes>,
}

pub fn start(queue: &Queue, start: Start) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        request_id: format!("start-{}", start.workflow_id),
        workflow_id: start.workflow_id,
        workflow_type: Some(WorkflowType { name: start.workflow_type }),
        task_queue: Some(queue.normal()),
        input: payloads("42"),
        identity: IDENTITY.to_owned(),
        request_eager_execution: start.eager,
        memo: start.memo,
        search_attributes: start.search_attributes,
        ..Default::default()
    }
}

pub fn poll_workflow(queue: &Queue, sticky: bool) -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(if sticky { queue.sticky() } else { queue.normal() }),
        identity: IDENTITY.to_owned(),
        ..Default::default()
    }
}

pub fn poll_activity(queue: &Queue) -> PollActivityTaskQueueRequest {
    PollActivityTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(queue.normal()),
        identity: IDENTITY.to_owned(),
        ..Default::default()
    }
}

/// The end of a workflow task with these commands; the worker keeps the execution in its cache where `sticky`.
pub fn complete(
    queue: &Queue,
    task_token: Vec<u8>,
    sticky: bool,
    commands: Vec<Command>,
) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest {
        task_token,
        commands,
        identity: IDENTITY.to_owned(),
        sticky_attributes: sticky.then(|| StickyExecutionAttributes {
            worker_task_queue: Some(queue.sticky()),
            schedule_to_start_timeout: seconds(STICKY_SECONDS),
        }),
        return_new_workflow_task: true,
        namespace: NAMESPACE.to_owned(),
        sdk_metadata: Some(WorkflowTaskCompletedMetadata::default()),
        ..Default::default()
    }
}

pub fn complete_activity(task_token: Vec<u8>) -> RespondActivityTaskCompletedRequest {
    RespondActivityTaskCompletedRequest {
        task_token,
        result: payloads("84"),
        identity: IDENTITY.to_owned(),
        namespace: NAMESPACE.to_owned(),
        ..Default::default()
    }
}

/// An activity that the worker takes with the answer where `eager`.
pub fn schedule_activity(queue: &Queue, number: usize, eager: bool) -> Command {
    command(
        CommandType::ScheduleActivityTask,
        Attributes::ScheduleActivityTaskCommandAttributes(ScheduleActivityTaskCommandAttributes {
            activity_id: number.to_string(),
            activity_type: Some(ActivityType { name: "double".to_owned() }),
            task_queue: Some(queue.normal()),
            input: payloads("42"),
            start_to_close_timeout: seconds(ACTIVITY_SECONDS),
            request_eager_execution: eager,
            ..Default::default()
        }),
    )
}

pub fn start_timer() -> Command {
    command(
        CommandType::StartTimer,
        Attributes::StartTimerCommandAttributes(StartTimerCommandAttributes {
            timer_id: "1".to_owned(),
            start_to_fire_timeout: seconds(TIMER_DAYS * 24 * 3600),
        }),
    )
}

pub fn complete_workflow() -> Command {
    command(
        CommandType::CompleteWorkflowExecution,
        Attributes::CompleteWorkflowExecutionCommandAttributes(CompleteWorkflowExecutionCommandAttributes {
            result: payloads("84"),
        }),
    )
}

pub fn list(query: &str, page_size: i32) -> ListWorkflowExecutionsRequest {
    ListWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        page_size,
        query: query.to_owned(),
        ..Default::default()
    }
}

pub fn payload(json: &str) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: json.as_bytes().to_vec(),
        ..Default::default()
    }
}

fn payloads(json: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![payload(json)] })
}

fn command(kind: CommandType, attributes: Attributes) -> Command {
    Command { command_type: kind as i32, attributes: Some(attributes), ..Default::default() }
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}
