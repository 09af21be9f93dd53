//! Writes histories: a server for one run that takes commands, and a world in which things happen to it at random.

mod commands;
mod world;

use std::collections::BTreeMap;

use prost_wkt_types::Timestamp;
use temporalio_protos::temporal::api::{
    common::v1::{WorkflowExecution, WorkflowType},
    enums::v1::{EventType, TaskQueueKind, WorkflowTaskFailedCause},
    history::v1::{History, HistoryEvent, history_event::Attributes, *},
    protocol::v1::{Message, message::SequencingId},
    query::v1::WorkflowQuery,
    taskqueue::v1::TaskQueue,
    update::v1::{Input, Meta, Request},
    workflowservice::v1::{PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedRequest},
};

use crate::code::payload;
use crate::rng::Rng;
use world::Event;

/// Something that the code asked for and that is not over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending {
    pub started: bool,
    pub cancel_requested: bool,
    pub asked_abandoned: bool,
    pub id: String,
    pub ended: bool,
}

/// The server and the world of one run.
#[derive(Debug)]
pub struct Author {
    rng: Rng,
    pub run_id: String,
    pub events: Vec<HistoryEvent>,
    now: i64,
    pub(crate) activities: BTreeMap<i64, Pending>,
    pub(crate) timers: BTreeMap<i64, Pending>,
    pub(crate) children: BTreeMap<i64, Pending>,
    pub(crate) signals: BTreeMap<i64, Pending>,
    pub(crate) cancels: BTreeMap<i64, Pending>,
    pub(crate) operations: BTreeMap<i64, Pending>,
    pub(crate) accepted: BTreeMap<String, i64>,
    updates: Vec<String>,
    next_update: u32,
    cancel_requested: bool,
    /// The start of the last task that was completed.
    pub previous_started: i64,
    task: Option<OpenTask>,
    buffered: Vec<Event>,
    /// The worker has the run up to `previous_started`.
    pub cached: bool,
    pub closed: bool,
    tasks: u32,
}

#[derive(Debug)]
struct OpenTask {
    scheduled: i64,
    started: i64,
    speculative: bool,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// The task left no trace: go back to this start.
    ResetTo(i64),
    /// It came too late or was refused: the worker must forget the run.
    Refused,
}

impl Author {
    pub fn new(seed: u64) -> Self {
        let mut author = Self {
            rng: Rng::new(seed),
            run_id: format!("run-{seed}"),
            events: Vec::new(),
            now: 1_700_000_000,
            activities: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            signals: BTreeMap::new(),
            cancels: BTreeMap::new(),
            operations: BTreeMap::new(),
            accepted: BTreeMap::new(),
            updates: Vec::new(),
            next_update: 0,
            cancel_requested: false,
            previous_started: 0,
            task: None,
            buffered: Vec::new(),
            cached: false,
            closed: false,
            tasks: 0,
        };
        author.push(Attributes::WorkflowExecutionStartedEventAttributes(WorkflowExecutionStartedEventAttributes {
            workflow_type: Some(WorkflowType { name: "type".to_owned() }),
            task_queue: Some(TaskQueue { name: "queue".to_owned(), ..Default::default() }),
            workflow_task_timeout: Some(prost_wkt_types::Duration { seconds: 60, nanos: 0 }),
            original_execution_run_id: author.run_id.clone(),
            first_execution_run_id: author.run_id.clone(),
            attempt: 1,
            memo: Some(Default::default()),
            ..Default::default()
        }));
        author
    }

    pub(crate) fn push(&mut self, attributes: Attributes) -> i64 {
        let event_id = self.events.len() as i64 + 1;
        self.events.push(HistoryEvent {
            event_id,
            event_time: Some(Timestamp { seconds: self.now, nanos: event_id as i32 }),
            event_type: attributes.event_type() as i32,
            attributes: Some(attributes),
            ..Default::default()
        });
        event_id
    }

    /// Something happens, and a task begins. None: the run is over, or nothing happens to it any more.
    pub fn next_task(&mut self, wants_task: bool) -> Option<PollWorkflowTaskQueueResponse> {
        self.tasks += 1;
        if self.closed || self.tasks > 40 {
            return None;
        }
        self.now += 1 + self.rng.below(5) as i64;
        let before = self.events.len();
        let is_first = self.previous_started == 0;
        if !wants_task || self.rng.chance(30) {
            let count = if is_first { self.rng.below(2) } else { 1 + self.rng.below(3) };
            for _ in 0..count {
                let event = self.something(false);
                event.into_iter().for_each(|event| self.happen(event));
            }
        }
        if !is_first && self.rng.chance(12) {
            self.updates.push(format!("update-{}", self.next_update));
            self.next_update += 1;
        }
        let nothing_new = !is_first && !wants_task && self.events.len() == before;
        if nothing_new && self.updates.is_empty() {
            return if self.tasks > 40 { None } else { self.next_task(wants_task) };
        }
        Some(self.begin_task(nothing_new))
    }

    fn begin_task(&mut self, speculative: bool) -> PollWorkflowTaskQueueResponse {
        let mut messages_after = self.events.len() as i64;
        let scheduled = self.push(Attributes::WorkflowTaskScheduledEventAttributes(Default::default()));
        messages_after = messages_after.max(scheduled);
        let started = self.push(Attributes::WorkflowTaskStartedEventAttributes(WorkflowTaskStartedEventAttributes {
            scheduled_event_id: scheduled,
            history_size_bytes: self.events.len() as i64 * 100,
            suggest_continue_as_new: self.events.len() > 60,
            ..Default::default()
        }));
        self.task = Some(OpenTask { scheduled, started, speculative });
        let messages = self.updates.iter().map(|id| update_message(id, messages_after)).collect();
        let queries = if self.rng.chance(15) { vec![("q1".to_owned(), query())] } else { Vec::new() };
        self.response(messages, queries)
    }

    fn response(&self, messages: Vec<Message>, queries: Vec<(String, WorkflowQuery)>) -> PollWorkflowTaskQueueResponse {
        let from = if self.cached { self.previous_started as usize } else { 0 };
        PollWorkflowTaskQueueResponse {
            history: Some(History { events: self.events[from..].to_vec() }),
            started_event_id: self.task.as_ref().map_or(0, |task| task.started),
            queries: queries.into_iter().collect(),
            messages,
            ..response(&self.run_id, self.previous_started)
        }
    }

    /// A query on its own, if it is time for one.
    pub fn query(&mut self) -> Option<PollWorkflowTaskQueueResponse> {
        let asks = self.previous_started > 0 && self.rng.chance(8);
        asks.then(|| {
            let history = if self.cached { Vec::new() } else { self.events.clone() };
            PollWorkflowTaskQueueResponse {
                history: Some(History { events: history }),
                query: Some(query()),
                ..response(&self.run_id, self.previous_started)
            }
        })
    }

    /// Whether the worker forgets the run now.
    pub fn evicts(&mut self) -> bool {
        self.rng.chance(20)
    }

    /// While the worker works on the task, things happen.
    pub fn meanwhile(&mut self) {
        if self.rng.chance(25) {
            let event = self.something(true);
            self.buffered.extend(event);
        }
    }

    /// Takes the answer to the task, or not.
    pub fn complete(&mut self, request: &RespondWorkflowTaskCompletedRequest) -> Verdict {
        let Some(task) = self.task.take() else { return Verdict::Refused };
        let ends = request.commands.iter().any(commands::is_end);
        if ends && !self.buffered.is_empty() {
            self.fail_task(&task, WorkflowTaskFailedCause::UnhandledCommand, "");
            return Verdict::Refused;
        }
        if !task.speculative && self.rng.chance(5) {
            self.lose_task(&task);
            return Verdict::Refused;
        }
        let refused: Vec<&str> =
            request.messages.iter().filter_map(|message| message.id.strip_suffix("/reject")).collect();
        let refused: Vec<String> = refused.into_iter().map(str::to_owned).collect();
        self.updates.clear();
        let no_trace = task.speculative && request.commands.is_empty() && self.buffered.is_empty();
        if no_trace && !request.force_create_new_workflow_task && !refused.is_empty() {
            self.events.truncate(task.scheduled as usize - 1);
            return Verdict::ResetTo(self.previous_started);
        }
        self.previous_started = task.started;
        let completed =
            self.push(Attributes::WorkflowTaskCompletedEventAttributes(WorkflowTaskCompletedEventAttributes {
                scheduled_event_id: task.scheduled,
                started_event_id: task.started,
                sdk_metadata: request.sdk_metadata.clone(),
                ..Default::default()
            }));
        request.commands.iter().for_each(|command| self.command(command, &request.messages, completed));
        if !self.closed {
            std::mem::take(&mut self.buffered).into_iter().for_each(|event| self.happen(event));
        }
        Verdict::Taken
    }

    fn lose_task(&mut self, task: &OpenTask) {
        match self.rng.below(3) {
            0 => {
                self.push(Attributes::WorkflowTaskTimedOutEventAttributes(WorkflowTaskTimedOutEventAttributes {
                    scheduled_event_id: task.scheduled,
                    started_event_id: task.started,
                    ..Default::default()
                }));
                self.flush();
            }
            1 => self.fail_task(task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure, ""),
            _ => self.fail_task(task, WorkflowTaskFailedCause::ResetWorkflow, "another-run"),
        }
    }

    fn fail_task(&mut self, task: &OpenTask, cause: WorkflowTaskFailedCause, new_run_id: &str) {
        self.push(Attributes::WorkflowTaskFailedEventAttributes(WorkflowTaskFailedEventAttributes {
            scheduled_event_id: task.scheduled,
            started_event_id: task.started,
            cause: cause as i32,
            new_run_id: new_run_id.to_owned(),
            ..Default::default()
        }));
        self.flush();
    }

    fn flush(&mut self) {
        std::mem::take(&mut self.buffered).into_iter().for_each(|event| self.happen(event));
    }

    /// The history up to each start of a task that was completed, or is the last.
    pub fn prefixes(&self) -> Vec<usize> {
        prefixes(&self.events)
    }
}

/// See [`Author::prefixes`].
pub fn prefixes(events: &[HistoryEvent]) -> Vec<usize> {
    let kind = |index: usize| events.get(index).map(|event| event.event_type());
    (0..events.len())
        .filter(|index| kind(*index) == Some(EventType::WorkflowTaskStarted))
        .filter(|index| matches!(kind(index + 1), None | Some(EventType::WorkflowTaskCompleted)))
        .map(|index| index + 1)
        .collect()
}

/// A task with a whole history, or a part of it that begins at its beginning.
pub fn task_of(events: &[HistoryEvent], run_id: &str) -> PollWorkflowTaskQueueResponse {
    let starts = prefixes(events);
    let ends_at_start = starts.last() == Some(&events.len());
    let started = starts.last().map_or(0, |index| *index as i64);
    let before = starts.iter().rev().nth(1).map_or(0, |index| *index as i64);
    PollWorkflowTaskQueueResponse {
        history: Some(History { events: events.to_vec() }),
        started_event_id: started,
        ..response(run_id, if ends_at_start { before } else { started })
    }
}

fn response(run_id: &str, previous_started_event_id: i64) -> PollWorkflowTaskQueueResponse {
    PollWorkflowTaskQueueResponse {
        task_token: run_id.as_bytes().to_vec(),
        workflow_execution: Some(WorkflowExecution { workflow_id: "workflow".to_owned(), run_id: run_id.to_owned() }),
        workflow_type: Some(WorkflowType { name: "type".to_owned() }),
        workflow_execution_task_queue: Some(TaskQueue {
            name: "queue".to_owned(),
            kind: TaskQueueKind::Normal as i32,
            normal_name: String::new(),
        }),
        attempt: 1,
        previous_started_event_id,
        ..Default::default()
    }
}

fn query() -> WorkflowQuery {
    WorkflowQuery { query_type: "state".to_owned(), ..Default::default() }
}

pub(crate) fn update_request(id: &str) -> Request {
    let name = if id.ends_with(['2', '5', '8']) { "refused" } else { "taken" };
    let args = temporalio_protos::temporal::api::common::v1::Payloads { payloads: vec![payload("u")] };
    Request {
        meta: Some(Meta { update_id: id.to_owned(), identity: "test".to_owned() }),
        input: Some(Input { name: name.to_owned(), args: Some(args), header: None }),
        ..Default::default()
    }
}

fn update_message(id: &str, after: i64) -> Message {
    let body = prost_wkt_types::Any {
        type_url: "type.googleapis.com/temporal.api.update.v1.Request".to_owned(),
        value: prost::Message::encode_to_vec(&update_request(id)),
    };
    Message {
        id: format!("{id}/request"),
        protocol_instance_id: id.to_owned(),
        sequencing_id: Some(SequencingId::EventId(after)),
        body: Some(body),
    }
}
