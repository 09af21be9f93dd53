//! `ostro task-queue`.

use clap::{Subcommand, ValueEnum};
use temporalio_protos::temporal::api::enums::v1;

/// What to do with task queues.
#[derive(Subcommand, Debug)]
pub enum TaskQueueCommand {
    /// Show who polls a task queue, what waits in it and how fast it moves
    Describe {
        /// Name of the task queue
        name: String,
        /// Only tasks of this type [default: both]
        #[arg(long = "type", value_enum, value_name = "TYPE")]
        kind: Option<TaskQueueType>,
    },
}

/// The two halves of a task queue.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskQueueType {
    Workflow,
    Activity,
}

impl From<TaskQueueType> for v1::TaskQueueType {
    fn from(kind: TaskQueueType) -> Self {
        match kind {
            TaskQueueType::Workflow => Self::Workflow,
            TaskQueueType::Activity => Self::Activity,
        }
    }
}
