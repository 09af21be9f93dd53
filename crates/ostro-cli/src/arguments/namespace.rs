//! `ostro namespace`.

use std::time::Duration;

use clap::{Args, Subcommand};

/// What to do with namespaces.
#[derive(Subcommand, Debug)]
pub enum NamespaceCommand {
    /// List the namespaces of the server
    List,
    /// Show one namespace
    Describe {
        /// Which one [default: the one of --namespace]
        name: Option<String>,
    },
    /// Create a namespace
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: NamespaceSettings,
    },
    /// Change the settings of a namespace; what is not given stays
    Update {
        /// Which one
        name: String,
        #[command(flatten)]
        settings: NamespaceSettings,
    },
    /// Delete a namespace and everything in it
    Delete {
        /// Which one
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// What a namespace is made of.
#[derive(Args, Debug)]
pub struct NamespaceSettings {
    /// What it is for
    #[arg(long)]
    pub description: Option<String>,
    /// How long closed executions are kept, such as 72h or 30d [default of new ones: 3d]
    #[arg(long, value_parser = crate::duration::parse, value_name = "DURATION")]
    pub retention: Option<Duration>,
    /// Whom to ask
    #[arg(long)]
    pub owner_email: Option<String>,
}
