//! What the binary defines, found by itself: each attribute leaves an entry that the linker collects.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::activity::entry::ActivityEntry;
use crate::error::{Error, Result};
use crate::workflow::entry::{HandlerKind, WorkflowEntry};

/// An entry left by an attribute.
pub enum Registered {
    /// Of `#[activity]`.
    Activity(&'static ActivityEntry),
    /// Of `#[workflow]`.
    Workflow(&'static WorkflowEntry),
}

inventory::collect!(Registered);

/// Activities and workflows by name.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    pub activities: BTreeMap<&'static str, &'static ActivityEntry>,
    pub workflows: BTreeMap<&'static str, &'static WorkflowEntry>,
}

impl Registry {
    /// Everything that is linked into this program. Two of one name are an error.
    pub fn linked() -> Result<Self> {
        let mut registry = Self::default();
        for registered in inventory::iter::<Registered> {
            match registered {
                Registered::Activity(entry) => registry.add_activity(entry)?,
                Registered::Workflow(entry) => registry.add_workflow(entry)?,
            }
        }
        Ok(registry)
    }

    pub fn add_activity(&mut self, entry: &'static ActivityEntry) -> Result<()> {
        match self.activities.insert(entry.name, entry) {
            Some(other) if !std::ptr::eq(other, entry) => Err(twice("activities", entry.name)),
            _ => Ok(()),
        }
    }

    pub fn add_workflow(&mut self, entry: &'static WorkflowEntry) -> Result<()> {
        match self.workflows.insert(entry.name, entry) {
            Some(other) if !std::ptr::eq(other, entry) => Err(twice("workflows", entry.name)),
            _ => Ok(()),
        }
    }
}

fn twice(what: &str, name: &str) -> Error {
    Error::misuse(
        "Duplicate",
        format_args!("two {what} are called `{name}`: give one of them another `name = \"...\"`"),
    )
}

/// The names of all updates of all workflows: the SDK asks for them before it knows which workflow it asks about.
pub(crate) fn update_names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let workflows = inventory::iter::<Registered>.into_iter().filter_map(|registered| match registered {
            Registered::Workflow(entry) => Some(*entry),
            Registered::Activity(_) => None,
        });
        let handlers = workflows.flat_map(|entry| entry.handlers);
        let updates = handlers.filter(|handler| matches!(handler.kind, HandlerKind::Update { .. }));
        updates.map(|handler| handler.name).collect()
    })
}
