//! `ostro schedule`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use temporalio_protos::temporal::api::enums::v1::ScheduleOverlapPolicy;

use super::value::json_entry;
use super::workflow::InputArguments;

/// What to do with schedules.
#[derive(Subcommand, Debug)]
pub enum ScheduleCommand {
    /// List schedules, the newest first
    List {
        /// Only those that match, such as 'TemporalSchedulePaused = true'
        #[arg(long, short, default_value = "", hide_default_value = true)]
        query: String,
    },
    /// Show one schedule: when it acts, what runs, what ran last
    Describe {
        /// Which one
        schedule_id: String,
    },
    /// Create a schedule that starts a workflow
    Create(Box<CreateArguments>),
    /// Delete a schedule; what it started runs on
    Delete {
        /// Which one
        schedule_id: String,
    },
    /// Take no actions until it is unpaused
    Pause {
        /// Which one
        schedule_id: String,
        /// Why, for whoever looks at it
        #[arg(long, default_value = "Paused via CLI")]
        reason: String,
    },
    /// Take actions again
    Unpause {
        /// Which one
        schedule_id: String,
        /// Why, for whoever looks at it
        #[arg(long, default_value = "Unpaused via CLI")]
        reason: String,
    },
    /// Take one action now
    Trigger {
        /// Which one
        schedule_id: String,
        /// What to do if its last workflow still runs [default: as the schedule says]
        #[arg(long, value_enum, value_name = "POLICY")]
        overlap: Option<OverlapPolicy>,
    },
}

/// What a schedule does, and when.
#[derive(Args, Debug)]
pub struct CreateArguments {
    /// Its id
    pub schedule_id: String,
    /// Act at these times, such as "0 12 * * MON-FRI"; repeat it for more
    #[arg(long, value_name = "CRON", required_unless_present = "every")]
    pub cron: Vec<String>,
    /// Act this often, such as 1h; repeat it for more
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub every: Vec<Duration>,
    /// Time zone of the times [default: UTC]
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub time_zone: String,
    /// Act up to this much later, each time anew
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub jitter: Option<Duration>,
    /// What to do if the last workflow still runs [default: skip]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub overlap: Option<OverlapPolicy>,
    /// How late an action may be after the server was down [default: 365d]
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub catchup_window: Option<Duration>,
    /// Pause when a workflow fails
    #[arg(long)]
    pub pause_on_failure: bool,
    /// Create it paused
    #[arg(long)]
    pub paused: bool,
    /// A note for whoever looks at it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub notes: String,
    /// Type of the workflow
    #[arg(long = "type", short = 't', value_name = "NAME")]
    pub workflow_type: String,
    /// Task queue that its workers poll
    #[arg(long, value_name = "NAME")]
    pub task_queue: String,
    /// Workflow id; the time of the action is added [default: the schedule's id]
    #[arg(long, value_name = "ID")]
    pub workflow_id: Option<String>,
    #[command(flatten)]
    pub input: InputArguments,
    /// An entry of the schedule's memo; repeat it for more
    #[arg(long, value_parser = json_entry, value_name = "KEY=JSON")]
    pub memo: Vec<(String, Value)>,
    /// A search attribute of the schedule; repeat it for more
    #[arg(long, value_parser = json_entry, value_name = "NAME=JSON")]
    pub search_attribute: Vec<(String, Value)>,
}

/// What becomes of an action while the last workflow still runs.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapPolicy {
    Skip,
    BufferOne,
    BufferAll,
    CancelOther,
    TerminateOther,
    AllowAll,
}

impl From<OverlapPolicy> for ScheduleOverlapPolicy {
    fn from(policy: OverlapPolicy) -> Self {
        match policy {
            OverlapPolicy::Skip => Self::Skip,
            OverlapPolicy::BufferOne => Self::BufferOne,
            OverlapPolicy::BufferAll => Self::BufferAll,
            OverlapPolicy::CancelOther => Self::CancelOther,
            OverlapPolicy::TerminateOther => Self::TerminateOther,
            OverlapPolicy::AllowAll => Self::AllowAll,
        }
    }
}
