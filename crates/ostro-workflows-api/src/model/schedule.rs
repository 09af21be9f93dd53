//! A schedule as clients write and read it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::moment::Moment;

/// When to start, with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScheduleDefinition {
    /// The input of each execution; must fit the workflow's input schema.
    pub input: Value,
    #[serde(flatten)]
    pub times: ScheduleTimes,
    #[serde(default)]
    pub schedule_id: Option<String>,
}

/// What to change of a schedule; what is absent or `null` stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct PartialScheduleDefinition {
    #[serde(default)]
    pub input: Option<Value>,
    #[serde(flatten)]
    pub times: ScheduleTimes,
}

/// When to start. All times that any of its parts names, without those that `skip` names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScheduleTimes {
    #[serde(default)]
    pub calendars: Option<Vec<ScheduleCalendar>>,
    #[serde(default)]
    pub intervals: Option<Vec<ScheduleInterval>>,
    /// Such as `0 9 * * MON-FRI`, `@hourly` or `@every 5m`.
    #[serde(default)]
    pub cron_expressions: Option<Vec<String>>,
    #[serde(default)]
    pub skip: Option<Vec<ScheduleCalendar>>,
    #[serde(default)]
    pub start_at: Option<Moment>,
    #[serde(default)]
    pub end_at: Option<Moment>,
    /// Each start is put off by a random time up to this: an ISO 8601 duration.
    #[serde(default)]
    pub jitter: Option<String>,
    /// Such as `Europe/Paris`; UTC unless given.
    #[serde(default)]
    pub time_zone_name: Option<String>,
    #[serde(default)]
    pub policy: Option<SchedulePolicy>,
    /// Starts in all; no limit unless given.
    #[serde(default)]
    pub max_executions: Option<u32>,
}

/// Times by the calendar: those that are in a range of each field. Absent fields: second, minute and hour 0, all else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScheduleCalendar {
    #[serde(default)]
    pub second: Option<Vec<ScheduleRange>>,
    #[serde(default)]
    pub minute: Option<Vec<ScheduleRange>>,
    #[serde(default)]
    pub hour: Option<Vec<ScheduleRange>>,
    /// 1 to 31.
    #[serde(default)]
    pub day_of_month: Option<Vec<ScheduleRange>>,
    /// 1 to 12.
    #[serde(default)]
    pub month: Option<Vec<ScheduleRange>>,
    #[serde(default)]
    pub year: Option<Vec<ScheduleRange>>,
    /// 0 (Sunday) to 6.
    #[serde(default)]
    pub day_of_week: Option<Vec<ScheduleRange>>,
    #[serde(default)]
    pub comment: Option<String>,
}

/// From `start` to `end` (at least `start`) in steps (at least 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScheduleRange {
    pub start: i32,
    #[serde(default)]
    pub end: i32,
    #[serde(default)]
    pub step: i32,
}

/// Times at equal distances from the epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScheduleInterval {
    /// An ISO 8601 duration.
    pub every: String,
    /// An ISO 8601 duration.
    #[serde(default)]
    pub offset: Option<String>,
}

/// What happens when starts meet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SchedulePolicy {
    /// Starts missed (the server was down) up to this long ago are made up for.
    #[serde(default = "year")]
    pub catchup_window_seconds: i64,
    /// 1 skip, 2 buffer one, 3 buffer all, 4 cancel the other, 5 terminate the other, 6 allow all.
    #[serde(default)]
    pub overlap: Option<u8>,
    #[serde(default)]
    pub pause_on_failure: bool,
}

fn year() -> i64 {
    31_536_000
}

/// A schedule with what it has done and will do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleDefinitionOutput {
    pub input: Value,
    pub schedule_id: String,
    pub workflow_name: String,
    pub paused: bool,
    pub calendars: Vec<ScheduleCalendar>,
    pub intervals: Vec<ScheduleInterval>,
    pub cron_expressions: Vec<String>,
    pub skip: Vec<ScheduleCalendar>,
    pub start_at: Option<Moment>,
    pub end_at: Option<Moment>,
    pub jitter: Option<String>,
    pub time_zone_name: Option<String>,
    pub policy: Option<SchedulePolicy>,
    pub remaining_executions: Option<i64>,
    pub deployment_name: Option<String>,
    pub note: Option<String>,
    pub future_executions: Vec<ScheduleFutureExecution>,
    pub recent_executions: Vec<ScheduleRecentExecution>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleFutureExecution {
    pub scheduled_at: Moment,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleRecentExecution {
    pub scheduled_at: Moment,
    pub started_at: Moment,
    pub execution_id: String,
}
