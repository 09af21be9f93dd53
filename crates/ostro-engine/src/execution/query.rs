//! Queries: questions to the workflow's code that leave no trace.
//!
//! A query rides on the workflow task that is scheduled or in flight, so that its answer reflects every event before
//! it; where there is none it goes to a worker by itself.

use std::collections::{BTreeMap, HashMap};

use temporalio_protos::temporal::api::{
    enums::v1::QueryResultType,
    query::v1::{WorkflowQuery, WorkflowQueryResult},
    workflowservice::v1::{QueryWorkflowResponse, RespondQueryTaskCompletedRequest},
};

use super::{Effect, Transition};
use crate::base::error::{Error, Result};
use crate::base::token::TaskToken;
use crate::call::{Answer, HistorySlice, ReplyId, WorkflowTaskAnswer};
use crate::execution::state::live::LiveQuery;

impl Transition<'_> {
    /// Takes a query in; it is answered later.
    ///
    /// # Errors
    /// FAILED_PRECONDITION where no worker can answer it now, RESOURCE_EXHAUSTED beyond the limit of waiting queries.
    pub(crate) fn query(&mut self, reply: ReplyId, query: WorkflowQuery) -> Result<()> {
        let failing = self.config.workflow_task_attempts_failing;
        if self.exec.core.workflow_task_attempt >= failing && self.exec.is_open() {
            return Err(workflow_task_failed());
        }
        if self.exec.live.queries.len() >= self.config.queries_max {
            let limit = self.config.queries_max;
            let message = format!(
                "{limit} queries wait for workflow {} already: start a worker on {}",
                self.exec.core.workflow_id, self.exec.core.task_queue
            );
            return Err(Error::new(crate::base::error::ErrorKind::ResourceExhausted, message));
        }
        let number = self.exec.live.queries.last_key_value().map_or(1, |(n, _)| n + 1).max(self.now.nanos() as u64);
        let waits = self.exec.is_open() && (self.exec.has_workflow_task() || !self.exec.had_workflow_task());
        let live = LiveQuery { reply, query, with_workflow_task: waits, sent: false, sticky: None };
        self.exec.live.queries.insert(number, live);
        if !waits {
            self.effect(Effect::OfferQuery(self.exec.id, number));
        }
        Ok(())
    }

    /// Answers the queries that rode on the completed workflow task. The others ride on the next one; where none follows they
    /// go by themselves.
    pub(super) fn answer_queries(&mut self, results: HashMap<String, WorkflowQueryResult>) {
        // In the order in which they were asked: a map has none, and the engine must answer the same each time.
        let results: BTreeMap<u64, WorkflowQueryResult> =
            results.into_iter().filter_map(|(number, result)| Some((number.parse().ok()?, result))).collect();
        for (number, result) in results {
            if let Some(query) = self.exec.live.queries.remove(&number) {
                let failure = result.failure;
                let failed = result.result_type != QueryResultType::Answered as i32;
                let answer =
                    if failed { Err(Error::query_failed(result.error_message, failure)) } else { Ok(result.answer) };
                self.answer_query(query.reply, answer);
            }
        }
        if self.exec.has_workflow_task() {
            self.riding_queries().for_each(|(_, query)| query.sent = false);
        } else {
            self.release_queries();
        }
    }

    fn riding_queries(&mut self) -> impl Iterator<Item = (&u64, &mut LiveQuery)> {
        self.exec.live.queries.iter_mut().filter(|(_, query)| query.with_workflow_task)
    }

    /// Lets queries that rode on a workflow task, or wait for one, go by themselves.
    pub(super) fn release_queries(&mut self) {
        let mut released = Vec::new();
        for (number, query) in self.riding_queries() {
            query.with_workflow_task = false;
            query.sent = false;
            released.push(*number);
        }
        for number in released {
            self.effect(Effect::OfferQuery(self.exec.id, number));
        }
    }

    /// The workflow task in flight failed: its queries ride on the next, or fail where tasks keep failing.
    pub(super) fn unsend_queries(&mut self) {
        self.riding_queries().for_each(|(_, query)| query.sent = false);
        if self.exec.core.workflow_task_attempt >= self.config.workflow_task_attempts_failing {
            let queries = std::mem::take(&mut self.exec.live.queries);
            for query in queries.into_values() {
                self.answer(query.reply, Err(workflow_task_failed()));
            }
        }
    }

    /// A worker takes the query; `None` if it is gone.
    pub(crate) fn start_query(&mut self, number: u64, sticky: bool) -> Option<WorkflowTaskAnswer> {
        let query = self.exec.live.queries.get_mut(&number)?;
        query.sent = true;
        let query = query.query.clone();
        let exec = &*self.exec;
        let token = TaskToken {
            namespace: exec.core.namespace,
            execution: exec.id,
            workflow_id: exec.core.workflow_id.clone(),
            run_id: exec.core.run_id.clone(),
            query_id: number.to_string(),
            ..Default::default()
        };
        let mut response = exec.poll_response();
        response.task_token = token.to_bytes(self.seals);
        response.query = Some(query);
        let from = if sticky { exec.core.previous_started_event_id + 1 } else { 1 };
        let history: HistorySlice = exec.history_slice(from, exec.core.next_event_id, Vec::new());
        Some(WorkflowTaskAnswer { response, history })
    }

    /// A worker answers a query that went by itself.
    ///
    /// # Errors
    /// NOT_FOUND where the query is answered or its client gone.
    pub(crate) fn complete_query(&mut self, number: u64, request: RespondQueryTaskCompletedRequest) -> Result<()> {
        let query = self.exec.live.queries.remove(&number);
        let query = query.ok_or_else(|| Error::not_found("query task not found, or already expired"))?;
        let answered = request.completed_type == QueryResultType::Answered as i32;
        let answer = if answered {
            Ok(request.query_result)
        } else {
            Err(Error::query_failed(request.error_message, request.failure))
        };
        self.answer_query(query.reply, answer);
        Ok(())
    }

    fn answer_query(
        &mut self,
        reply: ReplyId,
        answer: Result<Option<temporalio_protos::temporal::api::common::v1::Payloads>>,
    ) {
        let answer = answer.map(|query_result| {
            Answer::QueryWorkflow(Box::new(QueryWorkflowResponse { query_result, ..Default::default() }))
        });
        self.answer(reply, answer);
    }
}

fn workflow_task_failed() -> Error {
    Error::workflow_not_ready("Unable to query workflow due to Workflow Task in failed state.")
}
