//! What works on the data itself, without a server: `ostro doctor`, `compact`, `backup`, `restore`.

use std::path::PathBuf;

use clap::Args;

/// Where the data is.
#[derive(Args, Debug)]
pub struct DataArguments {
    /// The server's data directory, or its file where the name ends in .db
    #[arg(long, env = "OSTRO_DATA", default_value = "./.ostro", value_name = "DIR")]
    pub data: PathBuf,
    /// Print JSON for programs instead of text for people
    #[arg(long)]
    pub json: bool,
}

/// `ostro doctor`.
#[derive(Args, Debug)]
pub struct DoctorArguments {
    /// Repair what is damaged, with no server on it: flipped bits of the log, indexes, executions from their histories; what cannot
    /// be rebuilt is written to files beside the data and taken out
    #[arg(long)]
    pub repair: bool,
    #[command(flatten)]
    pub data: DataArguments,
}

/// `ostro backup`.
#[derive(Args, Debug)]
pub struct BackupArguments {
    /// The new file to write
    pub file: PathBuf,
    #[command(flatten)]
    pub data: DataArguments,
}

/// `ostro restore`.
#[derive(Args, Debug)]
pub struct RestoreArguments {
    /// The backup to put back
    pub file: PathBuf,
    #[command(flatten)]
    pub data: DataArguments,
}
