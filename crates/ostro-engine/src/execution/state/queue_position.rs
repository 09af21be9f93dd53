//! What a task queue must know of a task of this execution: its order among others, and whose it is.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::Priority;

use crate::base::version::Version;
use crate::execution::Execution;
use crate::stored::persistence::Waiting;

/// The place of a waiting task; stored with it, so that a restart puts it back where it was. All defaults encode to nothing.
#[derive(Clone, PartialEq, Message)]
pub struct QueuePosition {
    /// 0 for the default.
    #[prost(int32, tag = "1")]
    pub priority: i32,
    #[prost(string, tag = "2")]
    pub fairness_key: String,
    /// 0 for the default.
    #[prost(float, tag = "3")]
    pub fairness_weight: f32,
    /// The version that the run is pinned to; empty where it is not.
    #[prost(string, tag = "4")]
    pub deployment: String,
    #[prost(string, tag = "5")]
    pub build_id: String,
    /// For the ramping version, whatever its share is.
    #[prost(bool, tag = "6")]
    pub ramping: bool,
}

impl QueuePosition {
    /// On a sticky queue, which is one worker's: there is no version to choose.
    pub(crate) fn on_sticky_queue(self) -> Self {
        Self { deployment: String::new(), build_id: String::new(), ramping: false, ..self }
    }

    pub(crate) fn pinned(&self) -> Option<Version> {
        (!self.deployment.is_empty()).then(|| Version::new(&self.deployment, &self.build_id))
    }
}

impl Execution {
    /// The place of a task of this execution; `own` goes before the execution's priority, field by field.
    pub fn queue_position(&self, own: Option<&Priority>) -> QueuePosition {
        let inherited = self.core.priority.clone().unwrap_or_default();
        let own = own.cloned().unwrap_or_default();
        let pinned = self.pinned_version();
        QueuePosition {
            priority: if own.priority_key != 0 { own.priority_key } else { inherited.priority_key },
            fairness_key: if own.fairness_key.is_empty() { inherited.fairness_key } else { own.fairness_key },
            fairness_weight: if own.fairness_weight != 0.0 { own.fairness_weight } else { inherited.fairness_weight },
            deployment: pinned.as_ref().map(|version| version.deployment.clone()).unwrap_or_default(),
            build_id: pinned.map(|version| version.build_id).unwrap_or_default(),
            ramping: self.wants_ramping_version(),
        }
    }

    /// Where the workflow task waits that a restart must put back.
    pub(crate) fn waiting_place(&self) -> Option<Waiting> {
        let task = self.waiting_workflow_task()?;
        let place = self.queue_position(None);
        let place = if task.sticky { place.on_sticky_queue() } else { place };
        Some(Waiting { queue: task.queue.clone(), place: place.encode_to_vec().into() })
    }

    /// Where that activity waits.
    pub(crate) fn waiting_activity(&self, scheduled_event_id: i64) -> Option<Waiting> {
        let activity = self.activities.get(&scheduled_event_id).filter(|_| self.offers_activity(scheduled_event_id))?;
        let place = self.queue_position(activity.attributes().priority.as_ref());
        Some(Waiting { queue: activity.queue().to_owned(), place: place.encode_to_vec().into() })
    }
}
