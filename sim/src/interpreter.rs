//! Runs a program: a history in, decisions out. The same history always gives the same decisions.

use prost::Message as _;
use prost_wkt_types::Any;
use temporalio_protos::temporal::api::{
    command::v1::*,
    common::v1::Memo,
    enums::v1::CommandType as Kind,
    history::v1::HistoryEvent,
    protocol::v1::{Message, message::SequencingId},
    update::v1::{Acceptance, Meta, Outcome, Rejection, Request, Response, outcome},
};

use crate::facts::{Facts, text};
use crate::nexus::ENDPOINT;
use crate::program::{self, Activity, End, OnCancel, Program, Step};
use crate::vocabulary::*;
use ostro_engine::time::Span;

/// What a worker answers to a workflow task.
#[derive(Debug, Default, Clone)]
pub struct Decisions {
    pub commands: Vec<Command>,
    pub messages: Vec<Message>,
}

/// How long an update that is answered late takes.
const LATE: Span = ostro_engine::time::MILLISECOND.times(700);

/// Decides. `events` is the whole history as the worker sees it, `started` the id of the task's started event.
pub fn decide(events: &[HistoryEvent], messages: &[Message], program: &Program, started: i64) -> Decisions {
    let facts = Facts::of(events);
    let mut run = Run { facts, program, out: Decisions::default(), started };
    run.updates(messages);
    run.steps();
    run.out
}

struct Run<'a> {
    facts: Facts,
    program: &'a Program,
    out: Decisions,
    started: i64,
}

impl Run<'_> {
    fn push(&mut self, kind: Kind, attributes: impl Into<command::Attributes>) {
        self.out.commands.push(command(kind, attributes));
    }

    fn say(&mut self, update: &str, what: &str, body: Any) {
        let id = format!("{update}/{what}");
        if what != "reject" {
            let attributes = ProtocolMessageCommandAttributes { message_id: id.clone() };
            self.push(Kind::ProtocolMessage, attributes);
        }
        self.out.messages.push(Message {
            id,
            protocol_instance_id: update.to_owned(),
            sequencing_id: Some(SequencingId::EventId(self.started)),
            body: Some(body),
        });
    }

    fn updates(&mut self, messages: &[Message]) {
        for message in messages {
            let id = message.protocol_instance_id.clone();
            let body = message.body.as_ref().map(|b| b.value.as_slice()).unwrap_or_default();
            let request = Request::decode(body).expect("the server sends requests only");
            let name = request.input.as_ref().map(|i| i.name.clone()).unwrap_or_default();
            if name == "reject" {
                let rejection = Rejection {
                    rejected_request_message_id: message.id.clone(),
                    failure: failure("rejected", false),
                    ..Default::default()
                };
                self.say(&id, "reject", any("Rejection", &rejection));
                continue;
            }
            let acceptance = Acceptance {
                accepted_request_message_id: message.id.clone(),
                accepted_request: Some(request),
                ..Default::default()
            };
            self.say(&id, "accept", any("Acceptance", &acceptance));
            if name == "now" {
                self.respond(&id);
            }
            self.facts.updates.insert(id, (name.clone(), name == "now"));
        }
        self.admitted_updates();
        self.late_updates();
    }

    /// Updates that an event brought, after a reset: they were accepted once, and are again.
    fn admitted_updates(&mut self) {
        for (id, request) in std::mem::take(&mut self.facts.admitted) {
            let name = request.input.as_ref().map(|i| i.name.clone()).unwrap_or_default();
            let acceptance = Acceptance {
                accepted_request_message_id: format!("{id}/request"),
                accepted_request: Some(request),
                ..Default::default()
            };
            self.say(&id, "accept", any("Acceptance", &acceptance));
            if name == "now" {
                self.respond(&id);
            }
            self.facts.updates.insert(id, (name.clone(), name == "now"));
        }
    }

    fn late_updates(&mut self) {
        let late: Vec<String> =
            self.facts.updates.iter().filter(|(_, (_, done))| !done).map(|(id, _)| id.clone()).collect();
        for id in late {
            let timer = format!("u-{id}");
            if self.over(&timer, LATE) {
                self.respond(&id);
                self.facts.updates.entry(id).and_modify(|update| update.1 = true);
            }
        }
    }

    fn respond(&mut self, id: &str) {
        let outcome = Some(Outcome { value: payloads("answer").map(outcome::Value::Success) });
        let meta = Some(Meta { update_id: id.to_owned(), ..Default::default() });
        let response = Response { meta, outcome };
        self.say(id, "complete", any("Response", &response));
    }

    /// Starts the timer if it was not; whether it is over.
    fn over(&mut self, timer: &str, span: Span) -> bool {
        match self.facts.timers.get(timer) {
            Some(part) => part.ended,
            None => {
                let start_to_fire_timeout = ostro_engine::time::duration(span);
                self.push(
                    Kind::StartTimer,
                    StartTimerCommandAttributes { timer_id: timer.to_owned(), start_to_fire_timeout },
                );
                self.facts.timers.insert(timer.to_owned(), Default::default());
                false
            }
        }
    }

    fn steps(&mut self) {
        if self.facts.cancel_requested && self.program.on_cancel != OnCancel::Ignores {
            if self.program.on_cancel == OnCancel::Leaves || self.cleaned_up() {
                self.push(Kind::CancelWorkflowExecution, CancelWorkflowExecutionCommandAttributes::default());
            }
            return;
        }
        for (number, step) in self.program.steps.iter().enumerate() {
            if !self.step(number, step) {
                return;
            }
        }
        if !self.program.drains_updates || self.facts.updates.values().all(|(_, done)| *done) {
            self.end();
        }
    }

    fn cleaned_up(&mut self) -> bool {
        let activities: Vec<_> = self.facts.activities.values().filter(|a| !a.ended).copied().collect();
        for activity in activities.iter().filter(|a| !a.cancel_requested) {
            let scheduled_event_id = activity.event;
            self.push(
                Kind::RequestCancelActivityTask,
                RequestCancelActivityTaskCommandAttributes { scheduled_event_id },
            );
        }
        let timers: Vec<_> =
            self.facts.timers.iter().filter(|(_, t)| !t.ended && t.event > 0).map(|(id, _)| id.clone()).collect();
        for timer_id in timers {
            self.push(Kind::CancelTimer, CancelTimerCommandAttributes { timer_id });
        }
        let operations: Vec<_> = self.facts.operations.values().filter(|o| !o.ended && !o.cancel_requested).collect();
        let operations: Vec<_> = operations.into_iter().map(|operation| operation.event).collect();
        for scheduled_event_id in operations {
            self.push(
                Kind::RequestCancelNexusOperation,
                RequestCancelNexusOperationCommandAttributes { scheduled_event_id },
            );
        }
        let children: Vec<_> =
            self.facts.children.iter().filter(|(_, c)| c.started && !c.ended).map(|(id, _)| id.clone()).collect();
        for child in children {
            let reason = format!("cleaning up {child}");
            if !self.facts.external.contains_key(&reason) {
                self.push(
                    Kind::RequestCancelExternalWorkflowExecution,
                    RequestCancelExternalWorkflowExecutionCommandAttributes {
                        workflow_id: child,
                        child_workflow_only: true,
                        reason,
                        ..Default::default()
                    },
                );
            }
        }
        activities.is_empty()
    }

    /// Moves a step on; whether it is over.
    fn step(&mut self, number: usize, step: &Step) -> bool {
        match step {
            Step::Activities(activities) => {
                let ended: Vec<_> =
                    activities.iter().enumerate().map(|(i, a)| self.activity(&format!("a{number}-{i}"), a)).collect();
                ended.into_iter().all(|ended| ended)
            }
            Step::Race { timer, activity } => self.race(number, (*timer).nanos(), activity),
            Step::Timer(span) => self.over(&format!("t{number}"), Span::from_nanos((*span).nanos())),
            Step::Child { .. } => self.child(number, step),
            Step::Signal { name, count, patience } => self.signal(number, name, *count, (*patience).nanos()),
            Step::SignalExternal { target } => self.signal_external(number, target),
            Step::CancelExternal { target } => self.cancel_external(number, target),
            Step::Marker => self.mark(format!("m{number}")),
            // One name only: the order of a map's entries is not part of a protobuf's bytes.
            Step::Memo => self.memo("memo".to_owned()),
            Step::ScheduleAndCancel(activity) => self.schedule_and_cancel(number, activity),
            Step::Nexus(patience) => self.nexus(number, (*patience).nanos()),
        }
    }

    fn activity(&mut self, id: &str, a: &Activity) -> bool {
        if let Some(part) = self.facts.activities.get(id) {
            return part.ended;
        }
        let retry_policy = (a.attempts_max > 0).then(|| temporalio_protos::temporal::api::common::v1::RetryPolicy {
            maximum_attempts: a.attempts_max,
            ..Default::default()
        });
        self.push(
            Kind::ScheduleActivityTask,
            ScheduleActivityTaskCommandAttributes {
                activity_id: id.to_owned(),
                activity_type: Some(temporalio_protos::temporal::api::common::v1::ActivityType { name: a.type_name() }),
                task_queue: queue(a.queue),
                start_to_close_timeout: span(Span::from_nanos(a.start_to_close.nanos())),
                schedule_to_close_timeout: span(Span::from_nanos(a.schedule_to_close.nanos())),
                schedule_to_start_timeout: span(Span::from_nanos(a.schedule_to_start.nanos())),
                heartbeat_timeout: span(Span::from_nanos(a.heartbeat.nanos())),
                request_eager_execution: a.eager,
                retry_policy,
                header: header(id),
                ..Default::default()
            },
        );
        false
    }

    fn race(&mut self, number: usize, span: i64, a: &Activity) -> bool {
        let (timer, id) = (format!("t{number}"), format!("a{number}"));
        let fired = self.over(&timer, Span::from_nanos(span));
        let ended = self.activity(&id, a);
        if fired && !ended {
            let part = self.facts.activities.get(&id).copied().unwrap_or_default();
            if part.event > 0 && !part.cancel_requested {
                let scheduled_event_id = part.event;
                self.push(
                    Kind::RequestCancelActivityTask,
                    RequestCancelActivityTaskCommandAttributes { scheduled_event_id },
                );
            }
        } else if ended && !fired {
            self.push(Kind::CancelTimer, CancelTimerCommandAttributes { timer_id: timer });
        }
        // A cancelled timer is over at once; a cancelled activity when its end is in history.
        ended
    }

    fn child(&mut self, number: usize, step: &Step) -> bool {
        let &Step::Child { seed, policy, waits, same_id, run_timeout } = step else { return true };
        // The same id in each run of a chain: it may be taken, which fails the start.
        let of = if same_id { String::new() } else { format!("-{}-{}", self.facts.input, self.facts.attempt) };
        let workflow_id = format!("{}/c{number}{of}", self.facts.workflow_id);
        if let Some(part) = self.facts.children.get(&workflow_id) {
            return part.ended || (part.started && !waits);
        }
        let depth = workflow_id.matches('/').count() as u32;
        self.push(
            Kind::StartChildWorkflowExecution,
            StartChildWorkflowExecutionCommandAttributes {
                workflow_id,
                workflow_type: workflow_type(&program::type_name(seed, depth)),
                input: payloads("0"),
                parent_close_policy: policy as i32,
                workflow_run_timeout: span(Span::from_nanos(run_timeout.nanos())),
                ..Default::default()
            },
        );
        false
    }

    fn signal(&mut self, number: usize, name: &str, count: u32, patience: i64) -> bool {
        let (timer, have) = (format!("t{number}"), self.facts.signals.get(name).copied().unwrap_or(0));
        if have < count {
            return self.over(&timer, Span::from_nanos(patience));
        }
        if self.facts.timers.get(&timer).is_some_and(|t| !t.ended && t.event > 0) {
            self.push(Kind::CancelTimer, CancelTimerCommandAttributes { timer_id: timer.clone() });
            self.facts.timers.entry(timer).and_modify(|t| t.ended = true);
        }
        true
    }

    fn signal_external(&mut self, number: usize, target: &str) -> bool {
        let name = format!("x{number}");
        if let Some(part) = self.facts.external.get(&name) {
            return part.ended;
        }
        self.push(
            Kind::SignalExternalWorkflowExecution,
            SignalExternalWorkflowExecutionCommandAttributes {
                execution: execution(target, ""),
                signal_name: program::SIGNALS[0].to_owned(),
                input: payloads(&name),
                ..Default::default()
            },
        );
        false
    }

    fn cancel_external(&mut self, number: usize, target: &str) -> bool {
        let reason = format!("x{number}");
        if let Some(part) = self.facts.external.get(&reason) {
            return part.ended;
        }
        self.push(
            Kind::RequestCancelExternalWorkflowExecution,
            RequestCancelExternalWorkflowExecutionCommandAttributes {
                workflow_id: target.to_owned(),
                reason,
                ..Default::default()
            },
        );
        false
    }

    fn mark(&mut self, marker_name: String) -> bool {
        if !self.facts.marks.contains(&marker_name) {
            let details = ["one", "other"].map(|name| (name.to_owned(), payloads(name).unwrap_or_default())).into();
            self.push(Kind::RecordMarker, RecordMarkerCommandAttributes { marker_name, details, ..Default::default() });
        }
        true
    }

    fn memo(&mut self, name: String) -> bool {
        if !self.facts.marks.contains(&name) {
            let upserted_memo = Some(Memo { fields: fields(&name) });
            self.push(Kind::ModifyWorkflowProperties, ModifyWorkflowPropertiesCommandAttributes { upserted_memo });
        }
        true
    }

    /// Needs to know the scheduled event's id before there is one: only where nothing else was decided.
    fn schedule_and_cancel(&mut self, number: usize, activity: &Activity) -> bool {
        let id = format!("a{number}");
        if let Some(part) = self.facts.activities.get(&id) {
            return part.ended;
        }
        let instead = format!("m{number}");
        if !self.out.commands.is_empty() || self.facts.marks.contains(&instead) {
            return self.mark(instead);
        }
        self.activity(&id, activity);
        let scheduled_event_id = self.started + 2;
        self.push(Kind::RequestCancelActivityTask, RequestCancelActivityTaskCommandAttributes { scheduled_event_id });
        false
    }

    fn nexus(&mut self, number: usize, patience: i64) -> bool {
        let operation = format!("n{number}");
        if let Some(part) = self.facts.operations.get(&operation) {
            return part.ended;
        }
        self.push(
            Kind::ScheduleNexusOperation,
            ScheduleNexusOperationCommandAttributes {
                endpoint: ENDPOINT.to_owned(),
                service: "service".to_owned(),
                operation,
                schedule_to_close_timeout: span(Span::from_nanos(patience)),
                ..Default::default()
            },
        );
        false
    }

    fn end(&mut self) {
        let left: u32 = self.facts.input.parse().unwrap_or(0);
        if self.facts.attempt <= self.program.failing_attempts || self.program.end == End::Fails {
            let failure = failure("the workflow failed", false);
            self.push(Kind::FailWorkflowExecution, FailWorkflowExecutionCommandAttributes { failure });
        } else if self.program.end == End::ContinuesAsNew && left > 0 {
            let input = payloads(&(left - 1).to_string());
            let attributes = ContinueAsNewWorkflowExecutionCommandAttributes { input, ..Default::default() };
            self.push(Kind::ContinueAsNewWorkflowExecution, attributes);
        } else {
            let result = payloads(&text(&payloads("done")));
            self.push(Kind::CompleteWorkflowExecution, CompleteWorkflowExecutionCommandAttributes { result });
        }
    }
}

fn any(name: &str, message: &impl prost::Message) -> Any {
    Any { type_url: format!("type.googleapis.com/temporal.api.update.v1.{name}"), value: message.encode_to_vec() }
}
