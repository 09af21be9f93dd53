//! Calls of clients, made to both sides.

use ostro_engine::call::WithDeadline;
use ostro_engine::token::TaskToken;
use ostro_sim::model::event::What;
use temporalio_protos::temporal::api::{
    enums::v1::{QueryResultType, WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse},
    workflowservice::v1::*,
};

use crate::calls;
use crate::pair::{Pair, refusal};
use crate::real::NAMESPACE;

impl Pair {
    pub(super) fn start(&mut self) {
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

    pub(super) fn signal_with_start(&mut self) {
        let (workflow, request, start) = (self.workflow(), self.request(), self.plan_of_start());
        let real = self.real.ask(calls::signal_with_start(&workflow, &request, &start, "with-start"));
        let real = refusal(real.map(|answer| answer.started));
        let model =
            self.oracle.signal_with_start(&workflow, &request, start, "with-start").map(|answer| answer.started);
        self.same(&format!("signal with start {workflow} {request}"), real, model);
    }

    pub(super) fn signal(&mut self) {
        let (workflow, request) = (self.workflow(), self.request());
        let real = refusal(self.real.ask(calls::signal(&workflow, "signal", &request)).map(drop));
        let model = self.oracle.signal(&workflow, "signal", &request);
        self.same(&format!("signal {workflow} {request}"), real, model);
    }

    pub(super) fn cancel(&mut self) {
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

    pub(super) fn terminate(&mut self) {
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
    pub(super) fn reset(&mut self) {
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
        // Sometimes after an operation was called, which the new run goes on with.
        let called = history.iter().position(|event| matches!(event.what, What::OperationScheduled { .. }));
        let from = called.filter(|_| self.below(2) == 0).unwrap_or(0);
        let numbered = (1..).zip(&history).skip(from);
        let points: Vec<i64> = numbered.filter(|(_, e)| is_point(&e.what)).map(|(id, _)| id).collect();
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

    pub(super) fn update(&mut self) {
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
    pub(super) fn query(&mut self) {
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
        let token = TaskToken::peek(&task.response.task_token).unwrap();
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
}
