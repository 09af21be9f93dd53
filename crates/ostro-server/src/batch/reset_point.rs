//! To which event a batch resets an execution.

use ostro_engine::call::ReadHistory;
use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::nesting::Nested;
use ostro_engine::time::Time;
use temporalio_protos::temporal::api::batch::v1::BatchOperationReset;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::common::v1::reset_options::Target;
use temporalio_protos::temporal::api::enums::v1::{EventType, ResetType};
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};

use super::{Batches, Interrupted};

/// Which workflow task is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Last,
}

impl Batches {
    /// The id of the event at which a workflow task ended, or would have.
    pub(super) async fn reset_point(
        &self,
        namespace: &str,
        run: &WorkflowExecution,
        operation: &BatchOperationReset,
    ) -> Result<i64> {
        let which = match operation.options.as_ref().and_then(|options| options.target.clone()) {
            Some(Target::WorkflowTaskId(id)) => return Ok(id),
            Some(Target::FirstWorkflowTask(_)) => Which::First,
            Some(Target::LastWorkflowTask(_)) => Which::Last,
            Some(Target::BuildId(_)) => return Err(Error::invalid("reset to a build id is not implemented")),
            None => by_type(operation)?,
        };
        let events = self.events(namespace, run).await?;
        point(&events, which).ok_or_else(|| Error::invalid("unable to find any scheduled or completed task"))
    }

    async fn events(&self, namespace: &str, run: &WorkflowExecution) -> Result<Vec<HistoryEvent>> {
        let position = self
            .engine
            .call(ReadHistory {
                namespace: namespace.to_owned(),
                workflow_id: run.workflow_id.clone(),
                run_id: run.run_id.clone(),
                from: 1,
                wait: false,
                close_only: false,
                deadline: Time::MAX,
            })
            .await?;
        let (execution, to) = (position.execution, position.next_event_id);
        let failed = |error: String| Error::new(ErrorKind::Internal, error);
        let batches = self.read(namespace, move |reads| {
            reads.history(execution, 1, to).map_err(|error| Error::new(ErrorKind::DataLoss, error.to_string()))
        });
        let batches = batches.await.map_err(|Interrupted(error)| failed(error))?;
        let mut events = Vec::new();
        for batch in batches {
            let history = History::decode_nested(&batch.events).map_err(|error| failed(error.to_string()))?;
            events.extend(history.events);
        }
        Ok(events)
    }
}

#[allow(deprecated)]
fn by_type(operation: &BatchOperationReset) -> Result<Which> {
    match ResetType::try_from(operation.reset_type) {
        Ok(ResetType::FirstWorkflowTask) => Ok(Which::First),
        Ok(ResetType::LastWorkflowTask) => Ok(Which::Last),
        _ => Err(Error::invalid("reset type not supported")),
    }
}

/// The first or last completion of a workflow task; without one, the event after a task was scheduled.
fn point(events: &[HistoryEvent], which: Which) -> Option<i64> {
    let mut completed = events.iter().filter(|e| e.event_type() == EventType::WorkflowTaskCompleted);
    let mut scheduled = events.iter().filter(|e| e.event_type() == EventType::WorkflowTaskScheduled);
    match which {
        Which::First => completed.next().map(|e| e.event_id).or_else(|| scheduled.next().map(|e| e.event_id + 1)),
        Which::Last => {
            completed.next_back().map(|e| e.event_id).or_else(|| scheduled.next_back().map(|e| e.event_id + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(types: &[EventType]) -> Vec<HistoryEvent> {
        let event = |(id, kind): (usize, &EventType)| HistoryEvent {
            event_id: id as i64 + 1,
            event_type: *kind as i32,
            ..Default::default()
        };
        types.iter().enumerate().map(event).collect()
    }

    #[test]
    fn completed_tasks_come_before_scheduled_ones() {
        use EventType::{WorkflowExecutionStarted as E, WorkflowTaskCompleted as C, WorkflowTaskScheduled as S};
        let two = events(&[E, S, C, S, C, S]);
        assert_eq!((point(&two, Which::First), point(&two, Which::Last)), (Some(3), Some(5)));
        assert_eq!(point(&events(&[E, S]), Which::Last), Some(3));
        assert_eq!(point(&events(&[E]), Which::First), None);
    }
}
