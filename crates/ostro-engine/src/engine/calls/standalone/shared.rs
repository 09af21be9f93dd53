//! What activities and Nexus operations without a workflow have in common: how they are found, and deleted.

use temporalio_protos::temporal::api::common::v1::{Callback, Link};

use crate::base::error::{Error, ErrorKind, Result};
use crate::engine::Engine;
use crate::execution::Transition;
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

/// What another request may leave with an execution that is there already.
pub(crate) struct Attached {
    pub request_id: String,
    /// Whether it leaves anything.
    pub wanted: bool,
    pub callbacks: Vec<Callback>,
    pub links: Vec<Link>,
}

impl<L: Loader> Engine<L> {
    /// The same request may come again: it leaves its things once.
    pub(crate) fn attach(&mut self, existing: ExecutionId, attached: Attached) {
        let Attached { request_id, wanted, callbacks, links } = attached;
        if wanted && !self.execution(existing).core.request_ids.contains_key(&request_id) {
            self.step(existing, |t| t.attach_to_standalone(&request_id, &callbacks, links));
        }
    }

    /// The request that started the newest run under this id, and the run.
    pub(crate) fn started_by(&mut self, namespace: NamespaceId, execution: &str) -> (String, String) {
        let newest = self.newest(namespace, execution).ok().flatten();
        let core = newest.map(|id| &self.execution(id).core);
        core.map(|core| (core.start_request_id.clone(), core.run_id.clone())).unwrap_or_default()
    }

    /// What a client names by `id`; `what` it is, for the error.
    ///
    /// # Errors
    /// NOT_FOUND; DATA_LOSS where it is set aside.
    pub(crate) fn find_named(
        &mut self,
        namespace: NamespaceId,
        execution: &str,
        run_id: &str,
        (what, id): (&str, &str),
    ) -> Result<ExecutionId> {
        let found = self.find(namespace, execution, run_id);
        found.map_err(|error| match error.kind {
            ErrorKind::DataLoss => error,
            _ => Error::not_found(format!("{what} not found for ID: {id}")),
        })
    }

    /// Deletes it; one that runs is terminated first.
    pub(crate) fn end_and_delete(
        &mut self,
        id: ExecutionId,
        terminate: impl FnOnce(&mut Transition<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.execution(id).is_open() {
            self.step(id, terminate)?;
            self.settle();
        }
        self.delete_execution(id);
        Ok(())
    }
}
