//! Requests about settings of task queues.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::update_worker_build_id_compatibility_request::Operation;

use super::Check;
use super::common::{invalid, length, namespace, present};

/// A build id's longest form, in bytes.
const BUILD_ID_BYTES_MAX: usize = 255;
const REASON_BYTES_MAX: usize = 1000;
/// Fairness weights may be as far apart as this.
const WEIGHTS: std::ops::RangeInclusive<f32> = 0.001..=1000.0;

impl Check for service::UpdateTaskQueueConfigRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.task_queue, "missing task queue name")?;
        length(&self.task_queue, "taskQueue", limits)?;
        let updates = [
            (&self.update_queue_rate_limit, "UpdateQueueRateLimit"),
            (&self.update_fairness_key_rate_limit_default, "UpdateFairnessKeyRateLimitDefault"),
        ];
        for (update, name) in updates.into_iter().filter_map(|(update, name)| Some((update.as_ref()?, name))) {
            let rate = update.rate_limit.as_ref().map(|limit| limit.requests_per_second);
            if rate.is_some() && self.task_queue_type == TaskQueueType::Workflow as i32 {
                return invalid("Setting rate limit on workflow task queues is not allowed.");
            }
            if rate.is_some_and(|rate| !(rate >= 0.0 && rate.is_finite())) {
                return invalid(format!("{name}: the rate must be a number of at least 0"));
            }
            if update.reason.len() > REASON_BYTES_MAX {
                return invalid(format!("{name}: Reason length exceeds limit."));
            }
        }
        length(&self.identity, "Identity", limits)?;
        for (key, weight) in &self.set_fairness_weight_overrides {
            if !WEIGHTS.contains(weight) {
                return invalid(format!("fairness weight of \"{key}\" must be between 0.001 and 1000, not {weight}"));
            }
            if self.unset_fairness_weight_overrides.contains(key) {
                return invalid(format!("fairness weight of \"{key}\" is both set and unset"));
            }
        }
        Ok(())
    }
}

impl Check for service::UpdateWorkerBuildIdCompatibilityRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        let mut needs = Vec::new();
        let mut set = |id: &str, name: &str| {
            if id.is_empty() {
                needs.push(format!("`{name}` to be set"));
            } else if id.len() > BUILD_ID_BYTES_MAX {
                needs.push(format!(" Worker build IDs to be no larger than {BUILD_ID_BYTES_MAX} characters"));
            }
        };
        set(&self.namespace, "namespace");
        set(&self.task_queue, "task_queue");
        match &self.operation {
            None => needs.push("an operation to be specified".to_owned()),
            Some(Operation::AddNewBuildIdInNewDefaultSet(id)) => set(id, "add_new_version_id_in_new_default_set"),
            Some(Operation::AddNewCompatibleBuildId(new)) => {
                set(&new.new_build_id, "add_new_compatible_version");
                set(&new.existing_compatible_build_id, "existing_compatible_version");
            }
            Some(Operation::PromoteSetByBuildId(id)) => set(id, "promote_set_by_version_id"),
            Some(Operation::PromoteBuildIdWithinSet(id)) => set(id, "promote_version_id_within_set"),
            Some(Operation::MergeSets(_)) => {}
        }
        if needs.is_empty() {
            return Ok(());
        }
        invalid(format!("request to update worker build ID compatability requires: , {}", needs.join(", ")))
    }
}

impl Check for service::GetWorkerBuildIdCompatibilityRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.task_queue, "missing task queue name")
    }
}

impl Check for service::GetWorkerTaskReachabilityRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        if self.build_ids.is_empty() {
            return invalid("Must query at least one build ID (empty string means unversioned)");
        }
        Ok(())
    }
}
