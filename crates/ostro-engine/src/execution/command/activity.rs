//! ScheduleActivityTask and RequestCancelActivityTask.

use temporalio_protos::temporal::api::{
    activity::v1::ActivityOptions,
    command::v1::{RequestCancelActivityTaskCommandAttributes, ScheduleActivityTaskCommandAttributes},
    enums::v1::{TaskQueueKind, WorkflowTaskFailedCause as Cause},
    history::v1::ActivityTaskScheduledEventAttributes,
    taskqueue::v1::TaskQueue,
};

use super::{Applied, Checker, Refusal};
use crate::base::time::{Span, duration, from_duration};
use crate::execution::history::Extras;
use crate::execution::workflow::backoff;
use crate::execution::workflow_task::StartedBy;
use crate::execution::{Effect, Transition};

impl<'a> Checker<'a> {
    pub(super) fn schedule_activity(&mut self, a: &'a ScheduleActivityTaskCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadScheduleActivityAttributes;
        self.name(cause, "ActivityId", &a.activity_id)?;
        let of = |message: &str| Refusal::new(cause, format!("{message} ActivityId={}", a.activity_id));
        self.name(cause, "ActivityType", a.activity_type.as_ref().map_or("", |t| &t.name))?;
        self.length(cause, "TaskQueue", a.task_queue.as_ref().map_or("", |q| &q.name))?;
        self.retry_policy(cause, &a.retry_policy)?;
        let [close, start, run, heartbeat] = [
            (&a.schedule_to_close_timeout, "ScheduleToCloseTimeout"),
            (&a.schedule_to_start_timeout, "ScheduleToStartTimeout"),
            (&a.start_to_close_timeout, "StartToCloseTimeout"),
            (&a.heartbeat_timeout, "HeartbeatTimeout"),
        ]
        .map(|(timeout, name)| (from_duration(timeout), name));
        if let Some((_, name)) = [close, start, run, heartbeat].iter().find(|(timeout, _)| *timeout < Span::ZERO) {
            return Err(of(&format!("Invalid {name}: it must not be negative.")));
        }
        if close.0 == Span::ZERO && run.0 == Span::ZERO {
            return Err(of(
                "A valid StartToClose or ScheduleToCloseTimeout is not set on ScheduleActivityTaskCommand.",
            ));
        }
        self.payloads(cause, "ScheduleActivityTaskCommandAttributes.Input", &a.input)?;
        self.count_activity(a)
    }

    fn count_activity(&mut self, a: &'a ScheduleActivityTaskCommandAttributes) -> Result<(), Refusal> {
        let duplicate =
            self.exec.activity_ids.contains_key(&a.activity_id) || !self.activities_scheduled.insert(&a.activity_id);
        if duplicate {
            return Err(Refusal::new(
                Cause::ScheduleActivityDuplicateId,
                format!("an activity with id {} is pending already", a.activity_id),
            ));
        }
        let pending = self.exec.activities.len() + self.activities_scheduled.len();
        let limit = self.config.pending_max;
        if pending > limit {
            return Err(Refusal::new(
                Cause::PendingActivitiesLimitExceeded,
                format!(
                    "the number of pending activities, {pending}, would exceed the limit of {limit}: wait for some to end before scheduling more"
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn request_cancel_activity(
        &self,
        a: &RequestCancelActivityTaskCommandAttributes,
    ) -> Result<(), Refusal> {
        let cause = Cause::BadRequestCancelActivityAttributes;
        if a.scheduled_event_id <= 0 {
            return Err(Refusal::new(cause, "ScheduledEventId is not set on RequestCancelActivityTaskCommand."));
        }
        if a.scheduled_event_id >= self.exec.core.next_event_id + self.activities_scheduled.len() as i64 + 64 {
            return Err(Refusal::new(cause, format!("no activity was scheduled by event {}", a.scheduled_event_id)));
        }
        Ok(())
    }
}

impl Transition<'_> {
    pub(super) fn schedule_activity(
        &mut self,
        a: ScheduleActivityTaskCommandAttributes,
        completed: i64,
        extras: Extras,
        by: &StartedBy,
        applied: &mut Applied,
    ) {
        let eager = a.request_eager_execution;
        let scheduled = self.scheduled_attributes(a, completed);
        let same_queue = scheduled.task_queue.as_ref().is_some_and(|q| q.name == self.exec.core.task_queue);
        let scheduled_event_id = self.record_with(scheduled.clone(), extras);
        self.exec.add_activity(scheduled_event_id, scheduled, self.now);
        if eager && same_queue {
            applied.eager_activities.push((scheduled_event_id, by.clone()));
        } else {
            self.effect(Effect::OfferActivity(self.exec.id, scheduled_event_id));
        }
    }

    /// Fills in what the command leaves open: queue, time-outs within the run's, retry policy.
    fn scheduled_attributes(
        &self,
        a: ScheduleActivityTaskCommandAttributes,
        completed: i64,
    ) -> ActivityTaskScheduledEventAttributes {
        let timeouts = Timeouts::of(&a, from_duration(&self.exec.started().workflow_run_timeout));
        let name =
            a.task_queue.map(|q| q.name).filter(|n| !n.is_empty()).unwrap_or_else(|| self.exec.core.task_queue.clone());
        ActivityTaskScheduledEventAttributes {
            activity_id: a.activity_id,
            activity_type: a.activity_type,
            task_queue: Some(TaskQueue { name, kind: TaskQueueKind::Normal as i32, ..Default::default() }),
            header: a.header,
            input: a.input,
            schedule_to_close_timeout: duration(timeouts.schedule_to_close),
            schedule_to_start_timeout: duration(timeouts.schedule_to_start),
            start_to_close_timeout: duration(timeouts.start_to_close),
            heartbeat_timeout: duration(timeouts.heartbeat),
            workflow_task_completed_event_id: completed,
            retry_policy: Some(backoff::with_defaults(&a.retry_policy.unwrap_or_default(), self.config)),
            priority: a.priority,
            use_workflow_build_id: a.use_workflow_build_id,
        }
    }

    pub(super) fn request_cancel_activity(
        &mut self,
        a: RequestCancelActivityTaskCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        self.cancel_activity_by_workflow(a.scheduled_event_id, completed, extras);
    }
}

/// An activity's time-outs after the rules of the reference server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub schedule_to_close: Span,
    pub schedule_to_start: Span,
    pub start_to_close: Span,
    pub heartbeat: Span,
}

impl Timeouts {
    /// Those of changed options; the run's own time-out was looked at when the activity was scheduled.
    pub(crate) fn of_options(options: &ActivityOptions) -> Self {
        let attributes = ScheduleActivityTaskCommandAttributes {
            schedule_to_close_timeout: options.schedule_to_close_timeout,
            schedule_to_start_timeout: options.schedule_to_start_timeout,
            start_to_close_timeout: options.start_to_close_timeout,
            heartbeat_timeout: options.heartbeat_timeout,
            ..Default::default()
        };
        Self::of(&attributes, Span::ZERO)
    }

    fn of(a: &ScheduleActivityTaskCommandAttributes, run: Span) -> Self {
        let mut close = from_duration(&a.schedule_to_close_timeout);
        let mut start = from_duration(&a.schedule_to_start_timeout);
        let mut attempt = from_duration(&a.start_to_close_timeout);
        if close > Span::ZERO {
            start = within(start, close);
            attempt = within(attempt, close);
        } else {
            close = run;
            start = if start > Span::ZERO { start } else { run };
        }
        if run > Span::ZERO {
            close = within(close, run);
            start = within(start, run);
            attempt = within(attempt, run);
        }
        let heartbeat = from_duration(&a.heartbeat_timeout);
        let heartbeat = if heartbeat > Span::ZERO && attempt > Span::ZERO { heartbeat.min(attempt) } else { heartbeat };
        Self { schedule_to_close: close, schedule_to_start: start, start_to_close: attempt, heartbeat }
    }
}

/// `span` where set and shorter than `limit`, else `limit`.
fn within(span: Span, limit: Span) -> Span {
    if span > Span::ZERO { span.min(limit) } else { limit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::SECOND;

    #[test]
    fn timeouts_fill_each_other_in() {
        // (close, start, attempt, heartbeat), run -> (close, start, attempt, heartbeat), in seconds
        let cases = [
            ((10, 0, 0, 0), 0, (10, 10, 10, 0)),
            ((10, 20, 5, 7), 0, (10, 10, 5, 5)),
            ((0, 0, 5, 0), 0, (0, 0, 5, 0)),
            ((0, 0, 5, 0), 60, (60, 60, 5, 0)),
            ((0, 0, 500, 0), 60, (60, 60, 60, 0)),
        ];
        for ((close, start, attempt, heartbeat), run, expected) in cases {
            let a = ScheduleActivityTaskCommandAttributes {
                schedule_to_close_timeout: duration(close * SECOND),
                schedule_to_start_timeout: duration(start * SECOND),
                start_to_close_timeout: duration(attempt * SECOND),
                heartbeat_timeout: duration(heartbeat * SECOND),
                ..Default::default()
            };
            let t = Timeouts::of(&a, run * SECOND);
            let seconds = (t.schedule_to_close, t.schedule_to_start, t.start_to_close, t.heartbeat);
            assert_eq!(seconds, (expected.0 * SECOND, expected.1 * SECOND, expected.2 * SECOND, expected.3 * SECOND));
        }
    }
}
