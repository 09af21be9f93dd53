//! Events of the run itself: its start, signals, its end.

use temporalio_protos::temporal::api::{
    enums::v1::WorkflowExecutionStatus as Status,
    history::v1::{
        HistoryEvent, WorkflowExecutionSignaledEventAttributes, WorkflowExecutionStartedEventAttributes,
        history_event::Attributes,
    },
};

use super::Rebuild;
use crate::base::time::{from_duration, from_timestamp};
use crate::execution::workflow::new_run::NewRun;
use crate::execution::workflow::start;
use crate::stored::execution::{Properties, Start};

impl Rebuild<'_> {
    pub(super) fn started(&mut self, event: &HistoryEvent, started: &WorkflowExecutionStartedEventAttributes) {
        let happened = from_timestamp(&event.event_time);
        let run = NewRun {
            namespace: self.origin.namespace,
            workflow_id: self.origin.workflow_id.clone(),
            run_id: self.origin.run_id.clone(),
            request_id: self.origin.request_id.clone(),
            backoff: from_duration(&started.first_workflow_task_backoff),
            user_metadata: event.user_metadata.clone(),
            parent_execution: self.origin.parent_execution,
            ..Default::default()
        };
        let begins = self.origin.start_time.unwrap_or(happened);
        let core = &mut self.exec.core;
        *core = start::new_core(&run, started, begins);
        core.next_event_id = event.event_id + 1;
        core.original_start_time = happened.nanos();
        self.exec.properties =
            Properties { memo: started.memo.clone(), search_attributes: started.search_attributes.clone() };
        self.exec.add_callbacks(&started.completion_callbacks, &self.origin.request_id, happened);
        self.exec.start_versioning(started);
        self.exec.start = Start { event: Some(started.clone()), links: event.links.clone() };
        self.exec.touch_start();
    }

    pub(super) fn signaled(&mut self, id: i64, signal: &WorkflowExecutionSignaledEventAttributes) {
        self.exec.core.signal_count += 1;
        self.exec.remember_signal(&signal.request_id);
        self.exec.number_signal(&signal.request_id, id);
    }

    /// The last event, or one that leaves no state behind.
    pub(super) fn closed(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes::*;
        let (status, next_run_id) = match attributes {
            WorkflowExecutionCompletedEventAttributes(a) => (Status::Completed, &a.new_execution_run_id),
            WorkflowExecutionFailedEventAttributes(a) => (Status::Failed, &a.new_execution_run_id),
            WorkflowExecutionTimedOutEventAttributes(a) => (Status::TimedOut, &a.new_execution_run_id),
            WorkflowExecutionContinuedAsNewEventAttributes(a) => (Status::ContinuedAsNew, &a.new_execution_run_id),
            WorkflowExecutionCanceledEventAttributes(_) => (Status::Canceled, &String::new()),
            WorkflowExecutionTerminatedEventAttributes(_) => (Status::Terminated, &String::new()),
            _ => return,
        };
        let core = &mut self.exec.core;
        core.status = status as i32;
        core.close_time = from_timestamp(&event.event_time).nanos();
        core.close_event_id = event.event_id;
        core.next_run_id.clone_from(next_run_id);
        core.workflow_task = None;
        core.first_task_due = 0;
        self.exec.forget_parts();
    }
}
