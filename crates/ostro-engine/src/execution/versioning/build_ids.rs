//! The search attributes `BuildIds` and `BinaryChecksums`: which workers have completed tasks of a run.
//!
//! ```text
//! unversioned            a worker without a version has completed a task
//! unversioned:BUILD      the same, where it said its build
//! versioned:BUILD        a worker of a version set of before deployments
//! pinned:DEPLOYMENT:BUILD   the run is pinned to that version; first in the list
//! ```

use temporalio_protos::temporal::api::workflowservice::v1::RespondWorkflowTaskCompletedRequest;

use crate::base::version::is_versioned;
use crate::execution::Execution;
use crate::search::{SystemValues, list_of};

const BUILD_IDS: &str = "BuildIds";
const BINARY_CHECKSUMS: &str = "BinaryChecksums";
const PINNED: &str = "pinned:";
/// Largest list of builds in bytes, as on the reference server: beyond it the oldest builds leave.
const BYTES_MAX: usize = 2048;

impl Execution {
    /// Notes who has completed a workflow task.
    pub(crate) fn note_build(&mut self, request: &RespondWorkflowTaskCompletedRequest) {
        let before = self.properties.search_attributes.as_ref();
        let mut values = SystemValues::default();
        if !request.deployment_options.as_ref().is_some_and(is_versioned) {
            let builds = list_of(before, BUILD_IDS);
            let with_this = with(builds.clone(), words(request));
            if with_this != builds {
                values.set_list(BUILD_IDS, &with_this);
            }
        }
        if !request.binary_checksum.is_empty() {
            values.add_to_list(before, BINARY_CHECKSUMS, &request.binary_checksum);
        }
        self.set_system_values(values);
    }

    /// Puts the version that the run is pinned to, such as `deployment:build`, in front of its builds; `None` takes it away.
    pub(crate) fn note_pinned_build(&mut self, pinned: Option<&str>) {
        let builds = list_of(self.properties.search_attributes.as_ref(), BUILD_IDS);
        let others = builds.iter().filter(|build| !build.starts_with(PINNED)).cloned();
        let wanted: Vec<String> =
            pinned.map(|version| format!("{PINNED}{version}")).into_iter().chain(others).collect();
        if wanted != builds {
            let mut values = SystemValues::default();
            values.set_list(BUILD_IDS, &wanted);
            self.set_system_values(values);
        }
    }

    pub(crate) fn set_system_values(&mut self, values: SystemValues) {
        if values.is_empty() {
            return;
        }
        let properties = self.properties_mut();
        let all = values.merge_into(properties.search_attributes.take().unwrap_or_default());
        properties.search_attributes = (!all.indexed_fields.is_empty()).then_some(all);
    }
}

fn words(request: &RespondWorkflowTaskCompletedRequest) -> Vec<String> {
    match request.worker_version_stamp.as_ref().filter(|stamp| !stamp.build_id.is_empty()) {
        Some(stamp) if stamp.use_versioning => vec![format!("versioned:{}", stamp.build_id)],
        Some(stamp) => vec!["unversioned".to_owned(), format!("unversioned:{}", stamp.build_id)],
        None => vec!["unversioned".to_owned()],
    }
}

/// The list with these words too. What says of a run as a whole how it is versioned stays.
fn with(mut builds: Vec<String>, words: Vec<String>) -> Vec<String> {
    for word in words {
        if !builds.contains(&word) {
            builds.push(word);
        }
    }
    while bytes(&builds) > BYTES_MAX {
        let oldest = builds.iter().position(|build| build != "unversioned" && !build.starts_with(PINNED));
        match oldest {
            Some(oldest) => drop(builds.remove(oldest)),
            None => break,
        }
    }
    builds
}

/// As JSON, nearly.
fn bytes(builds: &[String]) -> usize {
    builds.iter().map(|build| build.len() + 3).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_listed_once_and_the_oldest_leave_a_full_list() {
        let word = |word: &str| word.to_owned();
        let builds = with(Vec::new(), vec![word("unversioned"), word("unversioned:1")]);
        assert_eq!(with(builds.clone(), vec![word("unversioned")]), builds);
        let long = |number: usize| format!("unversioned:{number}{}", "x".repeat(500));
        let full = (0..6).fold(builds, |builds, number| with(builds, vec![long(number)]));
        assert_eq!(full, [word("unversioned"), long(3), long(4), long(5)]);
    }
}
