//! What workers do first: register what they serve, with its schedules.

use super::api::Api;
use super::registry::register::Registered;
use super::schedules;
use crate::model::access::Caller;
use crate::model::definition::WorkflowSpecsRegisterRequest;
use crate::model::error::Result;

/// Registers what a worker serves and makes the schedules that come with it; what a schedule refuses is a warning.
pub(crate) async fn register(api: &Api, caller: &Caller, request: &WorkflowSpecsRegisterRequest) -> Result<Registered> {
    let mut registered = api.registry.register(&caller.namespace, request).await?;
    for (spec, registration) in request.definitions.iter().zip(&registered.registrations) {
        registered.warnings.extend(schedules::of_registration(api, caller, spec, registration).await);
    }
    Ok(registered)
}
