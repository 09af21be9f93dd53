//! `ostro dev` and `ostro serve`.

mod api;
mod console;
mod files;
mod logs;
mod remote;
mod start_dev;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use ostro_console::Console;
use ostro_server::{BeginsWithNothing, Config, Extension, Server, config};
use ostro_wire::{BoxError, Caller, Target, TlsError, TlsFiles};
use ostro_workflows_api::auth::Access;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{DevArguments, LogFormat, ServeArguments, ServerAccess, ServerArguments, ServerCommand};

/// The Workflows API's records, beside the store.
const RECORDS_FILE: &str = "workflows-api.db";
/// The Workflows API's namespace unless `--namespace` names one.
const NAMESPACE_DEFAULT: &str = "default";

/// Where the Workflows API's records are for `data`: a directory, or the file of the store.
pub fn records_path(data: &Path) -> PathBuf {
    ostro_server::store_path(data).with_file_name(RECORDS_FILE)
}

/// Runs the server until it is told to stop (ctrl-c or SIGTERM).
pub fn run(command: ServerCommand) -> ExitCode {
    match serve(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", crate::printable::text(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn serve(command: ServerCommand) -> Result<(), Failure> {
    let mut settings = Settings::of(command)?;
    logs::start(settings.log_format, &settings.config.log_level)?;
    files::make_room(&mut settings.config.network);
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::Runtime)?;
    runtime.block_on(serve_until_stopped(settings))
}

async fn serve_until_stopped(settings: Settings) -> Result<(), Failure> {
    let _ephemeral = settings.ephemeral.as_deref().map(Ephemeral);
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
    let mut told_to_stop = pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    if let Some(engine) = &settings.engine {
        return remote::serve(&settings, engine, told_to_stop).await;
    }
    refuse_lost_store(&settings)?;
    let (mut api, mut pages) = (None, None);
    let starting = Server::start_with(settings.config.clone(), async |serving| {
        let scheduler = api::scheduler(&settings, serving.grpc_address);
        let engine = Caller::new(serving.services);
        let started = api::start(&settings, engine.clone(), scheduler, serving.throttle.clone()).await?;
        pages = console::start(&settings, engine, &started, serving.throttle)?;
        let (guard, metrics) = (Some(started.guard()), Some(api::metrics(&started)));
        let routes = ostro_workflows_api::router(api.insert(started).clone());
        Ok(Extension { routes: with_console(routes, pages.clone()), guard, metrics })
    });
    let server = tokio::select! {
        server = starting => server?,
        () = &mut told_to_stop => return Ok(()),
    };
    if let Some(grpc) = server.grpc_address() {
        print_banner(&settings, grpc, server.http_address());
    }
    if let (true, Some(http), true) = (settings.open, server.http_address(), settings.config.console) {
        console::open(&format!("{}://{http}/", settings.http_scheme()));
    }
    told_to_stop.await;
    tracing::info!("stopping: running calls are answered, then the store is closed");
    api.iter().for_each(|api| api.stop());
    pages.iter().for_each(|console| console.stop());
    server.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

/// The API's routes with those of the console, where there is one.
fn with_console(routes: Router, console: Option<Arc<Console>>) -> Router {
    console.into_iter().fold(routes, |routes, console| routes.merge(ostro_console::router(console)))
}

/// Records that tell of executions belong to an engine's store: where that is not there it is gone, not yet to come.
fn refuse_lost_store(settings: &Settings) -> Result<(), Failure> {
    let (store, records) = (ostro_server::store_path(&settings.config.data), records_path(&settings.config.data));
    let bytes = std::fs::metadata(&store).map(|file| file.len());
    let is_new = bytes.as_ref().map_or(true, |bytes| *bytes == 0);
    let asked_for = settings.config.begins_with_nothing == BeginsWithNothing::Yes;
    if !is_new || asked_for || !ostro_workflows_api::records::tell_of_executions(&records) {
        return Ok(());
    }
    Err(Failure::Disk(ostro_disk::Error::Vanished { path: store, empty: bytes.is_ok(), sign: records }))
}

/// Why the server did not run.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("--log-level {level} is not usable: {reason}; give a level such as info, or info,ostro_server=debug")]
    LogLevel { level: String, reason: String },
    #[error("--dynamic-config-value {key}={value} is not usable: give a whole number below 4294967296")]
    Setting { key: String, value: String },
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Disk(#[from] ostro_disk::Error),
    #[error(transparent)]
    Server(#[from] ostro_server::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0}")]
    Engine(String),
    #[error("cannot prepare the Workflows API: {0}")]
    Api(BoxError),
    #[error("cannot listen on {address}: {source}; name another address, or stop what listens there")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// What flags and file make together.
struct Settings {
    config: Config,
    log_format: LogFormat,
    /// The directory to delete at the end.
    ephemeral: Option<PathBuf>,
    /// The engine elsewhere, in place of one of our own.
    engine: Option<Target>,
    /// The Workflows API's namespace.
    namespace: String,
    access: ServerAccess,
    advertise: Option<String>,
    /// Whether the console is to be shown once it is there.
    open: bool,
}

impl Settings {
    fn of(command: ServerCommand) -> Result<Self, Failure> {
        match command {
            ServerCommand::Serve(ServeArguments { data, elsewhere, server }) => {
                let engine = elsewhere.target().map_err(Failure::Engine)?;
                Ok(Self { engine, ..Self::new(data, None, server)? })
            }
            ServerCommand::StartDev(arguments) => Self::of_start_dev(arguments),
            ServerCommand::Dev(DevArguments { data, ephemeral: false, time_skipping: false, open, server }) => {
                Ok(Self { open, ..Self::new(data, None, server)? })
            }
            ServerCommand::Dev(DevArguments { time_skipping, open, server, .. }) => {
                let directory = std::env::temp_dir().join(format!("ostro-{}", uuid::Uuid::new_v4()));
                let mut settings = Self::new(directory.clone(), Some(directory), server)?;
                settings.config.time_skipping = time_skipping;
                Ok(Self { open, ..settings })
            }
        }
    }

    fn new(data: PathBuf, ephemeral: Option<PathBuf>, flags: ServerArguments) -> Result<Self, Failure> {
        let mut config = match &flags.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        config.data = data;
        config.begins_with_nothing = match (flags.new, flags.data_exists) {
            (true, _) => BeginsWithNothing::Yes,
            (_, true) => BeginsWithNothing::Never,
            _ => BeginsWithNothing::UnlessDataIsGone,
        };
        config.accept_log_loss = flags.accept_wal_loss;
        config.durable &= ephemeral.is_none();
        over(&mut config, &flags);
        let namespace = flags.namespaces.first().map_or(NAMESPACE_DEFAULT, String::as_str).to_owned();
        Ok(Self {
            config,
            log_format: flags.log_format,
            ephemeral,
            engine: None,
            namespace,
            access: flags.access,
            advertise: flags.advertise,
            open: false,
        })
    }

    /// Who may call: one answer for both interfaces, as what the one lets in the other must not keep out.
    fn access(&self) -> Access {
        match self.access {
            ServerAccess::Open => Access::Open,
            ServerAccess::Key => Access::KeyRequired,
            ServerAccess::Auto if self.addresses().all(|address| address.ip().is_loopback()) => Access::OpenUntilKey,
            ServerAccess::Auto => Access::KeyRequired,
        }
    }

    /// Where the server listens.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let grpc = self.config.listen.filter(|_| self.engine.is_none());
        [grpc, self.config.http_listen].into_iter().flatten()
    }

    fn http_scheme(&self) -> &'static str {
        if self.config.tls.is_some() { "https" } else { "http" }
    }

    fn access_in_words(&self) -> &'static str {
        match self.access() {
            Access::Open => "open: whoever reaches these addresses may do everything",
            Access::OpenUntilKey => "open to this machine, until the first API key is made (ostro token create)",
            Access::KeyRequired => "API keys only (ostro token create)",
        }
    }
}

/// Flags go over the file. A flag at its default says nothing.
fn over(config: &mut Config, flags: &ServerArguments) {
    let defaults = Config::default();
    if Some(flags.listen) != defaults.listen {
        config.listen = Some(flags.listen);
    }
    if flags.http_listen.0 != defaults.http_listen {
        config.http_listen = flags.http_listen.0;
    }
    if flags.log_level != defaults.log_level {
        config.log_level.clone_from(&flags.log_level);
    }
    if let (Some(certificate), Some(key)) = (&flags.tls_cert, &flags.tls_key) {
        let (certificate, key) = (certificate.clone(), key.clone());
        config.tls = Some(TlsFiles { certificate, key, client_ca: flags.tls_client_ca.clone() });
    }
    config.allowed_hosts.extend(flags.allowed_hosts.iter().cloned());
    flags.namespaces.iter().for_each(|name| config.add_namespace(name));
    let attributes = flags.search_attributes.iter().map(|(name, kind)| (name.clone(), (*kind).into()));
    config.search_attributes.extend(attributes);
}

/// A directory that goes with the server, however it ends short of a crash.
struct Ephemeral<'a>(&'a Path);

impl Drop for Ephemeral<'_> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, directory = %self.0.display(), "the temporary data could not be deleted");
        }
    }
}

fn print_banner(settings: &Settings, grpc: SocketAddr, http: Option<SocketAddr>) {
    let namespaces: Vec<&str> = settings.config.namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
    println!("Ostro {}", ostro_server::VERSION);
    println!("  gRPC        {grpc}{}", if settings.config.tls.is_some() { " (TLS)" } else { "" });
    if let Some(http) = http {
        println!(
            "  HTTP        {}://{http} (Workflows API, /openapi.json, /metrics, /healthz)",
            settings.http_scheme()
        );
        if settings.config.console {
            println!("  Console     {}://{http}/", settings.http_scheme());
        }
    }
    println!("  Access      {}", settings.access_in_words());
    match &settings.ephemeral {
        Some(_) if settings.config.time_skipping => println!("  Data        none is kept; time skips"),
        Some(_) => println!("  Data        none is kept (--ephemeral)"),
        None => println!("  Data        {}", settings.config.data.display()),
    }
    println!("  Namespaces  {}", namespaces.join(", "));
    println!("Point any Temporal SDK at {grpc}, then: ostro workflow list --address {grpc}");
}
