//! Schedules that come with a workflow's registration.

use super::routes::create;
use crate::api::Api;
use crate::error::{Code, Error};
use crate::registry::{Registration, WorkflowSpecWithTaskQueue};

/// Makes the schedules that a worker registered, unless they are there; answers what went wrong.
pub(crate) async fn of_registration(
    api: &Api,
    namespace: &str,
    spec: &WorkflowSpecWithTaskQueue,
    registration: &Registration,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, definition) in spec.schedules.iter().flatten().enumerate() {
        let own = definition.schedule_id.clone().filter(|id| !id.is_empty());
        let id = own.unwrap_or_else(|| format!("{}-{index}", spec.name));
        let made = create(api, namespace, &id, registration, definition).await;
        match made {
            Ok(()) | Err(Error::Refused { code: Code::ScheduleExists, .. }) => {}
            Err(error) => warnings.push(format!("schedule {id} of workflow {} was not made: {error}", spec.name)),
        }
    }
    warnings
}
