//! Limits and weights of a task queue, as UpdateTaskQueueConfig sets them.

use temporalio_protos::temporal::api::{
    taskqueue::v1::{ConfigMetadata, RateLimitConfig, TaskQueueConfig},
    workflowservice::v1::{UpdateTaskQueueConfigRequest, update_task_queue_config_request::RateLimitUpdate},
};

use super::{CONFIG_KIND, Settings, config_key, put};
use crate::base::error::{Error, Result};
use crate::base::time::{Time, timestamp};
use crate::queue::{QueueKey, Rates};
use crate::stored::map_order::Ordered;
use crate::stored::persistence::Write;

/// Fairness keys whose weight one queue may override.
const WEIGHTS_MAX: usize = 1000;

impl Settings {
    /// What is set on the queue.
    pub(crate) fn config(&self, queue: &QueueKey) -> Option<&TaskQueueConfig> {
        self.configs.get(&(queue.namespace, queue.kind, queue.name.clone()))
    }

    /// The weight that is set for a fairness key of the queue, before any that a task brings.
    pub(crate) fn weight(&self, queue: &QueueKey, fairness_key: &str) -> Option<f32> {
        if self.configs.is_empty() {
            return None;
        }
        self.config(queue)?.fairness_weight_overrides.get(fairness_key).copied()
    }

    /// The limits that are set on the queue.
    pub(crate) fn rates(&self, queue: &QueueKey) -> Rates {
        self.config(queue).map(rates_of).unwrap_or_default()
    }

    /// Changes what the request names; returns all that is set.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for more weights than may be.
    pub(crate) fn update_config(
        &mut self,
        queue: &QueueKey,
        request: UpdateTaskQueueConfigRequest,
        now: Time,
    ) -> Result<(TaskQueueConfig, Vec<Write>)> {
        let key = (queue.namespace, queue.kind, queue.name.clone());
        let mut config = self.configs.get(&key).cloned().unwrap_or_default();
        let limit = |update: RateLimitUpdate| {
            let metadata = ConfigMetadata {
                reason: update.reason,
                update_identity: request.identity.clone(),
                update_time: timestamp(now),
            };
            RateLimitConfig { rate_limit: update.rate_limit, metadata: Some(metadata) }
        };
        if let Some(update) = request.update_queue_rate_limit {
            config.queue_rate_limit = Some(limit(update));
        }
        if let Some(update) = request.update_fairness_key_rate_limit_default {
            config.fairness_keys_rate_limit_default = Some(limit(update));
        }
        config.fairness_weight_overrides.extend(request.set_fairness_weight_overrides);
        config.fairness_weight_overrides.retain(|key, _| !request.unset_fairness_weight_overrides.contains(key));
        if config.fairness_weight_overrides.len() > WEIGHTS_MAX {
            return Err(Error::invalid(format!(
                "fairness weight overrides update is over the limit of {WEIGHTS_MAX}: unset some first"
            )));
        }
        let write = put(CONFIG_KIND, config_key(&key), config.encode_in_order());
        self.configs.insert(key, config.clone());
        Ok((config, vec![write]))
    }
}

pub(super) fn rates_of(config: &TaskQueueConfig) -> Rates {
    let rate =
        |limit: &Option<RateLimitConfig>| Some(f64::from(limit.as_ref()?.rate_limit.as_ref()?.requests_per_second));
    Rates { queue: rate(&config.queue_rate_limit), key: rate(&config.fairness_keys_rate_limit_default) }
}
