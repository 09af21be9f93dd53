//! An engine in this process.

use std::path::PathBuf;

use ostro_server::{Config, Server};
use ostro_wire::{Caller, Services};
use tempfile::TempDir;
use temporalio_client::callback_based::CallbackBasedGrpcService;
use tonic::Status;

use crate::address::ADDRESS_VARIABLE;
use crate::transport;

/// Largest request of this process. gRPC's 4 MiB hold for the network: here a workflow task may end with the results of
/// more local activities than fit into those.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why an engine does not open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{source}. To share one engine among processes, run `ostro dev` or `ostro serve` and set {ADDRESS_VARIABLE} to its \
         address in each"
    )]
    Server { source: ostro_server::Error },
    #[error("cannot make a temporary directory for the engine: {0}")]
    Temporary(std::io::Error),
}

/// How to open an engine.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    config: Config,
    ephemeral: bool,
}

/// A running engine: as durable as a server, without sockets.
///
/// Dropping it is like a crash: nothing acknowledged is lost. Workers that poll it should stop first.
pub struct Embedded {
    server: Server,
    /// Deleted after the server is gone.
    _temporary: Option<TempDir>,
}

impl Builder {
    /// Keeps the data in this directory, or in this file where the name ends in `.db`; made where missing.
    pub fn data(mut self, data: impl Into<PathBuf>) -> Self {
        self.config.data = data.into();
        self.ephemeral = false;
        self
    }

    /// Keeps nothing: the data goes when the engine ends.
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    /// Creates the namespace at start where it is missing. `default` and `mistral-workflows` always are there.
    pub fn namespace(mut self, name: &str) -> Self {
        self.config.add_namespace(name);
        self
    }

    /// Serves `TestService`, with which a test makes time skip. Keeps nothing, whatever [`Builder::data`] said before.
    pub fn time_skipping(mut self, on: bool) -> Self {
        self.config.time_skipping = on;
        self.ephemeral |= on;
        self
    }

    /// Changes whatever else the server's configuration has. Listeners stay off.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Opens it. Needs a tokio runtime of several threads, and that one process opens the data at a time.
    ///
    /// Workers live in this process: what those of an earlier one had begun is lost and goes on at once. An activity's attempt
    /// fails, as `ProcessLost`, and the next follows where its retry policy has one; a workflow's task is given to the next
    /// worker.
    pub async fn open(self) -> Result<Embedded, Error> {
        let Self { mut config, ephemeral } = self;
        (config.listen, config.http_listen) = (None, None);
        config.workers_in_process = true;
        let temporary = ephemeral.then(TempDir::new).transpose().map_err(Error::Temporary)?;
        if let Some(directory) = &temporary {
            config.data = directory.path().to_owned();
            config.durable = false;
        }
        let server = Server::start(config).await.map_err(|source| Error::Server { source })?;
        Ok(Embedded { server, _temporary: temporary })
    }
}

impl Embedded {
    /// Opens the engine whose data is at `data` ([`Builder::data`]) with defaults.
    pub async fn open(data: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::builder().data(data).open().await
    }

    /// An engine with defaults, to be changed before it opens.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Everything a server serves, called in process.
    pub fn services(&self) -> Services {
        self.server.services()
    }

    /// Calls of everything a server serves, in process; requests may be larger than a server's.
    pub fn caller(&self) -> Caller {
        Caller::new(self.services().with_request_bytes_max(REQUEST_BYTES_MAX))
    }

    /// The way of a `temporalio` client to this engine: give it to `ConnectionOptions::service_override` together with
    /// `dns_load_balancing(None)`, which the client otherwise refuses beside it.
    pub fn service_override(&self) -> CallbackBasedGrpcService {
        transport::service_override(self.services().with_request_bytes_max(REQUEST_BYTES_MAX))
    }

    /// Says that an activity's attempt goes on outside of this process, which will not answer for it: whoever has its token
    /// completes it, even after this process has ended and another has opened the data.
    ///
    /// # Errors
    /// NOT_FOUND where that attempt does not run.
    pub fn detach_attempt(&self, task_token: Vec<u8>) -> impl Future<Output = Result<(), Status>> + Send + use<> {
        self.server.detach_attempt(task_token)
    }

    /// Answers the long polls, writes what is left and closes the file.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
