//! What workers do, on both sides.

use ostro_engine::time::{SECOND, Span, Time};
use ostro_engine::token::TaskToken;
use ostro_sim::model::{ActivityPlan, Attempt, Decision, Ending, Given, Run};
use temporalio_protos::temporal::api::{
    enums::v1::{ParentClosePolicy, WorkflowTaskFailedCause},
    workflowservice::v1::*,
};

use crate::calls;
use crate::pair::{Pair, WORKFLOWS, refusal};
use crate::real::NAMESPACE;

/// A workflow task that a worker has, or had.
#[derive(Debug, Clone)]
pub struct Held {
    run: i64,
    given: Given,
    token: Vec<u8>,
    updates: Vec<String>,
}

impl Pair {
    pub(super) fn poll_workflow(&mut self) {
        let Some(task) = self.real.workflow_task() else {
            let waiting = self.oracle.runs.iter().find(|run| run.offers_task()).map(|run| run.number);
            return self.same("no workflow task waits", None, waiting);
        };
        let token = TaskToken::peek(&task.response.task_token).unwrap();
        let mut updates: Vec<String> =
            task.response.messages.iter().map(|message| message.protocol_instance_id.clone()).collect();
        let mut expected = self.oracle.take_task(token.execution);
        updates.sort();
        expected.iter_mut().for_each(|updates| updates.sort());
        self.same(&format!("workflow task of run {}", token.execution), Some(updates.clone()), expected);
        let expected = self.oracle.run(token.execution).task.as_ref().map(|task| (task.attempt, task.scheduled));
        self.same("its attempt and event", Some((task.response.attempt, token.scheduled_event_id)), expected);
        self.tasks.push(Held {
            run: token.execution,
            given: Given {
                attempt: token.attempt,
                scheduled: token.scheduled_event_id,
                since: Time::from_nanos(token.started_time),
            },
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

    pub(super) fn complete_task(&mut self) {
        let Some(held) = self.held() else { return };
        let decisions = self.decide(&held);
        let start = self.oracle.run(held.run).start.clone();
        let real = refusal(self.real.ask(calls::completion(&held.token, &decisions, &start)).map(drop));
        let model = self.oracle.complete_task(held.run, held.given, &decisions);
        self.same(&format!("completion of run {}: {decisions:?}", held.run), real, model);
    }

    pub(super) fn fail_task(&mut self) {
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
        // Once in a completion: it may be gone after that.
        let running = self.operation_to_cancel(held.run);
        decisions.extend(running.filter(|_| self.below(3) == 0).map(Decision::CancelOperation));
        for _ in 0..self.below(4) {
            let decision = self.decision(held.run, decisions.len());
            decisions.extend(decision);
        }
        let is_waited_for = !self.oracle.run(held.run).callbacks().is_empty();
        let one_in = if self.is_calm() && !is_waited_for { 20 } else { 7 };
        if self.below(one_in) == 0 {
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
        Some(match self.below(if self.is_calm() { 18 } else { 14 }) {
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
            12.. => Decision::Operation(self.plan_of_operation(name)),
            10 | 11 => {
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
            schedule_to_close: self.pick(&[Span::ZERO, Span::ZERO, 23 * SECOND, 97 * SECOND]),
            schedule_to_start: self.pick(&[Span::ZERO, Span::ZERO, 13 * SECOND]),
            heartbeat: self.pick(&[Span::ZERO, Span::ZERO, 3 * SECOND]),
            attempts_max: self.pick(&[0, 1, 2, 3]),
        }
    }

    pub(super) fn poll_activity(&mut self) {
        let Some(task) = self.real.activity_task() else {
            let waiting = self.oracle.runs.iter().find_map(Run::offered_activity);
            return self.same("no activity task waits", None, waiting);
        };
        let token = TaskToken::peek(&task.task_token).unwrap();
        let attempt = self.oracle.take_activity(token.execution, token.scheduled_event_id);
        self.same(&format!("activity {} of run {}", task.activity_id, token.execution), Some(task.attempt), attempt);
        let attempt = Attempt {
            run: token.execution,
            scheduled: token.scheduled_event_id,
            number: token.attempt,
            since: Time::from_nanos(token.started_time),
        };
        self.activities.push((attempt, task.task_token));
    }

    pub(super) fn report_activity(&mut self) {
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
}
