//! Tasks come.

use std::collections::VecDeque;
use std::time::SystemTime;

use temporalio_protos::temporal::api::{
    history::v1::HistoryEvent, protocol::v1::Message, query::v1::WorkflowQuery,
    workflowservice::v1::PollWorkflowTaskQueueResponse,
};

use super::{Current, Held, Phase, Run, Step};
use crate::replay::error::{Error, Result};
use crate::replay::history::Window;
use crate::replay::job::{LEGACY_QUERY, Query};
use crate::replay::machine::Incoming;

/// A workflow task as it was polled, or came with the answer to a completion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Task {
    /// Names it in answers.
    pub token: Vec<u8>,
    /// From 1.
    pub attempt: u32,
    /// The start of the last task that was completed; 0: none was.
    pub previous_started: i64,
    /// The start of this task; 0: it only asks a query.
    pub started: i64,
    /// The history, or what is new of it, or its first page.
    pub history: Vec<HistoryEvent>,
    /// No page follows.
    pub complete: bool,
    /// A query on its own.
    pub query: Option<WorkflowQuery>,
    /// Queries beside the task, by their ids.
    pub queries: Vec<(String, WorkflowQuery)>,
    /// Requests for updates.
    pub messages: Vec<Message>,
}

impl From<PollWorkflowTaskQueueResponse> for Task {
    fn from(response: PollWorkflowTaskQueueResponse) -> Self {
        let mut queries: Vec<_> = response.queries.into_iter().collect();
        queries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self {
            token: response.task_token,
            attempt: u32::try_from(response.attempt).unwrap_or(1),
            previous_started: response.previous_started_event_id,
            started: response.started_event_id,
            history: response.history.map(|history| history.events).unwrap_or_default(),
            complete: response.next_page_token.is_empty(),
            query: response.query,
            queries,
            messages: response.messages,
        }
    }
}

impl Task {
    fn is_query_only(&self) -> bool {
        self.started == 0 && self.query.is_some()
    }
}

/// Tasks that came while another one was at hand. One that moves history on replaces an older one: that one is void.
#[derive(Debug, Default)]
pub(super) struct Buffered {
    task: Option<Box<Task>>,
    queries: VecDeque<Task>,
    /// For when the task is done.
    queries_after: VecDeque<Task>,
}

impl Buffered {
    fn push(&mut self, task: Task) {
        match (task.is_query_only(), self.task.is_some()) {
            (true, false) => self.queries.push_back(task),
            (true, true) => self.queries_after.push_back(task),
            (false, _) => {
                self.queries_after.clear();
                self.task = Some(Box::new(task));
            }
        }
    }

    fn pop(&mut self) -> Option<Task> {
        if let Some(query) = self.queries.pop_front() {
            return Some(query);
        }
        let task = self.task.take()?;
        self.queries = std::mem::take(&mut self.queries_after);
        Some(*task)
    }

    pub fn any(&self) -> bool {
        self.task.is_some() || !self.queries.is_empty()
    }

    pub fn into_tasks(mut self) -> Vec<Task> {
        std::iter::from_fn(|| self.pop()).collect()
    }
}

impl Run {
    /// A task came. If another one is at hand it waits for that.
    pub fn task(&mut self, task: Task, now: SystemTime) {
        let busy = self.task.is_some() && self.execution.has_jobs();
        if busy || !matches!(self.phase, Phase::Idle) {
            self.buffered.push(task);
        } else {
            self.take(task, now);
        }
    }

    /// Goes on with a task that was waiting.
    pub(super) fn take_buffered(&mut self, now: SystemTime) {
        if self.is_free()
            && let Some(task) = self.buffered.pop()
        {
            self.take(task, now);
        }
    }

    fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.task.is_none()
    }

    fn take(&mut self, task: Task, now: SystemTime) {
        let expired = task.is_query_only() && task.previous_started < self.execution.current_started();
        let messages = task.messages.into_iter().map(Incoming::of_message).collect::<Result<Vec<_>>>();
        let legacy = task.query.map(|query| Query { id: LEGACY_QUERY.to_owned(), query });
        let queries = task.queries.into_iter().map(|(id, query)| Query { id, query });
        self.task = Some(Current {
            token: task.token,
            attempt: task.attempt,
            began: now,
            is_legacy_query: legacy.is_some(),
            queries: queries.chain(legacy).collect(),
        });
        if let Some(waiting) = &mut self.waiting {
            waiting.heartbeat = None;
            waiting.heartbeat_due = false;
        }
        let messages = match messages {
            Ok(messages) if !expired => messages,
            Ok(_) => return self.fail_with(Error::fatal("Query expired"), false),
            Err(error) => return self.fail_with(error, false),
        };
        let window = Window::new(task.history, task.previous_started, task.complete);
        // It begins where another worker, or this one before it forgot, is: the run must be read from its beginning.
        let from_start = self.execution.last_event() == 0 && window.first() != Some(1);
        self.execution.new_window(if from_start { window.behind_pages() } else { window }, messages);
        if from_start || !self.execution.is_ready() {
            self.phase = Phase::Fetching(Held::Task);
            self.steps.push_back(Step::FetchHistory { from_start });
            return;
        }
        self.begin(now);
    }

    /// The task's history is here.
    pub(super) fn begin(&mut self, now: SystemTime) {
        match self.try_begin() {
            Err(error) => self.fail_with(error, false),
            Ok(()) if self.execution.has_jobs() => self.activate(),
            Ok(()) if self.execution.outstanding_locals() => self.wait_for_locals(false),
            Ok(()) => self.complete_by_core(now),
        }
    }

    fn try_begin(&mut self) -> Result<()> {
        self.execution.apply_next()?;
        self.between_tasks = false;
        self.tell_deferred()?;
        if !self.execution.has_jobs() && self.execution.is_ready() {
            self.execution.apply_next()?;
        }
        Ok(())
    }
}
