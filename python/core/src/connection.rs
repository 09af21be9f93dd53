//! The way to an engine: in this process, or at an address.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ostro_embedded::{Access, AccessError, Address, Embedded, connection_sentence, pair};
use ostro_wire::{Caller, ClientTls};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use temporalio_client::{Connection as Client, ConnectionOptions, GrpcCompression};
use tokio::sync::Mutex;
use tonic::Status;
use url::Url;

use crate::mailbox::{Answer, Mailbox, Sender};
use crate::rpc;
use crate::runtime::runtime;

const CLIENT_NAME: &str = "ostro-python";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait for an answer where the call does not say.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection, and the engine behind it where that runs in this process. Cheap to clone.
#[pyclass(frozen, module = "ostro._core", from_py_object)]
#[derive(Clone)]
pub struct Connection {
    /// What the worker core calls through.
    client: Client,
    /// What everything else does.
    caller: Caller,
    is_in_process: bool,
    engine: Arc<Mutex<Option<Embedded>>>,
}

/// Whether `address` names a server; false for an engine in this process. ValueError for what is no address.
#[pyfunction]
pub fn is_server(address: &str) -> PyResult<bool> {
    let address: Address = address.parse().map_err(|error| PyValueError::new_err(format!("{error}")))?;
    Ok(matches!(address, Address::Server(_)))
}

/// How to connect.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Target {
    address: String,
    identity: String,
    namespace: String,
    api_key: Option<String>,
    tls: Option<bool>,
    server_root_ca_cert: Option<Vec<u8>>,
    client_cert: Option<Vec<u8>>,
    client_key: Option<Vec<u8>>,
    server_name: Option<String>,
    plain_text_key: bool,
    time_skipping: bool,
}

/// Answers a [`Connection`] to `mailbox`.
#[pyfunction]
pub fn connect(mailbox: &Mailbox, id: u64, target: Target) -> PyResult<()> {
    let address: Address = target.address.parse().map_err(|error| PyValueError::new_err(format!("{error}")))?;
    answer(mailbox.sender(), id, async move {
        let (client, caller, engine) = match address {
            Address::Server(url) => {
                let caller = caller_of_server(&url, &target)?;
                (to_server(url, target).await?, caller, None)
            }
            embedded => in_process(embedded, target).await?,
        };
        let (is_in_process, caller) = (engine.is_some(), caller.with_timeout(CALL_TIMEOUT));
        Ok(Answer::Connection(Connection { client, caller, is_in_process, engine: Arc::new(Mutex::new(engine)) }))
    })
}

/// Runs `work` on the runtime; its answer goes to the mailbox.
pub fn answer(
    sender: Sender,
    id: u64,
    work: impl Future<Output = Result<Answer, Status>> + Send + 'static,
) -> PyResult<()> {
    runtime()?.tokio_handle().spawn(async move {
        let answer = match work.await {
            Ok(answer) => answer,
            Err(status) => Answer::Refused(status.code().into(), status.message().to_owned()),
        };
        sender.send(id, answer);
    });
    Ok(())
}

fn refused(error: AccessError) -> Status {
    Status::failed_precondition(error.to_string())
}

/// It connects with its first call.
fn caller_of_server(url: &Url, target: &Target) -> Result<Caller, Status> {
    let access = target.access().map_err(refused)?;
    let (url, tls) = access.to(url).map_err(refused)?;
    let tls = tls.map(|_| ClientTls { ca: access.ca, identity: access.identity, server_name: access.server_name });
    let target = ostro_wire::Target { address: url.to_string(), tls, api_key: access.api_key };
    let client = ostro_wire::Client::connect_lazy(target)?;
    Ok(Caller::new(client.with_name(CLIENT_NAME, env!("CARGO_PKG_VERSION"))))
}

async fn to_server(url: Url, target: Target) -> Result<Client, Status> {
    let text = url.to_string();
    let access = target.access().map_err(refused)?;
    let (url, tls) = access.to(&url).map_err(refused)?;
    let speaks_tls = tls.is_some();
    let options = ConnectionOptions::new(url)
        .identity(target.identity)
        .maybe_api_key(access.api_key)
        .maybe_tls_options(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        // A quarter of a worker's CPU for bytes that are few.
        .grpc_compression(GrpcCompression::None)
        .client_name(CLIENT_NAME)
        .client_version(env!("CARGO_PKG_VERSION"))
        .build();
    let silent = |why: &str| Status::unavailable(connection_sentence(&text, speaks_tls, why));
    // The client's own time-out ends with TCP: who accepts and then says nothing would be waited for without end.
    match tokio::time::timeout(CONNECT_TIMEOUT, Client::connect(options)).await {
        Ok(connected) => connected.map_err(|error| silent(&chain(&error))),
        Err(_) => Err(silent(&format!("not within {} s", CONNECT_TIMEOUT.as_secs()))),
    }
}

impl Target {
    fn access(&self) -> Result<Access, AccessError> {
        Ok(Access {
            api_key: self.api_key.clone(),
            tls: self.tls,
            ca: self.server_root_ca_cert.clone(),
            identity: pair(self.client_cert.clone(), self.client_key.clone())?,
            server_name: self.server_name.clone(),
            plain_text_key: self.plain_text_key,
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

async fn in_process(address: Address, target: Target) -> Result<(Client, Caller, Option<Embedded>), Status> {
    let builder = Embedded::builder().namespace(&target.namespace).time_skipping(target.time_skipping);
    let builder = match address {
        Address::Embedded(path) => builder.data(path),
        _ => builder.ephemeral(),
    };
    let engine = builder.open().await.map_err(|error| Status::failed_precondition(error.to_string()))?;
    let nowhere = Url::parse("http://in-process").map_err(|error| Status::internal(error.to_string()))?;
    let options = ConnectionOptions::new(nowhere)
        .identity(target.identity)
        .service_override(engine.service_override())
        .dns_load_balancing(None)
        .keep_alive(None)
        .client_name(CLIENT_NAME)
        .client_version(env!("CARGO_PKG_VERSION"))
        .build();
    let client = Client::connect(options).await.map_err(|error| Status::internal(chain(&error)))?;
    Ok((client, engine.caller(), Some(engine)))
}

impl Connection {
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn is_in_process(&self) -> bool {
        self.is_in_process
    }
}

#[pymethods]
impl Connection {
    /// Calls `method` of `service` (`workflow`, `operator`, `test`) with JSON; the answer is JSON.
    fn call(
        &self,
        mailbox: &Mailbox,
        id: u64,
        service: String,
        method: String,
        request: Vec<u8>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let caller = self.caller.clone();
        let timeout = timeout.map(Duration::from_secs_f64);
        answer(mailbox.sender(), id, async move {
            rpc::call(&caller, &service, &method, &request, timeout).await.map(Answer::Json)
        })
    }

    /// The attempt with this token goes on outside of this process: an engine in it does not take it for lost at the next start.
    fn detach(&self, mailbox: &Mailbox, id: u64, token: Vec<u8>) -> PyResult<()> {
        let engine = Arc::clone(&self.engine);
        answer(mailbox.sender(), id, async move {
            let detached = engine.lock().await.as_ref().map(|engine| engine.detach_attempt(token));
            if let Some(detached) = detached {
                detached.await?;
            }
            Ok(Answer::Nothing)
        })
    }

    /// Whether the engine runs in this process.
    fn is_embedded(&self) -> bool {
        self.engine.try_lock().map_or(true, |engine| engine.is_some())
    }

    /// Ends the engine where it runs in this process: what is acknowledged is in its file.
    fn close(&self, mailbox: &Mailbox, id: u64) -> PyResult<()> {
        let engine = Arc::clone(&self.engine);
        answer(mailbox.sender(), id, async move {
            if let Some(engine) = engine.lock().await.take() {
                engine.shutdown().await;
            }
            Ok(Answer::Nothing)
        })
    }
}
