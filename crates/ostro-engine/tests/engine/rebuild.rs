//! What is rebuilt from history equals what the transitions made, as far as history can know.

use crate::world::*;
use ostro_engine::execution::Execution;
use ostro_engine::execution::rebuild::{Origin, rebuild};
use ostro_engine::ids::Ids;
use ostro_engine::persistence::Loader;
use ostro_engine::stored::execution::{Activity, Child, Core, Properties, WorkflowTask};
use ostro_engine::time::{MILLISECOND, SECOND, duration};
use temporalio_protos::temporal::api::{
    command::v1::*,
    common::v1::{Memo, WorkflowType},
    enums::v1::CommandType,
    workflowservice::v1::*,
};

/// Compares the stored execution with one that is rebuilt from the stored history.
fn check(world: &World, workflow_id: &str) {
    let id = world.id(workflow_id);
    let stored = world.store.load(id).unwrap().unwrap();
    let live = Execution::from_stored(stored).unwrap();
    let origin = Origin {
        execution: id,
        namespace: live.core.namespace,
        workflow_id: workflow_id.into(),
        run_id: live.core.run_id.clone(),
        request_id: live.core.start_request_id.clone(),
        parent_execution: live.core.parent_execution,
        start_time: None,
    };
    let rebuilt = rebuild(&origin, &world.history(workflow_id), &mut Ids::predictable(1)).unwrap();
    let buffered = !live.buffered.is_empty();
    assert_eq!(core(&live, buffered), core(&rebuilt, buffered), "{workflow_id}");
    assert_eq!((&live.start, &without_builds(&live)), (&rebuilt.start, &without_builds(&rebuilt)));
    assert_eq!(
        live.activities.values().map(activity).collect::<Vec<_>>(),
        rebuilt.activities.values().map(activity).collect::<Vec<_>>()
    );
    assert_eq!(live.activity_ids, rebuilt.activity_ids);
    // What ended while a worker held the task is known, though its event waits in the buffer.
    if !buffered {
        assert_eq!(live.timers, rebuilt.timers);
        assert_eq!(
            live.children.values().map(child).collect::<Vec<_>>(),
            rebuilt.children.values().map(child).collect::<Vec<_>>()
        );
        assert_eq!(live.signal_requests, rebuilt.signal_requests);
    }
    assert_eq!(live.updates, rebuilt.updates);
    assert_eq!(live.admitted_updates, rebuilt.admitted_updates);
    assert_eq!(live.signals.keys().collect::<Vec<_>>(), rebuilt.signals.keys().collect::<Vec<_>>());
    assert_eq!(live.cancels.keys().collect::<Vec<_>>(), rebuilt.cancels.keys().collect::<Vec<_>>());
}

/// Builds are of the workers of this very run: one that is made from its history has none yet.
fn without_builds(execution: &Execution) -> Properties {
    let mut properties = execution.properties.clone();
    properties.search_attributes.iter_mut().for_each(|all| drop(all.indexed_fields.remove("BuildIds")));
    properties.search_attributes = properties.search_attributes.filter(|all| !all.indexed_fields.is_empty());
    properties
}

/// Without what history does not hold.
fn core(execution: &Execution, buffered: bool) -> Core {
    let core = execution.core.clone();
    let in_history = |task: &WorkflowTask| !task.is_transient() && !task.speculative;
    let failing = core.workflow_task_attempt > 1;
    Core {
        history_bytes: 0,
        transitions: 0,
        next_buffered: 0,
        sticky: None,
        cancel_request_id: String::new(),
        cancel_requested: !buffered && core.cancel_requested,
        reset_request_id: String::new(),
        last_reset_time: 0,
        reset_run_id: String::new(),
        signal_count: if buffered { 0 } else { core.signal_count },
        workflow_task: core.workflow_task.filter(in_history).map(|task| WorkflowTask {
            queue: String::new(),
            sticky: false,
            schedule_to_start_due: 0,
            original_scheduled_time: 0,
            started_by: None,
            ..task
        }),
        workflow_task_failure: None,
        workflow_task_failed_cause: 0,
        workflow_task_attempt: if failing { 2 } else { 1 },
        first_task_due: core.first_task_due,
        ..core
    }
}

/// Attempts of an activity are in no history before it has ended.
fn activity(activity: &Activity) -> Activity {
    Activity {
        scheduled_event_id: activity.scheduled_event_id,
        scheduled: activity.scheduled.clone(),
        scheduled_time: activity.scheduled_time,
        first_scheduled_time: activity.first_scheduled_time,
        cancel_requested: activity.cancel_requested,
        cancel_requested_event_id: activity.cancel_requested_event_id,
        ..Default::default()
    }
}

fn child(child: &Child) -> Child {
    Child { request_id: String::new(), ..child.clone() }
}

/// A small generator: the same seed gives the same execution.
struct Random(Ids);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0.next_u64() % most
    }
}

#[allow(deprecated)]
fn random_command(random: &mut Random, number: u64) -> Command {
    match random.below(7) {
        0 | 1 => command(CommandType::ScheduleActivityTask, schedule_activity(&format!("a{number}"))),
        2 => command(
            CommandType::StartTimer,
            StartTimerCommandAttributes {
                timer_id: format!("t{number}"),
                start_to_fire_timeout: duration((1 + random.below(20) as i64) * SECOND),
            },
        ),
        3 => command(
            CommandType::ModifyWorkflowProperties,
            ModifyWorkflowPropertiesCommandAttributes {
                upserted_memo: Some(Memo {
                    fields: [(format!("m{}", number % 3), payloads("x").payloads.remove(0))].into(),
                }),
            },
        ),
        4 => command(
            CommandType::StartChildWorkflowExecution,
            StartChildWorkflowExecutionCommandAttributes {
                namespace: NAMESPACE.into(),
                workflow_id: format!("child-{number}"),
                workflow_type: Some(WorkflowType { name: "type".into() }),
                task_queue: Some(queue("children")),
                ..Default::default()
            },
        ),
        5 => command(
            CommandType::SignalExternalWorkflowExecution,
            SignalExternalWorkflowExecutionCommandAttributes {
                namespace: NAMESPACE.into(),
                execution: Some(execution("nobody")),
                signal_name: "s".into(),
                ..Default::default()
            },
        ),
        _ => command(
            CommandType::RecordMarker,
            RecordMarkerCommandAttributes { marker_name: "m".into(), ..Default::default() },
        ),
    }
}

fn step(world: &mut World, random: &mut Random, number: u64) {
    match random.below(10) {
        0..=3 => {
            let Some(task) = world.try_workflow_task() else { return };
            if random.below(4) == 0 {
                world.signal("w", "while decided").unwrap();
                check(world, "w");
            }
            if random.below(6) == 0 {
                let token = task.response.task_token.clone();
                drop(world.ask(RespondWorkflowTaskFailedRequest { task_token: token, ..Default::default() }));
                return;
            }
            let commands = (0..random.below(4)).map(|i| random_command(random, number * 10 + i)).collect();
            drop(world.complete(&task, commands));
        }
        4 | 5 => {
            let Some(task) = world.try_activity_task() else { return };
            check(world, "w");
            let token = task.task_token.clone();
            if random.below(3) == 0 {
                drop(world.ask(RespondActivityTaskFailedRequest { task_token: token, ..Default::default() }));
            } else {
                drop(world.complete_activity(&task));
            }
        }
        6 => world.signal("w", "s").unwrap(),
        7 => world.advance(random.below(5_000) as i64 * MILLISECOND),
        8 => {
            let request = RequestCancelWorkflowExecutionRequest {
                namespace: NAMESPACE.into(),
                workflow_execution: Some(execution("w")),
                ..Default::default()
            };
            drop(world.ask(request));
        }
        _ => world.restart(),
    }
}

#[test]
fn what_is_rebuilt_equals_what_the_transitions_made() {
    for seed in 0..150 {
        let mut random = Random(Ids::predictable(seed));
        let mut world = World::new();
        world.start("w");
        for number in 0..40 {
            step(&mut world, &mut random, number);
            check(&world, "w");
        }
        let Some(task) = world.try_workflow_task() else { continue };
        drop(world.complete(&task, vec![complete_workflow()]));
        check(&world, "w");
    }
}

#[test]
fn what_is_no_history_is_refused() {
    let mut world = World::new();
    world.start("w");
    let events = world.history("w");
    let mut ids = Ids::predictable(1);
    assert!(rebuild(&Origin::default(), &[], &mut ids).is_err());
    assert!(rebuild(&Origin::default(), &events[1..], &mut ids).is_err(), "it does not begin at the beginning");
    let gap: Vec<_> = [events[0].clone(), events[0].clone()].into();
    assert!(rebuild(&Origin::default(), &gap, &mut ids).is_err(), "event 1 comes twice");
}
