//! Between executions and the Nexus queues of endpoints, and back to the callers of operations.

use temporalio_protos::temporal::api::{
    nexus::v1::endpoint_target,
    workflowservice::v1::{PollNexusTaskQueueResponse, SignalWithStartWorkflowExecutionRequest},
};

use super::outbox::Outgoing;
use crate::base::error::Error;
use crate::base::token::TaskToken;
use crate::engine::Engine;
use crate::execution::callback::CalledBack;
use crate::execution::nexus::What;
use crate::nexus::callback::{self, Address, Destination};
use crate::nexus::outgoing::OutgoingRequest;
use crate::nexus::{failures, system};
use crate::queue::{QueueKey, Work};
use crate::stored::execution::Completion;
use crate::stored::persistence::{ExecutionId, Loader, QueueKind};

/// Who serves an endpoint.
enum Target {
    Workers(QueueKey),
    /// A Nexus service at this URL.
    Outside(String),
}

impl<L: Loader> Engine<L> {
    /// Puts a request on the queue of its endpoint's target.
    pub(crate) fn offer_nexus(&mut self, id: ExecutionId, event: i64, what: What) {
        let Some(execution) = self.cache.get(id) else { return };
        let Some(operation) = execution.nexus.get(&event) else { return };
        if !execution.nexus_is_offered(event, what) {
            return;
        }
        if operation.attributes().endpoint == system::ENDPOINT {
            return self.call_system(id, event);
        }
        if self.is_endpoint_set_aside(&operation.attributes().endpoint_id) {
            // Its time-out, or the repair of the endpoint, is what comes next.
            return;
        }
        match self.nexus_target(&operation.attributes().endpoint_id, &operation.attributes().endpoint) {
            None => self.step(id, |t| t.nexus_endpoint_missing(event, what)),
            Some(Target::Outside(_)) => {
                self.step(id, |t| t.nexus_request_queued(event, what, 0, String::new()));
                let namespace = self.execution(id).core.namespace;
                self.outbox.offer(namespace, Outgoing::Operation(id, event, what));
            }
            Some(Target::Workers(key)) => {
                let (namespace, queue) = (key.namespace, key.name.clone());
                self.step(id, |t| t.nexus_request_queued(event, what, namespace, queue));
                self.add_task(key, id, nexus_work(event, what));
            }
        }
    }

    /// A request as it is sent to its endpoint's URL; `None` where it is not offered any more.
    pub(crate) fn hand_out_operation(&mut self, id: ExecutionId, event: i64, what: What) -> Option<OutgoingRequest> {
        let execution = self.execution(id);
        if !execution.nexus_is_offered(event, what) {
            return None;
        }
        let (a, namespace) = (execution.nexus.get(&event)?.attributes(), execution.core.namespace);
        let Some(Target::Outside(url)) = self.nexus_target(&a.endpoint_id, &a.endpoint) else {
            // The endpoint was changed since.
            self.offer_nexus(id, event, what);
            return None;
        };
        let namespace = self.namespaces.by_id(namespace).expect("a namespace outlives its executions").name.clone();
        let task = self.step(id, |t| t.start_nexus_request(event, what));
        Some(OutgoingRequest::Operation { url, namespace, task })
    }

    /// Does at once what a workflow asks of the server itself.
    fn call_system(&mut self, id: ExecutionId, event: i64) {
        let execution = self.execution(id);
        let Some(operation) = execution.nexus.get(&event) else { return };
        let (a, namespace) = (operation.attributes().clone(), execution.core.namespace);
        let namespace = self.namespaces.by_id(namespace).expect("a namespace outlives its executions").name.clone();
        let request = system::request(&a.service, &a.operation, a.input.as_ref(), &namespace, &self.config);
        let asked = request.map_err(Error::invalid).and_then(|request| {
            let links = vec![self.view(id, |t| t.link_to_caller(event))];
            self.signal_with_start(SignalWithStartWorkflowExecutionRequest {
                request_id: a.request_id,
                links,
                ..request
            })
        });
        if !self.execution(id).is_open() {
            // It has started a run in its own place.
            return;
        }
        self.step(id, |t| match asked {
            Ok(response) => {
                let links = response.signal_link.iter().cloned().collect();
                t.nexus_operation_completed(event, Some(system::result(&response)), links);
            }
            Err(error) => t.nexus_operation_failed(event, failures::server(&system::error_text(&error), true)),
        });
    }

    fn nexus_target(&self, endpoint_id: &str, endpoint: &str) -> Option<Target> {
        let spec = self.endpoints.find(endpoint_id, endpoint)?.spec.as_ref()?;
        match spec.target.as_ref()?.variant.as_ref()? {
            endpoint_target::Variant::External(outside) => Some(Target::Outside(outside.url.clone())),
            endpoint_target::Variant::Worker(worker) => {
                let namespace = self.namespaces.get(&worker.namespace).ok()?.id;
                Some(Target::Workers(QueueKey::new(namespace, QueueKind::Nexus, worker.task_queue.clone())))
            }
        }
    }

    /// Hands a request to the worker that was found for it; `None` where it is not offered any more.
    pub(crate) fn hand_over_nexus(
        &mut self,
        id: ExecutionId,
        event: i64,
        what: What,
    ) -> Option<PollNexusTaskQueueResponse> {
        self.execution(id).nexus_is_offered(event, what).then(|| self.step(id, |t| t.start_nexus_request(event, what)))
    }

    /// A request did not reach its worker.
    pub(crate) fn take_back_nexus(&mut self, response: &PollNexusTaskQueueResponse) {
        let Ok(token) = TaskToken::parse(&self.seals, &response.task_token) else { return };
        if token.incoming > 0 {
            return self.take_back_incoming(&token);
        }
        let Some(what) = What::of_number(token.nexus) else { return };
        if self.load(token.execution) {
            self.step(token.execution, |t| t.undo_nexus_request(&token, what));
        }
    }

    /// Tells callers that what is behind their operations has ended: those here at once, those outside by a request.
    pub(crate) fn call_back(&mut self, closed: ExecutionId, callbacks: Vec<CalledBack>) {
        for CalledBack { id, callback, completion } in callbacks {
            if !self.load(closed) || !self.execution(closed).awaits_callback(id) {
                continue;
            }
            let delivered = match callback::destination(&callback, &self.seals) {
                Err(error) => Err(error),
                Ok(Destination::Here(address, token)) => match self.call_back_here(&address, token, completion) {
                    Ok(delivered) => delivered,
                    // The end of a run is told again once the caller is back.
                    Err(_) if !self.execution(closed).is_open() => {
                        self.step(closed, |t| t.hold());
                        continue;
                    }
                    Err(set_aside) => Err(set_aside.message),
                },
                Ok(Destination::Outside(_)) => {
                    self.step(closed, |t| t.schedule_callback(id, completion));
                    continue;
                }
            };
            if self.load(closed) {
                self.step(closed, |t| t.called_back(id, delivered));
            }
        }
    }

    /// # Errors
    /// DATA_LOSS where the caller is set aside.
    fn call_back_here(
        &mut self,
        address: &Address,
        token: String,
        completion: Completion,
    ) -> crate::base::error::Result<Result<(), String>> {
        let Some(operation) = self.waiting_operation(address)? else {
            return Ok(Err("operation not found".to_owned()));
        };
        self.step(operation, |t| t.nexus_called_back(address.scheduled_event_id, token, completion));
        Ok(Ok(()))
    }

    /// The run that waits for the operation: the one that called it, or the one that a reset put in its place.
    ///
    /// # Errors
    /// DATA_LOSS where that run is set aside.
    pub(crate) fn waiting_operation(&mut self, address: &Address) -> crate::base::error::Result<Option<ExecutionId>> {
        let caller = temporalio_protos::temporal::api::common::v1::WorkflowExecution {
            workflow_id: address.workflow_id.clone(),
            run_id: address.run_id.clone(),
        };
        let Some(id) = self.find_parent(address.namespace, &caller)? else { return Ok(None) };
        let operation = self.execution(id).nexus.get(&address.scheduled_event_id);
        let awaited = operation.is_some_and(|operation| operation.attributes().request_id == address.request_id);
        Ok(awaited.then_some(id))
    }
}

pub(crate) fn nexus_work(event: i64, what: What) -> Work {
    match what {
        What::Start => Work::NexusStart(event),
        What::Cancel => Work::NexusCancel(event),
    }
}
