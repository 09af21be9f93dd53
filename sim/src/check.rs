//! The invariants, checked at each commit, at each hand-over of a task, at each acknowledgement and at the end.

use std::collections::{BTreeMap, BTreeSet};

use ostro_engine::call::Answer;
use ostro_engine::execution::standalone::activity as standalone_activity;
use ostro_engine::invariants::Progress;
use ostro_engine::persistence::{ExecutionId, ItemKind, Write};
use ostro_engine::time::{SECOND, Span, Time, from_duration, from_timestamp};
use ostro_engine::token::TaskToken;
use prost::Message;
use temporalio_protos::temporal::api::{
    history::v1::{HistoryEvent, history_event::Attributes},
    workflowservice::v1::PollActivityTaskQueueResponse,
};

use crate::grammar::Grammar;
use crate::plant::decode_events;
use crate::program::SLOW_RATE;
use crate::rows;
use crate::store::Store;

/// What is known of one run.
#[derive(Debug, Default)]
pub struct Run {
    pub grammar: Grammar,
    /// How far its history goes, and its workflow with it.
    pub told: Progress,
    /// An activity without a workflow has no history that could say so.
    pub is_closed: bool,
}

/// An activity's attempt that a worker was given.
#[derive(Debug)]
struct Attempt {
    number: i32,
    /// When it is over by itself.
    over: Time,
    /// When its worker first reported its end.
    reported: Option<Time>,
    undelivered: bool,
}

#[derive(Debug, Default)]
pub struct Checker {
    runs: BTreeMap<ExecutionId, Run>,
    /// Runs that clients or retention deleted: their ids, and their run ids.
    deleted: BTreeSet<ExecutionId>,
    deleted_runs: BTreeSet<String>,
    run_ids: BTreeMap<ExecutionId, String>,
    /// Request ids of signals in history, by run; and of those that are buffered or in history.
    signals: BTreeMap<(ExecutionId, String), u32>,
    signals_kept: BTreeSet<String>,
    updates_accepted: BTreeSet<String>,
    updates_completed: BTreeSet<String>,
    activities_ended: BTreeSet<(ExecutionId, i64)>,
    tasks_completed: BTreeSet<(ExecutionId, i64)>,
    acknowledged_signals: BTreeSet<String>,
    tokens: BTreeSet<Vec<u8>>,
    attempts: BTreeMap<(ExecutionId, i64), Attempt>,
    last_slow: Option<Time>,
    pub reached: BTreeMap<String, u64>,
}

type Checked = Result<(), String>;

impl Checker {
    /// The writes of one output are durable.
    pub fn committed(&mut self, store: &Store, writes: &[Write]) -> Checked {
        let mut touched = BTreeSet::new();
        for write in writes {
            match write {
                Write::AppendHistory { execution, events, .. } => {
                    touched.insert(*execution);
                    for event in decode_events(events).events {
                        self.event(*execution, &event)?;
                    }
                }
                Write::PutItem { execution, kind: ItemKind::BufferedEvent, value, .. } => {
                    touched.insert(*execution);
                    let event = HistoryEvent::decode(value.as_ref()).map_err(|e| e.to_string())?;
                    self.kept(*execution, &event);
                }
                Write::PutState { execution, .. }
                | Write::PutItem { execution, .. }
                | Write::DeleteItem { execution, .. } => drop(touched.insert(*execution)),
                Write::PutVisibility(row) => drop(self.run_ids.insert(row.id, row.run_id.clone())),
                Write::DeleteExecution(execution) => {
                    self.deleted.insert(*execution);
                    self.deleted_runs.extend(self.run_ids.remove(execution));
                    self.runs.remove(execution);
                    touched.remove(execution);
                }
                _ => {}
            }
        }
        let rows = store.0.borrow();
        rows::check_schedules(&rows)?;
        touched.iter().try_for_each(|id| {
            let run = self.runs.entry(*id).or_default();
            let ended = rows::check(&rows, *id, run)?;
            if ended {
                self.activities_ended.insert((*id, standalone_activity::SCHEDULED));
            }
            Ok(())
        })
    }

    /// Whether the run was there and is deleted.
    pub fn is_deleted(&self, run: ExecutionId) -> bool {
        self.deleted.contains(&run)
    }

    fn event(&mut self, run: ExecutionId, event: &HistoryEvent) -> Checked {
        let known = self.runs.entry(run).or_default();
        known
            .grammar
            .add(event)
            .and_then(|()| known.told.push(event))
            .map_err(|e| format!("history of execution {run}: {e}"))?;
        self.kept(run, event);
        self.reach(what(event));
        if let Some(Attributes::WorkflowExecutionStartedEventAttributes(a)) = &event.attributes
            && a.workflow_id.starts_with('s')
        {
            self.reach("a schedule started a run".to_owned());
        }
        match event.attributes.as_ref() {
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(a)) if !a.request_id.is_empty() => {
                let times = self.signals.entry((run, a.request_id.clone())).or_default();
                *times += 1;
                if *times > 1 {
                    return Err(format!("signal {} is twice in execution {run}", a.request_id));
                }
            }
            Some(Attributes::WorkflowTaskCompletedEventAttributes(a)) => {
                self.tasks_completed.insert((run, a.started_event_id));
            }
            Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(a)) => {
                self.updates_accepted.insert(a.protocol_instance_id.clone());
            }
            Some(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(a)) => {
                let id = a.meta.as_ref().map(|m| m.update_id.clone()).unwrap_or_default();
                self.updates_completed.insert(id);
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts what the run has reached.
    pub fn reach(&mut self, what: String) {
        *self.reached.entry(what).or_default() += 1;
    }

    /// What an acknowledgement may refer to: in history, or buffered for it.
    fn kept(&mut self, run: ExecutionId, event: &HistoryEvent) {
        match event.attributes.as_ref() {
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(a)) => {
                self.signals_kept.insert(a.request_id.clone());
            }
            Some(Attributes::ActivityTaskCompletedEventAttributes(a)) => {
                self.activities_ended.insert((run, a.scheduled_event_id));
            }
            _ => {}
        }
    }

    /// A new life of the server: its rate limits begin afresh.
    pub fn restarted(&mut self) {
        self.last_slow = None;
    }

    /// An answer leaves the server: tasks in it are with their worker now.
    pub fn handed_out(&mut self, _life: u64, answer: &Answer) -> Checked {
        match answer {
            Answer::PollWorkflowTask(task) => self.token(&task.response.task_token),
            Answer::PollActivityTask(task) => self.activity(task, true),
            Answer::CompleteWorkflowTask(done) => {
                if let Some(task) = &done.workflow_task {
                    self.token(&task.response.task_token)?;
                }
                done.response.activity_tasks.iter().try_for_each(|task| self.activity(task, false))
            }
            Answer::StartWorkflow(started) => match &started.workflow_task {
                Some(task) => self.token(&task.response.task_token),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn token(&mut self, token: &[u8]) -> Checked {
        if token.is_empty() || self.tokens.insert(token.to_vec()) {
            return Ok(());
        }
        match TaskToken::peek(token) {
            Ok(token) if !token.query_id.is_empty() => Ok(()),
            token => Err(format!("a workflow task was handed out twice: {token:?}")),
        }
    }

    fn activity(&mut self, task: &PollActivityTaskQueueResponse, polled: bool) -> Checked {
        if task.task_token.is_empty() {
            return Ok(());
        }
        let token = TaskToken::peek(&task.task_token).map_err(|e| e.to_string())?;
        let started = from_timestamp(&task.started_time);
        let key = (token.execution, token.scheduled_event_id);
        let what =
            || format!("activity {} of execution {}, attempt {}", task.activity_id, token.execution, task.attempt);
        let limit = task.retry_policy.as_ref().map_or(0, |p| p.maximum_attempts);
        if limit > 0 && task.attempt > limit {
            return Err(format!("{}: its policy allows {limit}", what()));
        }
        if let Some(last) = self.attempts.get(&key) {
            let again = task.attempt == last.number && last.undelivered;
            if task.attempt <= last.number && !again {
                return Err(format!("{} was handed out after attempt {}", what(), last.number));
            }
            let ended = last.reported.map_or(last.over, |at| at.min(last.over));
            let earliest = ended + backoff(last.number);
            if !again && !last.undelivered && started < earliest {
                return Err(format!("{} began at {started} while attempt {} lived until {ended}", what(), last.number));
            }
        }
        let over = over(task, started);
        self.attempts.insert(key, Attempt { number: task.attempt, over, reported: None, undelivered: false });
        // An eager one does not come through the queue.
        if polled && task.activity_type.as_ref().is_some_and(|t| t.name.ends_with("-slow")) {
            let gap = Span::from_nanos((SECOND.nanos() as f64 / SLOW_RATE) as i64);
            if let Some(last) = self.last_slow.replace(started).filter(|last| started - *last < gap) {
                return Err(format!("{}: {} after the one before, at {SLOW_RATE} per second", what(), started - last));
            }
        }
        Ok(())
    }

    /// The server was told that an answer did not arrive.
    pub fn undelivered(&mut self, answer: &Answer) {
        let tasks = match answer {
            Answer::PollActivityTask(task) => std::slice::from_ref(task.as_ref()),
            Answer::CompleteWorkflowTask(done) => &done.response.activity_tasks,
            _ => &[],
        };
        for task in tasks {
            if let Ok(token) = TaskToken::peek(&task.task_token)
                && let Some(attempt) = self.attempts.get_mut(&(token.execution, token.scheduled_event_id))
                && attempt.number == token.attempt
            {
                attempt.undelivered = true;
            }
        }
    }

    /// A worker reports the end of an attempt, at `clock`.
    pub fn reported(&mut self, token: &TaskToken, clock: Time) {
        if let Some(attempt) = self.attempts.get_mut(&(token.execution, token.scheduled_event_id))
            && attempt.number == token.attempt
        {
            attempt.reported.get_or_insert(clock);
        }
    }

    pub fn acknowledged_start(&self, store: &Store, workflow_id: &str, run_id: &str) -> Checked {
        let rows = store.0.borrow();
        let mut runs = (1..=2).flat_map(|namespace| rows.runs_of(namespace, workflow_id));
        let found = runs.any(|run| rows.visibility[run].run_id == run_id);
        if found || self.deleted_runs.contains(run_id) {
            Ok(())
        } else {
            Err(format!("the start of {workflow_id} was acknowledged, and it is not there"))
        }
    }

    pub fn acknowledged_signal(&mut self, request_id: &str) -> Checked {
        self.acknowledged_signals.insert(request_id.to_owned());
        if self.signals_kept.contains(request_id) {
            return Ok(());
        }
        Err(format!("signal {request_id} was acknowledged, and it is not there"))
    }

    pub fn acknowledged_update(&self, update_id: &str, completed: bool) -> Checked {
        let place = if completed { &self.updates_completed } else { &self.updates_accepted };
        if place.contains(update_id) {
            return Ok(());
        }
        Err(format!("update {update_id} (completed: {completed}) was acknowledged, and it is not there"))
    }

    pub fn acknowledged_activity(&self, token: &TaskToken) -> Checked {
        if self.activities_ended.contains(&(token.execution, token.scheduled_event_id)) {
            return Ok(());
        }
        Err(format!("the completion of activity {} was acknowledged, and it is not there", token.activity_id))
    }

    pub fn acknowledged_task(&self, execution: ExecutionId, started: i64) -> Checked {
        if self.tasks_completed.contains(&(execution, started)) {
            return Ok(());
        }
        Err(format!("the workflow task {started} of execution {execution} was acknowledged, and it is not there"))
    }

    pub fn any_open(&self) -> bool {
        self.runs.values().any(|run| !run.is_closed)
    }

    pub fn open_runs(&self, store: &Store) -> Vec<String> {
        let rows = store.0.borrow();
        let open = self.runs.iter().filter(|(_, run)| !run.is_closed);
        open.map(|(id, _)| {
            let last = rows.history.get(id).and_then(|h| h.last()).map(|e| e.event_type().as_str_name());
            format!("{} ({id}), last event {last:?}", rows.visibility.get(id).map_or("?", |row| &row.workflow_id))
        })
        .collect()
    }

    /// The histories of the runs that are open, an event a line.
    pub fn open_histories(&self, store: &Store) -> String {
        let rows = store.0.borrow();
        let open = self.runs.iter().filter(|(_, run)| !run.is_closed).filter_map(|(id, _)| rows.history.get(id));
        let lines = open.flatten().map(|event| format!("{} {:?}", event.event_id, event.attributes));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Everything has ended.
    pub fn end(&self, store: &Store) -> Checked {
        let in_history: BTreeSet<&String> = self.signals.keys().map(|(_, signal)| signal).collect();
        if let Some(lost) = self.acknowledged_signals.iter().find(|id| !in_history.contains(id)) {
            return Err(format!("signal {lost} was acknowledged, and no history has it"));
        }
        let recovery = store.recover();
        let left = recovery.due.len() + recovery.workflow_tasks.len() + recovery.activity_tasks.len();
        if left > 0 { Err(format!("all runs are closed, and {left} things would be recovered")) } else { Ok(()) }
    }
}

/// The event's type, with the cause where it has one.
fn what(event: &HistoryEvent) -> String {
    let name = event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_");
    match event.attributes.as_ref() {
        Some(Attributes::WorkflowTaskFailedEventAttributes(a)) => format!("{name} {:?}", a.cause()),
        Some(Attributes::WorkflowTaskTimedOutEventAttributes(a)) => format!("{name} {:?}", a.timeout_type()),
        Some(Attributes::WorkflowTaskScheduledEventAttributes(a)) if a.attempt > 1 => format!("{name} again"),
        Some(Attributes::ActivityTaskTimedOutEventAttributes(a)) => format!("{name} {:?}", a.retry_state()),
        Some(Attributes::ActivityTaskFailedEventAttributes(a)) => format!("{name} {:?}", a.retry_state()),
        Some(Attributes::ActivityTaskStartedEventAttributes(a)) if a.attempt > 1 => format!("{name} again"),
        Some(Attributes::WorkflowExecutionStartedEventAttributes(a)) => format!("{name} {:?}", a.initiator()),
        _ => name.to_owned(),
    }
}

/// The plain retry policy's wait after an attempt.
fn backoff(attempt: i32) -> Span {
    (SECOND * (1 << (attempt - 1).clamp(0, 20))).min(100 * SECOND)
}

/// When an attempt ends at the earliest if its worker says nothing.
fn over(task: &PollActivityTaskQueueResponse, started: Time) -> Time {
    let after = |timeout: &Option<prost_wkt_types::Duration>| match from_duration(timeout) {
        Span::ZERO => Time::MAX,
        span => started + span,
    };
    after(&task.start_to_close_timeout).min(after(&task.heartbeat_timeout))
}
