//! Namespaces: what each is, how it is stored, and the calls on them.
//!
//! ```text
//! Registered --deprecate, update--> Deprecated
//! Registered, Deprecated --delete--> Deleted (renamed; its executions are being deleted) --forget--> gone
//! ```

mod attributes;
mod calls;
mod stored;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::enums::v1::NamespaceState;
use temporalio_protos::temporal::api::namespace::v1::namespace_info::Capabilities;

use crate::command::ResolvedNamespace;
use crate::error::{Error, Result};
use crate::persistence::{NamespaceId, NamespaceRow, Write};
use crate::search::SYSTEM;
use crate::time::{HOUR, Span, Time};

/// The shortest retention that a namespace may have.
pub const RETENTION_MIN: Span = HOUR;

/// An answer, and what must be committed before it leaves.
pub type Outcome<R> = Result<(R, Vec<Write>)>;

/// What every namespace can do. SDKs choose their behaviour by it: a field is true only once the feature is there.
pub fn capabilities() -> Capabilities {
    Capabilities {
        standalone_activities: true,
        standalone_activity_start_delay: true,
        standalone_activity_operator_commands: true,
        standalone_activity_batch_operations: true,
        standalone_nexus_operation: true,
        workflow_update_callbacks: true,
        eager_workflow_start: true,
        sync_update: true,
        async_update: true,
        worker_heartbeats: true,
        workflow_pause: true,
        reported_problems_search_attribute: true,
        worker_poll_complete_on_shutdown: true,
        poller_autoscaling: true,
        ..Default::default()
    }
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Namespace {
    pub id: NamespaceId,
    pub uuid: String,
    pub name: String,
    pub state: NamespaceState,
    pub description: String,
    pub owner_email: String,
    /// The user's own keys and values.
    pub data: BTreeMap<String, String>,
    /// How long closed executions are kept; [`RETENTION_MIN`] at least.
    pub retention: Span,
    /// Custom attributes: `IndexedValueType` by name.
    pub search_attributes: BTreeMap<String, i32>,
    pub created: Time,
}

impl Namespace {
    /// Custom and system attributes: `IndexedValueType` by name.
    pub fn attribute_types(&self) -> BTreeMap<String, i32> {
        let system = SYSTEM.iter().map(|attribute| (attribute.name.to_owned(), attribute.ty.number()));
        self.search_attributes.clone().into_iter().chain(system).collect()
    }

    /// Whether its executions are to be deleted, and then itself.
    pub fn is_deleted(&self) -> bool {
        self.state == NamespaceState::Deleted
    }
}

/// All namespaces. Calls that change one return the write of it; the change is in memory at once.
#[derive(Debug, Default)]
pub struct Namespaces {
    by_id: BTreeMap<NamespaceId, Namespace>,
    by_name: BTreeMap<String, NamespaceId>,
}

impl Namespaces {
    /// The namespaces as they were stored.
    ///
    /// # Panics
    /// When a row does not decode: the store is damaged, and nothing may be served from it.
    pub fn restore(rows: Vec<NamespaceRow>) -> Self {
        let mut namespaces = Self::default();
        for row in rows {
            namespaces.insert(stored::from_row(row));
        }
        namespaces
    }

    /// The namespace that a request names.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for the empty name, NOT_FOUND for an unknown one.
    pub fn get(&self, name: &str) -> Result<&Namespace> {
        if name.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        self.by_name(name).ok_or_else(|| Error::namespace_not_found(name))
    }

    pub fn by_id(&self, id: NamespaceId) -> Option<&Namespace> {
        self.by_id.get(&id)
    }

    pub fn by_name(&self, name: &str) -> Option<&Namespace> {
        self.by_name.get(name).and_then(|id| self.by_id.get(id))
    }

    pub fn by_uuid(&self, uuid: &str) -> Option<&Namespace> {
        self.by_id.values().find(|namespace| namespace.uuid == uuid)
    }

    /// All of them, deleted ones too, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.by_id.values()
    }

    /// A namespace's number, and its attributes with their types.
    pub fn resolve(&self, name: &str) -> Result<ResolvedNamespace> {
        let namespace = self.get(name)?;
        Ok(ResolvedNamespace {
            id: namespace.id,
            uuid: namespace.uuid.clone(),
            search_attributes: namespace.attribute_types(),
        })
    }

    /// Drops a deleted namespace whose executions are gone.
    pub fn forget(&mut self, id: NamespaceId) -> Vec<Write> {
        let Some(namespace) = self.by_id.remove(&id) else { return Vec::new() };
        assert!(namespace.is_deleted(), "only a deleted namespace is forgotten, not {}", namespace.name);
        self.by_name.remove(&namespace.name);
        vec![Write::DeleteNamespace(id)]
    }

    fn insert(&mut self, namespace: Namespace) {
        self.by_name.insert(namespace.name.clone(), namespace.id);
        self.by_id.insert(namespace.id, namespace);
    }

    /// Changes a namespace that exists, and writes it if it became another.
    fn change(&mut self, id: NamespaceId, change: impl FnOnce(&mut Namespace)) -> Vec<Write> {
        let namespace = self.by_id.get_mut(&id).expect("the caller has found the namespace");
        let before = namespace.clone();
        change(namespace);
        if *namespace == before {
            return Vec::new();
        }
        if namespace.name != before.name {
            self.by_name.remove(&before.name);
            self.by_name.insert(namespace.name.clone(), id);
        }
        vec![stored::write(namespace)]
    }

    fn next_id(&self) -> NamespaceId {
        self.by_id.last_key_value().map_or(1, |(id, _)| id + 1)
    }
}
