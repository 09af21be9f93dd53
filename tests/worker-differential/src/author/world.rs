//! Things happen: what was asked for goes on, and others signal, cancel and update.

use temporalio_protos::temporal::api::{
    common::v1::{Payloads, WorkflowExecution},
    enums::v1::RetryState,
    history::v1::{history_event::Attributes, *},
};

use super::{Author, update_request};
use crate::code::{failure, payload};

/// Something that happens; by the event that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Timer(i64),
    Activity(i64, usize),
    Child(i64, usize),
    Signal(i64, bool),
    Cancel(i64, bool),
    Operation(i64, usize),
    Signaled(usize),
    CancelRequested,
    /// An update that the server had taken already, as after a reset.
    Admitted,
    Ignorable,
}

impl Author {
    /// Something that may happen now. `open`: a task is open, so some things must wait for it.
    pub(super) fn something(&mut self, open: bool) -> Option<Event> {
        let roll = self.rng.below(8);
        let mut can = Vec::new();
        can.extend(self.timers.keys().map(|event| Event::Timer(*event)));
        can.extend(self.activities.keys().map(|event| Event::Activity(*event, roll)));
        can.extend(self.children.keys().map(|event| Event::Child(*event, roll)));
        can.extend(self.signals.keys().map(|event| Event::Signal(*event, roll > 1)));
        can.extend(self.cancels.keys().map(|event| Event::Cancel(*event, roll > 1)));
        can.extend(self.operations.keys().map(|event| Event::Operation(*event, roll)));
        let planned = |event: &Event| self.buffered.iter().any(|other| same(event, other));
        can.retain(|event| !planned(event));
        if can.is_empty() || self.rng.chance(20) {
            can.clear();
            can.extend([Event::Signaled(roll % 2); 3]);
            if !self.cancel_requested && !open {
                can.push(Event::CancelRequested);
            }
            if !open && self.previous_started > 0 {
                can.extend([Event::Admitted, Event::Ignorable]);
            }
        }
        Some(self.rng.pick(&can))
    }

    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Timer(started_event_id) => {
                let Some(timer) = self.timers.remove(&started_event_id) else { return };
                self.push(Attributes::TimerFiredEventAttributes(TimerFiredEventAttributes {
                    timer_id: timer.id,
                    started_event_id,
                }));
            }
            Event::Activity(scheduled, how) => self.activity(scheduled, how),
            Event::Child(initiated, how) => self.child(initiated, how),
            Event::Operation(scheduled, how) => self.operation(scheduled, how),
            Event::Signal(initiated, well) => self.signal_arrives(initiated, well),
            Event::Cancel(initiated, well) => self.cancel_arrives(initiated, well),
            Event::Signaled(which) => {
                self.push(Attributes::WorkflowExecutionSignaledEventAttributes(
                    WorkflowExecutionSignaledEventAttributes {
                        signal_name: format!("signal-{which}"),
                        input: payloads("signal"),
                        ..Default::default()
                    },
                ));
            }
            Event::CancelRequested if !self.cancel_requested => {
                self.cancel_requested = true;
                self.push(Attributes::WorkflowExecutionCancelRequestedEventAttributes(
                    WorkflowExecutionCancelRequestedEventAttributes { cause: "why".to_owned(), ..Default::default() },
                ));
            }
            Event::CancelRequested => {}
            Event::Admitted => {
                let id = format!("update-{}", self.next_update * 3);
                self.next_update = self.next_update * 3 + 1;
                self.push(Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(
                    WorkflowExecutionUpdateAdmittedEventAttributes {
                        request: Some(update_request(&id)),
                        ..Default::default()
                    },
                ));
            }
            Event::Ignorable => {
                let event = self.push(Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(Default::default()));
                self.events[event as usize - 1].worker_may_ignore = true;
            }
        }
    }

    fn activity(&mut self, scheduled_event_id: i64, how: usize) {
        let Some(activity) = self.activities.remove(&scheduled_event_id) else { return };
        if activity.cancel_requested && how == 0 {
            return self.canceled(scheduled_event_id, 0);
        }
        if how == 1 && !activity.asked_abandoned {
            return self.activity_late(scheduled_event_id, 0);
        }
        let started_event_id =
            self.push(Attributes::ActivityTaskStartedEventAttributes(ActivityTaskStartedEventAttributes {
                scheduled_event_id,
                ..Default::default()
            }));
        match how {
            2 if !activity.asked_abandoned => self.activity_late(scheduled_event_id, started_event_id),
            3 if !activity.asked_abandoned => {
                self.push(Attributes::ActivityTaskFailedEventAttributes(ActivityTaskFailedEventAttributes {
                    scheduled_event_id,
                    started_event_id,
                    failure: Some(failure("activity")),
                    identity: "worker".to_owned(),
                    retry_state: RetryState::MaximumAttemptsReached as i32,
                    ..Default::default()
                }));
            }
            4 if activity.cancel_requested => self.canceled(scheduled_event_id, started_event_id),
            _ => {
                self.push(Attributes::ActivityTaskCompletedEventAttributes(ActivityTaskCompletedEventAttributes {
                    scheduled_event_id,
                    started_event_id,
                    result: payloads("activity"),
                    ..Default::default()
                }));
            }
        }
    }

    fn canceled(&mut self, scheduled_event_id: i64, started_event_id: i64) {
        self.push(Attributes::ActivityTaskCanceledEventAttributes(ActivityTaskCanceledEventAttributes {
            scheduled_event_id,
            started_event_id,
            identity: "worker".to_owned(),
            ..Default::default()
        }));
    }

    fn activity_late(&mut self, scheduled_event_id: i64, started_event_id: i64) {
        self.push(Attributes::ActivityTaskTimedOutEventAttributes(ActivityTaskTimedOutEventAttributes {
            scheduled_event_id,
            started_event_id,
            failure: Some(failure("late")),
            retry_state: RetryState::Timeout as i32,
        }));
    }

    fn child(&mut self, initiated_event_id: i64, how: usize) {
        let Some(mut child) = self.children.remove(&initiated_event_id) else { return };
        let execution = Some(WorkflowExecution { workflow_id: child.id.clone(), run_id: "child-run".to_owned() });
        if !child.started {
            if how == 0 {
                let attributes = StartChildWorkflowExecutionFailedEventAttributes {
                    initiated_event_id,
                    cause: 1,
                    ..Default::default()
                };
                self.push(Attributes::StartChildWorkflowExecutionFailedEventAttributes(attributes));
                return;
            }
            let attributes = ChildWorkflowExecutionStartedEventAttributes {
                initiated_event_id,
                workflow_execution: execution,
                ..Default::default()
            };
            self.push(Attributes::ChildWorkflowExecutionStartedEventAttributes(attributes));
            child.started = true;
            self.children.insert(initiated_event_id, child);
            return;
        }
        self.push(child_end(initiated_event_id, if child.cancel_requested { how } else { how.max(1) }));
    }

    fn operation(&mut self, scheduled_event_id: i64, how: usize) {
        let Some(mut operation) = self.operations.remove(&scheduled_event_id) else { return };
        if operation.ended || (operation.cancel_requested && operation.started && how < 3) {
            if operation.cancel_requested {
                operation.cancel_requested = false;
                self.push(cancel_answer(scheduled_event_id, how == 0));
            }
            if !operation.ended {
                self.operations.insert(scheduled_event_id, operation);
            }
            return;
        }
        if !operation.started && how > 3 {
            self.push(Attributes::NexusOperationStartedEventAttributes(NexusOperationStartedEventAttributes {
                scheduled_event_id,
                operation_token: "token".to_owned(),
                ..Default::default()
            }));
            operation.started = true;
            self.operations.insert(scheduled_event_id, operation);
            return;
        }
        // The official core cannot take the end of an operation that was abandoned.
        let how = if operation.asked_abandoned && operation.started { 2 } else { how };
        self.push(operation_end(scheduled_event_id, how));
        if operation.cancel_requested && operation.started {
            operation.ended = true;
            self.operations.insert(scheduled_event_id, operation);
        }
    }

    fn signal_arrives(&mut self, initiated_event_id: i64, well: bool) {
        if self.signals.remove(&initiated_event_id).is_none() {
            return;
        }
        self.push(if well {
            Attributes::ExternalWorkflowExecutionSignaledEventAttributes(
                ExternalWorkflowExecutionSignaledEventAttributes { initiated_event_id, ..Default::default() },
            )
        } else {
            Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(
                SignalExternalWorkflowExecutionFailedEventAttributes {
                    initiated_event_id,
                    cause: 1,
                    ..Default::default()
                },
            )
        });
    }

    fn cancel_arrives(&mut self, initiated_event_id: i64, well: bool) {
        if self.cancels.remove(&initiated_event_id).is_none() {
            return;
        }
        self.push(if well {
            Attributes::ExternalWorkflowExecutionCancelRequestedEventAttributes(
                ExternalWorkflowExecutionCancelRequestedEventAttributes { initiated_event_id, ..Default::default() },
            )
        } else {
            Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(
                RequestCancelExternalWorkflowExecutionFailedEventAttributes {
                    initiated_event_id,
                    cause: 1,
                    ..Default::default()
                },
            )
        });
    }
}

fn child_end(initiated_event_id: i64, how: usize) -> Attributes {
    match how {
        0 => Attributes::ChildWorkflowExecutionCanceledEventAttributes(ChildWorkflowExecutionCanceledEventAttributes {
            initiated_event_id,
            ..Default::default()
        }),
        1 => Attributes::ChildWorkflowExecutionFailedEventAttributes(ChildWorkflowExecutionFailedEventAttributes {
            initiated_event_id,
            failure: Some(failure("child")),
            ..Default::default()
        }),
        2 => Attributes::ChildWorkflowExecutionTimedOutEventAttributes(ChildWorkflowExecutionTimedOutEventAttributes {
            initiated_event_id,
            ..Default::default()
        }),
        3 => Attributes::ChildWorkflowExecutionTerminatedEventAttributes(
            ChildWorkflowExecutionTerminatedEventAttributes { initiated_event_id, ..Default::default() },
        ),
        _ => {
            Attributes::ChildWorkflowExecutionCompletedEventAttributes(ChildWorkflowExecutionCompletedEventAttributes {
                initiated_event_id,
                result: payloads("child"),
                ..Default::default()
            })
        }
    }
}

fn cancel_answer(scheduled_event_id: i64, failed: bool) -> Attributes {
    if failed {
        return Attributes::NexusOperationCancelRequestFailedEventAttributes(
            NexusOperationCancelRequestFailedEventAttributes {
                scheduled_event_id,
                failure: Some(failure("cannot")),
                ..Default::default()
            },
        );
    }
    Attributes::NexusOperationCancelRequestCompletedEventAttributes(
        NexusOperationCancelRequestCompletedEventAttributes { scheduled_event_id, ..Default::default() },
    )
}

fn operation_end(scheduled_event_id: i64, how: usize) -> Attributes {
    match how {
        0 => Attributes::NexusOperationFailedEventAttributes(NexusOperationFailedEventAttributes {
            scheduled_event_id,
            failure: Some(failure("operation")),
            ..Default::default()
        }),
        1 => Attributes::NexusOperationTimedOutEventAttributes(NexusOperationTimedOutEventAttributes {
            scheduled_event_id,
            failure: Some(failure("late")),
            ..Default::default()
        }),
        2 => Attributes::NexusOperationCanceledEventAttributes(NexusOperationCanceledEventAttributes {
            scheduled_event_id,
            failure: Some(failure("canceled")),
            ..Default::default()
        }),
        _ => Attributes::NexusOperationCompletedEventAttributes(NexusOperationCompletedEventAttributes {
            scheduled_event_id,
            result: Some(payload("operation")),
            ..Default::default()
        }),
    }
}

fn payloads(text: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![payload(text)] })
}

fn same(one: &Event, other: &Event) -> bool {
    match (one, other) {
        (Event::Timer(a), Event::Timer(b))
        | (Event::Activity(a, _), Event::Activity(b, _))
        | (Event::Child(a, _), Event::Child(b, _))
        | (Event::Signal(a, _), Event::Signal(b, _))
        | (Event::Cancel(a, _), Event::Cancel(b, _))
        | (Event::Operation(a, _), Event::Operation(b, _)) => a == b,
        _ => false,
    }
}
