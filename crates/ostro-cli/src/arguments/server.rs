//! `ostro dev` and `ostro serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::value::{ListenOn, search_attribute, socket_address};
use super::{AttributeType, EngineArguments, StartDevArguments};

/// How the server was asked to start.
#[derive(Debug)]
pub enum ServerCommand {
    /// `ostro dev`
    Dev(DevArguments),
    /// `ostro serve`
    Serve(ServeArguments),
    /// `ostro server start-dev`
    StartDev(StartDevArguments),
}

/// `ostro dev`: everything has a default.
#[derive(Args, Debug)]
pub struct DevArguments {
    /// Where the server keeps its data; created when missing
    #[arg(long, env = "OSTRO_DATA", default_value = "./.ostro", value_name = "DIR")]
    pub data: PathBuf,
    /// Keep everything in a temporary directory and delete it at the end
    #[arg(long)]
    pub ephemeral: bool,
    /// For tests: time jumps to the next timer when a client of TestService says so; keeps no data
    #[arg(long)]
    pub time_skipping: bool,
    /// Show the console in the browser
    #[arg(long)]
    pub open: bool,
    #[command(flatten)]
    pub server: ServerArguments,
}

/// `ostro serve`: the data directory must be named.
#[derive(Args, Debug)]
pub struct ServeArguments {
    /// Where the server keeps its data; created when missing
    #[arg(long, env = "OSTRO_DATA", value_name = "DIR")]
    pub data: PathBuf,
    #[command(flatten)]
    pub server: ServerArguments,
    #[command(flatten)]
    pub elsewhere: EngineArguments,
}

/// What both ways of starting a server share.
#[derive(Args, Debug)]
pub struct ServerArguments {
    /// Address of the gRPC interface, for workers and clients
    #[arg(long, env = "OSTRO_LISTEN", default_value = "127.0.0.1:7233", value_parser = socket_address, value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Address of the HTTP interface: metrics, health, the console; `off` for none
    #[arg(long, env = "OSTRO_HTTP_LISTEN", default_value = "127.0.0.1:8233", value_name = "ADDRESS")]
    pub http_listen: ListenOn,
    /// A configuration file (TOML)
    #[arg(long, env = "OSTRO_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Begin with nothing although there are signs of data that is gone: a file that was deleted, a disk that is not mounted
    #[arg(long)]
    pub new: bool,
    /// Never begin with nothing: for services, once they have data
    #[arg(long, env = "OSTRO_DATA_EXISTS", conflicts_with = "new")]
    pub data_exists: bool,
    /// Go on without acknowledged commits that a damaged write-ahead log hides; the log is kept
    #[arg(long)]
    pub accept_wal_loss: bool,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Pretty)]
    pub log_format: LogFormat,
    /// Which log lines are written, such as warn, info, debug or info,ostro_server=debug
    #[arg(long, env = "OSTRO_LOG", default_value = "info", value_name = "LEVEL")]
    pub log_level: String,
    /// Create this namespace if it is missing; may be repeated. The first is the Workflows API's, otherwise `default`
    #[arg(long = "namespace", value_name = "NAME")]
    pub namespaces: Vec<String>,
    /// Register this search attribute, such as Customer=Keyword; may be repeated
    #[arg(long = "search-attribute", value_parser = search_attribute, value_name = "NAME=TYPE")]
    pub search_attributes: Vec<(String, AttributeType)>,
    /// Who may call, over gRPC and HTTP alike: with `auto` everybody on this machine until the first API key is made; only API
    /// keys from then on, and where one of the addresses is not on loopback
    #[arg(long, env = "OSTRO_ACCESS", value_enum, default_value_t = ServerAccess::Auto)]
    pub access: ServerAccess,
    /// A name under which the HTTP interface is reached, besides localhost and its addresses; may be repeated
    #[arg(long = "allowed-host", env = "OSTRO_ALLOWED_HOSTS", value_delimiter = ',', value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// The certificate of both interfaces, then those that it rests on (PEM); read again when it changes
    #[arg(long, env = "OSTRO_SERVER_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, env = "OSTRO_SERVER_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Only clients with a certificate of one of these authorities (PEM) may connect
    #[arg(long, env = "OSTRO_SERVER_TLS_CLIENT_CA", requires = "tls_cert", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
    /// The engine's gRPC address as workers reach it, where that is not the one it listens on
    #[arg(long, env = "OSTRO_ADVERTISE", value_name = "HOST:PORT")]
    pub advertise: Option<String>,
}

/// Who may call a server.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerAccess {
    /// Everybody where both listeners are on loopback and no API key was ever made, otherwise only API keys.
    Auto,
    /// Everybody.
    Open,
    /// Only API keys (`ostro token create`).
    Key,
}

/// Log lines for people or for programs.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}
