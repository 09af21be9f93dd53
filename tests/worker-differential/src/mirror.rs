//! Code that does what a history says: for histories of code that is not here.

use std::collections::VecDeque;

use temporalio_protos::coresdk::{
    common::extract_local_activity_marker_data,
    workflow_activation::WorkflowActivation,
    workflow_commands::{WorkflowCommand, workflow_command::Variant as Command, *},
};
use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

#[derive(Debug, Default)]
pub(crate) struct Mirror {
    task: u32,
    left: VecDeque<HistoryEvent>,
    activities: u32,
}

impl Mirror {
    /// The commands of the task at hand; of those behind a local activity none before that has ended.
    pub fn turn(&mut self, events: &[HistoryEvent], activation: &WorkflowActivation) -> Vec<WorkflowCommand> {
        if self.task != activation.history_length {
            self.task = activation.history_length;
            let rest = events.iter().skip(self.task as usize);
            let rest = rest.skip_while(|event| event.event_type() != EventType::WorkflowTaskCompleted).skip(1);
            self.left = rest.take_while(|event| event.is_command_event()).cloned().collect();
        }
        let mut commands = Vec::new();
        while let Some(event) = self.left.pop_front() {
            let (command, waits) = self.command(event.attributes.expect("events have attributes"));
            commands.push(command.into());
            if waits {
                break;
            }
        }
        commands
    }

    fn command(&mut self, attributes: Attributes) -> (Command, bool) {
        match attributes {
            Attributes::ActivityTaskScheduledEventAttributes(it) => {
                self.activities += 1;
                let command = ScheduleActivity {
                    seq: self.activities,
                    activity_id: it.activity_id,
                    activity_type: it.activity_type.unwrap_or_default().name,
                    task_queue: it.task_queue.unwrap_or_default().name,
                    do_not_eagerly_execute: true,
                    ..Default::default()
                };
                (Command::ScheduleActivity(command), false)
            }
            Attributes::MarkerRecordedEventAttributes(it) => {
                let data = extract_local_activity_marker_data(&it.details).expect("only local activities have markers");
                let command = ScheduleLocalActivity {
                    seq: data.seq,
                    activity_id: data.activity_id,
                    activity_type: data.activity_type,
                    start_to_close_timeout: Some(prost_wkt_types::Duration { seconds: 10, nanos: 0 }),
                    ..Default::default()
                };
                (Command::ScheduleLocalActivity(command), true)
            }
            Attributes::TimerStartedEventAttributes(it) => {
                let seq = it.timer_id.parse().expect("timers have numbers");
                let start_to_fire_timeout = it.start_to_fire_timeout;
                (Command::StartTimer(StartTimer { seq, start_to_fire_timeout }), false)
            }
            Attributes::WorkflowExecutionCompletedEventAttributes(it) => {
                let result = it.result.and_then(|mut payloads| payloads.payloads.pop());
                (Command::CompleteWorkflowExecution(CompleteWorkflowExecution { result }), false)
            }
            other => panic!("no stored history has {other:?}"),
        }
    }
}
