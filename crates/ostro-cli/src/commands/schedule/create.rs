//! `ostro schedule create`.

use serde_json::json;
use temporalio_protos::temporal::api::common::v1::{Memo, SearchAttributes, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::schedule::v1::{
    IntervalSpec, Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec, ScheduleState,
};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::CreateScheduleRequest;
use uuid::Uuid;

use crate::arguments::CreateArguments;
use crate::commands::workflow::input_payloads;
use crate::duration::to_proto;
use crate::failure::Failure;
use crate::payload;
use crate::session::Session;

/// Creates a schedule that starts a workflow.
pub async fn create(session: &Session, arguments: CreateArguments) -> Result<(), Failure> {
    let id = arguments.schedule_id.clone();
    let memo = payload::fields(&arguments.memo);
    let search_attributes = payload::fields(&arguments.search_attribute);
    let request = CreateScheduleRequest {
        namespace: session.namespace.clone(),
        schedule_id: id.clone(),
        schedule: Some(schedule(arguments)?),
        identity: session.identity.clone(),
        request_id: Uuid::new_v4().to_string(),
        memo: (!memo.is_empty()).then_some(Memo { fields: memo }),
        search_attributes: (!search_attributes.is_empty())
            .then_some(SearchAttributes { indexed_fields: search_attributes }),
        ..Default::default()
    };
    session.ask(&request).await?;
    session.format.print(|| json!({ "created": id }), || format!("Created schedule {id}"));
    Ok(())
}

fn schedule(arguments: CreateArguments) -> Result<Schedule, Failure> {
    let interval = |every| IntervalSpec { interval: Some(to_proto(every)), phase: None };
    let workflow = NewWorkflowExecutionInfo {
        workflow_id: arguments.workflow_id.unwrap_or(arguments.schedule_id),
        workflow_type: Some(WorkflowType { name: arguments.workflow_type }),
        task_queue: Some(TaskQueue { name: arguments.task_queue, ..Default::default() }),
        input: input_payloads(arguments.input)?,
        ..Default::default()
    };
    Ok(Schedule {
        spec: Some(ScheduleSpec {
            cron_string: arguments.cron,
            interval: arguments.every.into_iter().map(interval).collect(),
            timezone_name: arguments.time_zone,
            jitter: arguments.jitter.map(to_proto),
            ..Default::default()
        }),
        action: Some(ScheduleAction { action: Some(Action::StartWorkflow(workflow)) }),
        policies: Some(SchedulePolicies {
            overlap_policy: arguments.overlap.map_or(0, |policy| ScheduleOverlapPolicy::from(policy) as i32),
            catchup_window: arguments.catchup_window.map(to_proto),
            pause_on_failure: arguments.pause_on_failure,
            ..Default::default()
        }),
        state: Some(ScheduleState { paused: arguments.paused, notes: arguments.notes, ..Default::default() }),
    })
}
