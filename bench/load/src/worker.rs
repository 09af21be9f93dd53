//! A worker that does next to nothing, and the client that starts and awaits its workflows.
//!
//! It behaves as the SDKs do: a sticky queue, activities handed over with the answer to the workflow task that scheduled
//! them, polls that wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use ostro_load::messages::{self, Queue};
use ostro_wire::Caller;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::{common::v1::WorkflowExecution, workflowservice::v1::*};
use tonic::Status;
use uuid::Uuid;

use crate::cost::{Mark, Process};

/// How workflows of a run look.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Activities of each workflow, one after the other.
    pub activities: usize,
    /// Whether the worker takes activities with the answer that scheduled them.
    pub eager: bool,
}

pub struct Worker {
    caller: Caller,
    queue: Queue,
    shape: Shape,
    /// Activities that each run has behind it.
    done: Mutex<HashMap<String, usize>>,
    /// At which numbers of activities of the whole run a mark is taken.
    marks_at: Vec<usize>,
    marks: Mutex<Vec<Mark>>,
    completed: AtomicUsize,
    server: Option<Process>,
}

impl Worker {
    pub fn new(caller: Caller, shape: Shape, marks_at: Vec<usize>, server: Option<Process>) -> Arc<Self> {
        let queue = Queue { name: format!("load-{}", Uuid::new_v4()) };
        let (done, marks, completed) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { caller, queue, shape, done, marks_at, marks, completed, server })
    }

    /// Polls with so many calls of each kind, until the runtime ends.
    pub fn poll(self: &Arc<Self>, pollers: usize) {
        for _ in 0..pollers {
            tokio::spawn(self.clone().poll_workflows(true));
            tokio::spawn(self.clone().poll_workflows(false));
            // Where the server does not hand them over, or there is another reason to queue them.
            tokio::spawn(self.clone().poll_activities());
        }
    }

    pub fn marks(&self) -> Vec<Mark> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts a workflow and waits for its result as clients do.
    pub async fn execute(&self) -> Result<(), Status> {
        let workflow_id = Uuid::new_v4().to_string();
        let start = messages::Start {
            workflow_id: workflow_id.clone(),
            workflow_type: "Sequence".to_owned(),
            ..Default::default()
        };
        let request = messages::start(&self.queue, start);
        let started = self.caller.ask(&request).await?;
        let run = WorkflowExecution { workflow_id, run_id: started.run_id };
        loop {
            let request = GetWorkflowExecutionHistoryRequest {
                namespace: messages::NAMESPACE.to_owned(),
                execution: Some(run.clone()),
                wait_new_event: true,
                history_event_filter_type: HistoryEventFilterType::CloseEvent as i32,
                ..Default::default()
            };
            let answer = self.caller.ask(&request).await?;
            if answer.history.is_some_and(|history| !history.events.is_empty()) {
                return Ok(());
            }
        }
    }

    async fn poll_workflows(self: Arc<Self>, sticky: bool) {
        loop {
            let request = messages::poll_workflow(&self.queue, sticky);
            match self.caller.ask(&request).await {
                Ok(task) if task.task_token.is_empty() => {}
                Ok(task) => drop(tokio::spawn(self.clone().work(task))),
                Err(error) => return eprintln!("a poll ended: {error}"),
            }
        }
    }

    async fn poll_activities(self: Arc<Self>) {
        loop {
            let request = messages::poll_activity(&self.queue);
            match self.caller.ask(&request).await {
                Ok(task) if task.task_token.is_empty() => {}
                Ok(task) => self.complete_activity(task).await,
                Err(error) => return eprintln!("a poll ended: {error}"),
            }
        }
    }

    /// Works through a workflow task, and the next ones that come with the answers.
    async fn work(self: Arc<Self>, task: PollWorkflowTaskQueueResponse) {
        let mut next = Some(task);
        while let Some(task) = next.take() {
            let run_id = task.workflow_execution.map(|run| run.run_id).unwrap_or_default();
            let request = messages::complete(&self.queue, task.task_token, true, vec![self.decide(run_id)]);
            let answer = self.caller.ask(&request).await;
            match answer {
                Ok(answer) => {
                    for activity in answer.activity_tasks {
                        self.complete_activity(activity).await;
                    }
                    next = answer.workflow_task;
                }
                Err(error) => eprintln!("a workflow task was not taken: {error}"),
            }
        }
    }

    /// The next activity of the run, or its end.
    fn decide(&self, run_id: String) -> temporalio_protos::temporal::api::command::v1::Command {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = done.entry(run_id.clone()).or_default();
        if *behind == self.shape.activities {
            done.remove(&run_id);
            return messages::complete_workflow();
        }
        *behind += 1;
        messages::schedule_activity(&self.queue, *behind, self.shape.eager)
    }

    async fn complete_activity(&self, task: PollActivityTaskQueueResponse) {
        let number = self.completed.fetch_add(1, Relaxed);
        if self.marks_at.contains(&number) {
            let mark = Mark::now(self.server.as_ref());
            self.marks.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
        }
        let request = messages::complete_activity(task.task_token);
        let answer = self.caller.ask(&request).await;
        if let Err(error) = answer {
            eprintln!("an activity was not taken: {error}");
        }
    }
}
