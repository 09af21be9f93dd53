//! The Workflows API as a server starts it.

use std::net::SocketAddr;
use std::sync::Arc;

use ostro_engine::time::Span;
use ostro_server::MoreMetrics;
use ostro_wire::{BoxError, Caller, Throttle};
use ostro_workflows_api::auth::Access;
use ostro_workflows_api::records::{RecordLimits, SqliteRecords};
use ostro_workflows_api::{Api, Scheduler};

use super::{Settings, records_path};

/// Opens the records and starts what the API does by itself.
pub(super) async fn start(
    settings: &Settings,
    engine: Caller,
    scheduler: Scheduler,
    throttle: Option<Arc<dyn Throttle>>,
) -> Result<Arc<Api>, BoxError> {
    let path = records_path(&settings.config.data);
    path.parent().map(ostro_disk::private::make_directory).transpose()?;
    let records = SqliteRecords::serve(&path, settings.config.durable, record_limits(settings))?;
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
        throttle,
    };
    let api = Api::new(engine, Arc::new(records), of_api).await?;
    say_what_is_unsafe(settings, &api).await;
    tokio::spawn(api.clone().run());
    Ok(api)
}

fn record_limits(settings: &Settings) -> RecordLimits {
    let reads = settings.config.read_limits().pool;
    let (every, named) = settings.config.records_bytes_max();
    let usual = RecordLimits::default();
    RecordLimits {
        bytes_max: every.unwrap_or(usual.bytes_max),
        bytes_max_of: named.into_iter().collect(),
        read_timeout: reads.time,
        ..usual
    }
}

/// What is counted of the API's records, for the page of metrics.
pub(super) fn metrics(api: &Arc<Api>) -> Arc<MoreMetrics> {
    let api = api.clone();
    Arc::new(move || {
        let stats = api.records_stats();
        vec![
            (
                "ostro_records_bytes",
                "gauge",
                "Bytes of the API's records, as they count for quotas",
                stats.bytes as f64,
            ),
            ("ostro_records_log_bytes", "gauge", "Bytes of the records' write-ahead log", stats.log_bytes as f64),
            (
                "ostro_records_refused_total",
                "counter",
                "Commits of records refused: a quota was used up, or the disk nearly full",
                stats.refused as f64,
            ),
            ("ostro_records_reads_waiting", "gauge", "Reads of records that wait", stats.reads_waiting as f64),
            (
                "ostro_records_reads_refused_total",
                "counter",
                "Reads of records that found their queue full",
                stats.reads_refused as f64,
            ),
            ("ostro_records_reads_cut_total", "counter", "Reads of records that took too long", stats.reads_cut as f64),
        ]
    })
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
