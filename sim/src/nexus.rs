//! Handlers of Nexus operations: they answer at once, or not, or with a failure, or with a workflow behind the operation.

use std::rc::Rc;

use ostro_engine::call::{Answer, Call, Request as _, WithDeadline};
use ostro_engine::error::Result;
use ostro_engine::time::{MILLISECOND, MINUTE, SECOND, Span, Time, duration};
use temporalio_protos::temporal::api::{
    common::v1::{Callback, callback},
    failure::v1::{Failure, NexusHandlerFailureInfo, failure::FailureInfo},
    nexus::v1::{
        EndpointSpec, EndpointTarget, Response, StartOperationRequest, StartOperationResponse, endpoint_target,
        request, response, start_operation_response as started,
    },
    operatorservice::v1::CreateNexusEndpointRequest,
    workflowservice::v1::*,
};

use crate::program::type_name;
use crate::rng::hash;
use crate::vocabulary::*;
use crate::world::{Event, Purpose, Request, World, is_transient};

pub const ENDPOINT: &str = "endpoint";
const HANDLERS: &str = "handlers";

/// The call that makes the endpoint.
pub fn create_endpoint() -> Call {
    let worker = endpoint_target::Worker { namespace: NAMESPACE.to_owned(), task_queue: HANDLERS.to_owned() };
    let target = Some(EndpointTarget { variant: Some(endpoint_target::Variant::Worker(worker)) });
    let spec = Some(EndpointSpec { name: ENDPOINT.to_owned(), target, ..Default::default() });
    CreateNexusEndpointRequest { spec }.into_call()
}

impl World {
    pub(crate) fn poll_nexus(&mut self, worker: usize) {
        let request: Request = Rc::new(|| {
            let request = PollNexusTaskQueueRequest {
                namespace: NAMESPACE.to_owned(),
                task_queue: queue(HANDLERS),
                ..Default::default()
            };
            WithDeadline { request, deadline: Time::MAX }.into_call()
        });
        self.send(Purpose::PollNexus { worker }, request, 70 * SECOND);
    }

    pub(crate) fn polled_nexus(&mut self, worker: usize, answer: Result<Answer>) -> std::result::Result<(), String> {
        let mut wait = Span::ZERO;
        match answer {
            Ok(Answer::PollNexusTask(task)) if !task.task_token.is_empty() => {
                let delay = self.rng.span(MILLISECOND, 2 * SECOND);
                self.at(delay, Event::AnswerNexus { task: Rc::new(*task) });
            }
            Err(error) if !is_transient(&error) => return Err(format!("a poll was refused: {error:?}")),
            Err(_) => wait = 200 * MILLISECOND,
            Ok(_) => {}
        }
        self.at(wait, Event::PollNexus { worker });
        Ok(())
    }

    /// What becomes of a request to a handler, by chance; the caller's own time-out ends what is never answered.
    pub(crate) fn answer_nexus(&mut self, task: &PollNexusTaskQueueResponse) {
        let Some(request::Variant::StartOperation(operation)) = task.request.clone().and_then(|r| r.variant) else {
            let response = response::Variant::CancelOperation(Default::default());
            return self.respond_nexus(task, response);
        };
        match self.rng.below(10) {
            0 if self.faulty => {}
            1 => self.refuse_nexus(task, "INTERNAL"),
            2 => self.refuse_nexus(task, "BAD_REQUEST"),
            3..6 => self.answer_with_workflow(task, operation),
            _ => {
                let sync = started::Sync { payload: Some(payload("placed")), ..Default::default() };
                self.respond_start(task, started::Variant::SyncSuccess(sync));
            }
        }
    }

    fn respond_start(&mut self, task: &PollNexusTaskQueueResponse, variant: started::Variant) {
        let response = StartOperationResponse { variant: Some(variant) };
        self.respond_nexus(task, response::Variant::StartOperation(response));
    }

    fn respond_nexus(&mut self, task: &PollNexusTaskQueueResponse, variant: response::Variant) {
        let request = RespondNexusTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            response: Some(Response { variant: Some(variant) }),
            ..Default::default()
        };
        self.send(Purpose::Nobody, Rc::new(move || request.clone().into_call()), 10 * SECOND);
    }

    fn refuse_nexus(&mut self, task: &PollNexusTaskQueueResponse, kind: &str) {
        let info = NexusHandlerFailureInfo { r#type: kind.to_owned(), ..Default::default() };
        let failure = Failure {
            message: "the handler failed".to_owned(),
            failure_info: Some(FailureInfo::NexusHandlerFailureInfo(info)),
            ..Default::default()
        };
        let request = RespondNexusTaskFailedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            failure: Some(failure),
            ..Default::default()
        };
        self.send(Purpose::Nobody, Rc::new(move || request.clone().into_call()), 10 * SECOND);
    }

    /// The workflow behind the operation calls back when it ends.
    fn answer_with_workflow(&mut self, task: &PollNexusTaskQueueResponse, operation: StartOperationRequest) {
        let nexus = callback::Nexus { url: operation.callback, header: operation.callback_header };
        let callback = Callback { variant: Some(callback::Variant::Nexus(nexus)), ..Default::default() };
        let program = hash(operation.request_id.as_bytes(), 11);
        let request = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: format!("n-{}", operation.request_id),
            workflow_type: workflow_type(&type_name(program, 2)),
            task_queue: queue(QUEUE),
            input: payloads("0"),
            request_id: operation.request_id.clone(),
            completion_callbacks: vec![callback],
            workflow_execution_timeout: duration(10 * MINUTE),
            ..Default::default()
        };
        self.send(Purpose::Nobody, Rc::new(move || request.clone().into_call()), 10 * SECOND);
        let variant = started::Async { operation_token: operation.request_id, ..Default::default() };
        self.respond_start(task, started::Variant::AsyncSuccess(variant));
    }
}
