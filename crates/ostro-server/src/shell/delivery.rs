//! Answers after their commit: to the caller, or back to the engine when the caller has gone.

use std::sync::mpsc::Sender;

use ostro_engine::call::{Answer, WorkflowTaskAnswer};
use ostro_engine::error::Result;

use super::{Message, Responder};
use crate::metrics::Metrics;

/// One answer and where it goes; `None` where the caller went away before.
pub(super) struct Delivery {
    pub responder: Option<Responder>,
    pub answer: Result<Answer>,
}

impl Delivery {
    /// Hands the answer over. A task that nobody takes goes back to the engine.
    pub(super) fn deliver(self, engine: &Sender<Message>, metrics: &Metrics) {
        let refused = match self.responder {
            Some(responder) => responder.send(self.answer).err(),
            None => Some(self.answer),
        };
        let Some(Ok(answer)) = refused else { return };
        if carries_task(&answer) {
            metrics.engine_queue.add(1);
            // Without an engine thread there is nobody to offer the task: it is found again at the next start.
            drop(engine.send(Message::Undelivered(answer)));
        }
    }
}

/// Whether somebody must get this answer, because the engine believes that a worker has the task in it.
pub(crate) fn carries_task(answer: &Answer) -> bool {
    let holds = |task: &Option<Box<WorkflowTaskAnswer>>| task.is_some();
    match answer {
        Answer::PollWorkflowTask(poll) => !poll.response.task_token.is_empty(),
        Answer::PollActivityTask(poll) => !poll.task_token.is_empty(),
        Answer::PollNexusTask(poll) => !poll.task_token.is_empty(),
        Answer::TakeOutgoing(request) => request.is_some(),
        Answer::StartWorkflow(start) => holds(&start.workflow_task),
        Answer::CompleteWorkflowTask(completed) => {
            holds(&completed.workflow_task) || !completed.response.activity_tasks.is_empty()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostro_engine::call::WorkflowTaskCompletedAnswer;
    use temporalio_protos::temporal::api::workflowservice::v1 as service;

    #[test]
    fn only_answers_with_tasks_go_back() {
        let token = || vec![1];
        let mut poll = WorkflowTaskAnswer::default();
        assert!(!carries_task(&Answer::PollWorkflowTask(Box::new(poll.clone()))));
        poll.response.task_token = token();
        assert!(carries_task(&Answer::PollWorkflowTask(Box::new(poll.clone()))));
        let activity = service::PollActivityTaskQueueResponse { task_token: token(), ..Default::default() };
        assert!(carries_task(&Answer::PollActivityTask(Box::new(activity.clone()))));
        let mut completed = WorkflowTaskCompletedAnswer::default();
        assert!(!carries_task(&Answer::CompleteWorkflowTask(Box::new(completed.clone()))));
        completed.response.activity_tasks = vec![activity];
        assert!(carries_task(&Answer::CompleteWorkflowTask(Box::new(completed))));
        assert!(!carries_task(&Answer::SignalWorkflow(Box::default())));
    }
}
