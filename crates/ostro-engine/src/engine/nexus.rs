//! Between executions and the Nexus queues of endpoints, and back to the callers of operations.

use temporalio_protos::temporal::api::{
    nexus::v1::endpoint_target,
    workflowservice::v1::{PollNexusTaskQueueResponse, SignalWithStartWorkflowExecutionRequest},
};

use super::Engine;
use crate::error::Error;
use crate::execution::callback::CalledBack;
use crate::execution::nexus::What;
use crate::nexus::{callback, failures, system};
use crate::persistence::{ExecutionId, Loader, QueueKind};
use crate::queue::{QueueKey, Work};
use crate::token::TaskToken;

impl<L: Loader> Engine<L> {
    /// Puts a request on the queue of its endpoint's target.
    pub(super) fn offer_nexus(&mut self, id: ExecutionId, event: i64, what: What) {
        let Some(execution) = self.cache.get(id) else { return };
        let Some(operation) = execution.nexus.get(&event) else { return };
        if !execution.nexus_is_offered(event, what) {
            return;
        }
        if operation.attributes().endpoint == system::ENDPOINT {
            return self.call_system(id, event);
        }
        let Some(key) = self.nexus_queue(&operation.attributes().endpoint_id, &operation.attributes().endpoint) else {
            return self.step(id, |t| t.nexus_endpoint_missing(event, what));
        };
        let (namespace, queue) = (key.namespace, key.name.clone());
        self.step(id, |t| t.nexus_request_queued(event, what, namespace, queue));
        self.add_task(key, id, nexus_work(event, what));
    }

    /// Does at once what a workflow asks of the server itself.
    fn call_system(&mut self, id: ExecutionId, event: i64) {
        let execution = self.execution(id);
        let Some(operation) = execution.nexus.get(&event) else { return };
        let (a, namespace) = (operation.attributes().clone(), execution.core.namespace);
        let namespace = self.namespaces.by_id(namespace).expect("a namespace outlives its executions").name.clone();
        let request = system::request(&a.service, &a.operation, a.input.as_ref(), &namespace, &self.config);
        let asked = request.map_err(Error::invalid).and_then(|request| {
            let links = vec![self.look(id, |t| t.link_to_caller(event))];
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

    fn nexus_queue(&self, endpoint_id: &str, endpoint: &str) -> Option<QueueKey> {
        let spec = self.endpoints.find(endpoint_id, endpoint)?.spec.as_ref()?;
        let Some(endpoint_target::Variant::Worker(worker)) = &spec.target.as_ref()?.variant else { return None };
        let namespace = self.namespaces.get(&worker.namespace).ok()?.id;
        Some(QueueKey::new(namespace, QueueKind::Nexus, worker.task_queue.clone()))
    }

    /// Hands a request to the worker that was found for it; `None` where it is not offered any more.
    pub(super) fn hand_over_nexus(
        &mut self,
        id: ExecutionId,
        event: i64,
        what: What,
    ) -> Option<PollNexusTaskQueueResponse> {
        self.execution(id).nexus_is_offered(event, what).then(|| self.step(id, |t| t.start_nexus_request(event, what)))
    }

    /// A request did not reach its worker.
    pub(super) fn take_back_nexus(&mut self, response: &PollNexusTaskQueueResponse) {
        let Ok(token) = TaskToken::parse(&response.task_token) else { return };
        let Some(what) = What::of_number(token.nexus) else { return };
        if self.load(token.execution) {
            self.step(token.execution, |t| t.undo_nexus_request(&token, what));
        }
    }

    /// Tells callers that what is behind their operations has ended.
    pub(super) fn call_back(&mut self, closed: ExecutionId, callbacks: Vec<CalledBack>) {
        for CalledBack { id, callback, completion } in callbacks {
            let delivered = callback::address(&callback).and_then(|(address, token)| {
                let operation = self.waiting_operation(&address).ok_or("operation not found")?;
                let event = address.scheduled_event_id;
                self.step(operation, |t| t.nexus_called_back(event, token, completion));
                Ok(())
            });
            if self.load(closed) {
                self.step(closed, |t| t.called_back(id, delivered));
            }
        }
    }

    /// The run that waits for the operation: the one that called it, or the one that a reset put in its place.
    fn waiting_operation(&mut self, address: &callback::Address) -> Option<ExecutionId> {
        let caller = temporalio_protos::temporal::api::common::v1::WorkflowExecution {
            workflow_id: address.workflow_id.clone(),
            run_id: address.run_id.clone(),
        };
        let id = self.find_parent(address.namespace, &caller)?;
        let operation = self.execution(id).nexus.get(&address.scheduled_event_id)?;
        (operation.attributes().request_id == address.request_id).then_some(id)
    }
}

pub(super) fn nexus_work(event: i64, what: What) -> Work {
    match what {
        What::Start => Work::NexusStart(event),
        What::Cancel => Work::NexusCancel(event),
    }
}
