//! QueryWorkflow and its answers.

use temporalio_protos::temporal::api::{
    enums::v1::QueryRejectCondition,
    query::v1::QueryRejected,
    workflowservice::v1::{
        QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest,
        RespondQueryTaskCompletedResponse,
    },
};

use crate::base::error::{Error, Result};
use crate::base::time::MINUTE;
use crate::call::ReplyId;
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers, answers_later};
use crate::engine::memory::waits::{Wait, WaitKind};
use crate::execution::Execution;
use crate::stored::persistence::Loader;

/// Longest a query waits for a worker where the client sets no deadline.
const QUERY_WAIT: crate::base::time::Span = MINUTE.times(10);

answers! {
    RespondQueryTaskCompletedRequest: |engine, request| engine.complete_query(request);
}

answers_later! {
    QueryWorkflowRequest: |engine, reply, request| engine.query_workflow(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn query_workflow(
        &mut self,
        reply: ReplyId,
        request: QueryWorkflowRequest,
    ) -> Result<Outcome<QueryWorkflowResponse>> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.execution.clone().unwrap_or_default();
        let id = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        let run = self.execution(id);
        if run.is_paused() || rejects(run, request.query_reject_condition()) {
            let query_rejected = Some(QueryRejected { status: run.core.status });
            return Ok(Outcome::Now(QueryWorkflowResponse { query_rejected, ..Default::default() }));
        }
        if !run.had_workflow_task() && !run.is_open() {
            return Err(Error::workflow_not_ready("Workflow execution closed before WorkflowTaskStarted event"));
        }
        if !run.had_workflow_task() && !run.has_workflow_task() {
            return Err(Error::workflow_not_ready("Workflow task is not scheduled yet."));
        }
        self.view(id, |t| t.query(reply, request.query.unwrap_or_default()))?;
        let until = self.now + QUERY_WAIT;
        self.waits.add(reply, Wait { execution: id, kind: WaitKind::Query { until }, deadline: until });
        Ok(Outcome::Later)
    }

    pub(crate) fn complete_query(
        &mut self,
        request: RespondQueryTaskCompletedRequest,
    ) -> Result<RespondQueryTaskCompletedResponse> {
        let token = self.token(&request.namespace, &request.task_token)?;
        let number =
            token.query_id.parse::<u64>().map_err(|_| Error::invalid("the task token is not that of a query"))?;
        let missing = || Error::not_found("query task not found, or already expired");
        let id = self.execution_of(&token, missing)?;
        self.view(id, |t| t.complete_query(number, request))?;
        Ok(RespondQueryTaskCompletedResponse::default())
    }
}

fn rejects(run: &Execution, condition: QueryRejectCondition) -> bool {
    use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
    match condition {
        QueryRejectCondition::NotOpen => !run.is_open(),
        QueryRejectCondition::NotCompletedCleanly => !run.is_open() && run.status() != Status::Completed,
        _ => false,
    }
}
