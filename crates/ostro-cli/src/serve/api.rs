//! The Workflows API as a server starts it.

use std::net::SocketAddr;
use std::sync::Arc;

use ostro_engine::time::Span;
use ostro_wire::{BoxError, Caller};
use ostro_workflows_api::auth::Access;
use ostro_workflows_api::records::SqliteRecords;
use ostro_workflows_api::{Api, Scheduler};

use super::{Settings, records_path};

/// Opens the records and starts what the API does by itself.
pub(super) async fn start(settings: &Settings, engine: Caller, scheduler: Scheduler) -> Result<Arc<Api>, BoxError> {
    let path = records_path(&settings.config.data);
    path.parent().map(std::fs::create_dir_all).transpose()?;
    let records = SqliteRecords::open(&path, settings.config.durable)?;
    let scheduler_tls = match &settings.engine {
        Some(elsewhere) => elsewhere.tls.is_some(),
        None => settings.config.tls.is_some(),
    };
    let namespace = settings.namespace.clone();
    let kept = settings.config.records_retention;
    let of_api = ostro_workflows_api::Settings {
        namespace,
        access: settings.access(),
        nexus_callers: settings.config.nexus_callers.clone(),
        scheduler,
        scheduler_tls,
        records_retention: kept.map(Span::to_std),
        // Records follow their executions at leisure: each look asks the engine for what is old.
        retention_interval: settings.config.retention_interval() * 6,
    };
    let api = Api::new(engine, Arc::new(records), of_api).await?;
    say_what_is_unsafe(settings, &api).await;
    tokio::spawn(api.clone().run());
    Ok(api)
}

/// Where workers find the engine: where it listens, or, when that is every address of the machine, on the host under
/// which they reached the API.
pub(super) fn scheduler(settings: &Settings, grpc: Option<SocketAddr>) -> Scheduler {
    match (&settings.advertise, grpc) {
        (Some(address), _) => Scheduler::At(address.clone()),
        (None, Some(grpc)) if grpc.ip().is_unspecified() => Scheduler::SameHost(grpc.port()),
        (None, Some(grpc)) => Scheduler::At(grpc.to_string()),
        (None, None) => Scheduler::At(String::new()),
    }
}

/// Warns of what keeps everybody out, or lets keys be read on their way.
async fn say_what_is_unsafe(settings: &Settings, api: &Api) {
    let config = &settings.config;
    let exposed = settings.addresses().any(|address| !address.ip().is_loopback());
    if settings.access() == Access::KeyRequired && !api.has_keys().await {
        let data = config.data.display();
        tracing::warn!("no API key exists, so nobody may call: ostro token create --data {data} --name NAME");
    }
    if settings.access() == Access::Open && exposed {
        tracing::warn!("whoever reaches this server's addresses may do everything (--access open)");
    }
    if config.tls.is_none() && exposed {
        tracing::warn!("API keys travel in the clear: give --tls-cert and --tls-key, or put a proxy with TLS in front");
    }
}
