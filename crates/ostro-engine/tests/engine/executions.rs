//! Executions from start to end, over a store that holds exactly what was written.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::{HistoryPosition, ReadHistory, WithDeadline};
use ostro_engine::time::{SECOND, Span, Time, duration};
use temporalio_protos::temporal::api::{
    command::v1::{SignalExternalWorkflowExecutionCommandAttributes as SignalExternal, StartTimerCommandAttributes},
    common::v1::WorkflowExecution,
    enums::v1::{
        CommandType, EventType as E, WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    },
    failure::v1::Failure,
    history::v1::history_event::Attributes,
    workflowservice::v1::*,
};

#[test]
fn a_workflow_with_an_activity_runs_to_its_end() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    assert_eq!((task.history.from, task.history.to), (1, 4));
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, schedule_activity("1"))]).unwrap();
    let activity = world.activity_task();
    assert_eq!(activity.attempt, 1);
    world.complete_activity(&activity).unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    assert_eq!(
        world.event_types("w"),
        [
            E::WorkflowExecutionStarted,
            E::WorkflowTaskScheduled,
            E::WorkflowTaskStarted,
            E::WorkflowTaskCompleted,
            E::ActivityTaskScheduled,
            E::ActivityTaskStarted,
            E::ActivityTaskCompleted,
            E::WorkflowTaskScheduled,
            E::WorkflowTaskStarted,
            E::WorkflowTaskCompleted,
            E::WorkflowExecutionCompleted,
        ]
    );
    assert_eq!(world.engine.next_wake_up(), None);
}

#[test]
fn a_restart_at_each_step_changes_nothing() {
    let mut world = World::new();
    world.start("w");
    world.restart();
    let task = world.workflow_task();
    world.restart();
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, schedule_activity("1"))]).unwrap();
    world.restart();
    let activity = world.activity_task();
    world.restart();
    world.complete_activity(&activity).unwrap();
    world.restart();
    let task = world.workflow_task();
    world.restart();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    world.restart();
    assert_eq!(world.event_types("w").last(), Some(&E::WorkflowExecutionCompleted));
    let info = world.describe("w").workflow_execution_info.unwrap();
    assert_eq!(info.status(), WorkflowExecutionStatus::Completed);
}

#[test]
fn a_failing_activity_backs_off_and_ends_after_its_last_attempt() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let mut attributes = schedule_activity("1");
    attributes.retry_policy =
        Some(temporalio_protos::temporal::api::common::v1::RetryPolicy { maximum_attempts: 3, ..Default::default() });
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, attributes)]).unwrap();
    for (attempt, wait) in [(1, 1), (2, 2), (3, 0)] {
        let activity = world.activity_task();
        assert_eq!(activity.attempt, attempt);
        world
            .ask(RespondActivityTaskFailedRequest {
                task_token: activity.task_token,
                failure: Some(Failure { message: format!("no {attempt}"), ..Default::default() }),
                namespace: NAMESPACE.into(),
                ..Default::default()
            })
            .unwrap();
        world.restart();
        if wait > 0 {
            world.advance(wait * SECOND - Span::from_nanos(1));
            assert!(world.try_activity_task().is_none());
            world.advance(Span::from_nanos(1));
        }
    }
    let types = world.event_types("w");
    assert_eq!(types[5..8], [E::ActivityTaskStarted, E::ActivityTaskFailed, E::WorkflowTaskScheduled]);
}

#[test]
fn signals_wait_while_a_worker_decides_and_come_in_order() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.signal("w", "one").unwrap();
    world.signal("w", "two").unwrap();
    assert_eq!(world.event_types("w").len(), 3);
    world.restart();
    let refused = world.complete(&task, vec![complete_workflow()]).unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::InvalidArgument, "UnhandledCommand"));
    let expected =
        [E::WorkflowTaskFailed, E::WorkflowExecutionSignaled, E::WorkflowExecutionSignaled, E::WorkflowTaskScheduled];
    assert_eq!(world.event_types("w")[3..], expected);
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
}

#[test]
fn timers_fire_once_and_survive_restarts() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let timer = StartTimerCommandAttributes { timer_id: "t".into(), start_to_fire_timeout: duration(3600 * SECOND) };
    world.complete(&task, vec![command(CommandType::StartTimer, timer)]).unwrap();
    world.restart();
    world.advance(3599 * SECOND);
    assert!(world.try_workflow_task().is_none());
    world.restart();
    world.advance(SECOND);
    assert_eq!(world.event_types("w")[4..], [E::TimerStarted, E::TimerFired, E::WorkflowTaskScheduled]);
    assert!(world.try_workflow_task().is_some());
}

#[test]
fn the_rules_for_workflow_ids() {
    let mut world = World::new();
    let run = world.start("w");
    assert_eq!(world.start("w"), run, "the same request starts nothing twice");
    let other = |conflict, reuse| StartWorkflowExecutionRequest {
        request_id: format!("other-{conflict:?}-{reuse:?}"),
        workflow_id_conflict_policy: conflict as i32,
        workflow_id_reuse_policy: reuse as i32,
        ..start_request("w")
    };
    use WorkflowIdConflictPolicy as C;
    use WorkflowIdReusePolicy as R;
    let refused = world.ask(other(C::Fail, R::AllowDuplicate)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::AlreadyExists);
    let used = world.ask(other(C::UseExisting, R::AllowDuplicate)).unwrap();
    assert_eq!((used.response.run_id.as_str(), used.response.started), (run.as_str(), false));
    let replaced = world.ask(other(C::TerminateExisting, R::AllowDuplicate)).unwrap();
    assert_ne!(replaced.response.run_id, run);
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    for (reuse, allowed) in
        [(R::RejectDuplicate, false), (R::AllowDuplicateFailedOnly, false), (R::AllowDuplicate, true)]
    {
        assert_eq!(world.ask(other(C::Fail, reuse)).is_ok(), allowed, "{reuse:?}");
    }
}

#[test]
fn a_workflow_task_that_is_not_completed_in_time_comes_again() {
    let mut world = World::new();
    world.start("w");
    let lost = world.workflow_task();
    world.advance(10 * SECOND);
    assert_eq!(world.event_types("w")[3..], [E::WorkflowTaskTimedOut]);
    let stale = world.complete(&lost, vec![]).unwrap_err();
    assert_eq!((stale.kind, stale.message.as_str()), (ErrorKind::NotFound, "Workflow task not found."));
    let task = world.workflow_task();
    assert_eq!(task.response.attempt, 2);
    assert_eq!(task.history.extra.len(), 2, "a transient task's events are shown though not stored");
    let shown = read_history(&mut world, "w").extra.iter().map(|event| event.event_type()).collect::<Vec<_>>();
    assert_eq!(shown, [E::WorkflowTaskScheduled, E::WorkflowTaskStarted], "to those who read the history, too");
    world.complete(&task, vec![complete_workflow()]).unwrap();
    assert_eq!(
        world.event_types("w")[4..7],
        [E::WorkflowTaskScheduled, E::WorkflowTaskStarted, E::WorkflowTaskCompleted]
    );
}

fn read_history(world: &mut World, workflow_id: &str) -> HistoryPosition {
    world
        .ask(ReadHistory {
            namespace: NAMESPACE.into(),
            workflow_id: workflow_id.into(),
            run_id: String::new(),
            from: 1,
            wait: false,
            close_only: false,
            deadline: Time::MAX,
        })
        .unwrap()
}

#[test]
fn a_task_that_only_brings_an_update_is_shown_though_not_stored() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    assert_eq!(read_history(&mut world, "w").extra, []);
    world.send(WithDeadline { request: update_request("w", "u"), deadline: Time::MAX });
    let shown = read_history(&mut world, "w").extra;
    assert_eq!(shown.iter().map(|event| event.event_type()).collect::<Vec<_>>(), [E::WorkflowTaskScheduled]);
}

#[test]
fn a_signal_whose_command_names_no_namespace_is_the_sender_s_own() {
    let mut world = World::new();
    world.start("target");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    world.start("sender");
    let task = world.workflow_task();
    let target = WorkflowExecution { workflow_id: "target".into(), run_id: String::new() };
    let signal = SignalExternal { execution: Some(target), signal_name: "s".into(), ..Default::default() };
    world.complete(&task, vec![command(CommandType::SignalExternalWorkflowExecution, signal)]).unwrap();
    assert!(world.event_types("target").contains(&E::WorkflowExecutionSignaled));
    let named = world.history("sender").into_iter().filter_map(|event| match event.attributes? {
        Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(initiated) => Some(initiated.namespace),
        Attributes::ExternalWorkflowExecutionSignaledEventAttributes(signaled) => Some(signaled.namespace),
        _ => None,
    });
    assert_eq!(named.collect::<Vec<_>>(), ["", NAMESPACE], "as the command said it, and as it was found");
}

#[test]
fn the_run_times_out() {
    let mut world = World::new();
    world
        .ask(StartWorkflowExecutionRequest { workflow_run_timeout: duration(30 * SECOND), ..start_request("w") })
        .unwrap();
    world.advance(29 * SECOND);
    assert_eq!(world.event_types("w").len(), 2);
    world.restart();
    world.advance(SECOND);
    assert_eq!(world.event_types("w")[2..], [E::WorkflowExecutionTimedOut]);
}

#[test]
fn events_that_wait_for_a_speculative_task_survive_a_restart() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    world.send(ostro_engine::call::WithDeadline { request: update_request("w", "u"), deadline: Time::MAX });
    let speculative = world.workflow_task();
    assert_eq!(speculative.response.messages.len(), 1);
    world.signal("w", "note").unwrap();
    world.restart();
    assert!(world.engine.next_wake_up().is_some(), "the task that holds up the signal has a deadline");
    world.advance(10 * SECOND);
    let types = world.event_types("w");
    assert!(types.contains(&E::WorkflowExecutionSignaled), "{types:?}");
    assert!(world.try_workflow_task().is_some());
}

#[test]
fn a_task_is_answered_for_in_its_own_namespace_only() {
    let mut world = World::new();
    world
        .ask(RegisterNamespaceRequest {
            namespace: "other".into(),
            workflow_execution_retention_period: duration(72 * 3600 * SECOND),
            ..Default::default()
        })
        .unwrap();
    world.start("w");
    let task = world.workflow_task();
    let answer = |namespace: &str| RespondWorkflowTaskCompletedRequest {
        namespace: namespace.into(),
        task_token: task.response.task_token.clone(),
        commands: vec![command(CommandType::ScheduleActivityTask, schedule_activity("a"))],
        ..Default::default()
    };
    let refusal = world.ask(answer("other")).err().unwrap();
    assert_eq!(refusal.message, "Operation requested with a token from a different namespace.");
    world.ask(answer(NAMESPACE)).unwrap();
    let task = world.activity_task();
    let complete = |namespace: &str| RespondActivityTaskCompletedRequest {
        namespace: namespace.into(),
        task_token: task.task_token.clone(),
        ..Default::default()
    };
    assert_eq!(kind_of(&world.ask(complete("other")).err().unwrap()), ErrorKind::InvalidArgument);
    world.ask(complete(NAMESPACE)).unwrap();
}

#[test]
fn a_workflow_task_that_fails_again_and_again_counts_as_blocked_until_it_goes_well() {
    let mut world = World::new();
    world.start("w");
    for failed in 0..3 {
        assert_eq!(world.engine.gauges().blocked_workflow_tasks, usize::from(failed > 1), "after {failed} failures");
        let task_token = world.workflow_task().response.task_token;
        world.ask(RespondWorkflowTaskFailedRequest { task_token, ..Default::default() }).unwrap();
    }
    let task = world.workflow_task();
    assert_eq!(world.engine.gauges().blocked_workflow_tasks, 1);
    world.complete(&task, vec![]).unwrap();
    assert_eq!(world.engine.gauges().blocked_workflow_tasks, 0);
}

#[test]
fn a_start_delay_beyond_all_times_is_cut() {
    let mut world = World::new();
    let delay = duration(Span::MAX);
    world.ask(StartWorkflowExecutionRequest { workflow_start_delay: delay, ..start_request("w") }).unwrap();
    assert!(world.try_workflow_task().is_none(), "it begins in a hundred years");
}
