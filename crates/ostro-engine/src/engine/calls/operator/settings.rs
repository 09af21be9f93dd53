//! Settings of task queues.

use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::base::error::{Error, Result};
use crate::call::{Answer, Command};
use crate::engine::Engine;
use crate::engine::dispatch::describe_queue::queue_kind;
use crate::queue::QueueKey;
use crate::stored::persistence::Loader;

impl<L: Loader> Engine<L> {
    /// A call on settings of task queues, or on what comes after them.
    pub(crate) fn settings_call(&mut self, command: Command) -> Result<Option<Answer>> {
        let answer = match command {
            Command::UpdateTaskQueueConfig(r) => {
                Answer::UpdateTaskQueueConfig(Box::new(self.update_task_queue_config(*r)?))
            }
            Command::UpdateBuildIds(r) => {
                let namespace = self.namespaces.get(&r.namespace)?.id;
                let operation = r.operation.ok_or_else(|| Error::invalid("an operation must be specified"))?;
                let writes = self.settings.update_build_ids(namespace, &r.task_queue, operation)?;
                self.keep(writes);
                Answer::UpdateBuildIds(Box::default())
            }
            Command::GetBuildIds(r) => {
                let namespace = self.namespaces.get(&r.namespace)?.id;
                let most = usize::try_from(r.max_sets).unwrap_or_default();
                let major_version_sets = self.settings.build_id_sets(namespace, &r.task_queue, most);
                Answer::GetBuildIds(Box::new(service::GetWorkerBuildIdCompatibilityResponse { major_version_sets }))
            }
            Command::TaskReachability(r) => {
                let namespace = self.namespaces.get(&r.namespace)?.id;
                let of = |id: &String| self.settings.reachability(namespace, id, &r.task_queues);
                let build_id_reachability = r.build_ids.iter().map(of).collect();
                Answer::TaskReachability(Box::new(service::GetWorkerTaskReachabilityResponse { build_id_reachability }))
            }
            command => return self.deployment_call(command),
        };
        Ok(Some(answer))
    }

    fn update_task_queue_config(
        &mut self,
        request: service::UpdateTaskQueueConfigRequest,
    ) -> Result<service::UpdateTaskQueueConfigResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let queue = QueueKey::new(namespace, queue_kind(request.task_queue_type()), request.task_queue.clone());
        let (config, writes) = self.settings.update_config(&queue, request, self.now)?;
        self.keep(writes);
        self.queues.set_rates(&queue, self.settings.rates(&queue));
        Ok(service::UpdateTaskQueueConfigResponse { config: Some(config) })
    }
}
