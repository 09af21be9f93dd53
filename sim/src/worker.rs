//! Workflow workers: they poll, keep executions in a sticky cache, decide, and sometimes die or fail.

use std::collections::BTreeMap;
use std::rc::Rc;

use ostro_engine::call::WorkflowTaskAnswer;
use ostro_engine::call::{Answer, Request as _, WithDeadline};
use ostro_engine::error::{ErrorKind, Result};
use ostro_engine::persistence::ExecutionId;
use ostro_engine::time::{MILLISECOND, MINUTE, SECOND, Span, Time, duration};
use ostro_engine::token::TaskToken;
use temporalio_protos::temporal::api::{
    enums::v1::{QueryResultType, WorkflowTaskFailedCause},
    history::v1::HistoryEvent,
    query::v1::WorkflowQueryResult,
    taskqueue::v1::StickyExecutionAttributes,
    workflowservice::v1::*,
};

use crate::interpreter::{Decisions, decide};
use crate::plant::decode_events;
use crate::program;
use crate::vocabulary::*;
use crate::world::{Event, Purpose, Request, World, is_transient};

/// A worker process. `generation` counts its lives.
pub struct Worker {
    pub name: String,
    pub generation: u64,
    /// Keeps executions in memory and asks for what is new only.
    sticky: bool,
    /// The history of executions as this worker saw it.
    cache: BTreeMap<ExecutionId, Vec<HistoryEvent>>,
}

/// A workflow task with everything that deciding takes.
pub struct Task {
    pub answer: WorkflowTaskAnswer,
    pub token: TaskToken,
    pub events: Vec<HistoryEvent>,
}

type Checked = std::result::Result<(), String>;

impl World {
    pub(crate) fn set_up_workers(&mut self) {
        let count = self.rng.range(1, 3) as usize;
        for worker in 0..count {
            let sticky = self.rng.chance(75);
            self.workers.push(Worker {
                name: format!("worker-{worker}"),
                generation: 0,
                sticky,
                cache: BTreeMap::new(),
            });
            self.begin_polls(worker);
            self.at(Span::ZERO, Event::PollActivity { worker: worker * 2 });
            self.at(Span::ZERO, Event::PollActivity { worker: worker * 2 + 1 });
            self.at(Span::ZERO, Event::PollNexus { worker });
        }
    }

    fn begin_polls(&mut self, worker: usize) {
        let generation = self.workers[worker].generation;
        self.at(MILLISECOND, Event::Poll { worker, generation, sticky: false });
        if self.workers[worker].sticky {
            self.at(MILLISECOND, Event::Poll { worker, generation, sticky: true });
        }
    }

    /// The worker's process dies and another takes its place, knowing nothing.
    pub(crate) fn kill_worker(&mut self) {
        let worker = self.rng.below(self.workers.len() as u64) as usize;
        self.report.faults.worker_deaths += 1;
        self.trace(|| format!("!!! worker {worker} dies"));
        if self.rng.chance(30) {
            // It has time to say goodbye.
            let sticky_task_queue = self.sticky_queue(worker);
            let request: Request = Rc::new(move || {
                ShutdownWorkerRequest {
                    namespace: NAMESPACE.to_owned(),
                    sticky_task_queue: sticky_task_queue.clone(),
                    ..Default::default()
                }
                .into_call()
            });
            self.send(Purpose::Nobody, request, 10 * SECOND);
        }
        let dead = self.workers[worker].generation;
        self.workers[worker].generation += 1;
        self.workers[worker].cache.clear();
        // Its connections break; the server learns it.
        let polls: Vec<_> = self.calls.iter().filter(|(_, call)| matches!(call.purpose, Purpose::Poll { worker: w, generation, .. } if w == worker && generation == dead)).map(|(id, _)| *id).collect();
        for call in polls {
            self.calls.remove(&call);
            let delay = self.rng.within(Span::ZERO, 20 * MILLISECOND);
            self.at(delay, Event::Abandon { call });
        }
        self.begin_polls(worker);
    }

    /// A new process has a new sticky queue.
    fn sticky_queue(&self, worker: usize) -> String {
        format!("{}-{}", self.workers[worker].name, self.workers[worker].generation)
    }

    pub(crate) fn poll(&mut self, worker: usize, generation: u64, sticky: bool) {
        if self.workers[worker].generation != generation {
            return;
        }
        let queue = if sticky { self::sticky(&self.sticky_queue(worker)) } else { queue(QUEUE) };
        let identity = self.workers[worker].name.clone();
        let deployment_options = self.versions.of_worker(worker);
        let request: Request = Rc::new(move || {
            let request = PollWorkflowTaskQueueRequest {
                deployment_options: deployment_options.clone(),
                namespace: NAMESPACE.to_owned(),
                task_queue: queue.clone(),
                identity: identity.clone(),
                ..Default::default()
            };
            WithDeadline { request, deadline: Time::MAX }.into_call()
        });
        self.send(Purpose::Poll { worker, generation, sticky }, request, 70 * SECOND);
    }

    pub(crate) fn polled(&mut self, worker: usize, generation: u64, sticky: bool, answer: Result<Answer>) -> Checked {
        match answer {
            Ok(Answer::PollWorkflowTask(task)) if !task.response.task_token.is_empty() => {
                self.at(Span::ZERO, Event::Poll { worker, generation, sticky });
                self.take_task(worker, *task)
            }
            Err(error) if !is_transient(&error) => Err(format!("a poll was refused: {error:?}")),
            answer => {
                let wait = if answer.is_err() { 200 * MILLISECOND } else { Span::ZERO };
                self.at(wait, Event::Poll { worker, generation, sticky });
                Ok(())
            }
        }
    }

    /// A workflow task has come: put its history together and think about it.
    pub(crate) fn take_task(&mut self, worker: usize, answer: WorkflowTaskAnswer) -> Checked {
        let token = TaskToken::peek(&answer.response.task_token).map_err(|e| e.to_string())?;
        if self.checker.is_deleted(token.execution) {
            return Ok(()); // On its way while its run was deleted: there is no history to work on.
        }
        if answer.response.query.is_some() {
            self.answer_query(&answer);
            return Ok(());
        }
        let events = self.history_of(worker, &answer)?;
        self.is_of_build(worker, &events)?;
        let generation = self.workers[worker].generation;
        let delay = match self.rng.below(100) {
            0..4 if self.faulty && self.options.faults => {
                self.report.faults.slow_tasks += 1;
                self.rng.within(SECOND, 15 * SECOND)
            }
            _ => self.rng.within(Span::from_nanos(100_000), 20 * MILLISECOND),
        };
        let task = Rc::new(Task { answer, token, events });
        self.at(delay, Event::Decide { worker, generation, task });
        Ok(())
    }

    /// The whole history: what the worker has cached, and what came with the task.
    fn history_of(
        &mut self,
        worker: usize,
        answer: &WorkflowTaskAnswer,
    ) -> std::result::Result<Vec<HistoryEvent>, String> {
        let slice = &answer.history;
        let store = &self.server.store;
        let sent = match &slice.encoded {
            Some(batches) => batches.iter().flat_map(|batch| decode_events(batch).events).collect(),
            None => store.events(slice.execution, slice.from, slice.to),
        };
        let needed = slice.from.max(1) as usize - 1;
        let before = match self.workers[worker].cache.remove(&slice.execution) {
            Some(mut cached) if cached.len() >= needed => {
                cached.truncate(needed);
                cached
            }
            // As SDKs do when what they have does not reach: they read the history from its beginning.
            _ => store.events(slice.execution, 1, slice.from),
        };
        let events: Vec<_> = before.into_iter().chain(sent).chain(slice.extra.iter().cloned()).collect();
        let gap = events.iter().enumerate().find(|(index, event)| event.event_id != *index as i64 + 1);
        if let Some((index, event)) = gap {
            return Err(format!("event {} is shown to a worker as number {}", event.event_id, index + 1));
        }
        let last = events.last().map_or(0, |e| e.event_id);
        if last != answer.response.started_event_id {
            return Err(format!(
                "a task started by event {} shows events up to {last}",
                answer.response.started_event_id
            ));
        }
        let stored = store.events(slice.execution, 1, slice.to);
        if let Some((seen, stored)) = events.iter().zip(&stored).find(|(seen, stored)| seen != stored) {
            let run = slice.execution;
            return Err(format!(
                "a worker has seen another history of execution {run} than is stored: {seen:?}, not {stored:?}"
            ));
        }
        Ok(events)
    }

    fn answer_query(&mut self, answer: &WorkflowTaskAnswer) {
        let task_token = answer.response.task_token.clone();
        let request: Request = Rc::new(move || {
            RespondQueryTaskCompletedRequest {
                namespace: NAMESPACE.to_owned(),
                task_token: task_token.clone(),
                completed_type: QueryResultType::Answered as i32,
                query_result: payloads("answer"),
                ..Default::default()
            }
            .into_call()
        });
        self.send(Purpose::Nobody, request, 10 * SECOND);
    }

    pub(crate) fn decide(&mut self, worker: usize, generation: u64, task: Rc<Task>) -> Checked {
        if self.workers[worker].generation != generation {
            return Ok(());
        }
        let request = match self.rng.below(100) {
            0..3 if self.faulty && self.options.faults => {
                self.report.faults.failed_tasks += 1;
                failed(&task)
            }
            3..8 => self.completed(worker, &task, Decisions::default(), true),
            _ => {
                let response = &task.answer.response;
                let name = response.workflow_type.as_ref().map_or("", |t| &t.name);
                let program = program::of_type(name, self.options.workflows).ok_or("an unknown workflow type")?;
                let decisions = decide(&task.events, &response.messages, &program, response.started_event_id);
                self.completed(worker, &task, decisions, false)
            }
        };
        self.send(Purpose::Decided { worker, generation, task, tries: 3 }, request, 5 * SECOND);
        Ok(())
    }

    /// The completion; `heartbeat`: the worker only says that it still works on it.
    fn completed(&mut self, worker: usize, task: &Task, decisions: Decisions, heartbeat: bool) -> Request {
        let sticky_attributes = self.workers[worker].sticky.then(|| StickyExecutionAttributes {
            worker_task_queue: sticky(&self.sticky_queue(worker)),
            schedule_to_start_timeout: duration(5 * SECOND),
        });
        let answered = WorkflowQueryResult {
            result_type: QueryResultType::Answered as i32,
            answer: payloads("answer"),
            ..Default::default()
        };
        let queries = task.answer.response.queries.keys().map(|id| (id.clone(), answered.clone()));
        let request = RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.answer.response.task_token.clone(),
            identity: self.workers[worker].name.clone(),
            commands: decisions.commands,
            messages: decisions.messages,
            deployment_options: self.versions.of_worker(worker),
            versioning_behavior: self.versions.behavior(&task.token.workflow_id),
            sticky_attributes,
            query_results: queries.collect(),
            force_create_new_workflow_task: heartbeat,
            return_new_workflow_task: heartbeat || self.rng.chance(50),
            ..Default::default()
        };
        Rc::new(move || request.clone().into_call())
    }

    pub(crate) fn decided(
        &mut self,
        worker: usize,
        generation: u64,
        task: Rc<Task>,
        tries: u32,
        request: Request,
        answer: Result<Answer>,
    ) -> Checked {
        let alive = self.workers[worker].generation == generation;
        let execution = task.token.execution;
        match answer {
            Ok(Answer::CompleteWorkflowTask(done)) if alive => {
                if done.response.reset_history_event_id == 0 {
                    self.checker.acknowledged_task(execution, task.answer.response.started_event_id)?;
                }
                if self.workers[worker].sticky {
                    self.workers[worker].cache.insert(execution, task.events.clone());
                }
                for activity in done.response.activity_tasks {
                    self.begin_activity(activity);
                }
                done.workflow_task.map_or(Ok(()), |next| self.take_task(worker, *next))
            }
            Err(error) if is_transient(&error) && alive && tries > 0 => {
                self.send(Purpose::Decided { worker, generation, task, tries: tries - 1 }, request, 5 * SECOND);
                Ok(())
            }
            Err(error) => {
                self.workers[worker].cache.remove(&execution);
                let expected = ["UnhandledCommand", "BadUpdateWorkflowExecutionMessage"];
                let known = expected.iter().any(|e| error.message.starts_with(e));
                if error.kind == ErrorKind::InvalidArgument && !known {
                    return Err(format!("decisions were refused: {error:?}"));
                }
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

fn failed(task: &Task) -> Request {
    let request = RespondWorkflowTaskFailedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.answer.response.task_token.clone(),
        cause: WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure as i32,
        failure: failure("the workflow's code has a bug", false),
        ..Default::default()
    };
    Rc::new(move || request.clone().into_call())
}

/// Long enough for any wait in the engine.
pub const LONG: Span = MINUTE.times(10);
