//! Workflow tasks on their way to a worker: the response with its history.

use bytes::Bytes;
use ostro_engine::call::{Answer, HistorySlice, WorkflowTaskAnswer};
use prost::Message;
use temporalio_protos::temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse;
use tonic::{Code, Status};

use crate::frontend::Frontend;
use crate::frontend::history::page_limits;
use crate::frontend::history::page_token::{Direction, PageToken};
use crate::frontend::history::splice;
use crate::shell::EngineHandle;

impl Frontend {
    /// The encoded response of a poll. Long histories come as a first page with a token for the rest. Where the history is
    /// damaged its execution is set aside, and the worker gets nothing.
    pub(crate) async fn encode_task(&self, namespace: &str, task: WorkflowTaskAnswer) -> Result<Bytes, Status> {
        let mut held = Held::new(&self.engine, task);
        let WorkflowTaskAnswer { response, history } = held.task();
        if response.task_token.is_empty() {
            let encoded = response.encode_to_vec().into();
            held.release();
            return Ok(encoded);
        }
        let (parts, next_page_token) = match self.first_page(namespace, response, history).await {
            Err(damaged) if damaged.code() == Code::DataLoss => {
                self.engine.set_aside(history.execution, damaged.message());
                return Ok(PollWorkflowTaskQueueResponse::default().encode_to_vec().into());
            }
            page => page?,
        };
        let WorkflowTaskAnswer { mut response, .. } = held.release();
        response.next_page_token = next_page_token;
        Ok(splice::poll_response(&response, &parts))
    }

    async fn first_page(
        &self,
        namespace: &str,
        response: &PollWorkflowTaskQueueResponse,
        history: &HistorySlice,
    ) -> Result<(Vec<Bytes>, Vec<u8>), Status> {
        let extra = splice::encode_events(history.extra.clone());
        if let Some(parts) = in_one_page(history) {
            return Ok((parts.iter().cloned().chain([extra]).collect(), Vec::new()));
        }
        let run = response.workflow_execution.clone().unwrap_or_default();
        let mut token = PageToken::new(history.execution, &run.workflow_id, &run.run_id);
        (token.from, token.to) = (history.from, history.to);
        let mut parts = self.next_page(namespace, &mut token, page_limits(0)).await?;
        if token.is_done() {
            parts.push(extra);
            return Ok((parts, Vec::new()));
        }
        token.extra = extra.into();
        Ok((parts, token.to_bytes(&self.seals, Direction::Forward)))
    }
}

/// What the engine still has of the events, where it fits into one page.
fn in_one_page(history: &HistorySlice) -> Option<&[Bytes]> {
    let limits = page_limits(0);
    let parts = history.encoded.as_deref()?;
    let bytes: usize = parts.iter().map(Bytes::len).sum();
    (bytes <= limits.bytes && history.to - history.from <= limits.events).then_some(parts)
}

/// A task that goes back to the engine unless it is released: when its worker goes away while history is read, or the
/// read fails.
struct Held<'a> {
    engine: &'a EngineHandle,
    task: Option<WorkflowTaskAnswer>,
}

impl<'a> Held<'a> {
    fn new(engine: &'a EngineHandle, task: WorkflowTaskAnswer) -> Self {
        Self { engine, task: Some(task) }
    }

    fn task(&self) -> &WorkflowTaskAnswer {
        self.task.as_ref().expect("a task is held until it is released, which ends the borrow")
    }

    fn release(&mut self) -> WorkflowTaskAnswer {
        self.task.take().expect("a task is released once")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        if !task.response.task_token.is_empty() {
            self.engine.undelivered(Answer::PollWorkflowTask(Box::new(task)));
        }
    }
}
