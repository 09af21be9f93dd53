//! A whole server: store, engine, frontend and listeners, started and stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ostro_engine::call::DetachActivity;
use ostro_engine::engine::Secrets;
use ostro_engine::seal::Seals;
use ostro_store::{Readers, Store, Writer, abort_on_fatal};
use ostro_wire::{BoxError, Guard, Network, Services, ServingStatus, Throttle, Tls};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tonic::Status;

use crate::batch::Batches;
use crate::clock::{Clock, SkippingClock, SystemClock};
use crate::config::Config;
use crate::error::Error;
use crate::frontend::{Frontend, TestClock, status};
use crate::hosts::Hosts;
use crate::http::{self, Listening, Pages};
use crate::metrics::{Metrics, MoreMetrics, Sources};
use crate::network::{serve_grpc, stop_signal};
use crate::nexus_http::{self, CallbackUrl, Incoming, Sender};
use crate::rates::Rates;
use crate::retention::Retention;
use crate::setup;
use crate::shell::{self, EngineHandle, EngineThread, Parts};

/// How long calls in flight may take to end at shutdown.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// A running server. Shut it down rather than drop it: a dropped one stops as after a crash, which loses nothing
/// acknowledged either.
pub struct Server {
    grpc_address: Option<SocketAddr>,
    http_address: Option<SocketAddr>,
    services: Services,
    health: Arc<ServingStatus>,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    /// The listeners, and retention.
    tasks: Vec<JoinHandle<()>>,
    engine: EngineThread,
    writer: Arc<Writer>,
    store: Store,
}

impl Server {
    /// Starts a server on the system's clock, or on one that `TestService` moves where the configuration says so. Needs a
    /// tokio runtime of several threads.
    pub async fn start(config: Config) -> Result<Self, Error> {
        Self::start_with(config, |_| async { Ok(Extension::default()) }).await
    }

    /// Starts a server that serves more than its own: `extend` makes the rest, once there are services that it can call.
    pub async fn start_with<F>(config: Config, extend: impl FnOnce(Serving) -> F) -> Result<Self, Error>
    where
        F: Future<Output = Result<Extension, BoxError>>,
    {
        if !config.time_skipping {
            return Self::launch(config, Arc::new(SystemClock::default()), None, extend).await;
        }
        let clock = Arc::new(SkippingClock::default());
        Self::launch(config, clock.clone(), Some(clock), extend).await
    }

    /// Starts a server on another clock: tests move it, then call [`EngineHandle::wake`].
    pub async fn start_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::launch(config, clock, None, |_| async { Ok(Extension::default()) }).await
    }

    async fn launch<F>(
        config: Config,
        clock: Arc<dyn Clock>,
        skipping: Option<Arc<SkippingClock>>,
        extend: impl FnOnce(Serving) -> F,
    ) -> Result<Self, Error>
    where
        F: Future<Output = Result<Extension, BoxError>>,
    {
        // Certificates and addresses first: nothing is written by a server that cannot be reached.
        let tls = config.tls.clone().map(Tls::load).transpose()?;
        let grpc = listen(config.listen).await?;
        let http = listen(config.http_listen).await?;
        let core = Core::start(&config, clock, skipping)?;
        setup::namespaces(core.engine.handle(), &config).await?;
        setup::indexes(core.engine.handle(), &core.writer).await?;
        let health = Arc::new(ServingStatus::default());
        let services = core.services(&config, health.clone());
        let grpc_address = grpc.as_ref().and_then(|listener| listener.local_addr().ok());
        let serving = Serving { services: services.clone(), grpc_address, throttle: core.throttle.clone() };
        let extension = extend(serving).await.map_err(Error::Extension)?;
        Ok(core.serve(&config, Listeners { grpc, http, tls, extension }, services, health))
    }

    /// Where the gRPC interface listens; `None` where it is switched off and only [`Server::services`] serves.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc_address
    }

    /// Where `/metrics` and `/healthz` are; `None` where they are switched off.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// The same services in process, without a socket.
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// The way to the engine.
    pub fn engine(&self) -> &EngineHandle {
        self.engine.handle()
    }

    /// Says that an activity's attempt goes on outside of the process that took it: it is not lost with that.
    ///
    /// # Errors
    /// NOT_FOUND where that attempt does not run.
    pub fn detach_attempt(&self, task_token: Vec<u8>) -> impl Future<Output = Result<(), Status>> + Send + use<> {
        let engine = self.engine.handle().clone();
        async move { engine.call(DetachActivity { task_token }).await.map_err(status) }
    }

    /// What the server counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Stops: takes no more connections, answers long polls at once, writes what is left, closes the store.
    pub async fn shutdown(self) {
        self.health.set_all(false);
        self.stop.send_replace(true);
        self.engine.drain();
        for mut task in self.tasks {
            if tokio::time::timeout(SHUTDOWN_PATIENCE, &mut task).await.is_err() {
                tracing::warn!("a call did not end in time: it is cut off");
                task.abort();
            }
        }
        let (engine, writer, store) = (self.engine, self.writer, self.store);
        let closed = tokio::task::spawn_blocking(move || {
            engine.stop();
            writer.close();
            drop(store);
        });
        // A panic while closing has been logged; there is nothing left to stop.
        drop(closed.await);
    }
}

/// What an extension is made from.
pub struct Serving {
    /// The services in process.
    pub services: Services,
    /// Where the gRPC interface listens; `None` where it is switched off.
    pub grpc_address: Option<SocketAddr>,
    /// Counts requests of namespaces; `None` where none has a quota of them.
    pub throttle: Option<Arc<dyn Throttle>>,
}

/// What a server serves besides its own.
#[derive(Default)]
pub struct Extension {
    /// Beside the pages of the HTTP interface.
    pub routes: Router,
    /// Decides which calls are made, over gRPC and of Nexus operations by HTTP alike, and who reads `/metrics`; all of them
    /// without one.
    pub guard: Option<Arc<dyn Guard>>,
    /// More for the page of metrics: (name, kind, help, value).
    pub metrics: Option<Arc<MoreMetrics>>,
}

/// What a server listens on, and what it serves there besides its own.
struct Listeners {
    grpc: Option<TcpListener>,
    http: Option<TcpListener>,
    tls: Option<Tls>,
    extension: Extension,
}

/// Who reads the pages, and what more is on them.
struct OfPages {
    guard: Option<Arc<dyn Guard>>,
    more: Option<Arc<MoreMetrics>>,
}

/// What there is of a server before it listens.
struct Core {
    store: Store,
    writer: Arc<Writer>,
    readers: Readers,
    engine: EngineThread,
    clock: Arc<dyn Clock>,
    skipping: Option<Arc<SkippingClock>>,
    metrics: Arc<Metrics>,
    seals: Seals,
    cluster_id: String,
    batch_started: Arc<Notify>,
    throttle: Option<Arc<dyn Throttle>>,
}

impl Core {
    fn start(config: &Config, clock: Arc<dyn Clock>, skipping: Option<Arc<SkippingClock>>) -> Result<Self, Error> {
        let store = Store::open(setup::make_store_path(&config.data)?, config.store_options())?;
        let mut recovery = store.recover()?;
        if config.limits.quotas.limit_what_is_kept() {
            recovery.usage = store.usage()?;
        }
        if skipping.is_some() && recovery.next_execution > 1 {
            return Err(Error::NotEmpty { path: config.data.clone() });
        }
        let writer = Arc::new(store.writer(abort_on_fatal())?);
        let cluster_id = setup::cluster_id(&recovery, &writer);
        let seals = setup::seals(&recovery, &writer)?;
        let readers = store.readers(config.read_limits())?;
        let metrics = Metrics::shared();
        let parts = Parts {
            config: config.limits.clone(),
            loader: store.reader(abort_on_fatal())?,
            recovery,
            secrets: Secrets { seed: setup::entropy()?, seals: seals.clone() },
            writer: writer.clone(),
            clock: clock.clone(),
            skipping: skipping.clone(),
            workers_in_process: config.workers_in_process,
            metrics: metrics.clone(),
        };
        let engine = shell::start(parts).map_err(Error::Thread)?;
        let throttle = Rates::of(&config.limits.quotas).map(|rates| Arc::new(rates) as Arc<dyn Throttle>);
        let batch_started = Arc::default();
        Ok(Self {
            store,
            writer,
            readers,
            engine,
            clock,
            skipping,
            metrics,
            seals,
            cluster_id,
            batch_started,
            throttle,
        })
    }

    fn serve(self, config: &Config, listeners: Listeners, services: Services, health: Arc<ServingStatus>) -> Server {
        let Listeners { grpc, http, tls, extension: Extension { routes, guard, metrics: more } } = listeners;
        let (stop, stopped) = watch::channel(false);
        let address = |listener: &TcpListener| listener.local_addr().ok();
        let (grpc_address, http_address) = (grpc.as_ref().and_then(address), http.as_ref().and_then(address));
        let network = Network::new(config.network.clone());
        let callback_base = http_address.map(|address| base_url(address, tls.is_some()));
        let mut tasks = Vec::new();
        let guarded = guard.clone().into_iter().fold(services.clone(), Services::with_guard);
        let throttle = self.throttle.clone();
        let guarded = throttle.clone().into_iter().fold(guarded, Services::with_throttle);
        tasks.extend(grpc.map(|listener| serve_grpc(listener, tls.clone(), guarded, network.clone(), stopped.clone())));
        let payload_bytes_max = config.limits.blob_bytes_max;
        let (engine, callers) = (self.engine.handle().clone(), Arc::new(config.nexus_callers.clone()));
        let incoming = Incoming { engine, payload_bytes_max, guard: guard.clone(), callers, throttle };
        let routes = routes.merge(nexus_http::routes(incoming));
        let of_pages = OfPages { guard, more };
        tasks.extend(http.map(|listener| {
            self.serve_http(config, Listening { listener, tls, network }, routes, of_pages, stopped.clone())
        }));
        let callback = CallbackUrl { base: config.public_url.clone().or(callback_base) };
        let sender = Sender::new(self.engine.handle().clone(), callback, &config.limits);
        tasks.push(until(stopped.clone(), sender.run()));
        if self.skipping.is_none() {
            // Where days pass in a moment, what a test wants to look at must not be gone.
            tasks.push(until(stopped.clone(), self.retention(config).run()));
        }
        tasks.push(until(stopped, self.batches().run()));
        let Self { store, writer, engine, metrics, .. } = self;
        Server { grpc_address, http_address, services, health, metrics, stop, tasks, engine, writer, store }
    }

    fn services(&self, config: &Config, health: Arc<ServingStatus>) -> Services {
        let frontend = Arc::new(Frontend {
            engine: self.engine.handle().clone(),
            readers: self.readers.clone(),
            writer: self.writer.clone(),
            clock: self.clock.clone(),
            limits: config.limits.clone(),
            metrics: self.metrics.clone(),
            seals: self.seals.clone(),
            cluster_id: self.cluster_id.clone(),
            batch_started: self.batch_started.clone(),
            workers: Arc::default(),
        });
        let services = Services::new(frontend.clone())
            .with_operator(frontend.clone())
            .with_ostro(frontend)
            .with_health(health)
            .with_observer(self.metrics.clone());
        match &self.skipping {
            Some(clock) => {
                services.with_test(Arc::new(TestClock { engine: self.engine.handle().clone(), clock: clock.clone() }))
            }
            None => services,
        }
    }

    fn serve_http(
        &self,
        config: &Config,
        listening: Listening,
        routes: Router,
        OfPages { guard, more }: OfPages,
        stopped: watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        let sources = Sources {
            writer: self.writer.clone(),
            readers: self.readers.clone(),
            network: listening.network.stats().clone(),
            more,
        };
        let pages = Pages { metrics: self.metrics.clone(), sources: Arc::new(sources), guard };
        let routes = routes.merge(http::routes(pages));
        // One that has no address serves nobody.
        let address = listening.listener.local_addr().unwrap_or_else(|_| ([127, 0, 0, 1], 0).into());
        let hosts = Hosts::new(address, config);
        tokio::spawn(async move {
            if let Err(error) = http::serve(listening, hosts, routes, stop_signal(stopped)).await {
                tracing::error!(%error, "the HTTP listener ended");
            }
        })
    }

    fn batches(&self) -> Batches {
        Batches {
            engine: self.engine.handle().clone(),
            readers: self.readers.clone(),
            started: self.batch_started.clone(),
        }
    }

    fn retention(&self, config: &Config) -> Retention {
        Retention {
            engine: self.engine.handle().clone(),
            readers: self.readers.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            interval: config.retention_interval(),
        }
    }
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, Error> {
    let Some(address) = address else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).map_err(|source| Error::Listen { address, source })
}

/// Where a listener of this machine is reached from this machine.
fn base_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    match address.ip().is_unspecified() {
        true => format!("{scheme}://localhost:{}", address.port()),
        false => format!("{scheme}://{address}"),
    }
}

/// Runs `work` until the server stops.
fn until(stopped: watch::Receiver<bool>, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = stop_signal(stopped) => {}
        }
    })
}
