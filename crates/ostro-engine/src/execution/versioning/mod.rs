//! Which version of the workers a run is on.
//!
//! ```text
//! (no version) --task starts on a versioned worker--> transition --task completes there--> on that version
//! auto-upgrade --task starts on the queue's new version--> transition --> ...
//! pinned: stays; an override goes before everything else
//! ```
pub(crate) mod build_ids;

use temporalio_protos::temporal::api::{
    deployment::v1::{InheritedAutoUpgradeInfo, WorkerDeploymentVersion},
    enums::v1::{ContinueAsNewVersioningBehavior as Initial, VersioningBehavior as Behavior},
    history::v1::{
        DeclinedTargetVersionUpgrade, WorkflowExecutionStartedEventAttributes, WorkflowTaskCompletedEventAttributes,
    },
    workflow::v1::{
        DeploymentVersionTransition, VersioningOverride, WorkflowExecutionVersioningInfo, versioning_override,
    },
};

use super::{Effect, Execution, Transition};
use crate::base::version::Version;
use crate::deployment::{Target, ramp_hash};
use crate::queue::QueueKey;
use crate::search;
use crate::stored::persistence::{NamespaceId, QueueKind};

use versioning_override::{Override, PinnedOverride};

/// What a new run takes over of the version of the one that starts it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inherited {
    pub pinned: Option<WorkerDeploymentVersion>,
    pub auto_upgrade: Option<InheritedAutoUpgradeInfo>,
    pub versioning_override: Option<VersioningOverride>,
}

impl Inherited {
    pub(crate) fn give(self, started: &mut WorkflowExecutionStartedEventAttributes) {
        started.inherited_auto_upgrade_info = self.auto_upgrade.filter(|_| self.pinned.is_none());
        started.inherited_pinned_version = self.pinned;
        started.versioning_override = self.versioning_override;
    }
}

/// The version that an override pins a run to.
pub(crate) fn override_target(versioning: Option<&VersioningOverride>) -> Option<Version> {
    match versioning?.r#override.as_ref()? {
        Override::Pinned(pinned) => Version::of_proto(pinned.version.as_ref()),
        Override::OneTime(one_time) => Version::of_proto(one_time.target_deployment_version.as_ref()),
        Override::AutoUpgrade(_) => None,
    }
}

/// An override in the newest of the forms in which clients may send it.
///
/// # Errors
/// INVALID_ARGUMENT for one that does not name what it must.
pub fn newest_form(versioning: &VersioningOverride) -> crate::base::error::Result<VersioningOverride> {
    let r#override = match (&versioning.r#override, versioning.behavior()) {
        (Some(newest), _) => newest.clone(),
        (None, Behavior::AutoUpgrade) => Override::AutoUpgrade(true),
        (None, _) => {
            let version = match &versioning.deployment {
                Some(old) => Some(Version::new(&old.series_name, &old.build_id)),
                None => Version::parse(&versioning.pinned_version)?,
            };
            Override::Pinned(PinnedOverride {
                behavior: versioning_override::PinnedOverrideBehavior::Pinned as i32,
                version: version.as_ref().map(Version::proto),
            })
        }
    };
    Ok(VersioningOverride { r#override: Some(r#override), ..Default::default() })
}

/// Fills in the older fields of what is stored in the newest form, for those who read them.
pub(crate) fn with_older_forms(info: &WorkflowExecutionVersioningInfo) -> WorkflowExecutionVersioningInfo {
    let mut info = info.clone();
    if let Some(version) = Version::of_proto(info.deployment_version.as_ref()) {
        info.version = version.dotted();
    }
    if let Some(transition) = info.version_transition.as_mut() {
        transition.version =
            crate::base::version::dotted(Version::of_proto(transition.deployment_version.as_ref()).as_ref());
    }
    info.versioning_override = info.versioning_override.map(|versioning| override_with_older_forms(&versioning));
    info
}

/// The same for an override by itself.
pub(crate) fn override_with_older_forms(versioning: &VersioningOverride) -> VersioningOverride {
    let mut versioning = versioning.clone();
    match &versioning.r#override {
        Some(Override::AutoUpgrade(_)) => versioning.behavior = Behavior::AutoUpgrade as i32,
        Some(Override::Pinned(_)) => {
            versioning.behavior = Behavior::Pinned as i32;
            versioning.pinned_version = override_target(Some(&versioning)).map(|v| v.dotted()).unwrap_or_default();
        }
        _ => {}
    }
    versioning
}

impl Execution {
    fn versioning_info(&self) -> Option<&WorkflowExecutionVersioningInfo> {
        self.core.versioning.as_ref()
    }

    fn versioning_override(&self) -> Option<&VersioningOverride> {
        self.versioning_info().and_then(|info| info.versioning_override.as_ref())
    }

    /// How the run follows its queue's routing: a transition goes before an override, that before what the worker said.
    pub fn behavior(&self) -> Behavior {
        let Some(info) = self.versioning_info() else { return Behavior::Unspecified };
        if info.version_transition.is_some() {
            return Behavior::AutoUpgrade;
        }
        match self.versioning_override().and_then(|versioning| versioning.r#override.as_ref()) {
            Some(Override::AutoUpgrade(_)) => Behavior::AutoUpgrade,
            Some(_) => Behavior::Pinned,
            None => info.behavior(),
        }
    }

    /// The version that the run is on, or on its way to.
    pub(crate) fn version(&self) -> Option<Version> {
        let info = self.versioning_info()?;
        if let Some(transition) = &info.version_transition {
            return Version::of_proto(transition.deployment_version.as_ref());
        }
        override_target(self.versioning_override()).or_else(|| match self.behavior() {
            Behavior::Unspecified => None,
            _ => Version::of_proto(info.deployment_version.as_ref()),
        })
    }

    /// The version that the run is pinned to.
    pub fn pinned_version(&self) -> Option<Version> {
        self.version().filter(|_| self.behavior() == Behavior::Pinned)
    }

    pub(crate) fn in_transition(&self) -> bool {
        self.versioning_info().is_some_and(|info| info.version_transition.is_some())
    }

    /// Whether the first task of the run is for the ramping version, whatever its share is.
    pub(crate) fn wants_ramping_version(&self) -> bool {
        !self.had_workflow_task()
            && self.versioning_info().is_some_and(|info| {
                info.continue_as_new_initial_versioning_behavior == Initial::UseRampingVersion as i32
            })
    }

    /// What the first event says of the version.
    pub(super) fn start_versioning(&mut self, started: &WorkflowExecutionStartedEventAttributes) {
        let core = &mut self.core;
        if let Some(versioning) = &started.versioning_override {
            core.versioning.get_or_insert_default().versioning_override = Some(versioning.clone());
        }
        if let Some(pinned) = &started.inherited_pinned_version {
            let info = core.versioning.get_or_insert_default();
            info.deployment_version = Some(pinned.clone());
            info.behavior = Behavior::Pinned as i32;
            core.declined.clone_from(&started.declined_target_version_upgrade);
        }
        if let Some(inherited) = &started.inherited_auto_upgrade_info {
            let info = core.versioning.get_or_insert_default();
            info.deployment_version.clone_from(&inherited.source_deployment_version);
            info.behavior = Behavior::AutoUpgrade as i32;
            info.revision_number = inherited.source_deployment_revision_number;
            info.continue_as_new_initial_versioning_behavior = inherited.continue_as_new_initial_versioning_behavior;
        }
        self.core.deployment_name = self.version().map(|version| version.deployment).unwrap_or_default();
        self.note_versioning(None);
    }

    /// What a completed workflow task says of it.
    pub(super) fn complete_versioning(&mut self, a: &WorkflowTaskCompletedEventAttributes) {
        self.core.deployment_name.clone_from(&a.worker_deployment_name);
        let completed = a.deployment_version.clone();
        if let Some(info) = self.core.versioning.as_mut() {
            let arrived = |t: &DeploymentVersionTransition| t.deployment_version == completed;
            if info.version_transition.as_ref().is_some_and(arrived) {
                info.version_transition = None;
            }
        }
        if a.versioning_behavior != Behavior::Unspecified as i32 || self.core.versioning.is_some() {
            let info = self.core.versioning.get_or_insert_default();
            info.behavior = a.versioning_behavior;
            info.deployment_version = completed.clone().filter(|_| a.versioning_behavior != 0);
            let one_time = |o: &VersioningOverride| match &o.r#override {
                Some(Override::OneTime(one_time)) => one_time.target_deployment_version == completed,
                _ => false,
            };
            if completed.is_some() && info.versioning_override.as_ref().is_some_and(one_time) {
                info.versioning_override = None;
            }
        }
        self.note_versioning(Version::of_proto(completed.as_ref()));
    }

    /// Brings the search attributes up to date that tell of the version; `used` is one that has completed a task.
    pub(super) fn note_versioning(&mut self, used: Option<Version>) {
        let info = self.versioning_info();
        let target = override_target(self.versioning_override());
        let version = target.or_else(|| Version::of_proto(info.and_then(|info| info.deployment_version.as_ref())));
        let behavior = match self.versioning_override().and_then(|o| o.r#override.as_ref()) {
            Some(Override::AutoUpgrade(_)) => Behavior::AutoUpgrade,
            Some(_) => Behavior::Pinned,
            None => info.map(|info| info.behavior()).unwrap_or_default(),
        };
        let deployment = version.as_ref().map_or(self.core.deployment_name.clone(), |v| v.deployment.clone());
        let behavior = match behavior {
            Behavior::Pinned => "Pinned",
            Behavior::AutoUpgrade => "AutoUpgrade",
            Behavior::Unspecified => "",
        };
        let words = [
            ("TemporalWorkerDeployment", deployment),
            ("TemporalWorkerDeploymentVersion", version.as_ref().map(|v| v.name()).unwrap_or_default()),
            ("TemporalWorkflowVersioningBehavior", behavior.to_owned()),
        ];
        let pinned = version.as_ref().filter(|_| behavior == "Pinned").map(|v| v.name());
        self.note_pinned_build(pinned.as_deref());
        let before = self.properties.search_attributes.as_ref();
        let mut changed = search::SystemValues::default();
        for (name, value) in words {
            if search::keyword_of(before, name) != value {
                changed.set_keyword(name, &value);
            }
        }
        if let Some(used) = used {
            changed.add_to_list(before, "TemporalUsedWorkerDeploymentVersions", &used.name());
        }
        self.set_system_values(changed);
    }
}

impl Transition<'_> {
    fn workflow_queue(&self, name: &str) -> QueueKey {
        QueueKey::new(self.exec.core.namespace, QueueKind::Workflow, name.to_owned())
    }

    /// Where the run's workflow tasks would go if it were not pinned.
    pub(super) fn workflow_target(&self) -> Target {
        let queue = self.workflow_queue(&self.exec.core.task_queue);
        self.deployments.target(&queue, ramp_hash(&self.exec.core.workflow_id))
    }

    /// A task of the run starts with a worker of another version: the run is on its way there. The worker that has it in
    /// its cache is of the old version.
    pub(crate) fn start_transition(&mut self, version: Option<Version>) {
        let target = self.workflow_target();
        let revision = if target.version == version { target.revision } else { 0 };
        let info = self.exec.core.versioning.get_or_insert_default();
        info.version_transition = Some(DeploymentVersionTransition {
            deployment_version: version.as_ref().map(Version::proto),
            ..Default::default()
        });
        info.revision_number = revision;
        self.exec.core.sticky = None;
    }

    /// Offers what waits again, since it may belong to other workers now.
    pub(crate) fn reroute_activities(&mut self) {
        let waiting: Vec<_> = self
            .exec
            .activities
            .values()
            .filter(|activity| activity.is_waiting())
            .map(|activity| (activity.scheduled_event_id, activity.queue().to_owned()))
            .collect();
        for (event, queue) in waiting {
            // Its row tells where a restart puts it.
            self.exec.activity_mut(event);
            self.effect(Effect::WithdrawActivity(self.exec.id, event, queue));
            self.effect(Effect::OfferActivity(self.exec.id, event));
        }
    }

    /// The workflow task that waits is offered again, to whatever workers the run now belongs to.
    pub(crate) fn reroute_workflow_task(&mut self) {
        let Some(task) = self.exec.core.workflow_task.as_ref().filter(|task| !task.is_started()) else { return };
        self.effect(Effect::WithdrawWorkflowTask(self.exec.id, task.queue.clone()));
        self.unstick_workflow_task();
        self.effect(Effect::OfferWorkflowTask(self.exec.id));
    }

    /// Whether a pinned run's queue has gone on to another version, which the worker is to be told of.
    pub(super) fn notice_target(&mut self) -> bool {
        let overridden = self.exec.versioning_override().is_some();
        if self.exec.behavior() != Behavior::Pinned || overridden {
            if overridden {
                (self.exec.core.declined, self.exec.core.notified) = (None, None);
            }
            return false;
        }
        let target = self.workflow_target();
        if target.version == self.exec.version() {
            (self.exec.core.declined, self.exec.core.notified) = (None, None);
            return false;
        }
        let declined = self.exec.core.declined.as_ref();
        if declined.is_none_or(|declined| target.revision > declined.revision_number) {
            self.exec.core.declined = None;
            self.exec.core.notified = Some(DeclinedTargetVersionUpgrade {
                deployment_version: target.version.as_ref().map(Version::proto),
                revision_number: target.revision,
            });
        }
        self.exec.core.notified.is_some()
    }

    /// What a child on that queue takes over.
    pub(crate) fn inherited_by_child(&self, namespace: NamespaceId, queue: &str) -> Inherited {
        if namespace != self.exec.core.namespace {
            return Inherited::default();
        }
        self.inherited_on(queue, Initial::Unspecified)
    }

    /// What the next run on that queue takes over when the workflow continues as new.
    pub(super) fn inherited_by_next(&self, queue: &str, initial: Initial) -> Inherited {
        let mut inherited = self.inherited_on(queue, initial);
        // A one-time override is for this run alone.
        let one_time = |o: &VersioningOverride| matches!(o.r#override, Some(Override::OneTime(_)));
        inherited.versioning_override = inherited.versioning_override.filter(|o| !one_time(o));
        inherited
    }

    /// What a retry takes over: it is on the queue of the run before.
    pub(super) fn inherited_by_retry(&self) -> Inherited {
        let initial = self.exec.versioning_info().map_or(0, |info| info.continue_as_new_initial_versioning_behavior);
        let initial = Initial::try_from(initial).unwrap_or_default();
        let mut inherited = self.inherited_on(&self.exec.core.task_queue, Initial::Unspecified);
        if self.exec.started().inherited_pinned_version.is_none() {
            inherited.pinned = None;
        }
        if let Some(info) = inherited.auto_upgrade.as_mut() {
            info.continue_as_new_initial_versioning_behavior = initial as i32;
        }
        inherited
    }

    fn inherited_on(&self, queue: &str, initial: Initial) -> Inherited {
        let Some(version) = self.exec.version() else { return Inherited::default() };
        let behavior = self.exec.behavior();
        if queue != self.exec.core.task_queue && !self.deployments.has_queue(&self.workflow_queue(queue), &version) {
            return Inherited::default();
        }
        let mut inherited = Inherited::default();
        let stays = behavior == Behavior::Pinned && initial == Initial::Unspecified;
        let revision = self.exec.versioning_info().map_or(0, |info| info.revision_number);
        if stays {
            inherited.pinned = Some(version.proto());
        } else if revision != 0 && behavior != Behavior::Unspecified {
            inherited.auto_upgrade = Some(InheritedAutoUpgradeInfo {
                source_deployment_version: Some(version.proto()),
                source_deployment_revision_number: revision,
                continue_as_new_initial_versioning_behavior: initial as i32,
            });
        }
        let versioning = self.exec.versioning_override().filter(|o| override_target(Some(o)).is_some());
        inherited.versioning_override = versioning.cloned();
        inherited
    }

    /// What the next run is to know of upgrades that this one was told of and did not take.
    pub(super) fn declined_upgrade(&self) -> Option<DeclinedTargetVersionUpgrade> {
        let core = &self.exec.core;
        core.notified.clone().or_else(|| core.declined.clone())
    }
}
