//! Child workflows, as their parent sees them.
//!
//! ```text
//! (none)    --initiate--> Initiated
//! Initiated --started---> Started | --start failed--> (none)
//! Started   --completed, failed, canceled, timed out, terminated--> (none)
//! ```

use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::StartChildWorkflowExecutionFailedCause,
    history::v1::{
        ChildWorkflowExecutionCanceledEventAttributes, ChildWorkflowExecutionCompletedEventAttributes,
        ChildWorkflowExecutionFailedEventAttributes, ChildWorkflowExecutionStartedEventAttributes,
        ChildWorkflowExecutionTerminatedEventAttributes, ChildWorkflowExecutionTimedOutEventAttributes,
        StartChildWorkflowExecutionFailedEventAttributes, history_event::Attributes,
    },
};

use crate::execution::Transition;
use crate::execution::history::BUFFERED;
use crate::stored::execution::Child;

impl Transition<'_> {
    /// The child runs.
    pub(crate) fn child_started(&mut self, initiated_event_id: i64, run_id: &str) {
        let Some(child) = self.exec.child_mut(initiated_event_id) else { return };
        child.run_id = run_id.to_owned();
        child.started_event_id = BUFFERED;
        let initiated = child.initiated.clone().unwrap_or_default();
        self.record(ChildWorkflowExecutionStartedEventAttributes {
            namespace: initiated.namespace,
            namespace_id: initiated.namespace_id,
            initiated_event_id,
            workflow_execution: Some(WorkflowExecution {
                workflow_id: initiated.workflow_id,
                run_id: run_id.to_owned(),
            }),
            workflow_type: initiated.workflow_type,
            header: initiated.header,
        });
        self.schedule_workflow_task();
    }

    /// The child could not be started.
    pub(crate) fn child_start_failed(
        &mut self,
        initiated_event_id: i64,
        cause: StartChildWorkflowExecutionFailedCause,
    ) {
        let Some(child) = self.exec.remove_child(initiated_event_id) else { return };
        let initiated = child.initiated.unwrap_or_default();
        self.record(StartChildWorkflowExecutionFailedEventAttributes {
            namespace: initiated.namespace,
            namespace_id: initiated.namespace_id,
            workflow_id: initiated.workflow_id,
            workflow_type: initiated.workflow_type,
            cause: cause as i32,
            initiated_event_id,
            ..Default::default()
        });
        self.schedule_workflow_task();
    }

    /// The chain of the child's runs ended with `outcome`, the attributes of its last event.
    pub(crate) fn child_closed(&mut self, initiated_event_id: i64, run_id: &str, outcome: &Attributes) {
        let Some(child) = self.exec.remove_child(initiated_event_id) else { return };
        if let Some(attributes) = closed_attributes(child, run_id, outcome) {
            self.record(attributes);
            self.schedule_workflow_task();
        }
    }
}

fn closed_attributes(child: Child, run_id: &str, outcome: &Attributes) -> Option<Attributes> {
    let Child { initiated_event_id, started_event_id, initiated, .. } = child;
    let initiated = initiated.unwrap_or_default();
    let (namespace, namespace_id, workflow_type) =
        (initiated.namespace, initiated.namespace_id, initiated.workflow_type);
    let workflow_execution = Some(WorkflowExecution { workflow_id: initiated.workflow_id, run_id: run_id.to_owned() });
    Some(match outcome {
        Attributes::WorkflowExecutionCompletedEventAttributes(a) => ChildWorkflowExecutionCompletedEventAttributes {
            result: a.result.clone(),
            namespace,
            namespace_id,
            workflow_execution,
            workflow_type,
            initiated_event_id,
            started_event_id,
        }
        .into(),
        Attributes::WorkflowExecutionFailedEventAttributes(a) => ChildWorkflowExecutionFailedEventAttributes {
            failure: a.failure.clone(),
            namespace,
            namespace_id,
            workflow_execution,
            workflow_type,
            initiated_event_id,
            started_event_id,
            retry_state: a.retry_state,
        }
        .into(),
        Attributes::WorkflowExecutionCanceledEventAttributes(a) => ChildWorkflowExecutionCanceledEventAttributes {
            details: a.details.clone(),
            namespace,
            namespace_id,
            workflow_execution,
            workflow_type,
            initiated_event_id,
            started_event_id,
        }
        .into(),
        Attributes::WorkflowExecutionTimedOutEventAttributes(a) => ChildWorkflowExecutionTimedOutEventAttributes {
            namespace,
            namespace_id,
            workflow_execution,
            workflow_type,
            initiated_event_id,
            started_event_id,
            retry_state: a.retry_state,
        }
        .into(),
        Attributes::WorkflowExecutionTerminatedEventAttributes(_) => ChildWorkflowExecutionTerminatedEventAttributes {
            namespace,
            namespace_id,
            workflow_execution,
            workflow_type,
            initiated_event_id,
            started_event_id,
        }
        .into(),
        _ => return None,
    })
}
