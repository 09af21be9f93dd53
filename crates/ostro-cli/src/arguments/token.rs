//! `ostro token`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ostro_workflows_api::auth::Role;

/// Which data, and what to do with its API keys.
#[derive(Args, Debug)]
pub struct TokenArguments {
    /// The server's data directory; the server may be running
    #[arg(long, global = true, env = "OSTRO_DATA", default_value = "./.ostro", value_name = "DIR")]
    pub data: PathBuf,
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What to do with API keys.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make an API key and print it, once: only its hash is kept
    Create {
        /// Who or what it is for
        #[arg(long)]
        name: String,
        /// The namespace that it is for, or '*' for all; may be repeated, the first is its default
        #[arg(long = "namespace", short, default_value = "default", value_name = "NAME")]
        namespaces: Vec<String>,
        /// What it may do there: reader, worker, operator or admin, each with all that those before it may
        #[arg(long, default_value = "operator")]
        role: Role,
    },
    /// List API keys: who they are for, not what they are
    List,
    /// Revoke an API key for good: within a second its use is refused, and its calls under way end
    Revoke {
        /// Its id, from the list
        id: String,
    },
    /// Let API keys be used again that `ostro restore` has set aside
    Resume {
        /// Their ids, from the list
        #[arg(required_unless_present = "all", value_name = "ID")]
        ids: Vec<String>,
        /// All that are set aside
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}
