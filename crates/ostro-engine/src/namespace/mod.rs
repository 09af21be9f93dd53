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

use temporalio_protos::temporal::api::common::v1::SearchAttributes;
use temporalio_protos::temporal::api::enums::v1::NamespaceState;
use temporalio_protos::temporal::api::namespace::v1::namespace_info::Capabilities;

use crate::base::error::{Error, Result};
use crate::base::time::{HOUR, Span, Time};
use crate::search::{self, KnownAttributes, SYSTEM};
use crate::stored::persistence::{DamagedRow, NamespaceId, NamespaceRow, Write};

/// The shortest retention that a namespace may have.
pub(crate) const RETENTION_MIN: Span = HOUR;

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

    /// Checks the search attributes that a request sets, and notes their types in them; see [`search::validate`].
    ///
    /// # Errors
    /// INVALID_ARGUMENT for names that it has not, values of other types, and too much of either.
    pub(crate) fn check_attributes(&self, attributes: &SearchAttributes) -> Result<SearchAttributes> {
        search::validate(&KnownAttributes { namespace: &self.name, custom: &self.search_attributes }, attributes)
    }

    /// Whether its executions are to be deleted, and then itself.
    pub fn is_deleted(&self) -> bool {
        self.state == NamespaceState::Deleted
    }
}

/// What a request needs of its namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedNamespace {
    pub id: NamespaceId,
    pub uuid: String,
    /// Custom and predefined attributes: `IndexedValueType` by name.
    pub search_attributes: BTreeMap<String, i32>,
}

/// The row of a namespace of which nothing but the name is known any more: what takes the place of a damaged one.
pub fn bare(id: NamespaceId, name: String, uuid: String) -> Write {
    stored::write(&Namespace {
        id,
        name,
        uuid,
        state: NamespaceState::Registered,
        retention: BARE_RETENTION,
        ..Default::default()
    })
}

/// What servers give where nobody says otherwise.
const BARE_RETENTION: Span = HOUR.times(72);

/// All namespaces. Calls that change one return the write of it; the change is in memory at once.
#[derive(Debug, Default)]
pub struct Namespaces {
    by_id: BTreeMap<NamespaceId, Namespace>,
    by_name: BTreeMap<String, NamespaceId>,
    /// Name and reason of those whose rows are damaged.
    set_aside: BTreeMap<NamespaceId, (String, String)>,
}

impl Namespaces {
    /// The namespaces as they were stored, and the rows that are none.
    pub fn restore(rows: Vec<NamespaceRow>) -> (Self, Vec<DamagedRow>) {
        let (mut namespaces, mut damaged) = (Self::default(), Vec::new());
        for row in rows {
            match stored::from_row(row) {
                Ok(namespace) => namespaces.insert(namespace),
                Err(row) => damaged.push(row),
            }
        }
        (namespaces, damaged)
    }

    /// Sets a namespace aside: its name and its number are taken, and whoever asks for it is told why.
    pub fn set_aside(&mut self, id: NamespaceId, name: &str, why: &str) {
        self.set_aside.insert(id, (name.to_owned(), why.to_owned()));
    }

    /// The namespace that a request names.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for the empty name, NOT_FOUND for an unknown one.
    pub fn get(&self, name: &str) -> Result<&Namespace> {
        if name.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        self.by_name(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Error {
        let set_aside = self.set_aside.values().find(|(taken, _)| taken == name);
        set_aside.map_or_else(|| Error::namespace_not_found(name), |(_, why)| set_aside_error(name, why))
    }

    /// # Errors
    /// DATA_LOSS while a namespace is set aside, as its name may be the damaged part: a second one of that name must not
    /// come to be.
    fn check_none_is_set_aside(&self) -> Result<()> {
        let first = self.set_aside.values().next();
        first.map_or(Ok(()), |(name, why)| Err(set_aside_error(name, why)))
    }

    pub fn by_id(&self, id: NamespaceId) -> Option<&Namespace> {
        self.by_id.get(&id)
    }

    pub fn by_name(&self, name: &str) -> Option<&Namespace> {
        self.by_name.get(name).and_then(|id| self.by_id.get(id))
    }

    pub(crate) fn by_uuid(&self, uuid: &str) -> Option<&Namespace> {
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
        let last = self.by_id.keys().chain(self.set_aside.keys()).max();
        last.map_or(1, |id| id.saturating_add(1))
    }
}

fn set_aside_error(name: &str, why: &str) -> Error {
    Error::set_aside(&format!("namespace {name:?}"), why)
}
