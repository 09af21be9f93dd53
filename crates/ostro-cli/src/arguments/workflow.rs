//! `ostro workflow`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use temporalio_protos::temporal::api::enums::v1::{
    UpdateWorkflowExecutionLifecycleStage, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};

use super::value::{json, json_entry};

/// What to do with workflow executions.
#[derive(Subcommand, Debug)]
pub enum WorkflowCommand {
    /// Start a workflow and print its ids
    Start(Box<StartArguments>),
    /// Start a workflow, wait for it and print its result
    Execute(Box<StartArguments>),
    /// List executions, the newest first
    List {
        /// Only those that match, such as "ExecutionStatus = 'Failed' AND WorkflowType = 'Order'"
        #[arg(long, short, default_value = "", hide_default_value = true)]
        query: String,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Count executions
    Count {
        /// Only those that match; GROUP BY ExecutionStatus counts by status
        #[arg(long, short, default_value = "", hide_default_value = true)]
        query: String,
    },
    /// Show the history of an execution
    Show {
        #[command(flatten)]
        target: Target,
        /// Keep printing events until the execution closes
        #[arg(long, short)]
        follow: bool,
    },
    /// Show the state of an execution: status, times, what it waits for
    Describe {
        #[command(flatten)]
        target: Target,
    },
    /// Write histories as the JSON that Temporal's tools and replayers read
    Export(ExportArguments),
    /// Take over runs from exported histories, of this server or of a Temporal one; running ones go on here
    Import(ImportArguments),
    /// Send a signal
    Signal {
        #[command(flatten)]
        target: Target,
        /// Name of the signal
        #[arg(long)]
        name: String,
        #[command(flatten)]
        input: InputArguments,
    },
    /// Ask a workflow a question and print the answer
    Query {
        #[command(flatten)]
        target: Target,
        /// Name of the query
        #[arg(long = "type", value_name = "NAME")]
        kind: String,
        #[command(flatten)]
        input: InputArguments,
    },
    /// Send an update, wait for it and print its result
    Update(UpdateArguments),
    /// Let nothing of an execution leave for a worker until it is unpaused; what comes in meanwhile is kept
    Pause {
        #[command(flatten)]
        target: Target,
        /// Why, for its history
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Let a paused execution go on
    Unpause {
        #[command(flatten)]
        target: Target,
        /// Why, for its history
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Ask a workflow to cancel itself
    Cancel {
        #[command(flatten)]
        target: Target,
        /// Why, for its history
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// End an execution at once; its code gets no chance to clean up
    Terminate {
        #[command(flatten)]
        target: Target,
        /// Why, for its history
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Wait for an execution to close and print its result
    Result {
        #[command(flatten)]
        target: Target,
    },
    /// Delete an execution and its history; a running one is terminated first
    Delete {
        #[command(flatten)]
        target: Target,
    },
}

/// Which execution.
#[derive(Args, Debug, Clone)]
pub struct Target {
    /// Workflow id
    #[arg(value_name = "WORKFLOW_ID")]
    pub workflow_id: String,
    /// Run id [default: the current run]
    #[arg(long, short, default_value = "", hide_default_value = true)]
    pub run_id: String,
}

/// Arguments for a workflow, signal, query or update.
#[derive(Args, Debug, Clone, Default)]
pub struct InputArguments {
    /// One argument as JSON; repeat it for more
    #[arg(long, short, value_parser = json, allow_negative_numbers = true, value_name = "JSON")]
    pub input: Vec<Value>,
    /// One argument from a JSON file; repeat it for more
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub input_file: Vec<PathBuf>,
}

/// How to start a workflow.
#[derive(Args, Debug)]
pub struct StartArguments {
    /// Type of the workflow
    #[arg(long = "type", short = 't', value_name = "NAME")]
    pub workflow_type: String,
    /// Task queue that its workers poll
    #[arg(long, value_name = "NAME")]
    pub task_queue: String,
    /// Workflow id [default: a new UUID]
    #[arg(long)]
    pub id: Option<String>,
    #[command(flatten)]
    pub input: InputArguments,
    /// Whether the id of a closed execution may be used again [default: allow-duplicate]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub id_reuse_policy: Option<ReusePolicy>,
    /// What to do when an execution with this id is running [default: fail]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub id_conflict_policy: Option<ConflictPolicy>,
    /// Limit for all runs together
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub execution_timeout: Option<Duration>,
    /// Limit for one run
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub run_timeout: Option<Duration>,
    /// Limit for one workflow task
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub task_timeout: Option<Duration>,
    /// An entry of its memo; repeat it for more
    #[arg(long, value_parser = json_entry, value_name = "KEY=JSON")]
    pub memo: Vec<(String, Value)>,
    /// A search attribute; repeat it for more
    #[arg(long, value_parser = json_entry, value_name = "NAME=JSON")]
    pub search_attribute: Vec<(String, Value)>,
    /// Run again and again on this schedule, such as "0 12 * * *"
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CRON")]
    pub cron: String,
    /// Wait this long before the first workflow task
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub start_delay: Option<Duration>,
}

/// Which update to send.
#[derive(Args, Debug)]
pub struct UpdateArguments {
    #[command(flatten)]
    pub target: Target,
    /// Name of the update
    #[arg(long)]
    pub name: String,
    #[command(flatten)]
    pub input: InputArguments,
    /// Id of the update: the same id is the same update [default: a new UUID]
    #[arg(long)]
    pub update_id: Option<String>,
    /// How far to wait
    #[arg(long, value_enum, default_value_t = WaitStage::Completed, value_name = "STAGE")]
    pub wait: WaitStage,
}

/// How far an update is awaited.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitStage {
    Accepted,
    Completed,
}

impl From<WaitStage> for UpdateWorkflowExecutionLifecycleStage {
    fn from(stage: WaitStage) -> Self {
        match stage {
            WaitStage::Accepted => Self::Accepted,
            WaitStage::Completed => Self::Completed,
        }
    }
}

/// Whether the id of a closed execution may be used again.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReusePolicy {
    AllowDuplicate,
    AllowDuplicateFailedOnly,
    RejectDuplicate,
}

impl From<ReusePolicy> for WorkflowIdReusePolicy {
    fn from(policy: ReusePolicy) -> Self {
        match policy {
            ReusePolicy::AllowDuplicate => Self::AllowDuplicate,
            ReusePolicy::AllowDuplicateFailedOnly => Self::AllowDuplicateFailedOnly,
            ReusePolicy::RejectDuplicate => Self::RejectDuplicate,
        }
    }
}

/// What to do when an execution with the id is running.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictPolicy {
    Fail,
    UseExisting,
    TerminateExisting,
}

impl From<ConflictPolicy> for WorkflowIdConflictPolicy {
    fn from(policy: ConflictPolicy) -> Self {
        match policy {
            ConflictPolicy::Fail => Self::Fail,
            ConflictPolicy::UseExisting => Self::UseExisting,
            ConflictPolicy::TerminateExisting => Self::TerminateExisting,
        }
    }
}

/// `ostro workflow export`
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// The workflow's id
    #[arg(value_name = "WORKFLOW_ID", required_unless_present = "query", conflicts_with = "query")]
    pub workflow_id: Option<String>,
    /// The run; the newest without it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub run_id: String,
    /// Export every run that matches, each to a file of its own in --output
    #[arg(long, short, requires = "output")]
    pub query: Option<String>,
    /// Where to: a file, or a directory with --query; standard output without it
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// `ostro workflow import`
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// Exported histories, the runs of one workflow id in their order; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The workflow's id, where it is to be another than the history says
    #[arg(long, default_value = "", hide_default_value = true)]
    pub workflow_id: String,
    /// The run's id, where the history says another
    #[arg(long, default_value = "", hide_default_value = true)]
    pub run_id: String,
}
