//! What the services work with.

use std::sync::Arc;
use std::time::Duration;

use ostro_wire::{Caller, Throttle};
use tokio::sync::watch;

use crate::model::access::Access;
use crate::model::error::Result;
use crate::model::schema::Schemas;
use crate::service::keys::endpoints::{Callers, Endpoints};
use crate::service::keys::guard::KeyGuard;
use crate::service::keys::identity::Door;
use crate::service::keys::known::Keys;
use crate::service::open_streams::OpenStreams;
use crate::service::registry::Registry;
use crate::service::route_tokens::RouteTokens;
use crate::store::{Records, RecordsStats, Store};

/// Wait for a call of the engine that answers at once.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

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
    pub(crate) store: Arc<Store>,
    pub(crate) registry: Registry,
    pub(crate) settings: Settings,
    pub(crate) door: Arc<Door>,
    pub(crate) schemas: Arc<Schemas>,
    pub(crate) route_tokens: RouteTokens,
    pub(crate) streams: Arc<OpenStreams>,
    /// True once streams are to end.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Api {
    /// Prepares an API. Nothing of the engine, in process or over the network, is asked yet.
    pub async fn new(engine: Caller, records: Arc<dyn Records>, settings: Settings) -> Result<Arc<Self>> {
        let route_tokens = RouteTokens::load(&*records).await?;
        let (store, schemas) = (Arc::new(Store::new(records.clone())), Arc::new(Schemas::default()));
        let door = Arc::new(Door { keys: Arc::new(Keys::new(records)), access: settings.access });
        Ok(Arc::new(Self {
            engine: engine.with_timeout(CALL_TIMEOUT),
            registry: Registry::new(store.clone(), schemas.clone()),
            store,
            settings,
            door,
            schemas,
            route_tokens,
            streams: Arc::default(),
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
        self.door.keys.any().await
    }

    /// What is counted of the records.
    pub fn records_stats(&self) -> RecordsStats {
        self.store.stats()
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
}
