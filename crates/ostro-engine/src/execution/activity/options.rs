//! Changes of an activity's options after it was scheduled. They hold from the next attempt on, time-outs at once.

use temporalio_protos::temporal::api::{
    activity::v1::ActivityOptions, common::v1::RetryPolicy, enums::v1::TaskQueueKind,
    history::v1::ActivityTaskScheduledEventAttributes, taskqueue::v1::TaskQueue,
};

use super::Selection;
use crate::base::error::{Error, Result};
use crate::base::time::{Span, Time, duration, from_duration};
use crate::execution::command::{Timeouts, check_retry_policy};
use crate::execution::workflow::backoff;
use crate::execution::{Effect, Transition};
use crate::stored::execution::Activity;

impl Activity {
    /// The options as they are now, as the reference server describes them.
    pub(crate) fn current_options(&self) -> ActivityOptions {
        let a = self.attributes();
        let policy = a.retry_policy.clone().unwrap_or_default();
        ActivityOptions {
            task_queue: Some(TaskQueue { name: self.queue().to_owned(), ..Default::default() }),
            schedule_to_close_timeout: a.schedule_to_close_timeout,
            schedule_to_start_timeout: a.schedule_to_start_timeout,
            start_to_close_timeout: a.start_to_close_timeout,
            heartbeat_timeout: a.heartbeat_timeout,
            retry_policy: Some(RetryPolicy { non_retryable_error_types: Vec::new(), ..policy }),
            priority: a.priority.clone(),
            ..Default::default()
        }
    }

    /// The same with the queue in the form in which it is described.
    pub(crate) fn described_options(&self) -> ActivityOptions {
        let name = self.queue().to_owned();
        let queue = TaskQueue { normal_name: name.clone(), name, ..Default::default() };
        ActivityOptions { task_queue: Some(queue), ..self.current_options() }
    }

    fn set_options(&mut self, options: ActivityOptions) {
        if self.options.is_none() {
            self.options = Some(self.current_options());
        }
        if let Some(scheduled) = self.scheduled.as_mut() {
            assign(scheduled, options);
        }
    }

    /// When the next attempt is due under the options as they are now.
    fn next_attempt_time(&self) -> Time {
        let policy = self.attributes().retry_policy.as_ref().filter(|_| self.attempt > 1);
        let Some(policy) = policy else { return self.attempt_scheduled_time() };
        match backoff::interval(policy, self.attempt) {
            Span::ZERO => self.attempt_scheduled_time(),
            wait => self.last_attempt_complete_time() + wait,
        }
    }
}

fn assign(scheduled: &mut ActivityTaskScheduledEventAttributes, options: ActivityOptions) {
    if let (Some(queue), Some(new)) = (scheduled.task_queue.as_mut(), options.task_queue) {
        queue.name = new.name;
    }
    scheduled.schedule_to_close_timeout = options.schedule_to_close_timeout;
    scheduled.schedule_to_start_timeout = options.schedule_to_start_timeout;
    scheduled.start_to_close_timeout = options.start_to_close_timeout;
    scheduled.heartbeat_timeout = options.heartbeat_timeout;
    scheduled.priority = options.priority;
    let old = scheduled.retry_policy.take().unwrap_or_default();
    scheduled.retry_policy = Some(RetryPolicy {
        non_retryable_error_types: old.non_retryable_error_types,
        ..options.retry_policy.unwrap_or_default()
    });
}

impl Transition<'_> {
    /// Sets the fields that `mask` names; answers with the options of the last of the selected activities.
    ///
    /// # Errors
    /// NOT_FOUND where none is selected; INVALID_ARGUMENT where the options make no sense. Nothing has changed then.
    pub(crate) fn update_activity_options(
        &mut self,
        selection: &Selection,
        options: &ActivityOptions,
        mask: &[String],
    ) -> Result<ActivityOptions> {
        let selected = self.exec.select_activities(selection)?;
        let mut changed = Vec::with_capacity(selected.len());
        for id in selected {
            let activity = &self.exec.activities[&id];
            changed.push((id, merged(activity, options, mask)?));
        }
        let last = changed.last().map(|(_, options)| options.clone()).unwrap_or_default();
        changed.into_iter().for_each(|(id, options)| self.set_activity_options(id, options));
        Ok(last)
    }

    /// Undoes every change of the selected activities' options.
    ///
    /// # Errors
    /// NOT_FOUND where none is selected.
    pub(crate) fn restore_activity_options(&mut self, selection: &Selection) -> Result<ActivityOptions> {
        let selected = self.exec.select_activities(selection)?;
        let mut last = ActivityOptions::default();
        for id in selected {
            let activity = &self.exec.activities[&id];
            last = activity.options.clone().unwrap_or_else(|| activity.current_options());
            self.set_activity_options(id, last.clone());
        }
        Ok(last)
    }

    /// Undoes changes of the options without moving the attempt.
    pub(super) fn restore_options(&mut self, id: i64) {
        let Some(activity) = self.exec.activity_mut(id) else { return };
        let Some(original) = activity.options.clone() else { return };
        let waits_on = activity.is_waiting().then(|| activity.queue().to_owned());
        activity.set_options(original);
        if let Some(queue) = waits_on {
            self.effect(Effect::WithdrawActivity(self.exec.id, id, queue));
        }
    }

    fn set_activity_options(&mut self, id: i64, options: ActivityOptions) {
        let Some(activity) = self.exec.activity_mut(id) else { return };
        let waits_on = activity.is_waiting().then(|| activity.queue().to_owned());
        activity.set_options(options);
        let (started, time) = (activity.is_started(), activity.next_attempt_time());
        if let Some(queue) = waits_on {
            self.effect(Effect::WithdrawActivity(self.exec.id, id, queue));
        }
        if !started {
            self.reschedule_activity(id, time);
        }
    }
}

fn merged(activity: &Activity, from: &ActivityOptions, mask: &[String]) -> Result<ActivityOptions> {
    let mut options = activity.current_options();
    for path in mask {
        merge_field(&mut options, from, &camel(path))?;
    }
    if mask.iter().any(|path| camel(path).starts_with("retryPolicy.")) {
        check_retry_policy(options.retry_policy.as_ref().unwrap_or(&RetryPolicy::default())).map_err(Error::invalid)?;
    }
    check_timeouts(activity, &options)?;
    let timeouts = Timeouts::of_options(&options);
    options.schedule_to_close_timeout = duration(timeouts.schedule_to_close);
    options.schedule_to_start_timeout = duration(timeouts.schedule_to_start);
    options.start_to_close_timeout = duration(timeouts.start_to_close);
    options.heartbeat_timeout = duration(timeouts.heartbeat);
    if let Some(queue) = options.task_queue.as_mut() {
        queue.kind = TaskQueueKind::Normal as i32;
    }
    Ok(options)
}

/// Copies one field; paths that are not known change nothing, as on the reference server.
fn merge_field(into: &mut ActivityOptions, from: &ActivityOptions, path: &str) -> Result<()> {
    let missing = |what: &str| Error::invalid(format!("{what} is not provided"));
    let (field, part) = path.split_once('.').unwrap_or((path, ""));
    match (field, part) {
        ("taskQueue", "name") => {
            let queue = from.task_queue.as_ref().ok_or_else(|| missing("TaskQueue"))?;
            into.task_queue.get_or_insert_default().name.clone_from(&queue.name);
        }
        ("scheduleToCloseTimeout", "") => into.schedule_to_close_timeout = from.schedule_to_close_timeout,
        ("scheduleToStartTimeout", "") => into.schedule_to_start_timeout = from.schedule_to_start_timeout,
        ("startToCloseTimeout", "") => into.start_to_close_timeout = from.start_to_close_timeout,
        ("heartbeatTimeout", "") => into.heartbeat_timeout = from.heartbeat_timeout,
        ("priority", "") => into.priority.clone_from(&from.priority),
        ("priority", part) => {
            let priority = from.priority.as_ref().ok_or_else(|| missing("Priority"))?;
            let into = into.priority.get_or_insert_default();
            match part {
                "priorityKey" => into.priority_key = priority.priority_key,
                "fairnessKey" => into.fairness_key.clone_from(&priority.fairness_key),
                "fairnessWeight" => into.fairness_weight = priority.fairness_weight,
                _ => {}
            }
        }
        ("retryPolicy", part) => {
            let policy = from.retry_policy.as_ref().ok_or_else(|| missing("RetryPolicy"))?;
            let into = into.retry_policy.get_or_insert_default();
            match part {
                "" => into.clone_from(policy),
                "initialInterval" => into.initial_interval = policy.initial_interval,
                "backoffCoefficient" => into.backoff_coefficient = policy.backoff_coefficient,
                "maximumInterval" => into.maximum_interval = policy.maximum_interval,
                "maximumAttempts" => into.maximum_attempts = policy.maximum_attempts,
                _ => {}
            }
        }
        _ => {}
    }
    Ok(())
}

fn check_timeouts(activity: &Activity, options: &ActivityOptions) -> Result<()> {
    let of = |what: &str| {
        let (id, kind) = (activity.activity_id(), activity.type_name());
        Error::invalid(format!("{what} ActivityId={id} ActivityType={kind}"))
    };
    let timeouts = [
        (&options.schedule_to_close_timeout, "ScheduleToCloseTimeout"),
        (&options.schedule_to_start_timeout, "ScheduleToStartTimeout"),
        (&options.start_to_close_timeout, "StartToCloseTimeout"),
        (&options.heartbeat_timeout, "HeartbeatTimeout"),
    ];
    if let Some((_, name)) = timeouts.iter().find(|(timeout, _)| from_duration(timeout) < Span::ZERO) {
        return Err(Error::invalid(format!("invalid {name}: negative duration")));
    }
    if from_duration(timeouts[0].0) == Span::ZERO && from_duration(timeouts[2].0) == Span::ZERO {
        return Err(of("A valid StartToClose or ScheduleToCloseTimeout is not set on ScheduleActivityTaskCommand."));
    }
    Ok(())
}

/// `snake_case.path` or `CamelCase.Path` as `camelCase.path`.
fn camel(path: &str) -> String {
    path.split('.').map(camel_part).collect::<Vec<_>>().join(".")
}

fn camel_part(part: &str) -> String {
    let mut words = part.split('_').filter(|word| !word.is_empty());
    let lower = |word: &str| word.chars().take(1).flat_map(char::to_lowercase).chain(word.chars().skip(1)).collect();
    let upper =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    let mut name: String = words.next().map(lower).unwrap_or_default();
    words.for_each(|word| name.push_str(&upper(word)));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_be_written_in_each_of_the_ways() {
        for path in ["retry_policy.maximum_attempts", "retryPolicy.maximumAttempts", "RetryPolicy.MaximumAttempts"] {
            assert_eq!(camel(path), "retryPolicy.maximumAttempts");
        }
    }
}
