//! The command line as clap reads it. Doc comments are the help texts.

mod data;
mod namespace;
mod schedule;
mod search_attribute;
mod security;
mod server;
mod start_dev;
mod task_queue;
pub mod test_server;
mod token;
mod value;
mod workflow;

pub use data::{BackupArguments, DataArguments, DoctorArguments, RestoreArguments};
pub use namespace::{NamespaceCommand, NamespaceSettings};
pub use schedule::{CreateArguments, OverlapPolicy, ScheduleCommand};
pub use search_attribute::{AttributeType, SearchAttributeCommand};
pub use security::{EngineArguments, SecurityArguments};
pub use server::{DevArguments, LogFormat, ServeArguments, ServerAccess, ServerArguments, ServerCommand};
pub use start_dev::{ServerGroup, StartDevArguments};
pub use task_queue::{TaskQueueCommand, TaskQueueType};
pub use token::{TokenArguments, TokenCommand};
pub use workflow::{
    ExportArguments, ImportArguments, InputArguments, StartArguments, Target, UpdateArguments, WorkflowCommand,
};

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Ostro runs durable workflows: a server in one binary that every Temporal SDK can use, and its command line
#[derive(Parser, Debug)]
#[command(name = "ostro", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// The first word after `ostro`.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start a server for development: a data directory, a namespace, nothing to configure
    Dev(DevArguments),
    /// Start a server
    Serve(ServeArguments),
    /// Start a server as programs do that know Temporal's command line
    #[command(subcommand)]
    Server(ServerGroup),
    /// Start, list, inspect and steer workflow executions
    #[command(visible_alias = "wf")]
    Workflow(Client<WorkflowCommand>),
    /// Start workflows by the clock: list, create and steer schedules
    Schedule(Client<ScheduleCommand>),
    /// See who polls a task queue and what waits in it
    TaskQueue(Client<TaskQueueCommand>),
    /// List, create and change namespaces
    Namespace(Client<NamespaceCommand>),
    /// List, add and remove search attributes
    SearchAttribute(Client<SearchAttributeCommand>),
    /// Make, list and revoke API keys
    Token(TokenArguments),
    /// Check the data: is the file whole, and will something wake each open execution?
    Doctor(DoctorArguments),
    /// Make the files of the data as small as what they hold, with no server on it
    Compact(DataArguments),
    /// Copy the data to a new file, also while a server serves it
    Backup(BackupArguments),
    /// Put a backup in the place of the data
    Restore(RestoreArguments),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: CompletionShell,
    },
}

/// A group of commands that talk to a server.
#[derive(Args, Debug)]
pub struct Client<C: Subcommand> {
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(subcommand)]
    pub command: C,
}

/// Which server and namespace, how to print, how long to wait.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArguments {
    /// The server's gRPC address
    #[arg(long, global = true, env = "OSTRO_ADDRESS", default_value = "127.0.0.1:7233", value_name = "HOST:PORT")]
    pub address: String,
    /// The namespace to work in
    #[arg(long, short, global = true, env = "OSTRO_NAMESPACE", default_value = "default", value_name = "NAME")]
    pub namespace: String,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub json: bool,
    /// Give up after this long, such as 30s or 5m [default: 10s for one call; results and updates are awaited for ever]
    #[arg(long, global = true, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub security: SecurityArguments,
}

/// Shells with a completion script.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionShell {
    Bash,
    Zsh,
    Fish,
}

#[cfg(test)]
mod tests;
