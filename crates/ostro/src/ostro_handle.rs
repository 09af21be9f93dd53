//! The engine, as a program has it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ostro_embedded::{Access, AccessError, Address, Embedded, connection_sentence};
use ostro_wire::{Caller, ClientTls, Retries, Target};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression};
use temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest;
use temporalio_sdk_core::{CoreRuntime, RuntimeOptions};
use tokio::sync::Mutex;
use tonic::Code;
use url::Url;

use crate::activity::{ActivityFn, ActivityToken};
use crate::client::{
    self, ActivityHandle, Filter, ScheduleHandle, ScheduleSummary, SearchAttributeKind, WorkflowHandle,
    WorkflowSummary, activity,
};
use crate::error::{Error, Result, chain};
use crate::failure;
use crate::worker::WorkerBuilder;

/// The namespace where nothing names one.
const NAMESPACE_DEFAULT: &str = "default";
/// The task queue where nothing names one.
const TASK_QUEUE_DEFAULT: &str = "default";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait for an answer that comes at once.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// An engine: in this process, on an Ostro server, or a Temporal cluster. Starts workflows, finds them, and makes workers.
///
/// Clones are the same engine. Which one is a matter of configuration: [`from_env`](Self::from_env) takes it from `OSTRO_ADDRESS`.
///
/// | variable | default | |
/// |---|---|---|
/// | `OSTRO_ADDRESS` | `./.ostro` | a directory that begins with `.` or `/`, or a file that ends in `.db`: an engine in this process; `:memory:`: one that keeps nothing; `host`, `host:port`, `http://`, `https://`, `temporal://`: a server |
/// | `OSTRO_NAMESPACE`, `TEMPORAL_NAMESPACE` | `default` | |
/// | `DEPLOYMENT_NAME`, `TEMPORAL_TASK_QUEUE` | `default` | the queue of workers, and of workflows that name none |
/// | `OSTRO_API_KEY`, `TEMPORAL_API_KEY` | none | sent to servers; over plain text only to this machine |
/// | `OSTRO_TLS`, `OSTRO_TLS_CA`, `OSTRO_TLS_CERT`, `OSTRO_TLS_KEY`, `OSTRO_TLS_SERVER_NAME` | | TLS with servers, as [`Access`](ostro_embedded::Access) has it, with the names of Temporal's programs too |
/// | `WORKER_NAME` | the host | what histories show of this program, after its process id |
#[derive(Clone)]
pub struct Ostro(Arc<Inner>);

struct Inner {
    caller: Caller,
    identity: String,
    /// How workers connect: each has a connection of its own.
    connection: ConnectionOptions,
    time_skipping: bool,
    is_in_process: bool,
    namespace: String,
    task_queue: String,
    embedded: Mutex<Option<Embedded>>,
    runtime: OnceLock<Arc<CoreRuntime>>,
}

/// How to open an engine.
#[derive(Debug, Clone)]
pub struct Builder {
    address: Address,
    namespace: String,
    task_queue: String,
    /// Of the environment, which is only asked for where there is a server.
    access: Result<Access, AccessError>,
    identity: String,
    time_skipping: bool,
}

fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty())
}

impl Default for Builder {
    fn default() -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned());
        Self {
            address: Address::default(),
            namespace: variable(&["OSTRO_NAMESPACE", "TEMPORAL_NAMESPACE"])
                .unwrap_or_else(|| NAMESPACE_DEFAULT.to_owned()),
            task_queue: variable(&["DEPLOYMENT_NAME", "TEMPORAL_TASK_QUEUE"])
                .unwrap_or_else(|| TASK_QUEUE_DEFAULT.to_owned()),
            access: Access::from_env(),
            identity: format!("{}@{}", std::process::id(), variable(&["WORKER_NAME"]).unwrap_or(host)),
            time_skipping: false,
        }
    }
}

impl Builder {
    /// In this process, with data in this directory, or this file where the name ends in `.db`.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.address = Address::Embedded(path.into());
        self
    }

    /// In this process, keeping nothing.
    pub fn ephemeral(mut self) -> Self {
        self.address = Address::Ephemeral;
        self
    }

    /// Where `OSTRO_ADDRESS` could be.
    ///
    /// # Errors
    /// It is no address.
    pub fn address(mut self, address: &str) -> Result<Self> {
        self.address = address.parse()?;
        Ok(self)
    }

    /// The namespace. An engine in this process makes it where it is missing.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The queue of workers, and of workflows that name none.
    pub fn task_queue(mut self, task_queue: impl Into<String>) -> Self {
        self.task_queue = task_queue.into();
        self
    }

    fn access(mut self, change: impl FnOnce(&mut Access)) -> Self {
        if let Ok(access) = &mut self.access {
            change(access);
        }
        self
    }

    /// A key that is sent to servers: over TLS, or to this machine ([`plain_text_key`](Self::plain_text_key)).
    pub fn api_key(self, api_key: impl Into<String>) -> Self {
        self.access(|access| access.api_key = Some(api_key.into()))
    }

    /// Whether TLS is spoken with a server; by default where `https://`, one of the settings below or a key to another machine
    /// asks for it.
    pub fn tls(self, tls: bool) -> Self {
        self.access(|access| access.tls = Some(tls))
    }

    /// The authority of the server's certificate (PEM) instead of those that this machine trusts.
    pub fn tls_ca(self, pem: impl Into<Vec<u8>>) -> Self {
        self.access(|access| access.ca = Some(pem.into()))
    }

    /// A certificate of the program's own and its private key (PEM), for a server that wants one.
    pub fn tls_identity(self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.access(|access| access.identity = Some((certificate.into(), key.into())))
    }

    /// The name in the server's certificate, where it is not the address's host.
    pub fn tls_server_name(self, name: impl Into<String>) -> Self {
        self.access(|access| access.server_name = Some(name.into()))
    }

    /// Lets the key leave over plain text to a host that is not this machine, on a network of your own.
    pub fn plain_text_key(self, allowed: bool) -> Self {
        self.access(|access| access.plain_text_key = allowed)
    }

    /// What histories show of this program.
    pub fn identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = identity.into();
        self
    }

    pub(crate) fn time_skipping(mut self) -> Self {
        self.time_skipping = true;
        self
    }

    /// Opens it. Needs a tokio runtime of several threads.
    ///
    /// # Errors
    /// The file belongs to another process or cannot be read; the server cannot be reached.
    pub async fn open(self) -> Result<Ostro> {
        let (caller, options, embedded) = match &self.address {
            Address::Server(url) => (self.reach(url).await?, self.server(url)?, None),
            local => {
                let builder = Embedded::builder().namespace(&self.namespace).time_skipping(self.time_skipping);
                let builder = match local {
                    Address::Embedded(path) => builder.data(path),
                    _ => builder.ephemeral(),
                };
                let embedded = builder.open().await?;
                let options = ConnectionOptions::new(in_process())
                    .identity(self.identity.clone())
                    .service_override(embedded.service_override())
                    .dns_load_balancing(None)
                    .build();
                (embedded.caller(), options, Some(embedded))
            }
        };
        Ok(Ostro(Arc::new(Inner {
            caller: caller.with_timeout(CALL_TIMEOUT).with_retries(Retries::default()),
            identity: self.identity,
            connection: options,
            time_skipping: self.time_skipping,
            is_in_process: embedded.is_some(),
            namespace: self.namespace,
            task_queue: self.task_queue,
            embedded: Mutex::new(embedded),
            runtime: OnceLock::new(),
        })))
    }

    /// The server's caller, once it has answered.
    async fn reach(&self, url: &Url) -> Result<Caller> {
        let access = self.access.clone()?;
        let (url, tls) = access.to(url)?;
        let speaks_tls = tls.is_some();
        let tls = tls.map(|_| ClientTls { ca: access.ca, identity: access.identity, server_name: access.server_name });
        let target = Target { address: url.to_string(), tls, api_key: access.api_key };
        let client = ostro_wire::Client::connect_lazy(target).map_err(|status| Error::engine(status.message()))?;
        let caller = Caller::new(client.with_name(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")));
        // One that accepts and then says nothing would be waited for without end.
        match caller.ask_within(&GetSystemInfoRequest::default(), CONNECT_TIMEOUT).await {
            Ok(_) => Ok(caller),
            // A server older than the method.
            Err(status) if status.code() == Code::Unimplemented => Ok(caller),
            Err(status) if status.code() == Code::DeadlineExceeded => Err(cannot_connect(
                url.as_str(),
                speaks_tls,
                &format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
            )),
            Err(status) => {
                let why = status.message();
                let repeated = format!("cannot connect to {url}: ");
                Err(cannot_connect(url.as_str(), speaks_tls, why.strip_prefix(&repeated).unwrap_or(why)))
            }
        }
    }

    fn server(&self, url: &Url) -> Result<ConnectionOptions> {
        let access = self.access.clone()?;
        let (url, tls) = access.to(url)?;
        // Compression costs a quarter of a worker's time, and the bytes are few.
        Ok(ConnectionOptions::new(url)
            .identity(self.identity.clone())
            .maybe_api_key(access.api_key)
            .maybe_tls_options(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .grpc_compression(GrpcCompression::None)
            .build())
    }
}

pub(crate) fn in_process() -> Url {
    Url::parse("http://in-process.invalid").expect("a constant")
}

async fn connect(address: &str, namespace: &str, options: ConnectionOptions) -> Result<Client> {
    let speaks_tls = options.tls_options.is_some();
    let cannot = |why: &str| cannot_connect(address, speaks_tls, why);
    // The client's own time-out ends with TCP: who accepts and then says nothing would be waited for without end.
    let connection = match tokio::time::timeout(CONNECT_TIMEOUT, Connection::connect(options)).await {
        Ok(connected) => connected.map_err(|error| cannot(&chain(&error)))?,
        Err(_) => return Err(cannot(&format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
    };
    let options = ClientOptions::new(namespace).data_converter(failure::data_converter()).build();
    Client::new(connection, options).map_err(|error| Error::engine(error.to_string()))
}

fn cannot_connect(address: &str, speaks_tls: bool, why: &str) -> Error {
    Error::engine(connection_sentence(address, speaks_tls, why)).with_type("Unavailable")
}

impl Ostro {
    /// The attempt goes on outside of this process: an engine in it does not take it for lost at its next start.
    pub(crate) async fn detach_attempt(&self, token: Vec<u8>) {
        let detached = self.0.embedded.lock().await.as_ref().map(|engine| engine.detach_attempt(token));
        if let Some(detached) = detached
            && let Err(error) = detached.await
        {
            tracing::debug!(%error, "an attempt that is completed later has ended meanwhile");
        }
    }

    /// The engine that `OSTRO_ADDRESS` names.
    pub async fn from_env() -> Result<Self> {
        Builder { address: Address::from_env()?, ..Builder::default() }.open().await
    }

    /// An engine in this process, with its data in this directory, or this file where the name ends in `.db`.
    ///
    /// It is as durable as a server: what it acknowledged survives a crash. One process has it at a time.
    ///
    /// ```no_run
    /// # async fn example() -> ostro::Result<()> {
    /// let ostro = ostro::Ostro::open("orders.db").await?;
    /// ostro.worker().run().await
    /// # }
    /// ```
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Builder::default().file(path).open().await
    }

    /// An engine in this process that keeps nothing.
    pub async fn ephemeral() -> Result<Self> {
        Builder::default().ephemeral().open().await
    }

    /// An Ostro server or a Temporal cluster: `host:port`, or a URL.
    pub async fn connect(address: &str) -> Result<Self> {
        Builder::default().address(address)?.open().await
    }

    /// An engine with settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The namespace of what it starts and finds.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The queue of workers, and of workflows that name none.
    pub fn task_queue(&self) -> &str {
        &self.0.task_queue
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// What histories show of this program.
    pub(crate) fn identity(&self) -> &str {
        &self.0.identity
    }

    /// A client for one worker: the SDK has at most one worker of a queue on a connection.
    pub(crate) async fn worker_client(&self) -> Result<Client> {
        connect("the engine", self.namespace(), self.0.connection.clone()).await
    }

    /// Whether the engine is in this process, and so ends with the workers that are here.
    pub(crate) fn is_in_process(&self) -> bool {
        self.0.is_in_process
    }

    /// Whether the engine's clock skips while results are waited for.
    pub(crate) fn skips_time(&self) -> bool {
        self.0.time_skipping
    }

    pub(crate) fn runtime(&self) -> Result<Arc<CoreRuntime>> {
        if let Some(runtime) = self.0.runtime.get() {
            return Ok(runtime.clone());
        }
        let options = RuntimeOptions::builder().build().map_err(Error::new)?;
        let made = CoreRuntime::new_assume_tokio(options).map_err(|error| Error::new(error.to_string()))?;
        Ok(self.0.runtime.get_or_init(|| Arc::new(made)).clone())
    }

    /// A worker of everything this program defines.
    pub fn worker(&self) -> WorkerBuilder {
        WorkerBuilder::new(self.clone())
    }

    /// A workflow that runs already, by its id.
    pub fn workflow<W>(&self, id: impl Into<String>) -> WorkflowHandle<W> {
        WorkflowHandle::of(client::handle_target(self.clone(), id.into()))
    }

    /// An activity that waits to be completed from outside, by the token of its attempt
    /// ([`activity::token`](crate::activity::token)).
    pub fn activity<A: ActivityFn>(&self, token: ActivityToken) -> ActivityHandle<A> {
        ActivityHandle::of(self.clone(), activity::Target::Token(token))
    }

    /// An activity that waits to be completed from outside, by the id of its workflow and its own
    /// ([`ActivityCall::activity_id`](crate::activity::ActivityCall::activity_id)).
    pub fn activity_by_id<A: ActivityFn>(
        &self,
        workflow_id: impl Into<String>,
        activity_id: impl Into<String>,
    ) -> ActivityHandle<A> {
        let target = activity::Target::Ids { workflow_id: workflow_id.into(), activity_id: activity_id.into() };
        ActivityHandle::of(self.clone(), target)
    }

    /// A schedule that is there already, by its id.
    pub fn schedule(&self, id: impl Into<String>) -> ScheduleHandle {
        client::schedule::handle(self.clone(), id.into())
    }

    /// The schedules of the namespace.
    pub async fn schedules(&self) -> Result<Vec<ScheduleSummary>> {
        client::schedule::list(self).await
    }

    /// Makes a search attribute known to the namespace, so that workflows can be given values of it and be found by them. One that
    /// is known already stays as it is.
    ///
    /// ```no_run
    /// # use ostro::prelude::*;
    /// use ostro::client::{Filter, SearchAttributeKind};
    ///
    /// # #[workflow] async fn order(id: u32) -> Result<()> { Ok(()) }
    /// # async fn example(ostro: Ostro) -> Result<()> {
    /// ostro.add_search_attribute("Customer", SearchAttributeKind::Keyword).await?;
    /// order(7).search_attribute("Customer", "Ada").start(&ostro).await?;
    /// ostro.list(&Filter::all().attribute("Customer", "Ada"), 10).await?;
    /// # Ok(()) }
    /// ```
    pub async fn add_search_attribute(&self, name: &str, kind: SearchAttributeKind) -> Result<()> {
        client::search::add(self, name, kind).await
    }

    /// The first workflows that the filter lets through, the newest first.
    pub async fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<WorkflowSummary>> {
        client::list_workflows(self, filter, limit).await
    }

    /// How many the filter lets through.
    pub async fn count(&self, filter: &Filter) -> Result<u64> {
        client::count_workflows(self, filter).await
    }

    /// Writes what is left and closes the file, where the engine is in this process. Workers should have ended. Not needed
    /// for safety: an engine that is dropped loses nothing that it acknowledged.
    pub async fn shutdown(&self) {
        if let Some(embedded) = self.0.embedded.lock().await.take() {
            embedded.shutdown().await;
        }
    }
}
