//! What follows from a transition in other executions, within the same commit.

use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::{
        CancelExternalWorkflowExecutionFailedCause as CancelFailed, ParentClosePolicy,
        SignalExternalWorkflowExecutionFailedCause as SignalFailed,
        StartChildWorkflowExecutionFailedCause as StartFailed,
    },
    history::v1::{
        StartChildWorkflowExecutionInitiatedEventAttributes as Initiated,
        WorkflowExecutionCancelRequestedEventAttributes, WorkflowExecutionSignaledEventAttributes,
        WorkflowExecutionStartedEventAttributes,
    },
};

use super::Engine;
use super::calls::TERMINATE_IF_RUNNING;
use crate::base::error::{Error, ErrorKind};
use crate::engine::nexus::operations::nexus_work;
use crate::engine::nexus::outbox::Outgoing;
use crate::execution::workflow::close::{Closed, ClosedChild, SERVER_IDENTITY};
use crate::execution::workflow::new_run::NewRun;
use crate::execution::{Effect, Execution, Transition};
use crate::queue::{QueueKey, Work};
use crate::stored::execution::Child;
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId, QueueKind};

impl<L: Loader> Engine<L> {
    pub(super) fn follow_up(&mut self, effect: Effect) {
        match effect {
            Effect::OfferWorkflowTask(id) => self.offer_workflow_task(id),
            Effect::OfferActivity(id, event) => self.offer_activity(id, event),
            Effect::WithdrawWorkflowTask(id, queue) => {
                self.withdraw(id, QueueKind::Workflow, queue, Work::WorkflowTask)
            }
            Effect::WithdrawActivity(id, event, queue) => {
                self.withdraw(id, QueueKind::Activity, queue, Work::Activity(event))
            }
            Effect::OfferNexus(id, event, what) => self.offer_nexus(id, event, what),
            Effect::WithdrawNexus(id, event, what, 0, _) => self.outbox.withdraw(Outgoing::Operation(id, event, what)),
            Effect::WithdrawNexus(id, event, what, namespace, name) => {
                let key = QueueKey::new(namespace, QueueKind::Nexus, name);
                self.queues.withdraw(&key, id, nexus_work(event, what));
            }
            Effect::OfferQuery(id, number) => self.offer_query(id, number),
            Effect::StartChild(id, initiated) => self.start_child(id, initiated),
            Effect::SignalExternal(id, initiated) => self.signal_external(id, initiated),
            Effect::CancelExternal(id, initiated) => self.cancel_external(id, initiated),
            Effect::StartRun(run) => {
                self.start_run(*run);
            }
            Effect::CallBack(id, callbacks) => self.call_back(id, callbacks),
            Effect::OfferCallback(id, callback) => {
                let namespace = self.cache.get(id).map_or(0, |execution| execution.core.namespace);
                self.outbox.offer(namespace, Outgoing::Callback(id, callback));
            }
            Effect::Closed(closed) => self.closed(*closed),
            Effect::Held(id) => self.try_held(id),
            Effect::Answer(reply) => self.reply(reply.id, reply.answer),
        }
    }

    /// Creates a run and starts it.
    pub(super) fn start_run(&mut self, run: NewRun) -> ExecutionId {
        self.begin(run, |t, run| t.start(run))
    }

    /// Makes an execution of `run` and begins it.
    pub(super) fn begin(&mut self, run: NewRun, start: impl FnOnce(&mut Transition<'_>, NewRun)) -> ExecutionId {
        let id = self.next_execution;
        self.next_execution += 1;
        let mut execution = Box::new(Execution::new(id));
        execution.core.namespace = run.namespace;
        execution.core.workflow_id.clone_from(&run.workflow_id);
        execution.core.run_id.clone_from(&run.run_id);
        self.cache.insert(execution, true);
        self.step(id, |t| start(t, run));
        if let Some(execution) = self.cache.get_mut(id) {
            self.tally.count(execution);
        }
        id
    }

    fn start_child(&mut self, parent: ExecutionId, initiated_event_id: i64) {
        let Some(execution) = self.cache.get(parent) else { return };
        let open = execution.is_open();
        let Some(child) = execution.children.get(&initiated_event_id).cloned() else { return };
        let initiated = child.initiated.clone().unwrap_or_default();
        let abandoned = initiated.parent_close_policy() == ParentClosePolicy::Abandon;
        if !open && !abandoned {
            self.step(parent, |t| drop(t.exec.remove_child(initiated_event_id)));
            return;
        }
        let outcome = self.try_start_child(parent, &child, &initiated);
        self.step(parent, |t| match outcome {
            Err(NotStarted::SetAside) => t.hold(),
            _ if !t.exec.is_open() => drop(t.exec.remove_child(initiated_event_id)),
            Ok(run_id) => t.child_started(initiated_event_id, &run_id),
            Err(NotStarted::Failed(cause)) => t.child_start_failed(initiated_event_id, cause),
        });
    }

    fn try_start_child(
        &mut self,
        parent: ExecutionId,
        child: &Child,
        initiated: &Initiated,
    ) -> Result<String, NotStarted> {
        let namespace = self.namespaces.get(&initiated.namespace);
        let namespace = namespace.map_err(|error| NotStarted::of(&error, StartFailed::NamespaceNotFound))?.id;
        // The quota of its own namespace was checked with the command that starts it.
        if namespace != self.execution(parent).core.namespace && self.check_quota(namespace).is_err() {
            return Err(NotStarted::Failed(StartFailed::Unspecified));
        }
        let policy = initiated.workflow_id_reuse_policy();
        let existing = match self.newest(namespace, &initiated.workflow_id) {
            Err(_) if self.may_start_beside(namespace, &initiated.workflow_id, policy) => None,
            existing => existing.map_err(|_| NotStarted::SetAside)?,
        };
        let run = self.child_run(parent, namespace, child, initiated);
        if let Some(existing) = existing {
            let execution = self.execution(existing);
            if execution.core.start_request_id == child.request_id {
                return Ok(execution.core.run_id.clone());
            }
            if execution.is_open() && self.was_started_before_reset(parent, existing, child) {
                return Ok(self.execution(existing).core.run_id.clone());
            }
            let execution = self.execution(existing);
            if execution.is_open() && policy == TERMINATE_IF_RUNNING {
                self.terminate_for_reuse(existing, &run.run_id);
            } else if self.refuses_reuse(existing, policy) {
                return Err(NotStarted::Failed(StartFailed::WorkflowAlreadyExists));
            }
        }
        let run_id = run.run_id.clone();
        self.start_run(run);
        Ok(run_id)
    }

    /// Whether `existing` is the child itself, started by the run that the parent was reset from.
    fn was_started_before_reset(&self, parent: ExecutionId, existing: ExecutionId, child: &Child) -> bool {
        let (parent, started) = (self.execution(parent), self.execution(existing).started());
        parent.is_reset_run()
            && started.parent_initiated_event_id == child.initiated_event_id
            && started.parent_workflow_execution.as_ref().is_some_and(|p| p.workflow_id == parent.core.workflow_id)
    }

    fn child_run(
        &mut self,
        parent: ExecutionId,
        namespace: NamespaceId,
        child: &Child,
        initiated: &Initiated,
    ) -> NewRun {
        let queue = initiated.task_queue.as_ref().map_or("", |queue| &queue.name);
        let inherited = self.view(parent, |t| t.inherited_by_child(namespace, queue));
        let execution = self.cache.get(parent).expect("the parent is in memory");
        let parent_namespace = self.namespaces.by_id(execution.core.namespace).expect("it has a namespace");
        let parent_execution = WorkflowExecution {
            workflow_id: execution.core.workflow_id.clone(),
            run_id: execution.core.run_id.clone(),
        };
        let initiated = initiated.clone();
        let backoff = crate::calendar::cron::first_wait(&initiated.cron_schedule, self.now);
        let mut started = WorkflowExecutionStartedEventAttributes {
            workflow_type: initiated.workflow_type,
            parent_workflow_namespace: parent_namespace.name.clone(),
            parent_workflow_namespace_id: parent_namespace.uuid.clone(),
            parent_workflow_execution: Some(parent_execution),
            parent_initiated_event_id: child.initiated_event_id,
            task_queue: initiated.task_queue,
            input: initiated.input,
            workflow_execution_timeout: initiated.workflow_execution_timeout,
            workflow_run_timeout: initiated.workflow_run_timeout,
            workflow_task_timeout: initiated.workflow_task_timeout,
            retry_policy: initiated.retry_policy,
            initiator: crate::calendar::cron::initiator(&initiated.cron_schedule),
            cron_schedule: initiated.cron_schedule,
            header: initiated.header,
            memo: initiated.memo,
            search_attributes: initiated.search_attributes,
            root_workflow_execution: Some(execution.root()),
            priority: initiated.priority,
            ..Default::default()
        };
        inherited.give(&mut started);
        NewRun {
            namespace,
            workflow_id: initiated.workflow_id,
            run_id: self.ids.run_id(self.now),
            request_id: child.request_id.clone(),
            started,
            backoff,
            user_metadata: child.user_metadata.clone(),
            parent_execution: parent,
            ..Default::default()
        }
    }

    fn signal_external(&mut self, sender: ExecutionId, initiated_event_id: i64) {
        let Some(execution) = self.cache.get(sender) else { return };
        let Some(signal) = execution.signals.get(&initiated_event_id).cloned() else { return };
        let from = WorkflowExecution {
            workflow_id: execution.core.workflow_id.clone(),
            run_id: execution.core.run_id.clone(),
        };
        let initiated = signal.initiated.unwrap_or_default();
        let target = initiated.workflow_execution.unwrap_or_default();
        let found = self.external_target(sender, &initiated.namespace, &target, initiated.child_workflow_only);
        let outcome = match found {
            Err(Missing::SetAside) => return self.step(sender, |t| t.hold()),
            Err(Missing::Namespace) => Err(SignalFailed::NamespaceNotFound),
            Err(Missing::Execution | Missing::Ended) => Err(SignalFailed::ExternalWorkflowExecutionNotFound),
            Ok(target) if self.execution(target).core.signal_count >= self.config.signals_max => {
                Err(SignalFailed::SignalCountLimitExceeded)
            }
            Ok(target) => {
                let event = WorkflowExecutionSignaledEventAttributes {
                    signal_name: initiated.signal_name,
                    input: initiated.input,
                    identity: SERVER_IDENTITY.to_owned(),
                    header: initiated.header,
                    external_workflow_execution: Some(from),
                    request_id: signal.request_id,
                    ..Default::default()
                };
                self.step(target, |t| t.signal(event, Vec::new()));
                Ok(())
            }
        };
        self.step(sender, |t| match outcome {
            _ if !t.exec.is_open() => drop(t.exec.remove_signal(initiated_event_id)),
            Ok(()) => t.external_signal_delivered(initiated_event_id),
            Err(cause) => t.external_signal_failed(initiated_event_id, cause),
        });
    }

    fn cancel_external(&mut self, sender: ExecutionId, initiated_event_id: i64) {
        let Some(execution) = self.cache.get(sender) else { return };
        let Some(cancel) = execution.cancels.get(&initiated_event_id).cloned() else { return };
        let from = WorkflowExecution {
            workflow_id: execution.core.workflow_id.clone(),
            run_id: execution.core.run_id.clone(),
        };
        let initiated = cancel.initiated.unwrap_or_default();
        let target = initiated.workflow_execution.unwrap_or_default();
        let found = self.external_target(sender, &initiated.namespace, &target, initiated.child_workflow_only);
        let outcome = match found {
            Err(Missing::SetAside) => return self.step(sender, |t| t.hold()),
            Err(Missing::Namespace) => Err(CancelFailed::NamespaceNotFound),
            Err(Missing::Execution) => Err(CancelFailed::ExternalWorkflowExecutionNotFound),
            // It has ended, which is what the sender wants.
            Err(Missing::Ended) => Ok(()),
            Ok(target) => {
                let event = WorkflowExecutionCancelRequestedEventAttributes {
                    cause: initiated.reason,
                    external_initiated_event_id: initiated_event_id,
                    external_workflow_execution: Some(from),
                    identity: SERVER_IDENTITY.to_owned(),
                };
                self.step(target, |t| t.request_cancel(event, &cancel.request_id, Vec::new()));
                Ok(())
            }
        };
        self.step(sender, |t| match outcome {
            _ if !t.exec.is_open() => drop(t.exec.remove_cancel(initiated_event_id)),
            Ok(()) => t.external_cancel_delivered(initiated_event_id),
            Err(cause) => t.external_cancel_failed(initiated_event_id, cause),
        });
    }

    /// The open execution that another one names; one that names no namespace means its own.
    fn external_target(
        &mut self,
        sender: ExecutionId,
        namespace: &str,
        target: &WorkflowExecution,
        children_only: bool,
    ) -> Result<ExecutionId, Missing> {
        let namespace = match namespace {
            "" => self.execution(sender).core.namespace,
            name => self.namespaces.get(name).map_err(|error| Missing::of(&error, Missing::Namespace))?.id,
        };
        let id = self.find(namespace, &target.workflow_id, &target.run_id);
        let id = id.map_err(|error| Missing::of(&error, Missing::Execution))?;
        if !self.execution(id).is_open() {
            return Err(Missing::Ended);
        }
        if children_only && !self.is_child_of(id, sender)? {
            return Err(Missing::Execution);
        }
        Ok(id)
    }

    /// A run closed: its schedule and its parent learn it, its children follow their policies.
    fn closed(&mut self, mut closed: Closed) {
        self.scheduled_run_closed(&closed);
        self.call_back(closed.execution, std::mem::take(&mut closed.callbacks));
        for child in closed.children {
            self.apply_close_policy(&closed.workflow, child);
        }
        let Some(parent) = closed.parent else { return };
        let Ok(namespace) = self.namespaces.get(&parent.namespace).map(|n| n.id) else { return };
        let id = match self.find_parent(namespace, &parent.workflow) {
            Ok(Some(id)) => id,
            Ok(None) => return,
            // It is told once it is back.
            Err(_) if self.load(closed.execution) => return self.step(closed.execution, |t| t.hold()),
            Err(_) => return,
        };
        let awaited = self
            .execution(id)
            .children
            .get(&parent.initiated_event_id)
            .is_some_and(|c| c.initiated.as_ref().is_some_and(|i| i.workflow_id == closed.workflow.workflow_id));
        if awaited {
            self.step(id, |t| t.child_closed(parent.initiated_event_id, &closed.workflow.run_id, &closed.outcome));
        }
    }

    /// The open run of the parent: the one that started the child, or the run that a reset put in its place.
    ///
    /// # Errors
    /// DATA_LOSS where one of them is set aside.
    pub(super) fn find_parent(
        &mut self,
        namespace: NamespaceId,
        parent: &WorkflowExecution,
    ) -> crate::base::error::Result<Option<ExecutionId>> {
        let mut run_id = parent.run_id.clone();
        loop {
            let id = match self.find(namespace, &parent.workflow_id, &run_id) {
                Ok(id) => id,
                Err(error) if error.kind == ErrorKind::DataLoss => return Err(error),
                Err(_) => {
                    // It was deleted since: a reset may have put the newest run in its place.
                    let newest = self.newest(namespace, &parent.workflow_id)?;
                    let replaces = |run: &Execution| run.is_open() && run.is_reset_run();
                    return Ok(newest.filter(|newest| replaces(self.execution(*newest))));
                }
            };
            let run = self.execution(id);
            if run.is_open() {
                return Ok(Some(id));
            }
            if run.core.reset_run_id.is_empty() || run.core.reset_run_id == run_id {
                return Ok(None);
            }
            run_id.clone_from(&run.core.reset_run_id);
        }
    }

    /// Whether `parent` started the child, or was put by a reset in the place of the run that did.
    fn is_child_of(&mut self, child: ExecutionId, parent: ExecutionId) -> Result<bool, Missing> {
        let started = self.execution(child).started();
        let Some(named) = started.parent_workflow_execution.clone() else { return Ok(false) };
        if self.execution(child).core.parent_execution == parent {
            return Ok(true);
        }
        let namespace = self.execution(parent).core.namespace;
        Ok(self.find_parent(namespace, &named).map_err(|_| Missing::SetAside)? == Some(parent))
    }

    fn apply_close_policy(&mut self, parent: &WorkflowExecution, child: ClosedChild) {
        let Ok(namespace) = self.namespaces.get(&child.namespace).map(|n| n.id) else { return };
        let Ok(id) = self.find_open_chain(namespace, &child.workflow) else { return };
        match child.policy {
            ParentClosePolicy::Abandon => {}
            ParentClosePolicy::RequestCancel => {
                let event = WorkflowExecutionCancelRequestedEventAttributes {
                    cause: String::new(),
                    external_workflow_execution: Some(parent.clone()),
                    identity: SERVER_IDENTITY.to_owned(),
                    ..Default::default()
                };
                self.step(id, |t| t.request_cancel(event, "", Vec::new()));
            }
            _ => self.step(id, |t| {
                t.terminate("by parent close policy".to_owned(), None, SERVER_IDENTITY.to_owned(), Vec::new())
            }),
        }
    }

    /// The open run of the chain that began with the named run.
    fn find_open_chain(
        &mut self,
        namespace: NamespaceId,
        first: &WorkflowExecution,
    ) -> crate::base::error::Result<ExecutionId> {
        let id = self.find_open(namespace, &first.workflow_id, "")?;
        let core = &self.execution(id).core;
        if core.first_run_id == first.run_id || core.run_id == first.run_id {
            return Ok(id);
        }
        Err(crate::base::error::Error::not_found(format!("workflow not found for ID: {}", first.workflow_id)))
    }
}

enum Missing {
    Namespace,
    Execution,
    /// It is there, and has ended.
    Ended,
    /// It is there, and damaged.
    SetAside,
}

impl Missing {
    fn of(error: &Error, otherwise: Self) -> Self {
        if error.kind == ErrorKind::DataLoss { Self::SetAside } else { otherwise }
    }
}

/// Why a child did not start.
enum NotStarted {
    Failed(StartFailed),
    /// What has its workflow id is set aside.
    SetAside,
}

impl NotStarted {
    fn of(error: &Error, otherwise: StartFailed) -> Self {
        if error.kind == ErrorKind::DataLoss { Self::SetAside } else { Self::Failed(otherwise) }
    }
}
