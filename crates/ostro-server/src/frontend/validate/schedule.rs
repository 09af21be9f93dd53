//! Requests about schedules. Their specifications are checked by the engine, which compiles them.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use ostro_engine::time::{Span, from_duration, from_timestamp};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::Memo;
use temporalio_protos::temporal::api::enums::v1::WorkflowIdReusePolicy;
use temporalio_protos::temporal::api::schedule::v1::{Schedule, schedule_action::Action};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::common::{self, allowed_length, blob, invalid, length, namespace, present};
use super::{Check, options};

/// What the reference server keeps a schedule's workflow under; ids of schedules are as much shorter than other ids.
const ID_PREFIX: &str = "temporal-sys-scheduler:";
/// What is added to the id of a scheduled workflow.
const TIME_SUFFIX: &str = "-2009-11-10T23:00:00Z";
const NOTES_BYTES_MAX: usize = 1000;

impl Check for service::CreateScheduleRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.schedule_id, "ScheduleId is not set on request.")?;
        allowed_length(&format!("{ID_PREFIX}{}", self.schedule_id), "WorkflowId", limits)?;
        present(&self.request_id, "RequestId is not set on request.")?;
        length(&self.request_id, "RequestId", limits)?;
        schedule(&mut self.schedule, &self.memo, limits)?;
        let patch = self.initial_patch.as_ref();
        patch.map_or(Ok(()), |patch| notes(&[&patch.pause, &patch.unpause]))
    }
}

impl Check for service::UpdateScheduleRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        length(&self.request_id, "RequestId", limits)?;
        schedule(&mut self.schedule, &self.memo, limits)?;
        match workflow(&mut self.schedule) {
            Some(_) => Ok(()),
            None => invalid("Only StartWorkflow action is supported for schedules"),
        }
    }
}

impl Check for service::PatchScheduleRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        let Some(patch) = &self.patch else { return invalid("Patch is not set on request.") };
        length(&self.request_id, "RequestId", limits)?;
        notes(&[&patch.pause, &patch.unpause])?;
        blob(patch.encoded_len(), "patch", limits)?;
        for backfill in &patch.backfill_request {
            if from_timestamp(&backfill.start_time) > from_timestamp(&backfill.end_time) {
                return invalid("Invalid backfill: its start_time is after its end_time.");
            }
        }
        Ok(())
    }
}

macro_rules! only_namespace {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, _limits: &Config) -> Result<()> {
                namespace(&self.namespace)
            }
        })*
    };
}

only_namespace!(DescribeScheduleRequest, DeleteScheduleRequest, ListScheduleMatchingTimesRequest);

fn schedule(schedule: &mut Option<Schedule>, memo: &Option<Memo>, limits: &Config) -> Result<()> {
    if let Some(schedule) = schedule.as_ref() {
        let state = schedule.state.as_ref();
        state.map_or(Ok(()), |state| notes(&[&state.notes]))?;
        intervals(schedule)?;
    }
    if let Some(workflow) = workflow(schedule) {
        start(workflow, limits)?;
    }
    options::memo(memo.as_ref().map_or(0, Message::encoded_len), limits)?;
    let size = schedule.as_ref().map_or(0, Message::encoded_len);
    blob(size, "schedule", limits)
}

fn workflow(schedule: &mut Option<Schedule>) -> Option<&mut NewWorkflowExecutionInfo> {
    match schedule.as_mut()?.action.as_mut()?.action.as_mut()? {
        Action::StartWorkflow(workflow) => Some(workflow),
    }
}

/// What the workflows to come start with.
fn start(workflow: &mut NewWorkflowExecutionInfo, limits: &Config) -> Result<()> {
    allowed_length(&format!("{}{TIME_SUFFIX}", workflow.workflow_id), "WorkflowId", limits)?;
    let name = workflow.workflow_type.as_ref().map_or("", |kind| &kind.name);
    present(name, "WorkflowType is not set on request.")?;
    length(name, "WorkflowType", limits)?;
    common::task_queue(&workflow.task_queue, limits)?;
    normal(&mut workflow.task_queue);
    common::timeout(&workflow.workflow_execution_timeout, "WorkflowExecutionTimeoutSeconds")?;
    common::timeout(&workflow.workflow_run_timeout, "WorkflowRunTimeoutSeconds")?;
    common::timeout(&workflow.workflow_task_timeout, "WorkflowTaskTimeoutSeconds")?;
    if !workflow.cron_schedule.is_empty() {
        return invalid("Scheduled workflow must not contain CronSchedule");
    }
    let reuse = WorkflowIdReusePolicy::try_from(workflow.workflow_id_reuse_policy).unwrap_or_default();
    if !matches!(reuse, WorkflowIdReusePolicy::Unspecified | WorkflowIdReusePolicy::AllowDuplicate) {
        return invalid("Scheduled workflow must not contain WorkflowIDReusePolicy");
    }
    options::versioning_override(&mut workflow.versioning_override)?;
    options::retry_policy(&workflow.retry_policy)?;
    options::priority(&workflow.priority)?;
    options::memo(workflow.memo.as_ref().map_or(0, Message::encoded_len), limits)?;
    blob(workflow.input.as_ref().map_or(0, Message::encoded_len), "workflow's input", limits)
}

fn normal(queue: &mut Option<TaskQueue>) {
    if let Some(queue) = queue {
        queue.kind = temporalio_protos::temporal::api::enums::v1::TaskQueueKind::Normal as i32;
    }
}

fn notes(texts: &[&str]) -> Result<()> {
    if texts.iter().any(|text| text.len() > NOTES_BYTES_MAX) {
        return invalid("Schedule notes exceeds limit.");
    }
    Ok(())
}

/// Durations that are none. What they may be is the engine's to say.
fn intervals(schedule: &Schedule) -> Result<()> {
    for interval in schedule.spec.iter().flat_map(|spec| &spec.interval) {
        for (what, span) in [("interval", &interval.interval), ("phase", &interval.phase)] {
            let mixed = span
                .as_ref()
                .is_some_and(|span| (span.seconds < 0) != (span.nanos < 0) && span.nanos != 0 && span.seconds != 0);
            if mixed || from_duration(span) == Span::MAX {
                return invalid(format!("Invalid schedule spec: {what} is not a valid duration"));
            }
        }
    }
    Ok(())
}
