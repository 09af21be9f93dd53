//! Options of a run that can change while it runs, as `WorkflowExecutionOptionsUpdated` tells it.

use temporalio_protos::temporal::api::{
    common::v1::{Link, Priority},
    enums::v1::EventType,
    history::v1::WorkflowExecutionOptionsUpdatedEventAttributes,
    workflow::v1::{RequestIdInfo, WorkflowExecutionOptions},
};

use crate::base::error::{Error, Result};
use crate::base::time::Time;
use crate::execution::history::Extras;
use crate::execution::versioning::override_target;
use crate::execution::{Execution, Transition};

/// The most specific paths that a mask of options may have.
const PATHS: [&str; 8] = [
    "versioning_override",
    "versioning_override.behavior",
    "versioning_override.deployment",
    "priority",
    "priority.priority_key",
    "priority.fairness_key",
    "priority.fairness_weight",
    "time_skipping_config",
];

impl Execution {
    /// The options as they are.
    pub(crate) fn options(&self) -> WorkflowExecutionOptions {
        WorkflowExecutionOptions {
            versioning_override: self.core.versioning.as_ref().and_then(|info| info.versioning_override.clone()),
            priority: self.core.priority.clone(),
            ..Default::default()
        }
    }

    /// What the event of id `id` (below 0 while it is buffered) changes.
    pub(crate) fn apply_options(&mut self, id: i64, a: &WorkflowExecutionOptionsUpdatedEventAttributes, time: Time) {
        self.add_callbacks(&a.attached_completion_callbacks, &a.attached_request_id, time);
        self.apply_override(a);
        if a.priority.is_some() {
            self.core.priority.clone_from(&a.priority);
        }
        if !a.attached_request_id.is_empty() {
            let info = RequestIdInfo {
                event_type: EventType::WorkflowExecutionOptionsUpdated as i32,
                event_id: id.max(0),
                buffered: id < 0,
            };
            self.core.request_ids.insert(a.attached_request_id.clone(), info);
        }
    }
}

impl Execution {
    /// An override puts an end to a transition: the run is to be where the override says.
    fn apply_override(&mut self, a: &WorkflowExecutionOptionsUpdatedEventAttributes) {
        let before = (self.behavior(), self.version());
        if a.unset_versioning_override {
            if let Some(info) = self.core.versioning.as_mut() {
                info.versioning_override = None;
            }
        } else if let Some(versioning) = &a.versioning_override {
            self.core.versioning.get_or_insert_default().versioning_override = Some(versioning.clone());
        } else {
            return;
        }
        if before != (self.behavior(), self.version())
            && let Some(info) = self.core.versioning.as_mut()
        {
            info.version_transition = None;
        }
        let pinned = override_target(a.versioning_override.as_ref());
        let own = self.core.versioning.as_ref().and_then(|info| info.deployment_version.as_ref());
        let deployment = pinned.map(|v| v.deployment).or_else(|| own.map(|v| v.deployment_name.clone()));
        if a.unset_versioning_override || a.versioning_override.is_some() {
            self.core.deployment_name = deployment.unwrap_or_default();
        }
        self.note_versioning(None);
    }
}

/// Refuses a mask that [`Transition::update_options`] would refuse.
///
/// # Errors
/// INVALID_ARGUMENT.
pub(crate) fn check_mask(mask: &[String]) -> Result<()> {
    merged(WorkflowExecutionOptions::default(), &WorkflowExecutionOptions::default(), mask).map(drop)
}

fn merged(
    before: WorkflowExecutionOptions,
    options: &WorkflowExecutionOptions,
    mask: &[String],
) -> Result<WorkflowExecutionOptions> {
    merge(before, options, mask).map_err(|message| Error::invalid(format!("error applying update_options: {message}")))
}

impl Transition<'_> {
    /// Writes the event and does what it says.
    pub(crate) fn record_options(
        &mut self,
        attributes: WorkflowExecutionOptionsUpdatedEventAttributes,
        links: Vec<Link>,
    ) {
        // SDKs that do not know the event must not stumble over it.
        let extras = Extras { links, worker_may_ignore: true, ..Default::default() };
        let id = self.record_with(attributes.clone(), extras);
        let before = (self.exec.behavior(), self.exec.version(), self.exec.core.priority.clone());
        self.exec.apply_options(id, &attributes, self.now);
        if before != (self.exec.behavior(), self.exec.version(), self.exec.core.priority.clone()) {
            self.reroute_workflow_task();
            self.reroute_activities();
        }
    }

    /// Sets the options that `mask` names; answers with all of them. Writes nothing where nothing changes.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a mask with other paths, or with a part of the versioning override.
    pub(crate) fn update_options(
        &mut self,
        options: &WorkflowExecutionOptions,
        mask: &[String],
        identity: &str,
    ) -> Result<WorkflowExecutionOptions> {
        let before = self.exec.options();
        let merged = merged(before.clone(), options, mask)?;
        if merged != before {
            let attributes = WorkflowExecutionOptionsUpdatedEventAttributes {
                unset_versioning_override: merged.versioning_override.is_none(),
                versioning_override: merged.versioning_override.clone(),
                priority: merged.priority.clone(),
                identity: identity.to_owned(),
                ..Default::default()
            };
            self.record_options(attributes, Vec::new());
        }
        Ok(merged)
    }
}

fn merge(
    mut into: WorkflowExecutionOptions,
    from: &WorkflowExecutionOptions,
    mask: &[String],
) -> std::result::Result<WorkflowExecutionOptions, String> {
    let has = |path: &str| mask.iter().any(|p| p == path);
    for path in mask {
        if !PATHS.contains(&path.as_str()) {
            return Err(format!(
                "proto: invalid path \"{path}\" for message temporal.api.workflow.v1.WorkflowExecutionOptions"
            ));
        }
    }
    let (behavior, deployment) = (has("versioning_override.behavior"), has("versioning_override.deployment"));
    if behavior != deployment {
        return Err("versioning_override fields must be updated together".to_owned());
    }
    if behavior || has("versioning_override") {
        into.versioning_override.clone_from(&from.versioning_override);
    }
    if has("priority") {
        into.priority.clone_from(&from.priority);
    }
    let given = from.priority.clone().unwrap_or_default();
    for path in mask.iter().filter_map(|path| path.strip_prefix("priority.")) {
        merge_priority(into.priority.get_or_insert_default(), &given, path);
    }
    Ok(into)
}

fn merge_priority(into: &mut Priority, from: &Priority, field: &str) {
    match field {
        "priority_key" => into.priority_key = from.priority_key,
        "fairness_key" => into.fairness_key.clone_from(&from.fairness_key),
        _ => into.fairness_weight = from.fairness_weight,
    }
}
