//! The server's configuration: defaults, and a file (TOML) over them. `ostro.toml` beside this crate is the reference.

mod human;
mod limits;
mod nearest;
mod network;
mod quotas;
mod read;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostro_engine::time::{DAY, SECOND, Span};
use ostro_store::{BeginsWithNothing, Options, PoolLimits, ReadLimits};
use ostro_wire::{NetworkLimits, TlsFiles};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

/// The commented reference: every key with its default.
pub const REFERENCE: &str = include_str!("../../ostro.toml");

/// Everything that an operator can set.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Address of the gRPC interface; `None` for none. Port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// Address of the HTTP interface; `None` for none.
    pub http_listen: Option<SocketAddr>,
    /// Where others reach the HTTP interface: handlers of Nexus operations that are outside call back there. `None` for where it
    /// listens.
    pub public_url: Option<String>,
    /// Names under which the HTTP interface is reached, besides those of this machine: requests to any other are refused.
    /// `*.example.com` is every name under that one, `*` every name.
    pub allowed_hosts: Vec<String>,
    /// The namespaces whose keys may call through a Nexus endpoint, by its name, besides the one that it leads to; `*` is
    /// every one.
    pub nexus_callers: NexusCallers,
    /// The certificate of both interfaces; without it they speak in the clear.
    pub tls: Option<TlsFiles>,
    /// Directory of the store, or its file where the name ends in `.db`.
    pub data: PathBuf,
    /// Whether an acknowledged change survives a crash of the machine, not just of the process.
    pub durable: bool,
    /// Whether the server may begin with nothing where there is no data.
    pub begins_with_nothing: BeginsWithNothing,
    /// Goes on without acknowledged commits that a damaged write-ahead log hides, rather than refuse to start.
    pub accept_log_loss: bool,
    /// Serves `TestService`, which makes time skip. For tests: the data must be empty, and nothing is deleted by retention.
    pub time_skipping: bool,
    /// Workers live in this process only: what those of an earlier process had begun is given to others at the start, instead
    /// of after its time-outs.
    pub workers_in_process: bool,
    /// Whether the console is served beside the API.
    pub console: bool,
    /// Which log lines are written, as in `info,ostro_server=debug`.
    pub log_level: String,
    /// Time between two looks for executions whose retention is over.
    pub retention_interval: Span,
    /// How old records of the Workflows API must be before they follow their execution; `None` for the namespace's retention.
    pub records_retention: Option<Span>,
    /// Connections for lists and counts, and as many for histories.
    pub readers: usize,
    /// Longest that one read of a list, a count or a page of a history may take.
    pub read_timeout: Span,
    /// Reads of one namespace that may wait for a connection.
    pub reads_waiting_max: usize,
    /// Created at start where missing.
    pub namespaces: Vec<NamespaceConfig>,
    /// Registered at start, where missing, in the namespaces above.
    pub search_attributes: Vec<(String, IndexedValueType)>,
    /// Limits and defaults of the engine.
    pub limits: ostro_engine::config::Config,
    /// How much of the network anybody may take.
    pub network: NetworkLimits,
}

/// Names of namespaces by the name of an endpoint.
pub type NexusCallers = BTreeMap<String, Vec<String>>;

/// A namespace that is created at start.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceConfig {
    pub name: String,
    /// How long closed executions are kept.
    pub retention: Span,
}

/// Retention of namespaces that say nothing else.
pub const RETENTION_DEFAULT: Span = DAY.times(3);

impl Default for Config {
    fn default() -> Self {
        let namespace = |name: &str| NamespaceConfig { name: name.to_owned(), retention: RETENTION_DEFAULT };
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 7233))),
            http_listen: Some(SocketAddr::from(([127, 0, 0, 1], 8233))),
            public_url: None,
            allowed_hosts: Vec::new(),
            nexus_callers: NexusCallers::new(),
            tls: None,
            data: PathBuf::from("./.ostro"),
            durable: true,
            time_skipping: false,
            begins_with_nothing: BeginsWithNothing::UnlessDataIsGone,
            accept_log_loss: false,
            workers_in_process: false,
            console: true,
            log_level: "info".to_owned(),
            retention_interval: 10 * SECOND,
            records_retention: None,
            readers: 4,
            read_timeout: 15 * SECOND,
            reads_waiting_max: 64,
            namespaces: vec![namespace("default"), namespace("mistral-workflows")],
            search_attributes: Vec::new(),
            limits: ostro_engine::config::Config::default(),
            network: NetworkLimits::default(),
        }
    }
}

impl Config {
    /// The defaults with what the file at `path` says over them.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|source| Error::Content { path: path.to_owned(), source: Box::new(source) })
    }

    /// The defaults with what `text` says over them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let table = text.parse::<toml::Table>().map_err(|source| Error::Syntax(source.to_string()))?;
        let mut config = Self::default();
        read::read(&mut config, &table)?;
        Ok(config)
    }

    /// How the store is opened.
    pub(crate) fn store_options(&self) -> Options {
        let Self { durable, begins_with_nothing, accept_log_loss, .. } = *self;
        Options { durable, begins_with_nothing, accept_log_loss }
    }

    /// Adds a namespace that is to be created at start, unless it is there.
    pub fn add_namespace(&mut self, name: &str) {
        if !self.namespaces.iter().any(|namespace| namespace.name == name) {
            self.namespaces.push(NamespaceConfig { name: name.to_owned(), retention: RETENTION_DEFAULT });
        }
    }

    /// How much may be read at a time, and for how long.
    pub fn read_limits(&self) -> ReadLimits {
        let time = self.read_timeout.to_std().max(Duration::from_millis(10));
        ReadLimits { connections: self.readers, pool: PoolLimits { time, waiting_max: self.reads_waiting_max } }
    }

    /// Bytes of records that a namespace may have, and those of single namespaces; `None` for the usual.
    pub fn records_bytes_max(&self) -> (Option<u64>, Vec<(String, u64)>) {
        quotas::of_records(&self.limits.quotas)
    }

    /// `retention_interval` for timers.
    pub fn retention_interval(&self) -> Duration {
        self.retention_interval.to_std().max(Duration::from_millis(10))
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Content { path: PathBuf, source: Box<Error> },
    #[error("this is not TOML: {0}")]
    Syntax(String),
    #[error("unknown key {key}: did you mean {nearest}?")]
    UnknownKey { key: String, nearest: &'static str },
    #[error("{key} = {found} is not usable: give {wanted}")]
    Value { key: String, found: String, wanted: &'static str },
}

#[cfg(test)]
mod tests;
