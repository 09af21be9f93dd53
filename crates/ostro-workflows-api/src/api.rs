//! What every handler works with.

use std::sync::Arc;
use std::time::Duration;

use ostro_wire::{Caller, Throttle};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;
use tokio::sync::{Mutex, watch};

use crate::auth::{Access, Callers, Door, Endpoints, KeyGuard, Keys};
use crate::error::Result;
use crate::events::{OpenStreams, RouteTokens};
use crate::records::Records;
use crate::schema::Schemas;

/// Wait for a call of the engine that answers at once.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Search attributes that the official worker sets in every execution.
const SEARCH_ATTRIBUTES: [(&str, IndexedValueType); 1] = [("OtelTraceId", IndexedValueType::Keyword)];

/// How the API is served.
#[derive(Clone)]
pub struct Settings {
    /// The namespace of callers that name none.
    pub namespace: String,
    /// Who may call.
    pub access: Access,
    /// Who may call through Nexus endpoints, besides the namespaces that they lead to.
    pub nexus_callers: Callers,
    /// The address of the engine's gRPC interface as workers reach it.
    pub scheduler: Scheduler,
    /// Whether that interface wants TLS.
    pub scheduler_tls: bool,
    /// How long the records of an execution, and telemetry, are kept; the namespace's retention unless set.
    pub records_retention: Option<Duration>,
    /// Time between two looks for records that are no longer to be kept.
    pub retention_interval: Duration,
    /// Counts the requests of namespaces; `None`: any number.
    pub throttle: Option<Arc<dyn Throttle>>,
}

/// Where workers are sent for tasks.
#[derive(Debug, Clone)]
pub enum Scheduler {
    /// This address (`host:port`).
    At(String),
    /// This port on the host under which the worker reached the API.
    SameHost(u16),
}

/// The API: an engine, records, settings.
pub struct Api {
    pub(crate) engine: Caller,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) settings: Settings,
    pub(crate) door: Arc<Door>,
    pub(crate) schemas: Schemas,
    pub(crate) route_tokens: RouteTokens,
    pub(crate) streams: Arc<OpenStreams>,
    /// Held while documents are read, changed and written back.
    pub(crate) writing: Mutex<()>,
    /// True once streams are to end.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Api {
    /// Prepares an API. Nothing of the engine, in process or over the network, is asked yet.
    pub async fn new(engine: Caller, records: Arc<dyn Records>, settings: Settings) -> Result<Arc<Self>> {
        let route_tokens = RouteTokens::load(&*records).await?;
        let schemas = Schemas::default();
        let keys = Arc::new(Keys::new(records.clone()));
        Ok(Arc::new(Self {
            engine: engine.with_timeout(CALL_TIMEOUT),
            door: Arc::new(Door { keys, access: settings.access }),
            records,
            settings,
            schemas,
            route_tokens,
            streams: Arc::default(),
            writing: Mutex::default(),
            stopping: watch::Sender::new(false),
        }))
    }

    /// Lets callers with one of this API's keys use other interfaces, and all where no key is needed.
    pub fn guard(&self) -> Arc<dyn ostro_wire::Guard> {
        let endpoints = Endpoints { engine: self.engine.clone(), callers: self.settings.nexus_callers.clone() };
        Arc::new(KeyGuard { door: self.door.clone(), endpoints: Arc::new(endpoints) })
    }

    /// Completes when the key of a caller is revoked; never for one without.
    pub(crate) async fn revoked(&self, key: Option<String>) {
        match key {
            Some(hash) => self.door.keys.ended(hash).await,
            None => std::future::pending().await,
        }
    }

    /// Whether there is any key; true where that cannot be told.
    pub async fn has_keys(&self) -> bool {
        crate::auth::list(&*self.records).await.map_or(true, |keys| !keys.is_empty())
    }

    /// What is counted of the records.
    pub fn records_stats(&self) -> crate::records::RecordsStats {
        self.records.stats()
    }

    /// Ends every stream, so that the listener can stop; clients come back with their last event's id.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until streams are to end.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // An error says that the API is gone.
        drop(stopping.wait_for(|stopping| *stopping).await);
    }

    /// Works until told to stop: sees to it that the engine has what workers need, and tells the end of executions that no
    /// worker tells.
    pub async fn run(self: Arc<Self>) {
        let stopping = self.clone();
        tokio::select! {
            () = stopping.stopped() => {}
            () = async {
                self.prepare_engine().await;
                let keys = self.door.keys.watch();
                tokio::join!(crate::retention::run(&self), crate::events::run_closings(&self), keys);
            } => {}
        }
    }

    /// Registers the search attributes that the official worker sets; without them each of its workflow tasks fails.
    async fn prepare_engine(&self) {
        for (name, kind) in SEARCH_ATTRIBUTES {
            loop {
                let request = AddSearchAttributesRequest {
                    namespace: self.settings.namespace.clone(),
                    search_attributes: [(name.to_owned(), kind as i32)].into(),
                };
                let answer = self.engine.ask(&request).await;
                match answer {
                    Ok(_) => break,
                    Err(status) if status.code() == tonic::Code::AlreadyExists => break,
                    Err(status) if status.code() == tonic::Code::Unavailable => {
                        tracing::warn!(%status, "the engine does not answer; trying again");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Err(status) => {
                        let namespace = &self.settings.namespace;
                        tracing::warn!(
                            %status,
                            "cannot register the search attribute {name} in namespace {namespace}; register it by hand, \
                             or workflow tasks of the official worker fail"
                        );
                        break;
                    }
                }
            }
        }
    }
}
