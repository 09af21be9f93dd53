//! Activity workers: attempts that run, heartbeat, fail, never answer, or answer too late.

use std::collections::BTreeMap;
use std::rc::Rc;

use ostro_engine::call::{Answer, Request as _, WithDeadline};
use ostro_engine::error::Result;
use ostro_engine::time::{MILLISECOND, SECOND, Span, Time, from_duration};
use ostro_engine::token::TaskToken;
use temporalio_protos::temporal::api::{taskqueue::v1::TaskQueueMetadata, workflowservice::v1::*};

use crate::program::{Behaviour, QUEUES, SLOW_RATE, Wrong};
use crate::vocabulary::*;
use crate::world::{Event, Purpose, Request, World, is_transient};

/// Attempts that run now.
#[derive(Default)]
pub struct Activities {
    running: BTreeMap<u64, Running>,
    next: u64,
}

struct Running {
    task: PollActivityTaskQueueResponse,
    token: TaskToken,
    /// When it is done, by the world's clock.
    done: Time,
    /// How often it heartbeats; 0: never.
    heartbeat: Span,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Completes,
    Fails { for_good: bool },
    Cancels,
    NeverAnswers,
}

type Checked = std::result::Result<(), String>;

/// The result of a completion that names no attempt.
pub const BY_ID: &str = "by id";

/// The result of an attempt: whoever reads it sees whose it is.
pub fn result_of(attempt: i32) -> String {
    format!("result of attempt {attempt}")
}

impl World {
    /// Even workers poll the workflows' queue, odd ones the slow one.
    pub(crate) fn poll_activity(&mut self, worker: usize) {
        let slow = worker % 2 == 1;
        let task_queue = queue(QUEUES[usize::from(slow)]);
        let task_queue_metadata = slow.then_some(TaskQueueMetadata { max_tasks_per_second: Some(SLOW_RATE) });
        // Each version of a limited queue has the whole rate: its workers have none.
        let deployment_options = self.versions.of_worker(worker / 2).filter(|_| !slow);
        let request: Request = Rc::new(move || {
            let request = PollActivityTaskQueueRequest {
                deployment_options: deployment_options.clone(),
                namespace: NAMESPACE.to_owned(),
                task_queue: task_queue.clone(),
                task_queue_metadata,
                identity: format!("activities-{worker}"),
                ..Default::default()
            };
            WithDeadline { request, deadline: Time::MAX }.into_call()
        });
        self.send(Purpose::PollActivity { worker }, request, 70 * SECOND);
    }

    pub(crate) fn polled_activity(&mut self, worker: usize, answer: Result<Answer>) -> Checked {
        let mut wait = Span::ZERO;
        match answer {
            Ok(Answer::PollActivityTask(task)) if !task.task_token.is_empty() => self.begin_activity(*task),
            Err(error) if !is_transient(&error) => return Err(format!("a poll was refused: {error:?}")),
            Err(_) => wait = 200 * MILLISECOND,
            Ok(_) => {}
        }
        self.at(wait, Event::PollActivity { worker });
        Ok(())
    }

    pub(crate) fn begin_activity(&mut self, task: PollActivityTaskQueueResponse) {
        let name = task.activity_type.as_ref().map_or("", |t| &t.name);
        let behaviour = Behaviour::parse(name).expect("programs name activities so");
        let token = TaskToken::peek(&task.task_token).expect("the server made it");
        let timeout = from_duration(&task.heartbeat_timeout);
        let wrong = task.attempt <= behaviour.wrong;
        let end = match behaviour.how {
            _ if !wrong => End::Completes,
            Wrong::Fails => End::Fails { for_good: false },
            Wrong::FailsForGood => End::Fails { for_good: true },
            Wrong::NeverAnswers => End::NeverAnswers,
            Wrong::StopsHeartbeating => End::Completes,
        };
        let silent = wrong && behaviour.how == Wrong::StopsHeartbeating;
        let mut takes = MILLISECOND * i64::from(behaviour.takes_ms);
        if silent {
            takes += 2 * timeout;
        }
        let running = Running {
            done: self.now + takes,
            heartbeat: if silent { Span::ZERO } else { timeout / 2 },
            task,
            token,
            end,
        };
        self.activities.next += 1;
        let id = self.activities.next;
        let first = if running.heartbeat > Span::ZERO { takes.min(running.heartbeat) } else { takes };
        self.activities.running.insert(id, running);
        self.at(first, Event::Activity { running: id });
    }

    /// It is time for a heartbeat or the end.
    pub(crate) fn activity_step(&mut self, id: u64) {
        let Some(running) = self.activities.running.get(&id) else { return };
        if self.now < running.done {
            self.heartbeat(id);
            return;
        }
        let task_token = running.task.task_token.clone();
        let request: Request = match running.end {
            End::NeverAnswers => return drop(self.activities.running.remove(&id)),
            End::Completes if self.rng.chance(15) => self.completion_by_id(id),
            End::Completes => {
                let result = payloads(&result_of(self.activities.running[&id].task.attempt));
                Rc::new(move || {
                    RespondActivityTaskCompletedRequest {
                        namespace: NAMESPACE.to_owned(),
                        task_token: task_token.clone(),
                        result: result.clone(),
                        ..Default::default()
                    }
                    .into_call()
                })
            }
            End::Fails { for_good } => Rc::new(move || {
                RespondActivityTaskFailedRequest {
                    namespace: NAMESPACE.to_owned(),
                    task_token: task_token.clone(),
                    failure: failure("the activity failed", for_good),
                    ..Default::default()
                }
                .into_call()
            }),
            End::Cancels => Rc::new(move || {
                RespondActivityTaskCanceledRequest {
                    namespace: NAMESPACE.to_owned(),
                    task_token: task_token.clone(),
                    ..Default::default()
                }
                .into_call()
            }),
        };
        let clock = self.clock();
        self.checker.reported(&self.activities.running[&id].token, clock);
        self.send(Purpose::Report { running: id, tries: 5 }, request, 2 * SECOND);
    }

    /// By the names of the run and the activity: it ends whatever attempt there is.
    fn completion_by_id(&self, id: u64) -> Request {
        let task = &self.activities.running[&id].task;
        let run = task.workflow_execution.clone().unwrap_or_default();
        let request = RespondActivityTaskCompletedByIdRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: run.workflow_id,
            run_id: if run.run_id.is_empty() { task.activity_run_id.clone() } else { run.run_id },
            activity_id: task.activity_id.clone(),
            result: payloads(BY_ID),
            ..Default::default()
        };
        Rc::new(move || request.clone().into_call())
    }

    fn heartbeat(&mut self, id: u64) {
        let running = &self.activities.running[&id];
        let (task_token, next) = (running.task.task_token.clone(), running.heartbeat.min(running.done - self.now));
        let request: Request = Rc::new(move || {
            RecordActivityTaskHeartbeatRequest {
                namespace: NAMESPACE.to_owned(),
                task_token: task_token.clone(),
                details: payloads("beat"),
                ..Default::default()
            }
            .into_call()
        });
        self.send(Purpose::Heartbeat { running: id }, request, 2 * SECOND);
        self.at(next.max(MILLISECOND), Event::Activity { running: id });
    }

    pub(crate) fn heartbeat_answered(&mut self, id: u64, answer: Result<Answer>) -> Checked {
        let Some(running) = self.activities.running.get_mut(&id) else { return Ok(()) };
        match answer {
            Ok(Answer::HeartbeatActivity(answer)) if answer.cancel_requested => {
                (running.end, running.done) = (End::Cancels, self.now);
            }
            Err(error) if !is_transient(&error) => drop(self.activities.running.remove(&id)),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn report_answered(&mut self, id: u64, tries: u32, request: Request, answer: Result<Answer>) -> Checked {
        match answer {
            Err(error) if is_transient(&error) && tries > 0 => {
                self.send(Purpose::Report { running: id, tries: tries - 1 }, request, 2 * SECOND);
                return Ok(());
            }
            Ok(Answer::CompleteActivity(_) | Answer::CompleteActivityById(_)) => {
                if let Some(running) = self.activities.running.get(&id) {
                    self.checker.acknowledged_activity(&running.token)?;
                }
            }
            _ => {}
        }
        self.activities.running.remove(&id);
        Ok(())
    }
}
