//! What clients and operators ask beyond starting, signalling and updating: resets, deletions, schedules, activities
//! without a workflow, another namespace, and looks at queues.

use std::rc::Rc;

use ostro_engine::call::{ExpireExecutions, Request as _};
use ostro_engine::stored::execution::STANDALONE_MARK;
use ostro_engine::time::{MILLISECOND, MINUTE, SECOND, Span, Time, duration};
use temporalio_protos::temporal::api::{
    common::v1::{ActivityType, RetryPolicy},
    enums::v1::{
        ResetReapplyExcludeType, ScheduleOverlapPolicy as Overlap, TaskQueueType, WorkflowIdConflictPolicy as Conflict,
        WorkflowIdReusePolicy as Reuse,
    },
    history::v1::history_event::Attributes,
    schedule::v1::{
        IntervalSpec, Schedule, ScheduleAction, SchedulePatch, SchedulePolicies, ScheduleSpec, ScheduleState,
        TriggerImmediatelyRequest, schedule_action::Action,
    },
    workflow::v1::NewWorkflowExecutionInfo,
    workflowservice::v1::*,
};

use crate::client::{Client, Kind, again, start};
use crate::program::{self, QUEUES, SIGNALS, type_name};
use crate::rng::Rng;
use crate::vocabulary::*;
use crate::world::{Purpose, Request, World};

/// Ids of schedules, and of activities without a workflow, in a world.
const IDS: u64 = 3;

/// The call that `what` of 0..50 stands for.
pub(crate) fn client(what: u64, number: u64, workflow_id: String, rng: &mut Rng) -> Client {
    let request_id = format!("request-{number}");
    let other = |request: Request| (Kind::Other, request);
    let (name, (kind, request)) = match what {
        0..8 => ("reset", (Kind::Reset { workflow_id: workflow_id.clone() }, nothing())),
        8..12 => ("delete", other(delete(NAMESPACE, &workflow_id))),
        12..19 => ("schedule", other(schedule(rng, request_id))),
        19..25 => ("schedule's patch", other(patch(rng, request_id))),
        25..27 => ("schedule's look", other(look_at_schedule(rng))),
        27..28 => ("schedule's end", other(delete_schedule(rng))),
        28..37 => ("activity", start_activity(rng, request_id)),
        37..40 => ("activity's end", other(end_activity(rng, request_id))),
        42..46 => ("child", (Kind::Child { terminate: rng.chance(60) }, nothing())),
        40..42 => ("queue", other(look_at_queue(rng))),
        _ => ("elsewhere", elsewhere(&workflow_id, rng, request_id)),
    };
    Client::new(format!("{name} {workflow_id} (call {number})"), kind, 10 * SECOND, request)
}

/// In the place of a request that is made later.
fn nothing() -> Request {
    again(ExpireExecutions { executions: Vec::new() })
}

fn delete(namespace: &str, workflow_id: &str) -> Request {
    again(DeleteWorkflowExecutionRequest {
        namespace: namespace.to_owned(),
        workflow_execution: execution(workflow_id, ""),
    })
}

fn schedule_id(rng: &mut Rng) -> String {
    format!("s{}", rng.below(IDS))
}

/// A few actions, each some time after the other.
fn schedule(rng: &mut Rng, request_id: String) -> Request {
    let schedule_id = schedule_id(rng);
    let action = NewWorkflowExecutionInfo {
        workflow_id: schedule_id.clone(),
        workflow_type: workflow_type(&type_name(rng.next(), 1)),
        task_queue: queue(QUEUE),
        input: payloads("0"),
        ..Default::default()
    };
    let overlap = rng.pick(&[
        Overlap::Skip,
        Overlap::BufferOne,
        Overlap::BufferAll,
        Overlap::CancelOther,
        Overlap::TerminateOther,
        Overlap::AllowAll,
    ]);
    let interval = IntervalSpec { interval: duration(rng.span(SECOND, MINUTE) / SECOND * SECOND), phase: None };
    again(CreateScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id,
        schedule: Some(Schedule {
            spec: Some(ScheduleSpec { interval: vec![interval], ..Default::default() }),
            action: Some(ScheduleAction { action: Some(Action::StartWorkflow(action)) }),
            policies: Some(SchedulePolicies {
                overlap_policy: overlap as i32,
                pause_on_failure: rng.chance(20),
                ..Default::default()
            }),
            state: Some(ScheduleState {
                limited_actions: true,
                remaining_actions: rng.range(1, 5),
                ..Default::default()
            }),
        }),
        request_id,
        ..Default::default()
    })
}

fn patch(rng: &mut Rng, request_id: String) -> Request {
    let patch = match rng.below(3) {
        0 => SchedulePatch { pause: "a look".to_owned(), ..Default::default() },
        1 => SchedulePatch { unpause: "looked".to_owned(), ..Default::default() },
        _ => SchedulePatch { trigger_immediately: Some(TriggerImmediatelyRequest::default()), ..Default::default() },
    };
    again(PatchScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: schedule_id(rng),
        patch: Some(patch),
        request_id,
        ..Default::default()
    })
}

fn look_at_schedule(rng: &mut Rng) -> Request {
    again(DescribeScheduleRequest { namespace: NAMESPACE.to_owned(), schedule_id: schedule_id(rng) })
}

fn delete_schedule(rng: &mut Rng) -> Request {
    again(DeleteScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: schedule_id(rng),
        ..Default::default()
    })
}

fn start_activity(rng: &mut Rng, request_id: String) -> (Kind, Request) {
    let activity = program::activity(rng);
    let activity_id = format!("a{}", rng.below(IDS));
    let queue_name = if activity.queue == QUEUES[2] { QUEUES[0] } else { activity.queue };
    let maximum_attempts = activity.attempts_max;
    let request = StartActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: activity_id.clone(),
        activity_type: Some(ActivityType { name: activity.type_name() }),
        task_queue: queue(queue_name),
        start_to_close_timeout: span(Span::from_nanos(activity.start_to_close.nanos())),
        schedule_to_close_timeout: span(Span::from_nanos(activity.schedule_to_close.nanos())),
        schedule_to_start_timeout: span(Span::from_nanos(activity.schedule_to_start.nanos())),
        heartbeat_timeout: span(Span::from_nanos(activity.heartbeat.nanos())),
        retry_policy: (maximum_attempts > 0).then(|| RetryPolicy { maximum_attempts, ..Default::default() }),
        request_id,
        ..Default::default()
    };
    (Kind::StartActivity { activity_id }, again(request))
}

fn end_activity(rng: &mut Rng, request_id: String) -> Request {
    let (namespace, activity_id) = (NAMESPACE.to_owned(), format!("a{}", rng.below(IDS)));
    let reason = "the client wants it".to_owned();
    match rng.below(4) {
        0 => again(TerminateActivityExecutionRequest {
            namespace,
            activity_id,
            request_id,
            reason,
            ..Default::default()
        }),
        1 => again(DeleteActivityExecutionRequest { namespace, activity_id, ..Default::default() }),
        2 => again(DescribeActivityExecutionRequest { namespace, activity_id, ..Default::default() }),
        _ => again(RequestCancelActivityExecutionRequest {
            namespace,
            activity_id,
            request_id,
            reason,
            ..Default::default()
        }),
    }
}

fn look_at_queue(rng: &mut Rng) -> Request {
    let kind = rng.pick(&[TaskQueueType::Workflow, TaskQueueType::Activity]);
    again(DescribeTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: queue(rng.pick(&QUEUES)),
        task_queue_type: kind as i32,
        report_stats: rng.chance(50),
        ..Default::default()
    })
}

/// The same workflow ids in a namespace whose runs no worker takes: their time-outs end them.
fn elsewhere(workflow_id: &str, rng: &mut Rng, request_id: String) -> (Kind, Request) {
    let namespace = OTHER_NAMESPACE.to_owned();
    match rng.below(4) {
        0 => (Kind::Other, delete(OTHER_NAMESPACE, workflow_id)),
        1 => {
            let request = SignalWorkflowExecutionRequest {
                namespace,
                workflow_execution: execution(workflow_id, ""),
                signal_name: SIGNALS[0].to_owned(),
                request_id: request_id.clone(),
                ..Default::default()
            };
            (Kind::Signal { request_id }, again(request))
        }
        _ => {
            let request = StartWorkflowExecutionRequest {
                namespace,
                cron_schedule: String::new(),
                request_eager_execution: false,
                workflow_execution_timeout: duration(rng.span(SECOND, 2 * MINUTE)),
                workflow_id_reuse_policy: Reuse::AllowDuplicate as i32,
                workflow_id_conflict_policy: Conflict::TerminateExisting as i32,
                ..start(workflow_id, request_id, rng)
            };
            (Kind::Start { workflow_id: workflow_id.to_owned() }, again(request))
        }
    }
}

impl World {
    /// Goes back to one of the workflow tasks that the newest run has behind it.
    pub(crate) fn reset_request(&mut self, number: usize, workflow_id: &str) -> Request {
        let rows = self.server.store.0.borrow();
        let newest = rows.runs_of(1, workflow_id).last().copied();
        let events = newest.and_then(|id| rows.history.get(&id)).map(Vec::as_slice).unwrap_or_default();
        let ends = |attributes: &Option<Attributes>| {
            matches!(
                attributes,
                Some(
                    Attributes::WorkflowTaskCompletedEventAttributes(_)
                        | Attributes::WorkflowTaskFailedEventAttributes(_)
                        | Attributes::WorkflowTaskTimedOutEventAttributes(_)
                )
            )
        };
        let points: Vec<i64> = events.iter().filter(|e| ends(&e.attributes)).map(|e| e.event_id).collect();
        let run_id = newest.map(|id| rows.visibility[&id].run_id.clone()).unwrap_or_default();
        drop(rows);
        let point = if points.is_empty() { 4 } else { self.rng.pick(&points) };
        let exclude = if self.rng.chance(20) { vec![ResetReapplyExcludeType::Signal as i32] } else { Vec::new() };
        again(ResetWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: execution(workflow_id, &run_id),
            reason: "the client wants it".to_owned(),
            workflow_task_finish_event_id: point,
            request_id: format!("reset-{number}"),
            reset_reapply_exclude_types: exclude,
            ..Default::default()
        })
    }

    /// Ends, or asks to end, one of the children that are open.
    pub(crate) fn child_request(&mut self, terminate: bool) -> Request {
        let rows = self.server.store.0.borrow();
        let is_child = |id: &str| id.contains('/') && !id.starts_with(STANDALONE_MARK);
        let open = rows.visibility.values().filter(|row| row.close_time == Time::UNSET && is_child(&row.workflow_id));
        let children: Vec<String> = open.map(|row| row.workflow_id.clone()).collect();
        drop(rows);
        let child = children.get(self.rng.below(children.len() as u64) as usize).cloned();
        let (namespace, workflow_execution) = (NAMESPACE.to_owned(), execution(&child.unwrap_or_default(), ""));
        if terminate {
            return again(TerminateWorkflowExecutionRequest { namespace, workflow_execution, ..Default::default() });
        }
        again(RequestCancelWorkflowExecutionRequest { namespace, workflow_execution, ..Default::default() })
    }

    /// Retention: what the server does by itself every so often.
    pub(crate) fn expire(&mut self) {
        let clock = self.clock();
        let rows = self.server.store.0.borrow();
        let over = rows.visibility.values().filter(|row| row.delete_time != Time::UNSET && row.delete_time <= clock);
        let executions: Vec<_> = over.map(|row| row.id).collect();
        drop(rows);
        let request: Request = Rc::new(move || ExpireExecutions { executions: executions.clone() }.into_call());
        self.send(Purpose::Nobody, request, 100 * MILLISECOND);
    }
}
