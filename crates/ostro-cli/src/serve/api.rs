//! The Workflows API as a server starts it.

use std::net::SocketAddr;
use std::sync::Arc;

use ostro_wire::BoxError;
use ostro_workflows_api::auth::Access;
use ostro_workflows_api::engine::Engine;
use ostro_workflows_api::records::SqliteRecords;
use ostro_workflows_api::{Api, Scheduler};

use super::{RECORDS_FILE, Settings};
use crate::arguments::HttpAccess;

/// Opens the records and starts what the API does by itself.
pub(super) async fn start(
    settings: &Settings,
    engine: Arc<dyn Engine>,
    scheduler: Scheduler,
) -> Result<Arc<Api>, BoxError> {
    std::fs::create_dir_all(&settings.config.data)?;
    let records = SqliteRecords::open(&settings.config.data.join(RECORDS_FILE), settings.config.durable)?;
    let namespace = settings.namespace.clone();
    let settings = ostro_workflows_api::Settings { namespace, access: access(settings), scheduler };
    let api = Api::new(engine, Arc::new(records), settings).await?;
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

fn access(settings: &Settings) -> Access {
    let loopback = settings.config.http_listen.is_none_or(|address| address.ip().is_loopback());
    match settings.http_access {
        HttpAccess::Open => Access::Open,
        HttpAccess::Key => Access::KeyRequired,
        HttpAccess::Auto if loopback => Access::Open,
        HttpAccess::Auto => Access::KeyRequired,
    }
}
