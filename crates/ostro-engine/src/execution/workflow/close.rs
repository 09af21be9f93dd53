//! The end of a run, however it comes.

use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::{ParentClosePolicy, WorkflowExecutionStatus, WorkflowTaskFailedCause},
    history::v1::{WorkflowTaskFailedEventAttributes, history_event::Attributes},
};

use super::new_run::Next;
use crate::execution::callback::CalledBack;
use crate::execution::history::Extras;
use crate::execution::nexus::What;
use crate::execution::{Effect, Execution, Transition};
use crate::stored::persistence::{ExecutionId, ItemKey, ItemKind, NamespaceId};

/// Who acts where the server itself does, in events; the reference server's name for it.
pub(crate) const SERVER_IDENTITY: &str = "history-service";

/// Who terminates a run that is reset; the reference server's name for it.
pub(crate) const RESETTER_IDENTITY: &str = "history-resetter";

/// What the end of a run means to others.
#[derive(Debug)]
pub(crate) struct Closed {
    pub execution: ExecutionId,
    pub namespace: NamespaceId,
    pub workflow: WorkflowExecution,
    /// The run that the chain began with.
    pub first_run_id: String,
    /// Whether the chain goes on with another run.
    pub goes_on: bool,
    /// The parent that waits, unless the chain of runs goes on.
    pub parent: Option<ParentRef>,
    /// The attributes of the closing event.
    pub outcome: Attributes,
    /// Callbacks that are told, unless the chain of runs goes on.
    pub callbacks: Vec<CalledBack>,
    /// Children that were pending, with what is to become of them.
    pub children: Vec<ClosedChild>,
}

#[derive(Debug)]
pub(crate) struct ParentRef {
    pub namespace: String,
    pub workflow: WorkflowExecution,
    pub initiated_event_id: i64,
}

#[derive(Debug)]
pub(crate) struct ClosedChild {
    pub namespace: String,
    pub workflow: WorkflowExecution,
    pub policy: ParentClosePolicy,
}

impl Transition<'_> {
    /// Ends the run with its last event, and starts `next` where the chain goes on.
    pub(crate) fn close(
        &mut self,
        status: WorkflowExecutionStatus,
        attributes: impl Into<Attributes>,
        extras: Extras,
        next: Option<Next>,
    ) {
        let outcome = attributes.into();
        self.abandon_workflow_task();
        self.flush_buffered();
        let close_event_id = self.record_with(outcome.clone(), extras);
        let core = &mut self.exec.core;
        core.status = status as i32;
        core.close_time = self.now.nanos();
        core.close_event_id = close_event_id;
        core.sticky = None;
        core.first_task_due = 0;
        core.next_run_id = next.as_ref().map(|n| n.run_id.clone()).unwrap_or_default();
        self.exec.touch_visibility();
        let goes_on = next.is_some();
        let children = self.exec.drop_parts(self.effects);
        self.end_live_calls(goes_on);
        let mut closed = self.closed(goes_on, outcome, children);
        if by_reset(&closed.outcome) {
            // The run that replaces this one answers the parent, and keeps the children.
            closed.parent = None;
            closed.children.clear();
            closed.callbacks.clear();
        }
        if let Some(next) = next {
            self.effect(Effect::StartRun(next.run));
        }
        self.effect(Effect::Closed(Box::new(closed)));
    }

    /// A task that waits is withdrawn; one that is with a worker fails, since the run does not wait for it.
    fn abandon_workflow_task(&mut self) {
        let Some(task) = self.exec.core.workflow_task.clone() else { return };
        if !task.is_started() {
            self.effect(Effect::WithdrawWorkflowTask(self.exec.id, task.queue));
            self.exec.core.workflow_task = None;
            return;
        }
        self.materialise_speculative();
        self.exec.core.workflow_task = None;
        if !task.is_transient() {
            self.record(WorkflowTaskFailedEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                started_event_id: task.started_event_id,
                cause: WorkflowTaskFailedCause::ForceCloseCommand as i32,
                identity: SERVER_IDENTITY.to_owned(),
                ..Default::default()
            });
        }
    }

    pub(crate) fn closed(&self, goes_on: bool, outcome: Attributes, children: Vec<ClosedChild>) -> Closed {
        let started = self.exec.started();
        let parent = started.parent_workflow_execution.clone().filter(|_| !goes_on).map(|workflow| ParentRef {
            namespace: started.parent_workflow_namespace.clone(),
            workflow,
            initiated_event_id: started.parent_initiated_event_id,
        });
        Closed {
            execution: self.exec.id,
            namespace: self.exec.core.namespace,
            workflow: WorkflowExecution {
                workflow_id: self.exec.core.workflow_id.clone(),
                run_id: self.exec.core.run_id.clone(),
            },
            first_run_id: self.exec.core.first_run_id.clone(),
            goes_on,
            parent,
            callbacks: if goes_on { Vec::new() } else { self.exec.callbacks_of_close(&self.namespace.name, &outcome) },
            outcome,
            children,
        }
    }
}

impl Execution {
    /// Forgets everything pending, of an execution that is rebuilt.
    pub(crate) fn forget_parts(&mut self) {
        drop(self.drop_parts(&mut std::collections::VecDeque::new()));
        std::mem::take(&mut self.children).into_keys().for_each(|id| self.touch(ItemKind::Child, ItemKey::Id(id)));
        std::mem::take(&mut self.signals)
            .into_keys()
            .for_each(|id| self.touch(ItemKind::SignalExternal, ItemKey::Id(id)));
        std::mem::take(&mut self.cancels)
            .into_keys()
            .for_each(|id| self.touch(ItemKind::CancelExternal, ItemKey::Id(id)));
        self.live.updates.clear();
    }

    /// Drops everything pending; returns the children for their parent close policies.
    fn drop_parts(&mut self, effects: &mut std::collections::VecDeque<Effect>) -> Vec<ClosedChild> {
        for (id, activity) in std::mem::take(&mut self.activities) {
            if activity.is_waiting() {
                effects.push_back(Effect::WithdrawActivity(self.id, id, activity.queue().to_owned()));
            }
            self.touch(ItemKind::Activity, ItemKey::Id(id));
        }
        self.activity_ids.clear();
        for id in std::mem::take(&mut self.timers).into_keys() {
            self.touch(ItemKind::Timer, ItemKey::Name(id));
        }
        for (id, operation) in std::mem::take(&mut self.nexus) {
            for what in [What::Start, What::Cancel] {
                let request = operation.request(what);
                if request.is_under_way() {
                    effects.push_back(Effect::WithdrawNexus(self.id, id, what, request.namespace, request.queue));
                }
            }
            self.touch(ItemKind::NexusOperation, ItemKey::Id(id));
        }
        self.deadlines.clear();
        // Signals and cancellations under way still go out; children that have not started stay for an effect that
        // starts the abandoned ones.
        let started: Vec<i64> =
            self.children.iter().filter(|(_, c)| c.started_event_id != 0).map(|(id, _)| *id).collect();
        started.into_iter().filter_map(|id| self.remove_child(id)).map(closed_child).collect()
    }
}

/// Whether a reset put an end to the run.
fn by_reset(outcome: &Attributes) -> bool {
    matches!(outcome, Attributes::WorkflowExecutionTerminatedEventAttributes(a) if a.identity == RESETTER_IDENTITY)
}

fn closed_child(child: crate::stored::execution::Child) -> ClosedChild {
    let initiated = child.initiated.unwrap_or_default();
    ClosedChild {
        policy: initiated.parent_close_policy(),
        namespace: initiated.namespace,
        workflow: WorkflowExecution { workflow_id: initiated.workflow_id, run_id: child.run_id },
    }
}
