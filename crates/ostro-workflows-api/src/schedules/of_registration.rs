//! Schedules that come with a workflow's registration.

use super::routes::create;
use crate::api::Api;
use crate::auth::{Caller, Role};
use crate::error::{Code, Error};
use crate::registry::{Registration, WorkflowSpecWithTaskQueue};

/// Makes the schedules that a worker registered, unless they are there; answers what went wrong. A schedule starts
/// executions for as long as it is there, so it takes the role that starting one takes.
pub(crate) async fn of_registration(
    api: &Api,
    caller: &Caller,
    spec: &WorkflowSpecWithTaskQueue,
    registration: &Registration,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, definition) in spec.schedules.iter().flatten().enumerate() {
        let own = definition.schedule_id.clone().filter(|id| !id.is_empty());
        let id = own.unwrap_or_else(|| format!("{}-{index}", spec.name));
        if caller.role < Role::Operator {
            let (has, needs) = (caller.role.name(), Role::Operator.name());
            warnings.push(format!(
                "schedule {id} of workflow {} was not made: the key {} is a {has} of namespace {}; a schedule needs {needs}. \
                 Make it with such a key, or register with one",
                spec.name, caller.subject, caller.namespace
            ));
            continue;
        }
        let made = create(api, &caller.namespace, &id, registration, definition).await;
        match made {
            Ok(()) | Err(Error::Refused { code: Code::ScheduleExists, .. }) => {}
            Err(error) => warnings.push(format!("schedule {id} of workflow {} was not made: {error}", spec.name)),
        }
    }
    warnings
}
