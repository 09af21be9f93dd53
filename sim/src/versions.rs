//! Worlds whose workers have versions: operators route tasks from one build to the other and back while runs go on.

use std::rc::Rc;

use ostro_engine::call::Request as _;
use ostro_engine::time::{MILLISECOND, SECOND};
use temporalio_protos::temporal::api::{
    deployment::v1::WorkerDeploymentOptions,
    enums::v1::{VersioningBehavior, WorkerVersioningMode},
    history::v1::{HistoryEvent, history_event::Attributes},
    workflowservice::v1::{SetWorkerDeploymentCurrentVersionRequest, SetWorkerDeploymentRampingVersionRequest},
};

use crate::rng::{Rng, hash};
use crate::vocabulary::NAMESPACE;
use crate::world::{Event, Purpose, Request, World};

const DEPLOYMENT: &str = "deployment";
/// Operators' calls in a world.
const CALLS: i64 = 12;

/// The builds of the workers, and the chance that decides what operators do; no builds: workers without versions.
#[derive(Debug)]
pub struct Versions {
    builds: u64,
    rng: Rng,
}

impl Versions {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::named(seed, "versions");
        let builds = if rng.chance(30) { 2 } else { 0 };
        Self { builds, rng }
    }

    /// What that worker says of itself.
    pub fn of_worker(&self, worker: usize) -> Option<WorkerDeploymentOptions> {
        (self.builds > 0).then(|| WorkerDeploymentOptions {
            deployment_name: DEPLOYMENT.to_owned(),
            build_id: (worker as u64 % self.builds).to_string(),
            worker_versioning_mode: WorkerVersioningMode::Versioned as i32,
        })
    }

    /// How a workflow takes upgrades: the same each time it is asked.
    pub fn behavior(&self, workflow_id: &str) -> i32 {
        match (self.builds, hash(workflow_id.as_bytes(), 7) % 2) {
            (0, _) => 0,
            (_, 0) => VersioningBehavior::Pinned as i32,
            _ => VersioningBehavior::AutoUpgrade as i32,
        }
    }
}

impl World {
    pub(crate) fn set_up_versions(&mut self) {
        if self.versions.builds == 0 {
            return;
        }
        self.at(MILLISECOND, Event::Route);
        for _ in 0..CALLS {
            let at = self.versions.rng.within(SECOND, self.options.horizon);
            self.at(at, Event::Route);
        }
        // Whatever was lost on the network, in the end there is a current version.
        self.at(self.options.horizon + SECOND, Event::Route);
    }

    /// The server is back; what its operators said last may have been lost.
    pub(crate) fn route_again(&mut self) {
        if self.versions.builds > 0 && !self.faulty {
            self.at(MILLISECOND, Event::Route);
        }
    }

    /// An operator routes tasks elsewhere.
    pub(crate) fn route(&mut self) {
        // A build without workers would leave its runs waiting for good.
        let builds = self.versions.builds.min(self.workers.len() as u64);
        let build_id = self.versions.rng.below(builds).to_string();
        let percentage = self.versions.rng.below(101) as f32;
        let ramp = self.faulty && self.versions.rng.chance(30);
        self.trace(|| format!("route to build {build_id}, ramp {ramp}"));
        let request: Request = match ramp {
            true => Rc::new(move || {
                SetWorkerDeploymentRampingVersionRequest {
                    namespace: NAMESPACE.to_owned(),
                    deployment_name: DEPLOYMENT.to_owned(),
                    build_id: build_id.clone(),
                    percentage,
                    ..Default::default()
                }
                .into_call()
            }),
            false => Rc::new(move || {
                SetWorkerDeploymentCurrentVersionRequest {
                    namespace: NAMESPACE.to_owned(),
                    deployment_name: DEPLOYMENT.to_owned(),
                    build_id: build_id.clone(),
                    allow_no_pollers: true,
                    ignore_missing_task_queues: true,
                    ..Default::default()
                }
                .into_call()
            }),
        };
        self.send(Purpose::Nobody, request, 10 * SECOND);
    }

    /// A pinned run is for workers of its build alone.
    pub(crate) fn is_of_build(&self, worker: usize, events: &[HistoryEvent]) -> Result<(), String> {
        let Some(own) = self.versions.of_worker(worker) else { return Ok(()) };
        let completed = events.iter().rev().find_map(|event| match &event.attributes {
            Some(Attributes::WorkflowTaskCompletedEventAttributes(a)) => Some(a),
            _ => None,
        });
        let pinned = completed.filter(|a| a.versioning_behavior == VersioningBehavior::Pinned as i32);
        match pinned.and_then(|a| a.deployment_version.as_ref()) {
            Some(version) if version.build_id != own.build_id => Err(format!(
                "a run pinned to build {} was handed to a worker of build {}",
                version.build_id, own.build_id
            )),
            _ => Ok(()),
        }
    }
}
