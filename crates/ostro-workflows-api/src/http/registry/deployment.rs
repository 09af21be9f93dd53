//! Deployments and workers as clients see them.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::moment::Moment;
use crate::model::registration::{DeploymentLocation, DeploymentRecord, LocationType, WorkerRecord};

/// A deployment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeploymentResponse {
    pub id: Uuid,
    pub name: String,
    /// Whether one of its workers lives.
    pub is_active: bool,
    pub created_at: Moment,
    pub last_heartbeat: Moment,
    pub updated_at: Moment,
    pub is_hardened: bool,
    pub owner: Option<String>,
    pub location: Option<DeploymentLocation>,
    pub worker_count: u64,
    pub active_worker_count: u64,
    pub locations: Vec<LocationType>,
    /// Always `null`: this server hosts nobody's code.
    #[schema(value_type = Option<Object>)]
    pub managed: Option<Value>,
}

/// A deployment with its workers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeploymentDetailResponse {
    #[serde(flatten)]
    pub deployment: DeploymentResponse,
    pub workers: Vec<DeploymentWorkerResponse>,
}

/// A worker process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeploymentWorkerResponse {
    pub name: String,
    pub created_at: Moment,
    pub last_heartbeat: Moment,
    pub updated_at: Moment,
    /// Whether its last heartbeat is less than 30 s old.
    pub is_active: bool,
    pub location: Option<DeploymentLocation>,
}

impl DeploymentResponse {
    pub(crate) fn of(record: &DeploymentRecord, workers: &[WorkerRecord]) -> Self {
        let latest = workers.iter().max_by_key(|worker| worker.last_heartbeat);
        let active = workers.iter().filter(|worker| worker.is_active()).count();
        let mut locations: Vec<LocationType> = Vec::new();
        for location in workers.iter().filter_map(|worker| worker.location.as_ref()) {
            if !locations.contains(&location.location_type) {
                locations.push(location.location_type);
            }
        }
        Self {
            id: record.id,
            name: record.name.clone(),
            is_active: active > 0,
            created_at: record.created_at,
            last_heartbeat: latest.map_or(record.created_at, |worker| worker.last_heartbeat),
            updated_at: workers.iter().map(|worker| worker.updated_at).max().unwrap_or(record.created_at),
            is_hardened: false,
            owner: None,
            location: latest.and_then(|worker| worker.location.clone()),
            worker_count: workers.len() as u64,
            active_worker_count: active as u64,
            locations,
            managed: None,
        }
    }
}

impl DeploymentWorkerResponse {
    pub(crate) fn of(worker: WorkerRecord) -> Self {
        Self {
            is_active: worker.is_active(),
            name: worker.name,
            created_at: worker.created_at,
            last_heartbeat: worker.last_heartbeat,
            updated_at: worker.updated_at,
            location: worker.location,
        }
    }
}
