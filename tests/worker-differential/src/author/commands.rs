//! Commands become events.

use prost::Message as _;
use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes as Given},
    history::v1::{history_event::Attributes, *},
    protocol::v1::Message,
    update::v1::{Acceptance, Response},
};

use super::world::Event;
use super::{Author, Pending};

pub(super) fn is_end(command: &Command) -> bool {
    use temporalio_protos::temporal::api::enums::v1::CommandType::*;
    matches!(
        command.command_type(),
        CompleteWorkflowExecution | FailWorkflowExecution | CancelWorkflowExecution | ContinueAsNewWorkflowExecution
    )
}

impl Author {
    pub(super) fn command(&mut self, command: &Command, messages: &[Message], completed: i64) {
        let Some(given) = &command.attributes else { return };
        match given {
            Given::StartTimerCommandAttributes(it) => {
                let event = self.push(Attributes::TimerStartedEventAttributes(TimerStartedEventAttributes {
                    timer_id: it.timer_id.clone(),
                    start_to_fire_timeout: it.start_to_fire_timeout,
                    workflow_task_completed_event_id: completed,
                }));
                self.timers.insert(event, Pending { id: it.timer_id.clone(), ..Default::default() });
            }
            Given::CancelTimerCommandAttributes(it) => self.cancel_timer(&it.timer_id),
            Given::ScheduleActivityTaskCommandAttributes(it) => {
                let attributes = ActivityTaskScheduledEventAttributes {
                    activity_id: it.activity_id.clone(),
                    activity_type: it.activity_type.clone(),
                    task_queue: it.task_queue.clone(),
                    input: it.input.clone(),
                    workflow_task_completed_event_id: completed,
                    ..Default::default()
                };
                let event = self.push(Attributes::ActivityTaskScheduledEventAttributes(attributes));
                let abandoned = it.activity_id.starts_with("abandon");
                let pending = Pending { id: it.activity_id.clone(), asked_abandoned: abandoned, ..Default::default() };
                self.activities.insert(event, pending);
            }
            Given::RequestCancelActivityTaskCommandAttributes(it) => {
                self.push(Attributes::ActivityTaskCancelRequestedEventAttributes(
                    ActivityTaskCancelRequestedEventAttributes {
                        scheduled_event_id: it.scheduled_event_id,
                        workflow_task_completed_event_id: completed,
                    },
                ));
                self.activities.entry(it.scheduled_event_id).and_modify(|pending| pending.cancel_requested = true);
            }
            Given::RecordMarkerCommandAttributes(it) => {
                self.push(Attributes::MarkerRecordedEventAttributes(MarkerRecordedEventAttributes {
                    marker_name: it.marker_name.clone(),
                    details: it.details.clone(),
                    failure: it.failure.clone(),
                    workflow_task_completed_event_id: completed,
                    ..Default::default()
                }));
            }
            Given::UpsertWorkflowSearchAttributesCommandAttributes(it) => {
                self.push(Attributes::UpsertWorkflowSearchAttributesEventAttributes(
                    UpsertWorkflowSearchAttributesEventAttributes {
                        search_attributes: it.search_attributes.clone(),
                        workflow_task_completed_event_id: completed,
                    },
                ));
            }
            Given::ModifyWorkflowPropertiesCommandAttributes(it) => {
                self.push(Attributes::WorkflowPropertiesModifiedEventAttributes(
                    WorkflowPropertiesModifiedEventAttributes {
                        upserted_memo: it.upserted_memo.clone(),
                        workflow_task_completed_event_id: completed,
                    },
                ));
            }
            Given::ProtocolMessageCommandAttributes(it) => {
                let message = messages.iter().find(|message| message.id == it.message_id);
                self.message(message.expect("the command's message comes with it"));
            }
            given => self.call(given, completed),
        }
    }

    fn call(&mut self, given: &Given, completed: i64) {
        match given {
            Given::StartChildWorkflowExecutionCommandAttributes(it) => {
                let attributes = StartChildWorkflowExecutionInitiatedEventAttributes {
                    workflow_id: it.workflow_id.clone(),
                    workflow_type: it.workflow_type.clone(),
                    workflow_task_completed_event_id: completed,
                    ..Default::default()
                };
                let event = self.push(Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(attributes));
                self.children.insert(event, Pending { id: it.workflow_id.clone(), ..Default::default() });
            }
            Given::SignalExternalWorkflowExecutionCommandAttributes(it) => {
                let event = self.push(Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(
                    SignalExternalWorkflowExecutionInitiatedEventAttributes {
                        signal_name: it.signal_name.clone(),
                        workflow_task_completed_event_id: completed,
                        ..Default::default()
                    },
                ));
                self.signals.insert(event, Pending::default());
            }
            Given::RequestCancelExternalWorkflowExecutionCommandAttributes(it) => {
                let event = self.push(Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(
                    RequestCancelExternalWorkflowExecutionInitiatedEventAttributes {
                        reason: it.reason.clone(),
                        workflow_task_completed_event_id: completed,
                        ..Default::default()
                    },
                ));
                self.cancels.insert(event, Pending::default());
                let child = self.children.values_mut().find(|child| child.id == it.workflow_id);
                child.into_iter().for_each(|child| child.cancel_requested = true);
            }
            Given::ScheduleNexusOperationCommandAttributes(it) => {
                let attributes = NexusOperationScheduledEventAttributes {
                    endpoint: it.endpoint.clone(),
                    operation: it.operation.clone(),
                    workflow_task_completed_event_id: completed,
                    ..Default::default()
                };
                let event = self.push(Attributes::NexusOperationScheduledEventAttributes(attributes));
                let asked_abandoned = it.operation.starts_with("abandon");
                self.operations.insert(event, Pending { asked_abandoned, ..Default::default() });
            }
            Given::RequestCancelNexusOperationCommandAttributes(it) => {
                self.push(Attributes::NexusOperationCancelRequestedEventAttributes(
                    NexusOperationCancelRequestedEventAttributes {
                        scheduled_event_id: it.scheduled_event_id,
                        workflow_task_completed_event_id: completed,
                    },
                ));
                self.operations.entry(it.scheduled_event_id).and_modify(|pending| pending.cancel_requested = true);
            }
            end => self.end(end),
        }
    }

    fn end(&mut self, given: &Given) {
        let attributes = match given {
            Given::CompleteWorkflowExecutionCommandAttributes(_) => {
                Attributes::WorkflowExecutionCompletedEventAttributes(Default::default())
            }
            Given::FailWorkflowExecutionCommandAttributes(_) => {
                Attributes::WorkflowExecutionFailedEventAttributes(Default::default())
            }
            Given::CancelWorkflowExecutionCommandAttributes(_) => {
                Attributes::WorkflowExecutionCanceledEventAttributes(Default::default())
            }
            Given::ContinueAsNewWorkflowExecutionCommandAttributes(_) => {
                Attributes::WorkflowExecutionContinuedAsNewEventAttributes(Default::default())
            }
            other => panic!("no worker sends {other:?}"),
        };
        self.push(attributes);
        self.closed = true;
    }

    /// As servers do it: a timer that fired while the task was open did not.
    fn cancel_timer(&mut self, timer_id: &str) {
        let found = self.timers.iter().find(|(_, timer)| timer.id == timer_id).map(|(event, _)| *event);
        let Some(started_event_id) = found else { panic!("timer {timer_id} is cancelled and does not run") };
        self.timers.remove(&started_event_id);
        self.buffered.retain(|event| !matches!(event, Event::Timer(fired) if *fired == started_event_id));
        self.push(Attributes::TimerCanceledEventAttributes(TimerCanceledEventAttributes {
            timer_id: timer_id.to_owned(),
            started_event_id,
            ..Default::default()
        }));
    }

    fn message(&mut self, message: &Message) {
        let body = message.body.as_ref().expect("a body");
        let id = message.protocol_instance_id.clone();
        if message.id.ends_with("/accept") {
            let accepted = Acceptance::decode(&*body.value).expect("an acceptance");
            let event = self.push(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(
                WorkflowExecutionUpdateAcceptedEventAttributes {
                    protocol_instance_id: id.clone(),
                    accepted_request_message_id: accepted.accepted_request_message_id,
                    accepted_request_sequencing_event_id: accepted.accepted_request_sequencing_event_id,
                    accepted_request: accepted.accepted_request,
                },
            ));
            self.accepted.insert(id, event);
            return;
        }
        let response = Response::decode(&*body.value).expect("a response");
        let accepted_event_id = self.accepted.get(&id).copied().unwrap_or_default();
        self.push(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(
            WorkflowExecutionUpdateCompletedEventAttributes {
                meta: response.meta,
                outcome: response.outcome,
                accepted_event_id,
            },
        ));
    }
}
