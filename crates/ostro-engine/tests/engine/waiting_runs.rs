//! Who ends the wait of a run that is to begin later, what ended runs answer, and where queries go while tasks heartbeat.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::WithDeadline;
use ostro_engine::time::{HOUR, MILLISECOND, SECOND, Time, duration};
use temporalio_protos::temporal::api::{
    command::v1::{
        RequestCancelExternalWorkflowExecutionCommandAttributes as CancelExternal,
        SignalExternalWorkflowExecutionCommandAttributes as SignalExternal,
    },
    common::v1::RetryPolicy,
    enums::v1::{CommandType, EventType as E, RetryState, TimeoutType},
    failure::v1::failure::FailureInfo,
    history::v1::history_event::Attributes,
    query::v1::{WorkflowQuery, WorkflowQueryResult},
    workflowservice::v1::*,
};

fn delayed(world: &mut World, cron: bool) {
    let request = StartWorkflowExecutionRequest {
        workflow_start_delay: if cron { None } else { duration(HOUR) },
        cron_schedule: if cron { "@every 1h".into() } else { String::new() },
        ..start_request("w")
    };
    world.ask(request).unwrap();
}

fn cancel_request(run_id: &str) -> RequestCancelWorkflowExecutionRequest {
    let mut execution = execution("w");
    execution.run_id = run_id.into();
    RequestCancelWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: Some(execution),
        ..Default::default()
    }
}

fn signal_with_start(request_id: &str) -> SignalWithStartWorkflowExecutionRequest {
    let start = start_request("w");
    SignalWithStartWorkflowExecutionRequest {
        namespace: start.namespace,
        workflow_id: start.workflow_id,
        workflow_type: start.workflow_type,
        task_queue: start.task_queue,
        request_id: request_id.into(),
        signal_name: "signal".into(),
        workflow_start_delay: duration(HOUR),
        ..Default::default()
    }
}

#[test]
fn cancellation_update_and_signal_with_start_end_the_wait_of_the_first_task_and_a_signal_does_not() {
    for cron in [false, true] {
        let mut world = World::new();
        delayed(&mut world, cron);
        world.signal("w", "signal").unwrap();
        assert!(world.try_workflow_task().is_none(), "a signal waits with the run");
        world.ask(cancel_request("")).unwrap();
        assert_eq!(
            world.event_types("w")[1..],
            [E::WorkflowExecutionSignaled, E::WorkflowExecutionCancelRequested, E::WorkflowTaskScheduled]
        );

        let mut world = World::new();
        delayed(&mut world, cron);
        world.send(WithDeadline { request: update_request("w", "u"), deadline: Time::MAX });
        assert_eq!(world.workflow_task().response.messages.len(), 1);

        let mut world = World::new();
        delayed(&mut world, cron);
        world.ask(signal_with_start("other")).unwrap();
        let task = world.workflow_task();
        assert_eq!(world.event_types("w")[1..3], [E::WorkflowExecutionSignaled, E::WorkflowTaskScheduled]);
        world.complete(&task, vec![]).unwrap();
        world.advance(2 * HOUR);
        assert!(world.try_workflow_task().is_none(), "the wait is over for good");
    }
}

#[test]
fn a_signal_with_start_that_is_sent_again_does_not_end_the_wait_that_it_asked_for() {
    let mut world = World::new();
    for _ in 0..2 {
        world.ask(signal_with_start("same")).unwrap();
        assert!(world.try_workflow_task().is_none());
    }
    assert_eq!(world.event_types("w"), [E::WorkflowExecutionStarted, E::WorkflowExecutionSignaled]);
}

#[test]
fn what_has_ended_is_cancelled_and_cannot_be_signalled() {
    let mut world = World::new();
    let run = world.start("w");
    world.terminate("w").unwrap();
    for run in ["", &run] {
        world.ask(cancel_request(run)).unwrap();
    }
    assert_eq!(world.signal("w", "late").unwrap_err().message, "workflow execution already completed");
    world.start("sender");
    let task = world.workflow_task();
    let target = execution("w");
    let cancel = CancelExternal { workflow_id: "w".into(), run_id: run, ..Default::default() };
    let signal = SignalExternal { execution: Some(target), signal_name: "late".into(), ..Default::default() };
    let commands = vec![
        command(CommandType::RequestCancelExternalWorkflowExecution, cancel),
        command(CommandType::SignalExternalWorkflowExecution, signal),
    ];
    world.complete(&task, commands).unwrap();
    let types = world.event_types("sender");
    assert!(types.contains(&E::ExternalWorkflowExecutionCancelRequested), "{types:?}");
    assert!(types.contains(&E::SignalExternalWorkflowExecutionFailed), "{types:?}");
}

fn query(world: &mut World) -> u64 {
    world.send(QueryWorkflowRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        query: Some(WorkflowQuery { query_type: "query".into(), ..Default::default() }),
        ..Default::default()
    })
}

#[test]
fn a_query_of_a_run_without_a_task_says_what_is_missing() {
    let mut world = World::new();
    delayed(&mut world, false);
    for message in ["Workflow task is not scheduled yet.", "Workflow execution closed before WorkflowTaskStarted event"]
    {
        let id = query(&mut world);
        let error = world.answer::<QueryWorkflowRequest>(id).unwrap().unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::FailedPrecondition, message));
        assert!(error.detail.unwrap().type_name.ends_with("WorkflowNotReadyFailure"));
        world.terminate("w").ok();
    }
}

#[test]
fn a_query_rides_on_the_task_that_follows_a_heartbeat() {
    let mut world = World::new();
    world.start("w");
    let mut task = world.workflow_task();
    let id = query(&mut world);
    let heartbeat = |task_token: &[u8], answers: &[String]| RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.into(),
        task_token: task_token.into(),
        force_create_new_workflow_task: true,
        query_results: answers
            .iter()
            .map(|number| (number.clone(), WorkflowQueryResult { result_type: 1, ..Default::default() }))
            .collect(),
        ..Default::default()
    };
    // The first follower does not answer it: it comes again.
    for _ in 0..2 {
        world.ask(heartbeat(&task.response.task_token, &[])).unwrap();
        task = world.workflow_task();
        assert!(task.response.query.is_none());
        assert_eq!(task.response.queries.len(), 1);
        assert!(world.try_workflow_task().is_none(), "it does not go by itself as well");
    }
    let number: Vec<String> = task.response.queries.keys().cloned().collect();
    world.ask(heartbeat(&task.response.task_token, &number)).unwrap();
    assert!(world.answer::<QueryWorkflowRequest>(id).unwrap().is_ok());
    assert!(world.workflow_task().response.queries.is_empty());
}

#[test]
fn the_time_of_an_activity_as_a_whole_is_over_before_that_of_an_attempt_that_began_with_it() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let mut attributes = schedule_activity("1");
    attributes.start_to_close_timeout = None;
    attributes.schedule_to_close_timeout = duration(300 * MILLISECOND);
    attributes.retry_policy = Some(RetryPolicy { maximum_attempts: 1, ..Default::default() });
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, attributes)]).unwrap();
    world.activity_task();
    world.advance(SECOND);
    let history = world.history("w");
    let timed_out = history.iter().find_map(|event| match event.attributes.as_ref() {
        Some(Attributes::ActivityTaskTimedOutEventAttributes(attributes)) => Some(attributes),
        _ => None,
    });
    let timed_out = timed_out.unwrap();
    assert_eq!(timed_out.retry_state(), RetryState::Timeout);
    let Some(FailureInfo::TimeoutFailureInfo(info)) = timed_out.failure.as_ref().unwrap().failure_info.as_ref() else {
        panic!("{timed_out:?}");
    };
    assert_eq!(info.timeout_type(), TimeoutType::ScheduleToClose);
}
