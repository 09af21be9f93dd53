//! ResetWorkflowExecution.

use std::collections::BTreeSet;

use temporalio_protos::temporal::api::{
    history::v1::{HistoryEvent, WorkflowExecutionTerminatedEventAttributes, history_event::Attributes},
    workflow::v1::{PostResetOperation, WorkflowExecutionOptions, post_reset_operation::Variant},
    workflowservice::v1::{ResetWorkflowExecutionRequest, ResetWorkflowExecutionResponse},
};

use crate::base::error::{Error, ErrorKind, Result};
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::engine::memory::unsettled::decode_all;
use crate::execution::Execution;
use crate::execution::rebuild::{Origin, rebuild};
use crate::execution::workflow::options::check_mask;
use crate::execution::workflow::reset::{Exclude, Reset};
use crate::stored::execution::Child;
use crate::stored::persistence::{Damaged, ExecutionId, HistoryBatch, Loader, Write};

/// Options, and which of them are set.
type OptionChange = (WorkflowExecutionOptions, Vec<String>);

answers! {
    ResetWorkflowExecutionRequest: |engine, request| engine.reset_workflow(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn reset_workflow(
        &mut self,
        request: ResetWorkflowExecutionRequest,
    ) -> Result<ResetWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.clone().unwrap_or_default();
        let base = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        let finish = request.workflow_task_finish_event_id;
        if finish <= 1 || finish >= self.execution(base).core.next_event_id {
            return Err(Error::invalid("Workflow task finish ID must be > 1 && <= workflow last event ID."));
        }
        let options = option_changes(&request.post_reset_operations)?;
        let current = self.newest(namespace, &execution.workflow_id)?.unwrap_or(base);
        if !request.request_id.is_empty() && self.execution(current).core.reset_request_id == request.request_id {
            return Ok(ResetWorkflowExecutionResponse { run_id: self.execution(current).core.run_id.clone() });
        }
        let prefix = self.history(base, 1, finish).map_err(|damaged| unreadable(&execution.workflow_id, &damaged))?;
        let rebuilt = self.rebuild_for_reset(base, &prefix, finish)?;
        let run_id = rebuilt.core.run_id.clone();
        let exclude = Exclude::of(request.reset_reapply_type(), request.reset_reapply_exclude_types());
        // Read before anything is changed, as it may be damaged; the end of the open run may add to it.
        let readable = self.later_events(base, finish, &exclude)?;
        if self.execution(current).is_open() {
            self.step(current, |t| t.terminate_for_reset(request.reason.clone()));
        }
        // Whoever reports to one of them, a child that it started, reports to the new run.
        for replaced in BTreeSet::from([base, current]) {
            self.step(replaced, |t| t.exec.core.reset_run_id.clone_from(&run_id));
        }
        let later = self.later_events(base, finish, &exclude).unwrap_or(readable);
        self.start_reset_run(base, rebuilt, prefix, request, (options, exclude, later));
        Ok(ResetWorkflowExecutionResponse { run_id })
    }

    fn rebuild_for_reset(&mut self, base: ExecutionId, prefix: &[HistoryBatch], finish: i64) -> Result<Execution> {
        let now = self.now;
        let core = &self.cache.get(base).expect("the caller found it").core;
        let origin = Origin {
            execution: self.next_execution,
            namespace: core.namespace,
            workflow_id: core.workflow_id.clone(),
            run_id: self.ids.uuid(),
            request_id: core.start_request_id.clone(),
            parent_execution: core.parent_execution,
            start_time: Some(now),
        };
        let events = decode_all(prefix).map_err(|damaged| unreadable(&origin.workflow_id, &damaged))?;
        let mut rebuilt = rebuild(&origin, &events, &mut self.ids)?;
        if rebuilt.core.workflow_task.is_none() {
            return Err(Error::invalid(format!(
                "Can only reset workflow to event ID in range [WorkflowTaskScheduled +1, WorkflowTaskStarted + 1]: {finish}"
            )));
        }
        rebuilt.core.history_bytes = prefix.iter().map(|batch| batch.events.len() as i64).sum();
        Ok(rebuilt)
    }

    fn start_reset_run(
        &mut self,
        base: ExecutionId,
        mut rebuilt: Execution,
        prefix: Vec<HistoryBatch>,
        request: ResetWorkflowExecutionRequest,
        (options, exclude, later): (Vec<OptionChange>, Exclude, Vec<HistoryEvent>),
    ) {
        let id = self.next_execution;
        self.next_execution += 1;
        for HistoryBatch { first, next, events } in prefix {
            self.out.writes.push(Write::AppendHistory { execution: id, first, next, events });
        }
        rebuilt.core.reset_request_id.clone_from(&request.request_id);
        let base_run_id = self.execution(base).core.run_id.clone();
        self.cache.insert(Box::new(rebuilt), true);
        let reset = Reset { base_run_id, reason: request.reason, later, exclude, options };
        self.step(id, |t| t.begin_reset_run(reset));
        self.report_ended_children(id);
    }

    /// Children of before the reset point that ended when nobody listened any more, after the end of the old run: the new
    /// one would wait for them for ever.
    fn report_ended_children(&mut self, id: ExecutionId) {
        let started = self.execution(id).children.iter().filter(|(_, child)| child.started_event_id != 0);
        let started: Vec<(i64, Child)> = started.map(|(initiated, child)| (*initiated, child.clone())).collect();
        for (initiated, child) in started {
            if let Some((run_id, outcome)) = self.outcome_of_child(&child) {
                self.step(id, |t| t.child_closed(initiated, &run_id, &outcome));
            }
        }
    }

    /// How the chain of the child's runs ended, with the last of them; `None` while it goes on. One that was deleted
    /// counts as terminated.
    fn outcome_of_child(&mut self, child: &Child) -> Option<(String, Attributes)> {
        let initiated = child.initiated.clone().unwrap_or_default();
        let namespace = self.namespaces.get(&initiated.namespace).ok()?.id;
        let mut run_id = child.run_id.clone();
        loop {
            let run = match self.find(namespace, &initiated.workflow_id, &run_id) {
                Ok(run) => run,
                // It tells its end itself once it is back.
                Err(error) if error.kind == ErrorKind::DataLoss => return None,
                Err(_) => break,
            };
            let core = &self.execution(run).core;
            if self.execution(run).is_open() {
                return None;
            }
            if core.next_run_id.is_empty() {
                let last = self.history_events(run, core.next_event_id - 1, core.next_event_id).ok()?.pop()?;
                return Some((run_id, last.attributes?));
            }
            run_id = core.next_run_id.clone();
        }
        Some((run_id, WorkflowExecutionTerminatedEventAttributes::default().into()))
    }

    /// Events from `from` on, of the run and of those that it continued as; none where the reset excludes all.
    ///
    /// # Errors
    /// DATA_LOSS where they cannot be read.
    fn later_events(&mut self, base: ExecutionId, from: i64, exclude: &Exclude) -> Result<Vec<HistoryEvent>> {
        if exclude.is_everything() {
            return Ok(Vec::new());
        }
        let (namespace, workflow_id) = {
            let core = &self.execution(base).core;
            (core.namespace, core.workflow_id.clone())
        };
        let lost = |damaged| unreadable(&workflow_id, &damaged);
        let mut events = self.history_events(base, from, i64::MAX).map_err(lost)?;
        while let Some(next) = continued_as(&events) {
            let run = match self.find(namespace, &workflow_id, &next) {
                Ok(run) => run,
                Err(error) if error.kind == ErrorKind::DataLoss => return Err(error),
                Err(_) => break,
            };
            events.extend(self.history_events(run, 1, i64::MAX).map_err(lost)?);
        }
        Ok(events)
    }
}

fn unreadable(workflow_id: &str, damaged: &Damaged) -> Error {
    Error::set_aside(&format!("the history of workflow {workflow_id:?}"), &damaged.0)
}

fn continued_as(events: &[HistoryEvent]) -> Option<String> {
    match events.last()?.attributes.as_ref()? {
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(a) => Some(a.new_execution_run_id.clone()),
        _ => None,
    }
}

/// The changes of options that a reset is to make.
///
/// # Errors
/// INVALID_ARGUMENT for other operations, and for masks that make no sense.
fn option_changes(operations: &[PostResetOperation]) -> Result<Vec<OptionChange>> {
    operations.iter().map(option_change).collect()
}

fn option_change(operation: &PostResetOperation) -> Result<OptionChange> {
    let Some(Variant::UpdateWorkflowOptions(update)) = &operation.variant else {
        return Err(Error::invalid(
            "unsupported post reset operation: update the workflow's options, or signal it after the reset",
        ));
    };
    let mask = update.update_mask.clone().map(|mask| mask.paths).unwrap_or_default();
    check_mask(&mask)?;
    Ok((update.workflow_execution_options.clone().unwrap_or_default(), mask))
}
