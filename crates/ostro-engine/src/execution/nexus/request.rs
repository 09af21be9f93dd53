//! Requests to handlers: made, taken by a worker, lost, made again.

use std::collections::HashMap;

use temporalio_protos::temporal::api::{
    common::v1::{Link, Payload, link},
    enums::v1::EventType,
    failure::v1::Failure,
    nexus::v1::{CancelOperationRequest, Request, StartOperationRequest, request},
    workflowservice::v1::PollNexusTaskQueueResponse,
};

use super::{RETRY_INTERVAL, RETRY_INTERVAL_MAX};
use crate::base::time::{MILLISECOND, Span, Time, from_duration, timestamp};
use crate::base::token::TaskToken;
use crate::execution::standalone::nexus_operation::operation_id;
use crate::execution::{Effect, Transition};
use crate::nexus::callback::{Address, SYSTEM_URL, TOKEN_HEADER};
use crate::nexus::{failures, links};
use crate::stored::execution::NexusOperation;
use crate::stored::execution::RequestState;
use crate::stored::persistence::NamespaceId;

/// The header that says how much time the operation has.
pub(crate) const OPERATION_TIMEOUT: &str = "operation-timeout";

/// What a handler is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    Start,
    Cancel,
}

impl What {
    /// As a task token says it.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Start => 1,
            Self::Cancel => 2,
        }
    }

    pub(crate) fn of_number(number: i32) -> Option<Self> {
        [Self::Start, Self::Cancel].into_iter().find(|what| what.number() == number)
    }
}

impl Transition<'_> {
    /// Makes the request, for the first time or once more.
    pub(in crate::execution) fn send_nexus_request(&mut self, event: i64, what: What) {
        let (now, timeout) = (self.now, self.config.nexus_request_timeout);
        let Some(operation) = self.exec.nexus_operation_mut(event) else { return };
        let request = operation.request_mut(what);
        request.attempt = request.attempt.saturating_add(1);
        request.set_state(RequestState::Offered);
        request.due = (now + timeout).nanos();
        request.started_time = 0;
        let id = self.id();
        self.effect(Effect::OfferNexus(id, event, what));
    }

    /// Notes on which queue the request waits.
    pub(crate) fn nexus_request_queued(&mut self, event: i64, what: What, namespace: NamespaceId, queue: String) {
        if let Some(operation) = self.exec.nexus_operation_mut(event) {
            let request = operation.request_mut(what);
            (request.namespace, request.queue) = (namespace, queue);
        }
    }

    /// Hands the request to a worker. The caller saw that it is offered.
    pub(crate) fn start_nexus_request(&mut self, event: i64, what: What) -> PollNexusTaskQueueResponse {
        let now = self.now;
        let operation = self.exec.nexus_operation_mut(event).expect("the caller saw it waiting");
        let request = operation.request_mut(what);
        request.set_state(RequestState::WithWorker);
        request.started_time = now.nanos();
        self.nexus_task(event, what)
    }

    /// A request that was handed out but never reached its worker is offered again.
    pub(crate) fn undo_nexus_request(&mut self, token: &TaskToken, what: What) {
        if !self.exec.has_nexus_request(token, what) {
            return;
        }
        let (id, event) = (self.id(), token.scheduled_event_id);
        if let Some(operation) = self.exec.nexus_operation_mut(event) {
            operation.request_mut(what).set_state(RequestState::Offered);
            self.effect(Effect::OfferNexus(id, event, what));
        }
    }

    /// Makes again whatever request was under way in the run before a reset.
    pub(in crate::execution) fn resume_nexus(&mut self) {
        let events: Vec<i64> = self.exec.nexus.keys().copied().collect();
        for event in events {
            let Some(operation) = self.exec.nexus.get(&event) else { continue };
            let cancel = operation.cancel.is_some() && operation.cancel_request().state() == RequestState::Idle;
            match operation.is_started() {
                false => self.send_nexus_request(event, What::Start),
                true if cancel => self.send_nexus_request(event, What::Cancel),
                true => {}
            }
        }
    }

    /// The endpoint is gone.
    pub(crate) fn nexus_endpoint_missing(&mut self, event: i64, what: What) {
        let failure = failures::handler("NOT_FOUND", "endpoint not registered");
        self.nexus_request_failed(event, what, failure, false);
    }

    /// Something of the operation is due.
    pub(crate) fn nexus_due(&mut self, event: i64) {
        let Some(operation) = self.exec.nexus.get(&event) else { return };
        if let Some(kind) = operation.struck(self.now) {
            return self.time_out_nexus_operation(event, kind);
        }
        for what in [What::Start, What::Cancel] {
            let Some(operation) = self.exec.nexus.get(&event) else { return };
            let request = operation.request(what);
            if request.next_due() == Time::UNSET || request.due > self.now.nanos() {
                continue;
            }
            match request.state() {
                RequestState::BackingOff => self.send_nexus_request(event, what),
                _ => {
                    // The queue of workers is asked like a handler, and has an answer of its own.
                    let failure = match request.namespace {
                        0 => self.call_failure("request timed out", false),
                        _ => failures::handler("UPSTREAM_TIMEOUT", "upstream timeout"),
                    };
                    self.nexus_request_failed(event, what, failure, true);
                }
            }
        }
    }

    /// An attempt failed: another follows after a back-off, or that was the end.
    pub(super) fn nexus_request_failed(&mut self, event: i64, what: What, failure: Failure, retryable: bool) {
        self.withdraw_nexus_request(event, what);
        let now = self.now;
        let Some(operation) = self.exec.nexus_operation_mut(event) else { return };
        let request = operation.request_mut(what);
        request.last_attempt_complete_time = now.nanos();
        request.last_attempt_failure = Some(failure.clone());
        if retryable {
            request.set_state(RequestState::BackingOff);
            request.due = (now + back_off(request.attempt)).nanos();
            return;
        }
        request.set_state(RequestState::Failed);
        match what {
            What::Start => self.nexus_operation_failed(event, failure),
            What::Cancel => self.nexus_cancel_failed(event, failure),
        }
    }

    /// Takes the request off its queue, where it waits there.
    pub(super) fn withdraw_nexus_request(&mut self, event: i64, what: What) {
        let Some(operation) = self.exec.nexus.get(&event) else { return };
        let request = operation.request(what);
        if request.state() == RequestState::Offered {
            let id = self.id();
            self.effect(Effect::WithdrawNexus(id, event, what, request.namespace, request.queue));
        }
    }

    fn nexus_task(&self, event: i64, what: What) -> PollNexusTaskQueueResponse {
        let operation = &self.exec.nexus[&event];
        let request = operation.request(what);
        let variant = match what {
            What::Start => request::Variant::StartOperation(self.start_operation(operation)),
            What::Cancel => request::Variant::CancelOperation(cancel_operation(operation)),
        };
        let core = &self.exec.core;
        let token = TaskToken {
            namespace: core.namespace,
            execution: self.exec.id,
            workflow_id: core.workflow_id.clone(),
            run_id: core.run_id.clone(),
            scheduled_event_id: event,
            attempt: request.attempt,
            started_time: request.started_time,
            nexus: what.number(),
            ..Default::default()
        };
        PollNexusTaskQueueResponse {
            task_token: token.to_bytes(self.seals),
            request: Some(Request {
                header: self.request_header(operation, what, request.due()),
                scheduled_time: timestamp(self.now),
                capabilities: Some(request::Capabilities { temporal_failure_responses: true }),
                variant: Some(variant),
                endpoint: operation.attributes().endpoint.clone(),
            }),
            ..Default::default()
        }
    }

    /// What the workflow gave, and how much time there is.
    fn request_header(&self, operation: &NexusOperation, what: What, due: Time) -> HashMap<String, String> {
        let a = operation.attributes();
        let mut header = a.nexus_header.clone();
        set_request_timeout(&mut header, due - self.now);
        if what == What::Cancel {
            return header;
        }
        let left = operation.time_outs()[2].0;
        let close =
            [from_duration(&a.start_to_close_timeout), if left > Time::UNSET { left - self.now } else { Span::ZERO }];
        if let Some(span) = close.into_iter().filter(|span| *span > Span::ZERO).min() {
            header.entry(OPERATION_TIMEOUT.to_owned()).or_insert_with(|| milliseconds(span));
        }
        header
    }

    fn start_operation(&self, operation: &NexusOperation) -> StartOperationRequest {
        let (a, core) = (operation.attributes(), &self.exec.core);
        let address = Address {
            namespace: core.namespace,
            execution: self.exec.id,
            workflow_id: core.workflow_id.clone(),
            run_id: core.run_id.clone(),
            scheduled_event_id: operation.scheduled_event_id,
            request_id: a.request_id.clone(),
        };
        StartOperationRequest {
            service: a.service.clone(),
            operation: a.operation.clone(),
            request_id: a.request_id.clone(),
            callback: SYSTEM_URL.to_owned(),
            payload: Some(a.input.clone().unwrap_or_else(nothing)),
            callback_header: [(TOKEN_HEADER.to_owned(), address.to_token(self.seals))].into(),
            links: links::to_nexus(&self.link_to_caller(operation.scheduled_event_id)).into_iter().collect(),
        }
    }

    /// The event that scheduled the operation, or the operation itself where no workflow called it.
    pub(crate) fn link_to_caller(&self, event_id: i64) -> Link {
        use link::workflow_event::{EventReference, Reference};
        if self.exec.is_standalone_nexus_operation() {
            let operation = link::NexusOperation {
                namespace: self.namespace.name.clone(),
                operation_id: operation_id(&self.exec.core.workflow_id).to_owned(),
                run_id: self.exec.core.run_id.clone(),
            };
            return Link { variant: Some(link::Variant::NexusOperation(operation)) };
        }
        let event_type = EventType::NexusOperationScheduled as i32;
        Link {
            variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
                namespace: self.namespace.name.clone(),
                workflow_id: self.exec.core.workflow_id.clone(),
                run_id: self.exec.core.run_id.clone(),
                reference: Some(Reference::EventRef(EventReference { event_id, event_type })),
            })),
        }
    }
}

impl crate::execution::Execution {
    /// Whether the request waits for a worker.
    pub(crate) fn nexus_is_offered(&self, event: i64, what: What) -> bool {
        self.nexus.get(&event).is_some_and(|operation| operation.request(what).state() == RequestState::Offered)
    }

    /// Whether the token is that of a request which a worker has now.
    pub(crate) fn has_nexus_request(&self, token: &TaskToken, what: What) -> bool {
        self.nexus_handler(token, what).is_some()
    }

    /// The namespace of the worker that has the request of this token now; 0 where it went to a URL outside.
    pub(crate) fn nexus_handler(&self, token: &TaskToken, what: What) -> Option<NamespaceId> {
        let request = self.nexus.get(&token.scheduled_event_id)?.request(what);
        let with_worker = request.state() == RequestState::WithWorker
            && request.attempt == token.attempt
            && request.started_time == token.started_time;
        with_worker.then_some(request.namespace)
    }
}

/// The payload of no value. SDKs' handlers read an input in any case.
pub(super) fn nothing() -> Payload {
    Payload { metadata: [("encoding".to_owned(), b"binary/null".to_vec())].into(), ..Default::default() }
}

fn cancel_operation(operation: &NexusOperation) -> CancelOperationRequest {
    let a = operation.attributes();
    CancelOperationRequest {
        service: a.service.clone(),
        operation: a.operation.clone(),
        operation_id: operation.operation_token.clone(),
        operation_token: operation.operation_token.clone(),
    }
}

/// How long the next attempt waits.
pub(in crate::execution) fn back_off(attempt: i32) -> Span {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(20);
    (RETRY_INTERVAL * (1 << doublings)).min(RETRY_INTERVAL_MAX)
}

/// Tells a handler how much time its answer has. The second name is for Java SDKs that look for none in small letters.
pub(crate) fn set_request_timeout(header: &mut HashMap<String, String>, left: Span) {
    for name in ["request-timeout", "Request-Timeout"] {
        header.insert(name.to_owned(), milliseconds(left));
    }
}

/// Tells a handler how much time its operation has.
pub(crate) fn set_operation_timeout(header: &mut HashMap<String, String>, left: Span) {
    header.insert(OPERATION_TIMEOUT.to_owned(), milliseconds(left));
}

fn milliseconds(span: Span) -> String {
    format!("{}ms", (span / MILLISECOND).max(0))
}
