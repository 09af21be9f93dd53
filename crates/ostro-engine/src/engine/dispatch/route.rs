//! Which version's workers a task waits for, and whether it still does when one of them comes.

use temporalio_protos::temporal::api::workflow::v1::VersioningOverride;

use crate::base::error::{Error, Result};
use crate::base::version::Version;
use crate::deployment::ramp_hash;
use crate::engine::Engine;
use crate::execution::nexus::What;
use crate::execution::versioning::override_target;
use crate::execution::workflow::new_run::NewRun;
use crate::execution::workflow_task::StartedBy;
use crate::execution::{Execution, QueuePosition};
use crate::queue::{Poller, QueueKey, Task, Work};
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId, QueueKind};

impl<L: Loader> Engine<L> {
    /// Puts a task of an execution in memory on its queue.
    pub(crate) fn add_task(&mut self, queue: QueueKey, id: ExecutionId, work: Work) {
        let Some(execution) = self.cache.get(id) else { return };
        let (key, task) = self.placed(queue, id, work, &position_of(execution, work), hash_of(execution));
        self.queues.add_task(&key, task);
    }

    /// The same for the queue of the one worker that has the execution cached.
    pub(crate) fn add_sticky_task(&mut self, queue: QueueKey, id: ExecutionId, work: Work) {
        let Some(execution) = self.cache.get(id) else { return };
        let place = position_of(execution, work).on_sticky_queue();
        let (key, task) = self.placed(queue, id, work, &place, hash_of(execution));
        self.queues.add_task(&key, task);
    }

    /// The task, and the queue of the version that it is for.
    pub(crate) fn placed(
        &self,
        queue: QueueKey,
        execution: ExecutionId,
        work: Work,
        position: &QueuePosition,
        hash: u32,
    ) -> (QueueKey, Task) {
        let (version, follows) = self.version_for(&queue, position, hash);
        let mut task = Task::new(execution, work, self.now);
        if position.priority != 0 {
            task.priority = position.priority;
        }
        if position.fairness_weight != 0.0 {
            task.fairness_weight = position.fairness_weight;
        }
        if let Some(weight) = self.settings.weight(&queue, &position.fairness_key) {
            task.fairness_weight = weight;
        }
        task.fairness_key.clone_from(&position.fairness_key);
        task.follows = follows.then_some(hash);
        (queue.of_version(version), task)
    }

    /// The version, and whether it is the queue's routing that says so.
    fn version_for(&self, queue: &QueueKey, position: &QueuePosition, hash: u32) -> (Option<Version>, bool) {
        if let Some(pinned) = position.pinned() {
            // Activities on queues that the version does not have are independent of it.
            let independent = queue.kind != QueueKind::Workflow && !self.deployments.has_queue(queue, &pinned);
            if !independent {
                return (Some(pinned), false);
            }
        }
        match position.ramping {
            true => (self.deployments.ramping_target(queue, hash).version, false),
            false => (self.deployments.target(queue, hash).version, true),
        }
    }

    /// Adds a poll; one of a versioned worker makes its version known.
    pub(crate) fn add_poller(&mut self, queue: QueueKey, poller: Poller) -> Result<()> {
        let version = Version::of_worker(poller.deployment.as_ref()).filter(|_| poller.sticky_of.is_empty());
        if let Some(version) = &version {
            self.refuse_set_aside_deployment(queue.namespace, &version.deployment)?;
            let writes = self.deployments.register(&queue, version, self.now)?;
            let is_new = !writes.is_empty();
            self.keep(writes);
            if is_new {
                // The version may be the current one, which now has this queue too.
                self.follow_routing(&queue);
            }
        }
        self.queues.add_poller(&queue.of_version(version), poller, self.now);
        Ok(())
    }

    /// A deployment's routing has changed: what waits on its queues and follows it goes where it says now.
    pub(crate) fn follow_deployment(&mut self, namespace: NamespaceId, name: &str) {
        for queue in self.deployments.all_queues(namespace, name) {
            self.follow_routing(&queue);
        }
    }

    pub(crate) fn follow_routing(&mut self, queue: &QueueKey) {
        for task in self.queues.take_followers(queue) {
            let version = self.deployments.target(queue, task.follows.unwrap_or_default()).version;
            self.queues.add_task(&queue.of_version(version), task);
        }
    }

    /// Whether a task that a worker is to get is still for that worker's version; if not it goes to its queue.
    pub(crate) fn belongs(&mut self, key: &QueueKey, task: &Task, sticky: bool) -> bool {
        if sticky {
            let left = task.work == Work::WorkflowTask && self.sticky_worker_is_left(task.execution);
            if left {
                self.step(task.execution, |t| t.unstick_workflow_task());
            }
            return !left;
        }
        let (place, hash) = match task.work {
            Work::NexusIncoming(_) => (QueuePosition::default(), task.follows.unwrap_or_default()),
            _ => {
                let execution = self.execution(task.execution);
                (position_of(execution, task.work), hash_of(execution))
            }
        };
        let (belongs, again) = self.placed(key.of_version(None), task.execution, task.work, &place, hash);
        let belongs_here = belongs == *key;
        if !belongs_here && self.is_wanted(key, task) {
            self.queues.add_task(&belongs, Task { added: task.added, ..again });
        }
        belongs_here
    }

    /// Whether the task is not stale.
    fn is_wanted(&self, key: &QueueKey, task: &Task) -> bool {
        if let Work::NexusIncoming(call) = task.work {
            return self.awaits_incoming(call);
        }
        let execution = self.execution(task.execution);
        match task.work {
            Work::WorkflowTask => execution
                .core
                .workflow_task
                .as_ref()
                .is_some_and(|waiting| !waiting.is_started() && waiting.queue == key.name),
            Work::Activity(event) => {
                execution.offers_activity(event)
                    && execution.activities.get(&event).is_some_and(|a| a.queue() == key.name)
            }
            Work::NexusStart(event) => execution.nexus_is_offered(event, What::Start),
            Work::NexusCancel(event) => execution.nexus_is_offered(event, What::Cancel),
            Work::Query(_) | Work::NexusIncoming(_) => true,
        }
    }

    /// Whether the worker that has the execution cached is of a version that the run is to leave.
    pub(crate) fn sticky_worker_is_left(&self, id: ExecutionId) -> bool {
        let Some(execution) = self.cache.get(id) else { return false };
        if execution.pinned_version().is_some() {
            return false;
        }
        let queue = QueueKey::new(execution.core.namespace, QueueKind::Workflow, execution.core.task_queue.clone());
        let target = self.deployments.target(&queue, hash_of(execution)).version;
        target.is_some() && target != execution.version()
    }

    /// Whether an activity may start with workers of the key's version now. While the run is on its way to another version
    /// no activity starts; where the run is to go to that version too, it goes first.
    pub(crate) fn may_start_activity(&mut self, id: ExecutionId, key: &QueueKey) -> bool {
        let execution = self.execution(id);
        if execution.in_transition() {
            return false;
        }
        let version = key.version.as_deref().cloned();
        let stays = execution.is_standalone() || execution.pinned_version().is_some();
        if stays || execution.version() == version {
            return true;
        }
        let queue = QueueKey::new(execution.core.namespace, QueueKind::Workflow, execution.core.task_queue.clone());
        if self.deployments.target(&queue, hash_of(execution)).version != version {
            return true;
        }
        self.step(id, |t| {
            t.start_transition(version);
            t.reroute_workflow_task();
            t.schedule_workflow_task();
        });
        false
    }

    /// Refuses an override to a version that does not have the queue; one that has drained drains again.
    ///
    /// # Errors
    /// FAILED_PRECONDITION.
    pub(crate) fn check_override(
        &mut self,
        namespace: NamespaceId,
        queue: &str,
        versioning: Option<&VersioningOverride>,
    ) -> Result<()> {
        let Some(version) = override_target(versioning) else { return Ok(()) };
        let key = QueueKey::new(namespace, QueueKind::Workflow, queue.to_owned());
        if !self.deployments.has_queue(&key, &version) {
            return Err(Error::failed_precondition(format!(
                "Pinned version '{}' is not present in task queue '{queue}' of type 'Workflow'",
                version.name()
            )));
        }
        let write = self.deployments.reactivate(namespace, &version, self.now);
        self.keep(write.into_iter().collect());
        Ok(())
    }

    /// Whether the caller of a start is of the version that the new run's first task is for.
    pub(crate) fn may_start_eagerly(&self, run: &NewRun, by: &StartedBy) -> bool {
        let name = run.started.task_queue.as_ref().map(|queue| queue.name.clone()).unwrap_or_default();
        let queue = QueueKey::new(run.namespace, QueueKind::Workflow, name);
        let target = override_target(run.started.versioning_override.as_ref())
            .or_else(|| self.deployments.target(&queue, ramp_hash(&run.workflow_id)).version);
        target == Version::of_worker(by.deployment.as_ref())
    }
}

fn hash_of(execution: &Execution) -> u32 {
    ramp_hash(&execution.core.workflow_id)
}

fn position_of(execution: &Execution, work: Work) -> QueuePosition {
    let own = match work {
        Work::Activity(event) => execution.activities.get(&event).and_then(|a| a.attributes().priority.as_ref()),
        // The handler's version is none of its caller's business.
        Work::NexusStart(_) | Work::NexusCancel(_) => return QueuePosition::default(),
        _ => None,
    };
    execution.queue_position(own)
}
