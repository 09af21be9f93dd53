//! Tasks in answers that get lost on their way to the worker: they are offered again at once.

use ostro_engine::call::{Answer, WorkflowTaskAnswer, WorkflowTaskCompletedAnswer};
use ostro_wire::CallContext;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::frontend::Frontend;

/// A task in an answer, by its token; the empty token is none.
pub(crate) enum Task<'a> {
    Workflow(&'a [u8]),
    Activity(&'a [u8]),
    Nexus(&'a [u8]),
    /// Those that the answer to a completion brings along.
    Completed(&'a WorkflowTaskCompletedAnswer),
}

impl Frontend {
    /// Has the engine take the task back where the answer to this call does not reach its worker: the call is dropped, or
    /// its connection closes before the answer is written.
    pub(crate) fn watch(&self, context: &CallContext, task: Task<'_>) {
        let Some(answer) = task.alone() else { return };
        let engine = self.engine.clone();
        context.delivery.on_loss(move || engine.undelivered(answer));
    }
}

impl Task<'_> {
    /// An answer with nothing in it but what the engine knows the task by; `None` where there is none.
    fn alone(&self) -> Option<Answer> {
        match *self {
            Self::Workflow(token) => (!token.is_empty()).then(|| Answer::PollWorkflowTask(Box::new(workflow(token)))),
            Self::Activity(token) => (!token.is_empty()).then(|| Answer::PollActivityTask(Box::new(activity(token)))),
            Self::Nexus(token) => (!token.is_empty()).then(|| {
                let task_token = token.to_vec();
                Answer::PollNexusTask(Box::new(service::PollNexusTaskQueueResponse {
                    task_token,
                    ..Default::default()
                }))
            }),
            Self::Completed(answer) => {
                let mut alone = WorkflowTaskCompletedAnswer {
                    workflow_task: answer
                        .workflow_task
                        .as_ref()
                        .map(|task| Box::new(workflow(&task.response.task_token))),
                    ..Default::default()
                };
                alone.response.activity_tasks =
                    answer.response.activity_tasks.iter().map(|task| activity(&task.task_token)).collect();
                let any = alone.workflow_task.is_some() || !alone.response.activity_tasks.is_empty();
                any.then(|| Answer::CompleteWorkflowTask(Box::new(alone)))
            }
        }
    }
}

fn workflow(token: &[u8]) -> WorkflowTaskAnswer {
    let response = service::PollWorkflowTaskQueueResponse { task_token: token.to_vec(), ..Default::default() };
    WorkflowTaskAnswer { response, ..Default::default() }
}

fn activity(token: &[u8]) -> service::PollActivityTaskQueueResponse {
    service::PollActivityTaskQueueResponse { task_token: token.to_vec(), ..Default::default() }
}
