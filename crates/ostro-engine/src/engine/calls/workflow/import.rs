//! Runs that another server began.

use temporalio_protos::temporal::api::history::v1::{
    HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes,
};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::ids::is_uuid;
use crate::call::{ImportExecution, ImportedExecution};
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::execution::Execution;
use crate::execution::rebuild::{Origin, rebuild};
use crate::invariants::Progress;
use crate::stored::execution::STANDALONE_MARK;
use crate::stored::map_order;
use crate::stored::persistence::{Loader, NamespaceId, Write};

/// Events in one row: pages of history are read by whole rows.
const EVENTS_PER_ROW: usize = 64;

answers! {
    ImportExecution: |engine, request| engine.import_execution(request);
}

impl<L: Loader> Engine<L> {
    /// Takes over a run: its state is rebuilt from its history, and what was pending goes on here.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for what is no history, ALREADY_EXISTS for a run that is here, FAILED_PRECONDITION where another
    /// run of the workflow id stands in the way.
    pub(crate) fn import_execution(&mut self, request: ImportExecution) -> Result<ImportedExecution> {
        let namespace = self.namespaces.get(&request.namespace)?;
        let id = namespace.id;
        let started = started_of(&request.events)?;
        if let Some(attributes) = &started.search_attributes {
            namespace.check_attributes(attributes)?;
        }
        let origin = self.origin(id, &request, started)?;
        let progress = progress_of(&request.events)?;
        let rebuilt = rebuild(&origin, &request.events, &mut self.ids)?;
        self.check_room(id, &origin, &rebuilt)?;
        if rebuilt.is_open() {
            self.check_quota(id)?;
        }
        Ok(self.begin_import(rebuilt, request.events, progress.has_news()))
    }

    fn origin(
        &mut self,
        namespace: NamespaceId,
        request: &ImportExecution,
        started: &WorkflowExecutionStartedEventAttributes,
    ) -> Result<Origin> {
        let or = |given: &str, told: &str| if given.is_empty() { told.to_owned() } else { given.to_owned() };
        let workflow_id = or(&request.workflow_id, &started.workflow_id);
        let run_id = or(&request.run_id, run_id_of(&request.events, started));
        if workflow_id.is_empty() || workflow_id.starts_with(STANDALONE_MARK) {
            return Err(Error::invalid("the history does not say its workflow id: name it"));
        }
        if workflow_id.len() > self.config.id_length_max {
            return Err(Error::invalid("the workflow id is longer than ids may be here: raise id_length_max"));
        }
        if !is_uuid(&run_id) {
            return Err(Error::invalid(format!("the run id {run_id:?} is no UUID: name that of the run")));
        }
        let parent = started.parent_workflow_execution.clone();
        let parent_namespace = self.namespaces.get(&started.parent_workflow_namespace).map(|namespace| namespace.id);
        let parent = parent.zip(parent_namespace.ok()).map(|(parent, id)| self.find_parent(id, &parent)).transpose()?;
        Ok(Origin {
            execution: self.next_execution,
            namespace,
            workflow_id,
            run_id,
            request_id: self.ids.uuid(),
            parent_execution: parent.flatten().unwrap_or_default(),
            start_time: None,
        })
    }

    /// Refuses a run that is here, and one that would come before the newest of its workflow id.
    fn check_room(&mut self, namespace: NamespaceId, origin: &Origin, rebuilt: &Execution) -> Result<()> {
        let (workflow_id, run_id) = (&origin.workflow_id, &origin.run_id);
        match self.find(namespace, workflow_id, run_id) {
            Err(error) if error.kind == ErrorKind::DataLoss => return Err(error),
            Err(_) => {}
            Ok(_) => {
                let message = format!("run {run_id} of workflow {workflow_id} is here already");
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
        }
        let Some(newest) = self.newest(namespace, workflow_id)? else { return Ok(()) };
        let newest = self.execution(newest);
        if newest.is_open() && rebuilt.is_open() {
            return Err(Error::failed_precondition(format!(
                "workflow {workflow_id} runs here as run {}: terminate that run first, or import under another workflow id",
                newest.core.run_id
            )));
        }
        if newest.core.start_time() > rebuilt.core.start_time() {
            return Err(Error::failed_precondition(format!(
                "run {} of workflow {workflow_id} is here and started later: import the runs of a workflow id in their order",
                newest.core.run_id
            )));
        }
        Ok(())
    }

    fn begin_import(&mut self, mut rebuilt: Execution, events: Vec<HistoryEvent>, news: bool) -> ImportedExecution {
        let id = self.next_execution;
        self.next_execution += 1;
        let mut bytes = 0;
        for row in events.chunks(EVENTS_PER_ROW) {
            let (first, next) = (row[0].event_id, row[0].event_id + row.len() as i64);
            let events = map_order::history(row.to_vec());
            bytes += events.len() as i64;
            self.out.writes.push(Write::AppendHistory { execution: id, first, next, events });
        }
        rebuilt.core.history_bytes = bytes;
        self.cache.insert(Box::new(rebuilt), true);
        self.step(id, |t| {
            t.begin_imported(news);
            t.exec.touch_visibility();
        });
        let core = &self.execution(id).core;
        ImportedExecution { workflow_id: core.workflow_id.clone(), run_id: core.run_id.clone(), status: core.status }
    }
}

fn started_of(events: &[HistoryEvent]) -> Result<&WorkflowExecutionStartedEventAttributes> {
    match events.first().and_then(|event| event.attributes.as_ref()) {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) => Ok(started),
        _ => Err(Error::invalid("a history begins with WorkflowExecutionStarted")),
    }
}

/// The run's own id: the one it began with, or the one that its last reset gave it.
fn run_id_of<'a>(events: &'a [HistoryEvent], started: &'a WorkflowExecutionStartedEventAttributes) -> &'a str {
    let reset = events.iter().rev().find_map(|event| match event.attributes.as_ref()? {
        Attributes::WorkflowTaskFailedEventAttributes(a) if !a.new_run_id.is_empty() => Some(a.new_run_id.as_str()),
        _ => None,
    });
    reset.unwrap_or(&started.original_execution_run_id)
}

fn progress_of(events: &[HistoryEvent]) -> Result<Progress> {
    let mut progress = Progress::default();
    for event in events {
        progress.push(event).map_err(Error::invalid)?;
    }
    Ok(progress)
}
