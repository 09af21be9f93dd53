//! Both sides of the comparison, and the calls that are made to both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use ostro_engine::command::WithDeadline;
use ostro_engine::error::{Error, ErrorKind};
use ostro_engine::ids::Ids;
use ostro_engine::reply::ReplyId;
use ostro_engine::time::{MILLISECOND, MINUTE, SECOND, Span};
use ostro_engine::token::TaskToken;
use ostro_sim::model::event::What;
use ostro_sim::model::times::Cron;
use ostro_sim::model::{ActivityPlan, Attempt, Decision, Ending, Given, Oracle, Refusal, Start, Verdict};
use temporalio_protos::temporal::api::{
    enums::v1::{
        ParentClosePolicy, QueryResultType, WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse,
        WorkflowTaskFailedCause,
    },
    update::v1::outcome,
    workflowservice::v1::*,
};

use crate::calls;
use crate::real::{NAMESPACE, Real, start_of_time};

const WORKFLOWS: [&str; 3] = ["a", "b", "c"];

/// A workflow task that a worker has, or had.
#[derive(Debug, Clone)]
struct Held {
    run: i64,
    given: Given,
    token: Vec<u8>,
    updates: Vec<String>,
}

pub struct Pair {
    pub(super) seed: u64,
    pub(super) real: Real,
    pub(super) oracle: Oracle,
    chance: Ids,
    prints: bool,
    pub(super) number: usize,
    tasks: Vec<Held>,
    activities: Vec<(Attempt, Vec<u8>)>,
    /// Calls that wait for an update.
    updates: BTreeSet<ReplyId>,
    pub reached: BTreeSet<String>,
}

impl Pair {
    pub fn new(seed: u64, prints: bool) -> Self {
        let now = start_of_time();
        Self {
            seed,
            real: Real::new(now),
            oracle: Oracle::new(now),
            // Drawn once before: the generator walks one cycle, on which seeds that differ by a few steps say nearly the same.
            chance: Ids::new(Ids::new(seed).next_u64()),
            prints,
            number: 0,
            tasks: Vec::new(),
            activities: Vec::new(),
            updates: BTreeSet::new(),
            reached: BTreeSet::new(),
        }
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.chance.next_u64() % n as u64) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn note(&self, what: impl FnOnce() -> String) {
        if self.prints {
            eprintln!("{:>5} {:>14.3} {}", self.number, (self.real.now - start_of_time()) as f64 / 1e9, what());
        }
    }

    /// Both must say the same.
    #[track_caller]
    pub(super) fn same<T: Debug + PartialEq>(&mut self, what: &str, real: T, model: T) {
        self.note(|| format!("{what}: {real:?}"));
        assert_eq!(real, model, "seed {}, call {}: {what} (engine, model)", self.seed, self.number);
        let told = format!("{real:?}");
        for refusal in ["NotFound", "AlreadyExists", "InvalidArgument", "FailedPrecondition"] {
            if told.contains(&format!("Err({refusal})")) {
                self.reached.insert(refusal.to_owned());
            }
        }
    }

    /// One random call.
    pub fn call(&mut self) {
        self.number += 1;
        match self.below(100) {
            0..10 => self.start(),
            10..14 => self.signal_with_start(),
            14..20 => self.signal(),
            20..24 => self.call_schedule(),
            24..26 => self.cancel(),
            26 => self.terminate(),
            27 => self.reset(),
            28..35 => self.update(),
            35..38 => self.query(),
            38..54 => self.poll_workflow(),
            54..68 => self.complete_task(),
            68..71 => self.fail_task(),
            71..79 => self.poll_activity(),
            79..88 => self.report_activity(),
            88..98 => self.advance(),
            _ => self.restart(),
        }
        self.compare_told();
        if self.below(4) == 0 {
            self.compare_schedules();
        }
    }

    /// Mostly one that clients start, sometimes one that a schedule has started.
    fn workflow(&mut self) -> String {
        let scheduled: Vec<String> =
            self.oracle.schedules.values().flat_map(|s| &s.recent).map(|taken| taken.workflow.clone()).collect();
        match self.below(4) {
            0 if !scheduled.is_empty() => scheduled[self.below(scheduled.len())].clone(),
            _ => self.pick(&WORKFLOWS).to_owned(),
        }
    }

    pub(super) fn request(&mut self) -> String {
        // Sometimes one that was used before.
        let newest = self.number;
        format!("r{}", if self.below(8) == 0 { self.below(newest) } else { newest })
    }

    pub(super) fn plan_of_start(&mut self) -> Start {
        let cron = match self.below(8) {
            0 => Some(self.pick(&[Cron::Every(9 * SECOND), Cron::Every(40 * SECOND), Cron::Minutes(2)])),
            _ => None,
        };
        Start {
            input: format!("input {}", self.number),
            attempts_max: self.pick(&[None, None, Some(0), Some(2), Some(3)]),
            run_timeout: self.pick(&[0, 0, 0, 37 * SECOND, 311 * SECOND]),
            delay: if cron.is_some() { 0 } else { self.pick(&[0, 0, 0, 0, 7 * SECOND]) },
            cron,
        }
    }

    fn start(&mut self) {
        let (workflow, request, start) = (self.workflow(), self.request(), self.plan_of_start());
        let reuse = self.pick(&[
            Reuse::AllowDuplicate,
            Reuse::AllowDuplicateFailedOnly,
            Reuse::RejectDuplicate,
            Reuse::Unspecified,
        ]);
        let conflict =
            self.pick(&[Conflict::Fail, Conflict::UseExisting, Conflict::TerminateExisting, Conflict::Unspecified]);
        let real = self.real.ask(calls::start(&workflow, &request, &start, (reuse, conflict)));
        let real = refusal(real.map(|answer| answer.response.started));
        let model = self.oracle.start(&workflow, &request, start, (reuse, conflict)).map(|answer| answer.started);
        self.same(&format!("start {workflow} {request} {reuse:?} {conflict:?}"), real, model);
    }

    fn signal_with_start(&mut self) {
        let (workflow, request, start) = (self.workflow(), self.request(), self.plan_of_start());
        let real = self.real.ask(calls::signal_with_start(&workflow, &request, &start, "with-start"));
        let real = refusal(real.map(|answer| answer.started));
        let model =
            self.oracle.signal_with_start(&workflow, &request, start, "with-start").map(|answer| answer.started);
        self.same(&format!("signal with start {workflow} {request}"), real, model);
    }

    fn signal(&mut self) {
        let (workflow, request) = (self.workflow(), self.request());
        let real = refusal(self.real.ask(calls::signal(&workflow, "signal", &request)).map(drop));
        let model = self.oracle.signal(&workflow, "signal", &request);
        self.same(&format!("signal {workflow} {request}"), real, model);
    }

    fn cancel(&mut self) {
        let workflow = self.workflow();
        let request = RequestCancelWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: calls::execution(&workflow),
            ..Default::default()
        };
        let real = refusal(self.real.ask(request).map(drop));
        let model = self.oracle.cancel(&workflow);
        self.same(&format!("cancel {workflow}"), real, model);
    }

    fn terminate(&mut self) {
        let workflow = self.workflow();
        let request = TerminateWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: calls::execution(&workflow),
            ..Default::default()
        };
        let real = refusal(self.real.ask(request).map(drop));
        let model = self.oracle.terminate(&workflow);
        self.same(&format!("terminate {workflow}"), real, model);
    }

    /// To a workflow task that is decided, mostly.
    fn reset(&mut self) {
        let (workflow, request) = (self.workflow(), format!("reset {}", self.number));
        let newest = self.oracle.newest(&workflow);
        let history = newest.map(|run| self.oracle.run(run).history.clone()).unwrap_or_default();
        let is_point = |what: &What| {
            matches!(
                what,
                What::TaskStarted { .. }
                    | What::TaskCompleted { .. }
                    | What::TaskFailed { .. }
                    | What::TaskTimedOut { .. }
            )
        };
        let points: Vec<i64> = (1..).zip(&history).filter(|(_, e)| is_point(&e.what)).map(|(id, _)| id).collect();
        let finish = match points.is_empty() || self.below(5) == 0 {
            true => self.below(history.len() + 3) as i64,
            false => self.pick(&points),
        };
        let reset = ResetWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: calls::execution(&workflow),
            workflow_task_finish_event_id: finish,
            request_id: request.clone(),
            ..Default::default()
        };
        let real = refusal(self.real.ask(reset).map(drop));
        let model = self.oracle.reset(&workflow, finish, &request).map(drop);
        self.same(&format!("reset {workflow} to {finish}"), real, model);
    }

    fn update(&mut self) {
        let (workflow, id) = (self.workflow(), format!("u{}", self.below(40)));
        let call = self.real.send(calls::update(&workflow, &id));
        let model = self.oracle.update(&workflow, &id, call);
        let waits = model.is_ok();
        let what = format!("update {workflow} {id}");
        if waits {
            self.note(|| what);
            self.updates.insert(call);
        } else {
            let real = self.real.answer::<WithDeadline<UpdateWorkflowExecutionRequest>>(call);
            self.same(&what, real.map(|answer| refusal(answer.map(drop))), Some(model));
        }
    }

    /// Only where it need not share a workflow task.
    fn query(&mut self) {
        let workflow = self.workflow();
        let newest = self.oracle.newest(&workflow);
        if newest.is_some_and(|run| self.oracle.run(run).task.is_some()) {
            return;
        }
        let call = self.real.send(calls::query(&workflow));
        let model = self.oracle.query(&workflow);
        let what = format!("query {workflow}");
        if model.is_err() {
            let real = self.real.answer::<QueryWorkflowRequest>(call);
            return self.same(&what, real.map(|answer| refusal(answer.map(drop))), Some(model));
        }
        let task = self.real.workflow_task().expect("a query goes before every task");
        let token = TaskToken::parse(&task.response.task_token).unwrap();
        self.same(&what, Some(token.execution), newest);
        let answer = RespondQueryTaskCompletedRequest {
            namespace: NAMESPACE.into(),
            task_token: task.response.task_token,
            completed_type: QueryResultType::Answered as i32,
            query_result: calls::payloads("answer"),
            ..Default::default()
        };
        self.real.ask(answer).unwrap();
        let answered = self.real.answer::<QueryWorkflowRequest>(call).expect("it is answered").unwrap();
        assert_eq!(answered.query_result, calls::payloads("answer"));
    }

    fn poll_workflow(&mut self) {
        let Some(task) = self.real.workflow_task() else {
            let waits = |run: &&ostro_sim::model::Run| run.task.as_ref().is_some_and(|task| task.started.is_none());
            let waiting = self.oracle.runs.iter().find(waits).map(|run| run.number);
            return self.same("no workflow task waits", None, waiting);
        };
        let token = TaskToken::parse(&task.response.task_token).unwrap();
        let mut updates: Vec<String> =
            task.response.messages.iter().map(|message| message.protocol_instance_id.clone()).collect();
        let mut expected = self.oracle.take_task(token.execution);
        updates.sort();
        expected.iter_mut().for_each(|updates| updates.sort());
        self.same(&format!("workflow task of run {}", token.execution), Some(updates.clone()), expected);
        let attempt = self.oracle.run(token.execution).task.as_ref().map(|task| task.attempt);
        self.same("its attempt", Some(task.response.attempt), attempt);
        self.tasks.push(Held {
            run: token.execution,
            given: Given { attempt: token.attempt, scheduled: token.scheduled_event_id, since: token.started_time },
            token: task.response.task_token,
            updates,
        });
    }

    /// A task that a worker holds; sometimes one that it lost long ago.
    fn held(&mut self) -> Option<Held> {
        if self.tasks.is_empty() {
            return None;
        }
        let at = match self.below(8) {
            0 => self.below(self.tasks.len()),
            _ => self.tasks.len() - 1 - self.below(self.tasks.len().min(3)),
        };
        let keeps = self.below(8) == 0;
        Some(if keeps { self.tasks[at].clone() } else { self.tasks.remove(at) })
    }

    fn complete_task(&mut self) {
        let Some(held) = self.held() else { return };
        let decisions = self.decide(&held);
        let start = self.oracle.run(held.run).start.clone();
        let real = refusal(self.real.ask(calls::completion(&held.token, &decisions, &start)).map(drop));
        let model = self.oracle.complete_task(held.run, held.given, &decisions);
        self.same(&format!("completion of run {}: {decisions:?}", held.run), real, model);
    }

    fn fail_task(&mut self) {
        let Some(held) = self.held() else { return };
        let request = RespondWorkflowTaskFailedRequest {
            namespace: NAMESPACE.into(),
            task_token: held.token,
            cause: WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure as i32,
            failure: calls::failure(false),
            ..Default::default()
        };
        let real = refusal(self.real.ask(request).map(drop));
        let model = self.oracle.fail_task(held.run, held.given);
        self.same(&format!("failed task of run {}", held.run), real, model);
    }

    fn decide(&mut self, held: &Held) -> Vec<Decision> {
        if !self.oracle.run(held.run).has_task(held.given) {
            return Vec::new(); // It is refused whatever it says.
        }
        let mut decisions = self.answers(held);
        for _ in 0..self.below(4) {
            let decision = self.decision(held.run, decisions.len());
            decisions.extend(decision);
        }
        if self.below(7) == 0 {
            let ending = self.pick(&[
                Ending::Completes,
                Ending::Completes,
                Ending::Fails { for_good: false },
                Ending::Fails { for_good: true },
                Ending::Cancels,
                Ending::ContinuesAsNew,
            ]);
            decisions.push(Decision::End(ending));
        }
        decisions
    }

    /// What it says of the updates that came with it, and of those that it has accepted before.
    fn answers(&mut self, held: &Held) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for id in self.oracle.run(held.run).updates.open() {
            if self.below(2) == 0 {
                decisions.push(Decision::Answer(id));
            }
        }
        for id in self.oracle.run(held.run).updates.admitted_by_event() {
            decisions.extend([Decision::Accept(id.clone()), Decision::Answer(id)]);
        }
        for id in held.updates.clone() {
            match self.below(5) {
                0 => {}
                1 if self.oracle.run(held.run).updates.is_sent(&id) => decisions.push(Decision::Reject(id)),
                2 => decisions.push(Decision::Accept(id)),
                _ => decisions.extend([Decision::Accept(id.clone()), Decision::Answer(id)]),
            }
        }
        decisions
    }

    fn decision(&mut self, run: i64, place: usize) -> Option<Decision> {
        let name = format!("{}-{place}", self.number);
        Some(match self.below(12) {
            0..4 => Decision::Activity(self.plan_of_activity(name)),
            4 => {
                let run = self.oracle.run(run);
                let running = run.activities.iter().find(|(_, activity)| !activity.cancel_requested);
                // Once in a completion: it may be gone after that.
                Decision::CancelActivity(*running.filter(|_| place == 0)?.0)
            }
            5..8 => Decision::Timer(name, self.span()),
            8 => {
                let timer = self.oracle.run(run).timers.keys().next().cloned();
                Decision::CancelTimer(timer.filter(|_| place == 0)?)
            }
            9 => Decision::Marker,
            _ => {
                let policy = self.pick(&[
                    ParentClosePolicy::Terminate,
                    ParentClosePolicy::RequestCancel,
                    ParentClosePolicy::Abandon,
                ]);
                Decision::Child(self.pick(&WORKFLOWS).to_owned(), policy)
            }
        })
    }

    fn plan_of_activity(&mut self, id: String) -> ActivityPlan {
        ActivityPlan {
            id,
            start_to_close: self.pick(&[5, 17, 61]) * SECOND,
            schedule_to_close: self.pick(&[0, 0, 23 * SECOND, 97 * SECOND]),
            schedule_to_start: self.pick(&[0, 0, 13 * SECOND]),
            heartbeat: self.pick(&[0, 0, 3 * SECOND]),
            attempts_max: self.pick(&[0, 1, 2, 3]),
        }
    }

    pub(super) fn span(&mut self) -> Span {
        let low = self.pick(&[MILLISECOND, 50 * MILLISECOND, SECOND, 10 * SECOND, MINUTE]);
        low + self.below(low as usize) as Span
    }

    fn poll_activity(&mut self) {
        let Some(task) = self.real.activity_task() else {
            let waits = |run: &ostro_sim::model::Run| {
                run.activities.iter().find(|(_, a)| a.state == ostro_sim::model::State::Waiting).map(|(id, _)| *id)
            };
            let waiting = self.oracle.runs.iter().find_map(waits);
            return self.same("no activity task waits", None, waiting);
        };
        let token = TaskToken::parse(&task.task_token).unwrap();
        let attempt = self.oracle.take_activity(token.execution, token.scheduled_event_id);
        self.same(&format!("activity {} of run {}", task.activity_id, token.execution), Some(task.attempt), attempt);
        let attempt = Attempt {
            run: token.execution,
            scheduled: token.scheduled_event_id,
            number: token.attempt,
            since: token.started_time,
        };
        self.activities.push((attempt, task.task_token));
    }

    fn report_activity(&mut self) {
        if self.activities.is_empty() {
            return;
        }
        let at = self.below(self.activities.len());
        let (attempt, task_token) = self.activities[at].clone();
        let what = format!("of activity {} of run {}", attempt.scheduled, attempt.run);
        let namespace = NAMESPACE.to_owned();
        let how = self.below(10);
        if how < 7 && self.below(8) != 0 {
            self.activities.remove(at);
        }
        match how {
            0..3 => {
                let result = format!("result {}", self.number);
                let request = RespondActivityTaskCompletedRequest {
                    namespace,
                    task_token,
                    result: calls::payloads(&result),
                    ..Default::default()
                };
                let real = refusal(self.real.ask(request).map(drop));
                let model = self.oracle.complete_activity(attempt, &result);
                self.same(&format!("completion {what}"), real, model);
            }
            3..6 => {
                let for_good = self.below(4) == 0;
                let failure = calls::failure(for_good);
                let request = RespondActivityTaskFailedRequest { namespace, task_token, failure, ..Default::default() };
                let real = refusal(self.real.ask(request).map(drop));
                let model = self.oracle.fail_activity(attempt, for_good);
                self.same(&format!("failure {what}"), real, model);
            }
            6 => {
                let request = RespondActivityTaskCanceledRequest { namespace, task_token, ..Default::default() };
                let real = refusal(self.real.ask(request).map(drop));
                let model = self.oracle.cancel_activity(attempt);
                self.same(&format!("cancellation {what}"), real, model);
            }
            _ => {
                let request = RecordActivityTaskHeartbeatRequest { namespace, task_token, ..Default::default() };
                let real = refusal(self.real.ask(request).map(|answer| answer.cancel_requested));
                let model = self.oracle.heartbeat(attempt);
                self.same(&format!("heartbeat {what}"), real, model);
            }
        }
    }

    fn advance(&mut self) {
        let until = self.real.now + self.span();
        self.note(|| "time passes".to_owned());
        self.real.advance(until);
        self.oracle.advance(until);
    }

    fn restart(&mut self) {
        let away = self.pick(&[0, 0, 7 * SECOND, 50 * SECOND, 3 * MINUTE]);
        self.note(|| format!("the process dies and comes back after {} s", away / SECOND));
        self.real.now += away;
        let now = self.real.now;
        self.real.restart();
        self.oracle.restart();
        self.oracle.sleep(now);
        self.updates.clear();
        // Before anything else it does what has come meanwhile.
        self.real.advance(now);
        self.oracle.advance(now);
    }

    /// Answers to updates that came with the last call.
    fn compare_told(&mut self) {
        let mut model: BTreeMap<ReplyId, Verdict> = self.oracle.told().into_iter().collect();
        model.retain(|call, _| self.updates.contains(call));
        let mut real = BTreeMap::new();
        for call in self.updates.clone() {
            let Some(answer) = self.real.answer::<WithDeadline<UpdateWorkflowExecutionRequest>>(call) else { continue };
            self.updates.remove(&call);
            match verdict(answer) {
                Some(verdict) => drop(real.insert(call, verdict)),
                // The engine's patience with a waiting call is over, which the model does not know; the update goes on.
                None => drop(model.remove(&call)),
            }
        }
        if !real.is_empty() || !model.is_empty() {
            self.same("updates answered", real, model);
        }
    }

    pub fn compare_histories(&mut self) {
        let runs = self.oracle.runs.len() as i64;
        let stored = self.real.runs();
        self.same("runs", stored, runs);
        for number in 1..=runs {
            let (real, model) = (self.real.history(number), self.oracle.run(number).history.clone());
            for event in &model {
                if matches!(event.what, What::Started { .. }) && self.oracle.run(number).start.cron.is_some() {
                    self.reached.insert("run by cron".to_owned());
                }
                let name = format!("{:?}", event.what);
                self.reached.insert(name.split([' ', '(']).next().unwrap_or_default().to_owned());
            }
            let differs = real.iter().zip(&model).position(|(real, model)| real != model);
            let at = differs.or((real.len() != model.len()).then_some(real.len().min(model.len())));
            if let Some(at) = at {
                let (real, model) = (&real[at.saturating_sub(3)..], &model[at.saturating_sub(3)..]);
                panic!("seed {}: run {number}, event {}\nengine {real:#?}\nmodel {model:#?}", self.seed, at + 1);
            }
        }
    }
}

/// An answer in the model's words.
pub(super) fn refusal<T>(answer: Result<T, Error>) -> Result<T, Refusal> {
    answer.map_err(|error| match error.kind {
        ErrorKind::NotFound => Refusal::NotFound,
        ErrorKind::AlreadyExists => Refusal::AlreadyExists,
        ErrorKind::FailedPrecondition => Refusal::FailedPrecondition,
        ErrorKind::ResourceExhausted => Refusal::ResourceExhausted,
        ErrorKind::InvalidArgument => Refusal::InvalidArgument,
        kind => panic!("the engine refuses with {kind:?}: {error}"),
    })
}

fn verdict(answer: Result<UpdateWorkflowExecutionResponse, Error>) -> Option<Verdict> {
    let Ok(answer) = answer else { return Some(Verdict::Aborted) };
    Some(match answer.outcome?.value? {
        outcome::Value::Success(_) => Verdict::Completed,
        outcome::Value::Failure(failure) if failure.message == calls::REJECTED => Verdict::Rejected,
        outcome::Value::Failure(failure) if failure.message.contains("rejected because") => Verdict::Rejected,
        outcome::Value::Failure(_) => Verdict::Aborted,
    })
}
