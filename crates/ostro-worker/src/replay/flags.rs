//! Flags of the SDK and its core that a history has been written with.
//!
//! A worker writes with each completed workflow task which flags its code paths depend on; a replay may only use what the history names.

use std::collections::BTreeSet;
use std::sync::Arc;

use temporalio_protos::temporal::api::{
    history::v1::WorkflowTaskCompletedEventAttributes, sdk::v1::WorkflowTaskCompletedMetadata,
};

/// A flag of the core. The numbers are in histories: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub(crate) enum CoreFlag {
    /// Ids and types of activities, local activities and children are compared in a replay.
    IdAndTypeChecks = 1,
    /// Each patch writes the search attribute `TemporalChangeVersion`.
    UpsertOnPatch = 2,
    /// Commands after the one that ends the workflow are sent too, before it.
    MoveTerminalCommands = 3,
}

const KNOWN: [CoreFlag; 3] = [CoreFlag::IdAndTypeChecks, CoreFlag::UpsertOnPatch, CoreFlag::MoveTerminalCommands];

/// Name and version of the SDK, as histories carry them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdk {
    /// For example `ostro-rust`.
    pub name: Arc<str>,
    /// For example `0.1.0`.
    pub version: Arc<str>,
}

/// What has been seen, and what the next completion must add.
#[derive(Debug)]
pub(crate) struct Flags {
    writable: bool,
    sdk: Sdk,
    core: BTreeSet<u32>,
    lang: BTreeSet<u32>,
    new_core: BTreeSet<u32>,
    new_lang: BTreeSet<u32>,
    last_name: Arc<str>,
    last_version: Arc<str>,
}

impl Flags {
    /// `writable`: the server takes SDK metadata (its capability `sdk_metadata`).
    pub fn new(writable: bool, sdk: Sdk) -> Self {
        Self {
            writable,
            sdk,
            core: BTreeSet::new(),
            lang: BTreeSet::new(),
            new_core: BTreeSet::new(),
            new_lang: BTreeSet::new(),
            last_name: "".into(),
            last_version: "".into(),
        }
    }

    pub fn saw_completed_task(&mut self, task: &WorkflowTaskCompletedEventAttributes) {
        let Some(metadata) = &task.sdk_metadata else { return };
        self.core.extend(&metadata.core_used_flags);
        self.lang.extend(&metadata.lang_used_flags);
        if !metadata.sdk_name.is_empty() && *metadata.sdk_name != *self.last_name {
            self.last_name = metadata.sdk_name.as_str().into();
        }
        if !metadata.sdk_version.is_empty() && *metadata.sdk_version != *self.last_version {
            self.last_version = metadata.sdk_version.as_str().into();
        }
    }

    pub fn used_by_lang(&mut self, flags: &[u32]) {
        if self.writable {
            self.new_lang.extend(flags);
        }
    }

    /// Whether a code path may be taken: always where it is new (and then it is recorded), else if the history says so.
    pub fn allows(&mut self, flag: CoreFlag, is_new: bool) -> bool {
        if is_new && self.writable {
            self.new_core.insert(flag as u32);
        }
        if is_new { self.writable } else { self.core.contains(&(flag as u32)) }
    }

    /// The metadata of a completion, which hereby counts as sent.
    pub fn take_for_completion(&mut self) -> WorkflowTaskCompletedMetadata {
        if !self.writable {
            return WorkflowTaskCompletedMetadata::default();
        }
        self.new_core.extend(KNOWN.map(|flag| flag as u32));
        let core_used_flags = self.new_core.difference(&self.core).copied().collect();
        let lang_used_flags = self.new_lang.difference(&self.lang).copied().collect();
        self.core.append(&mut self.new_core);
        self.lang.append(&mut self.new_lang);
        let unless_known = |known: &str, own: &str| if known == own { String::new() } else { own.to_owned() };
        WorkflowTaskCompletedMetadata {
            core_used_flags,
            lang_used_flags,
            sdk_name: unless_known(&self.last_name, &self.sdk.name),
            sdk_version: unless_known(&self.last_version, &self.sdk.version),
        }
    }

    pub fn lang(&self) -> Vec<u32> {
        self.lang.iter().copied().collect()
    }

    pub fn last_version(&self) -> Arc<str> {
        self.last_version.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(writable: bool) -> Flags {
        Flags::new(writable, Sdk { name: "name".into(), version: "1".into() })
    }

    fn completed(core: &[u32], lang: &[u32], name: &str, version: &str) -> WorkflowTaskCompletedEventAttributes {
        WorkflowTaskCompletedEventAttributes {
            sdk_metadata: Some(WorkflowTaskCompletedMetadata {
                core_used_flags: core.to_vec(),
                lang_used_flags: lang.to_vec(),
                sdk_name: name.into(),
                sdk_version: version.into(),
            }),
            ..Default::default()
        }
    }

    #[test]
    fn only_what_the_history_does_not_have_is_written() {
        let mut flags = flags(true);
        flags.used_by_lang(&[7]);
        let first = flags.take_for_completion();
        assert_eq!((first.core_used_flags, first.lang_used_flags), (vec![1, 2, 3], vec![7]));
        assert_eq!((first.sdk_name.as_str(), first.sdk_version.as_str()), ("name", "1"));
        flags.saw_completed_task(&completed(&[1, 2, 3], &[7], "name", "1"));
        flags.used_by_lang(&[7]);
        assert_eq!(flags.take_for_completion(), WorkflowTaskCompletedMetadata::default());
        flags.saw_completed_task(&completed(&[], &[], "other", "1"));
        let third = flags.take_for_completion();
        assert_eq!((third.sdk_name.as_str(), third.sdk_version.as_str()), ("name", ""));
    }

    #[test]
    fn a_server_without_metadata_still_honours_a_history_with_it() {
        let mut flags = flags(false);
        assert!(!flags.allows(CoreFlag::IdAndTypeChecks, true));
        flags.saw_completed_task(&completed(&[1], &[2], "", ""));
        assert!(flags.allows(CoreFlag::IdAndTypeChecks, false));
        assert_eq!(flags.lang(), [2]);
        assert_eq!(flags.take_for_completion(), WorkflowTaskCompletedMetadata::default());
    }
}
