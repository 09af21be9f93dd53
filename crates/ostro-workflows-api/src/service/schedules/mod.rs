//! Schedules: the engine has them, in its own form.

pub(crate) mod from_engine;

pub(crate) mod to_engine;

use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::schedule::v1::{Schedule, ScheduleListEntry, SchedulePatch};
use temporalio_protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DeleteScheduleRequest, DescribeScheduleRequest, DescribeScheduleResponse,
    ListSchedulesRequest, PatchScheduleRequest, UpdateScheduleRequest,
};
use uuid::Uuid;

use crate::model::access::{Caller, Role};
use crate::model::definition::WorkflowSpecWithTaskQueue;
use crate::model::error::{Code, Error, Result};
use crate::model::payload::Input;
use crate::model::registration::{Registration, workflow_id};
use crate::model::schedule::{PartialScheduleDefinition, ScheduleDefinition};
use crate::service::api::Api;
use crate::service::executions::start::{IDENTITY, checked_input};

const PAGE: i32 = 1000;

/// Makes a schedule with this id; 409 when there is one.
pub(crate) async fn create(
    api: &Api,
    namespace: &str,
    id: &str,
    registration: &Registration,
    definition: &ScheduleDefinition,
) -> Result<()> {
    let input = Input::of(Some(definition.input.clone()))?;
    let input = checked_input(api, registration, input, &["body", "schedule", "input"])?;
    let schedule = to_engine::schedule(namespace, id, registration, &input, &definition.times)?;
    let request = CreateScheduleRequest {
        namespace: namespace.to_owned(),
        schedule_id: id.to_owned(),
        schedule: Some(schedule),
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    api.engine.ask(&request).await.map_err(|status| refused(id, &status))?;
    Ok(())
}

/// What the engine says of a schedule.
/// What the engine says of a schedule.
pub(crate) async fn describe(api: &Api, namespace: &str, id: &str) -> Result<DescribeScheduleResponse> {
    let request = DescribeScheduleRequest { namespace: namespace.to_owned(), schedule_id: id.to_owned() };
    api.engine.ask(&request).await.map_err(|status| refused(id, &status))
}

/// Changes a schedule; what is absent stays. Input is checked first where the workflow's registration is known.
pub(crate) async fn update(api: &Api, namespace: &str, id: &str, change: PartialScheduleDefinition) -> Result<()> {
    let described = describe(api, namespace, id).await?;
    let mut schedule = described.schedule.unwrap_or_default();
    if let Some(input) = change.input {
        let mut input = Input::of(Some(input))?;
        if let Some(registration) = scheduled(api, namespace, &schedule).await? {
            input = checked_input(api, &registration, input, &["body", "schedule", "input"])?;
        }
        to_engine::change_input(&mut schedule, namespace, &input);
    }
    to_engine::change(&mut schedule, &change.times)?;
    let request = UpdateScheduleRequest {
        namespace: namespace.to_owned(),
        schedule_id: id.to_owned(),
        schedule: Some(schedule),
        conflict_token: described.conflict_token,
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    api.engine.ask(&request).await.map_err(|status| refused(id, &status))?;
    Ok(())
}

/// Pauses, resumes or triggers a schedule.
pub(crate) async fn patch(api: &Api, namespace: String, id: String, patch: SchedulePatch) -> Result<()> {
    let request = PatchScheduleRequest {
        namespace,
        schedule_id: id.clone(),
        patch: Some(patch),
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
    };
    api.engine.ask(&request).await.map_err(|status| refused(&id, &status))?;
    Ok(())
}

/// Deletes a schedule; executions that it started go on.
pub(crate) async fn delete(api: &Api, namespace: String, id: String) -> Result<()> {
    let request = DeleteScheduleRequest { namespace, schedule_id: id.clone(), identity: IDENTITY.to_owned() };
    api.engine.ask(&request).await.map_err(|status| refused(&id, &status))?;
    Ok(())
}

/// The registration of the workflow that a schedule starts, if there is one.
async fn scheduled(api: &Api, namespace: &str, schedule: &Schedule) -> Result<Option<Registration>> {
    let Some(Action::StartWorkflow(start)) = schedule.action.as_ref().and_then(|action| action.action.as_ref()) else {
        return Ok(None);
    };
    let name = start.workflow_type.clone().unwrap_or_default().name;
    let queue = start.task_queue.clone().unwrap_or_default().name;
    let all = api.registry.registrations_of(namespace, workflow_id(namespace, &name)).await?;
    Ok(all.into_iter().map(|(registration, _)| registration).find(|each| each.task_queue == queue))
}

/// What the engine's refusal of a schedule means.
pub(crate) fn refused(id: &str, status: &tonic::Status) -> Error {
    Error::of_engine(status, &format!("schedule {id}"), Code::ScheduleNotFound)
}

/// The schedules of a namespace.
pub(crate) async fn entries(api: &Api, namespace: &str) -> Result<Vec<ScheduleListEntry>> {
    let mut request =
        ListSchedulesRequest { namespace: namespace.to_owned(), maximum_page_size: PAGE, ..Default::default() };
    let mut all = Vec::new();
    loop {
        let page = api.engine.ask(&request).await.map_err(|status| refused("(all)", &status))?;
        all.extend(page.schedules);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.next_page_token = page.next_page_token;
    }
}

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

#[cfg(test)]
mod tests;
