//! How far a history goes, and whether the workflow's code has been told of all of it.

use temporalio_protos::temporal::api::enums::v1::EventType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

/// Folds a history, event by event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    last: i64,
    news: bool,
    closed: bool,
}

impl Progress {
    /// Takes the next event.
    ///
    /// # Errors
    /// Where it does not follow the one before.
    pub fn push(&mut self, event: &HistoryEvent) -> Result<(), String> {
        if event.event_id != self.last + 1 {
            return Err(format!("event {} follows event {}", event.event_id, self.last));
        }
        if self.closed {
            return Err(format!("event {} follows the end of the run", event.event_id));
        }
        self.last = event.event_id;
        match event.event_type() {
            EventType::WorkflowTaskStarted => self.news = false,
            kind if is_end(kind) => self.closed = true,
            kind if is_news(kind) => self.news = true,
            _ => {}
        }
        Ok(())
    }

    pub fn next_event_id(&self) -> i64 {
        self.last + 1
    }

    /// Whether something happened since the last workflow task was handed out.
    pub(crate) fn has_news(&self) -> bool {
        self.news && !self.closed
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

fn is_end(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        WorkflowExecutionCompleted
            | WorkflowExecutionFailed
            | WorkflowExecutionTimedOut
            | WorkflowExecutionCanceled
            | WorkflowExecutionTerminated
            | WorkflowExecutionContinuedAsNew
    )
}

/// What makes a workflow task necessary.
fn is_news(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        WorkflowExecutionStarted
            | WorkflowTaskFailed
            | WorkflowTaskTimedOut
            | WorkflowExecutionSignaled
            | WorkflowExecutionCancelRequested
            | WorkflowExecutionUpdateAdmitted
            | ActivityTaskCompleted
            | ActivityTaskFailed
            | ActivityTaskTimedOut
            | ActivityTaskCanceled
            | TimerFired
            | StartChildWorkflowExecutionFailed
            | ChildWorkflowExecutionStarted
            | ChildWorkflowExecutionCompleted
            | ChildWorkflowExecutionFailed
            | ChildWorkflowExecutionCanceled
            | ChildWorkflowExecutionTimedOut
            | ChildWorkflowExecutionTerminated
            | SignalExternalWorkflowExecutionFailed
            | ExternalWorkflowExecutionSignaled
            | RequestCancelExternalWorkflowExecutionFailed
            | ExternalWorkflowExecutionCancelRequested
            | NexusOperationStarted
            | NexusOperationCompleted
            | NexusOperationFailed
            | NexusOperationCanceled
            | NexusOperationTimedOut
    )
}
