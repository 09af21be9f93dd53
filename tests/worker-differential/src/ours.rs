//! Runs code on the worker core, and writes down what passes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostro_worker::replay::run::{LocalOutcome, StopReason};
use ostro_worker::replay::{Identity, Run, Sdk, Settings, Step, Task};
use temporalio_protos::temporal::api::{history::v1::HistoryEvent, workflowservice::v1::PollWorkflowTaskQueueResponse};

use crate::author::{Author, Verdict, task_of};
use crate::code::{Code, failure, payload};
use crate::compare::{Exactly, Exchange, LocalEnd};
use crate::convert;
use crate::program::Program;
use crate::rng::Rng;

/// A worker with one run in its cache at most.
pub struct Ours {
    program: Program,
    run_id: String,
    run: Option<(Run, Code)>,
    now: SystemTime,
    /// Attempts that run: number, id, whether they were asked to stop.
    running: Vec<(u32, String, bool)>,
    pub trace: Vec<Exchange>,
    /// The last completion asked for a new task.
    pub wants_task: bool,
    /// How a replay ended: the failure of its task.
    pub failed: Option<String>,
    /// Events a page of a history that is read in pages.
    pub page: Option<usize>,
    pages: Vec<HistoryEvent>,
}

impl Ours {
    pub fn new(program: Program, run_id: &str) -> Self {
        Self {
            program,
            run_id: run_id.to_owned(),
            run: None,
            now: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            running: Vec::new(),
            trace: Vec::new(),
            wants_task: false,
            failed: None,
            page: None,
            pages: Vec::new(),
        }
    }

    fn settings() -> Arc<Settings> {
        Arc::new(Settings {
            namespace: "default".to_owned(),
            task_queue: "queue".to_owned(),
            sdk: Sdk { name: crate::SDK.0.into(), version: crate::SDK.1.into() },
            writes_metadata: true,
            deployment_version: None,
        })
    }

    pub fn task(&mut self, task: PollWorkflowTaskQueueResponse) {
        self.trace.push(Exchange::Task(Box::new(task.clone())));
        if self.run.is_none() {
            let identity = Identity {
                workflow_id: "workflow".to_owned(),
                workflow_type: "type".to_owned(),
                run_id: self.run_id.clone(),
            };
            self.run = Some((Run::new(Self::settings(), identity), Code::new(self.program.clone())));
        }
        let mut task = Task::from(task);
        if let Some(page) = self.page {
            self.pages = task.history.split_off(page.min(task.history.len()));
            task.complete = self.pages.is_empty();
        }
        let now = self.now;
        if let Some((run, _)) = &mut self.run {
            run.task(task, now);
        }
    }

    pub fn evict(&mut self) {
        self.trace.push(Exchange::Evict);
        self.forget();
    }

    fn forget(&mut self) {
        self.run = None;
        self.running.clear();
    }

    pub fn has_run(&self) -> bool {
        self.run.is_some()
    }

    fn is_answered(&self) -> bool {
        self.trace.iter().any(|exchange| matches!(exchange, Exchange::Answer(_)))
    }

    /// How exactly what happened can happen again: local activities take their time from the clock.
    pub fn exactly(&self) -> Exactly {
        let ended = self.trace.iter().any(|exchange| matches!(exchange, Exchange::LocalEnds(..)));
        if ended { Exactly::ButTimes } else { Exactly::All }
    }

    /// How many attempts of local activities run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Does what the run wants until it wants nothing. `answer` is the server.
    pub fn pump(&mut self, mut answer: impl FnMut(&Exchange) -> Verdict) {
        while let Some(step) = self.run.as_mut().and_then(|(run, _)| run.next()) {
            self.step(step, &mut answer);
        }
        if self.run.as_ref().is_some_and(|(run, _)| run.is_gone()) {
            self.forget();
        }
    }

    fn step(&mut self, step: Step, answer: &mut impl FnMut(&Exchange) -> Verdict) {
        let now = self.now;
        let Some((run, code)) = &mut self.run else { return };
        match step {
            Step::Activate(activation) => {
                let activation = convert::activation(activation, &self.run_id);
                let success = code.turn(&activation);
                self.trace.push(Exchange::Activation(Box::new(activation)));
                run.decide(convert::decision(success), now).expect("the code was asked");
            }
            Step::StartLocal(seq) => {
                if let Some(task) = run.local_started(seq, now) {
                    self.trace.push(Exchange::LocalBegins(task.request.activity_id.clone()));
                    self.running.push((seq, task.request.activity_id.clone(), false));
                }
            }
            Step::StopLocal(seq, StopReason::Cancelled) => {
                self.running.iter_mut().filter(|it| it.0 == seq).for_each(|it| it.2 = true);
            }
            Step::StopLocal(seq, _) => self.running.retain(|it| it.0 != seq),
            Step::Complete(completion) => {
                self.wants_task = completion.force_new_task;
                self.report(Exchange::Completes(Box::new(completion.into_request())), answer);
            }
            Step::AnswerLegacyQuery(query) => {
                self.report(Exchange::AnswersQuery(Box::new(query.into_request())), answer);
            }
            Step::FailTask(failure) => {
                self.failed = Some(failure.failure.message.clone());
                let exchange = if failure.is_legacy_query {
                    Exchange::AnswersQuery(Box::new(failure.into_query_request()))
                } else {
                    Exchange::Fails(Box::new(failure.into_request()))
                };
                self.report(exchange, answer);
                self.forget();
            }
            Step::FetchHistory { .. } => {
                let page = self.pages.len().min(self.page.unwrap_or(usize::MAX));
                let rest = self.pages.split_off(page);
                let page = std::mem::replace(&mut self.pages, rest);
                run.page(page, self.pages.is_empty(), now);
            }
            Step::Ended => self.forget(),
        }
    }

    fn report(&mut self, exchange: Exchange, answer: &mut impl FnMut(&Exchange) -> Verdict) {
        let verdict = answer(&exchange);
        self.trace.extend([exchange, Exchange::Answer(verdict)]);
        let now = self.now;
        let Some((run, _)) = &mut self.run else { return };
        match verdict {
            Verdict::Taken => run.reported(None, now),
            Verdict::ResetTo(id) => run.reported(Some(id), now),
            Verdict::Refused => run.not_reported(),
        }
    }

    /// One of the local activities that run ends.
    pub fn end_local(&mut self, rng: &mut Rng) {
        let at = rng.below(self.running.len());
        let (seq, id, asked) = self.running.remove(at);
        let end = match rng.below(8) {
            0..5 if !asked => LocalEnd::Completes,
            5 => LocalEnd::FailsForNow,
            6 => LocalEnd::FailsForGood,
            _ if asked => LocalEnd::IsCancelled,
            _ => LocalEnd::Completes,
        };
        self.now += Duration::from_millis(50);
        let now = self.now;
        let Some((run, _)) = &mut self.run else { return };
        self.trace.push(Exchange::LocalEnds(id, end));
        run.local_ended(seq, outcome(end), now);
    }

    /// The task has been open for so long that it must say that it is alive.
    pub fn heartbeat(&mut self) {
        let Some((run, _)) = &mut self.run else { return };
        if let Some(wake) = run.next_wake() {
            self.now = self.now.max(wake);
            run.wake(self.now);
        }
    }
}

fn outcome(end: LocalEnd) -> LocalOutcome {
    match end {
        LocalEnd::Completes => LocalOutcome::Completed(Some(payload("local"))),
        LocalEnd::FailsForNow => LocalOutcome::Failed(Box::new(failure("for now"))),
        LocalEnd::FailsForGood => LocalOutcome::Failed(Box::new(for_good())),
        LocalEnd::IsCancelled => LocalOutcome::Cancelled(Box::new(cancelled())),
    }
}

pub(crate) fn for_good() -> temporalio_protos::temporal::api::failure::v1::Failure {
    temporalio_protos::temporal::api::failure::v1::Failure::application_failure("for good".to_owned(), true)
}

pub(crate) fn cancelled() -> temporalio_protos::temporal::api::failure::v1::Failure {
    use temporalio_protos::temporal::api::failure::v1::{CanceledFailureInfo, Failure, failure::FailureInfo};
    Failure {
        message: "Activity cancelled".to_owned(),
        failure_info: Some(FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default())),
        ..Failure::default()
    }
}

/// How a run went.
pub struct Lived {
    pub trace: Vec<Exchange>,
    pub history: Vec<HistoryEvent>,
    /// A workflow task said that it was alive: that takes real time on the official core.
    pub heartbeats: bool,
    /// Its own history was nondeterminism to it, which ended it.
    pub failed: Option<String>,
}

/// Runs code from its start to its end, in a world of random events.
pub fn live(seed: u64, program: &Program) -> Lived {
    let mut author = Author::new(seed);
    let mut rng = Rng::new(seed ^ 0x0077_6f72_6c64);
    let mut worker = Ours::new(program.clone(), &author.run_id);
    let mut heartbeats = false;
    let may_beat = rng.chance(30);
    worker.wants_task = true;
    while let Some(task) = author.next_task(std::mem::take(&mut worker.wants_task)) {
        worker.task(task);
        loop {
            worker.pump(|exchange| serve(&mut author, exchange));
            if worker.running() == 0 {
                break;
            }
            if worker.wants_task {
                break;
            }
            if may_beat && rng.chance(20) {
                heartbeats = true;
                worker.heartbeat();
            } else {
                worker.end_local(&mut rng);
            }
        }
        if worker.failed.is_some() {
            break;
        }
        author.cached = worker.has_run();
        if let Some(query) = author.query().filter(|_| worker.running() == 0) {
            worker.task(query);
            worker.pump(|exchange| serve(&mut author, exchange));
            author.cached = worker.has_run();
        }
        if author.cached && author.evicts() {
            worker.evict();
            author.cached = false;
        }
    }
    worker.evict();
    Lived { trace: worker.trace, history: author.events, heartbeats, failed: worker.failed }
}

fn serve(author: &mut Author, exchange: &Exchange) -> Verdict {
    match exchange {
        Exchange::Completes(request) => {
            author.meanwhile();
            author.complete(request)
        }
        _ => Verdict::Taken,
    }
}

/// Replays a history, or the part of one that begins at its beginning and ends where a task starts. Local activities that begin in that task end.
pub fn replay(program: &Program, events: &[HistoryEvent], run_id: &str, page: Option<usize>) -> Ours {
    let mut rng = Rng::new(events.len() as u64);
    let mut worker = Ours::new(program.clone(), run_id);
    worker.page = page;
    worker.task(task_of(events, run_id));
    worker.pump(|_| Verdict::Taken);
    while worker.running() > 0 && !worker.is_answered() {
        worker.end_local(&mut rng);
        worker.pump(|_| Verdict::Taken);
    }
    worker.evict();
    worker
}
