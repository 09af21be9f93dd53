//! Requests about activities without a workflow.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use prost::Message;
use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::enums::v1::TaskQueueKind;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::common::{self, blob, duration_fault, invalid, namespace, present};
use super::{Check, options};

/// An activity id that a request must name, in the words of these methods.
fn activity_id(id: &str, limits: &Config) -> Result<()> {
    present(id, "activity ID is required")?;
    within(id, "activity ID", limits)
}

fn within(text: &str, what: &str, limits: &Config) -> Result<()> {
    let (length, limit) = (text.len(), limits.id_length_max);
    if length <= limit {
        Ok(())
    } else {
        invalid(format!("{what} exceeds length limit. Length={length} Limit={limit}"))
    }
}

fn run_id(run_id: &str) -> Result<()> {
    if run_id.is_empty() || ostro_engine::ids::is_uuid(run_id) {
        return Ok(());
    }
    invalid("invalid run id: must be a valid UUID")
}

fn timeout(span: &Option<Duration>, what: &str) -> Result<()> {
    duration_fault(span).map_or(Ok(()), |fault| invalid(format!("invalid {what}: {fault}")))
}

fn is_set(span: &Option<Duration>) -> bool {
    span.as_ref().is_some_and(|span| span.seconds > 0 || span.nanos > 0)
}

impl Check for service::StartActivityExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        timeout(&self.start_delay, "StartDelay")?;
        common::task_queue(&self.task_queue, limits)?;
        present(&self.activity_id, "activityId is not set")?;
        let kind = self.activity_type.as_ref().map_or("", |kind| &kind.name).to_owned();
        present(&kind, "activityType is not set")?;
        options::retry_policy(&self.retry_policy)?;
        within(&self.activity_id, "activityId", limits)?;
        within(&kind, "activityType", limits)?;
        options::priority(&self.priority)?;
        timeout(&self.schedule_to_close_timeout, "ScheduleToCloseTimeout")?;
        timeout(&self.schedule_to_start_timeout, "ScheduleToStartTimeout")?;
        timeout(&self.start_to_close_timeout, "StartToCloseTimeout")?;
        timeout(&self.heartbeat_timeout, "HeartbeatTimeout")?;
        self.fill_timeouts(&kind)?;
        within(&self.request_id, "request ID", limits)?;
        within(&self.identity, "identity", limits)?;
        options::links(&self.links)?;
        blob(self.input.as_ref().map_or(0, Message::encoded_len), "activity's input", limits)?;
        super::nexus::callbacks(&mut self.completion_callbacks, limits)?;
        if let Some(queue) = self.task_queue.as_mut() {
            queue.kind = TaskQueueKind::Normal as i32;
        }
        if self.request_id.is_empty() {
            self.request_id = uuid::Uuid::new_v4().to_string();
        }
        Ok(())
    }
}

trait FillTimeouts {
    /// No part of an activity may take longer than the whole.
    fn fill_timeouts(&mut self, kind: &str) -> Result<()>;
}

impl FillTimeouts for service::StartActivityExecutionRequest {
    fn fill_timeouts(&mut self, kind: &str) -> Result<()> {
        let zero = Some(Duration::default());
        if is_set(&self.schedule_to_close_timeout) {
            let whole = self.schedule_to_close_timeout;
            for part in [&mut self.schedule_to_start_timeout, &mut self.start_to_close_timeout] {
                *part = if is_set(part) { shorter(*part, whole) } else { whole };
            }
        } else if !is_set(&self.start_to_close_timeout) {
            return invalid(format!(
                "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. ActivityId={} \
                 ActivityType={kind}",
                self.activity_id
            ));
        }
        if is_set(&self.heartbeat_timeout) {
            self.heartbeat_timeout = shorter(self.heartbeat_timeout, self.start_to_close_timeout);
        }
        for span in [
            &mut self.schedule_to_close_timeout,
            &mut self.schedule_to_start_timeout,
            &mut self.start_to_close_timeout,
            &mut self.heartbeat_timeout,
        ] {
            *span = span.or(zero);
        }
        Ok(())
    }
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    let order = |span: &Option<Duration>| span.map_or((i64::MAX, 0), |span| (span.seconds, span.nanos));
    if order(&one) <= order(&other) { one } else { other }
}

impl Check for service::DescribeActivityExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        activity_id(&self.activity_id, limits)?;
        if !self.long_poll_token.is_empty() && self.run_id.is_empty() {
            return invalid("run id is required when long poll token is provided");
        }
        run_id(&self.run_id)
    }
}

impl Check for service::PollActivityExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        activity_id(&self.activity_id, limits)?;
        run_id(&self.run_id)
    }
}

impl Check for service::DeleteActivityExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        activity_id(&self.activity_id, limits)?;
        run_id(&self.run_id)
    }
}

/// Requests that say who wants it and why.
macro_rules! with_reason {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                activity_id(&self.activity_id, limits)?;
                within(&self.request_id, "request ID", limits)?;
                within(&self.identity, "identity", limits)?;
                run_id(&self.run_id)?;
                if blob(self.reason.len(), "reason", limits).is_err() {
                    return invalid("reason exceeds length limit");
                }
                Ok(())
            }
        })*
    };
}

with_reason!(
    RequestCancelActivityExecutionRequest,
    TerminateActivityExecutionRequest,
    PauseActivityExecutionRequest,
    UnpauseActivityExecutionRequest
);

impl Check for service::ResetActivityExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        activity_id(&self.activity_id, limits)?;
        within(&self.identity, "identity", limits)?;
        run_id(&self.run_id)?;
        timeout(&self.jitter, "jitter")
    }
}

impl Check for service::UpdateActivityExecutionOptionsRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        activity_id(&self.activity_id, limits)?;
        within(&self.identity, "identity", limits)?;
        run_id(&self.run_id)?;
        let masked = self.update_mask.as_ref().is_some_and(|mask| !mask.paths.is_empty());
        if self.restore_original && masked {
            return invalid("Both UpdateMask and RestoreOriginal are provided");
        }
        if !self.restore_original && !masked {
            return invalid("UpdateMask must specify at least one path");
        }
        options::priority(&self.activity_options.as_ref().and_then(|options| options.priority.clone()))
    }
}
