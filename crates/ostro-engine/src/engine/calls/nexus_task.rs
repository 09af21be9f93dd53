//! Workers that serve Nexus operations: their polls.

use temporalio_protos::temporal::api::workflowservice::v1::{PollNexusTaskQueueRequest, PollNexusTaskQueueResponse};

use super::super::Engine;
use super::worker::worker_of;
use crate::command::{Answer, WithDeadline};
use crate::error::Result;
use crate::persistence::{Loader, QueueKind};
use crate::queue::{Poller, QueueKey};
use crate::reply::ReplyId;

impl<L: Loader> Engine<L> {
    pub(super) fn poll_nexus_task(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<PollNexusTaskQueueRequest>,
    ) -> Result<Option<Answer>> {
        let WithDeadline { request, deadline } = call;
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let deadline = self.poll_deadline(deadline);
        if deadline <= self.now {
            return Ok(Some(Answer::PollNexusTask(Box::<PollNexusTaskQueueResponse>::default())));
        }
        let poller = Poller {
            reply,
            identity: request.identity,
            since: self.now,
            deadline,
            worker_instance_key: request.worker_instance_key,
            deployment: worker_of(request.deployment_options, request.worker_version_capabilities, String::new()),
            ..Default::default()
        };
        let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
        self.add_poller(QueueKey::new(namespace, QueueKind::Nexus, name), poller)?;
        Ok(None)
    }
}
