//! Settings of task queues.

use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::base::error::{Error, Result};
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::engine::dispatch::describe_queue::queue_kind;
use crate::queue::QueueKey;
use crate::stored::persistence::Loader;

answers! {
    service::UpdateTaskQueueConfigRequest: |engine, request| engine.update_task_queue_config(request);
    service::UpdateWorkerBuildIdCompatibilityRequest: |engine, request| {
                let namespace = engine.namespaces.get(&request.namespace)?.id;
                let operation = request.operation.ok_or_else(|| Error::invalid("an operation must be specified"))?;
                let writes = engine.settings.update_build_ids(namespace, &request.task_queue, operation)?;
                engine.keep(writes);
                Ok(Default::default())
            };
    service::GetWorkerBuildIdCompatibilityRequest: |engine, request| {
                let namespace = engine.namespaces.get(&request.namespace)?.id;
                let most = usize::try_from(request.max_sets).unwrap_or_default();
                let major_version_sets = engine.settings.build_id_sets(namespace, &request.task_queue, most);
                Ok(service::GetWorkerBuildIdCompatibilityResponse { major_version_sets })
            };
    service::GetWorkerTaskReachabilityRequest: |engine, request| {
                let namespace = engine.namespaces.get(&request.namespace)?.id;
                let of = |id: &String| engine.settings.reachability(namespace, id, &request.task_queues);
                let build_id_reachability = request.build_ids.iter().map(of).collect();
                Ok(service::GetWorkerTaskReachabilityResponse { build_id_reachability })
            };
}

impl<L: Loader> Engine<L> {
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
