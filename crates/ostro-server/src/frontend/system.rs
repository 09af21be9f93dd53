//! What the server says of itself.

use ostro_engine::error::Error;
use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::operatorservice::v1 as operator;
use temporalio_protos::temporal::api::version::v1::{ReleaseInfo, VersionInfo};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::{Frontend, refuse};
use crate::SERVER_VERSION;

/// The name of the one cluster there is.
const CLUSTER_NAME: &str = "active";

/// Only what works is advertised: SDKs rely on it.
pub(super) async fn system_info(
    _frontend: &Frontend,
    _context: &CallContext,
    _request: service::GetSystemInfoRequest,
) -> Answer<service::GetSystemInfoResponse> {
    let capabilities = service::get_system_info_response::Capabilities {
        signal_and_query_header: true,
        internal_error_differentiation: true,
        activity_failure_include_heartbeat: true,
        encoded_failure_attributes: true,
        // Workers say their build with each task that they complete: it is in `BuildIds`.
        build_id_based_versioning: true,
        upsert_memo: true,
        eager_workflow_start: true,
        sdk_metadata: true,
        supports_schedules: true,
        count_group_by_execution_status: true,
        nexus: true,
        ..Default::default()
    };
    let answer =
        service::GetSystemInfoResponse { server_version: SERVER_VERSION.to_owned(), capabilities: Some(capabilities) };
    Ok(answer.into())
}

/// One cluster of one shard.
pub(super) async fn cluster_info(
    frontend: &Frontend,
    _context: &CallContext,
    _request: service::GetClusterInfoRequest,
) -> Answer<service::GetClusterInfoResponse> {
    let current = ReleaseInfo { version: SERVER_VERSION.to_owned(), ..Default::default() };
    let answer = service::GetClusterInfoResponse {
        server_version: SERVER_VERSION.to_owned(),
        cluster_id: frontend.cluster_id.clone(),
        cluster_name: CLUSTER_NAME.to_owned(),
        version_info: Some(VersionInfo { current: Some(current), ..Default::default() }),
        history_shard_count: 1,
        persistence_store: "sqlite".to_owned(),
        visibility_store: "sqlite".to_owned(),
        initial_failover_version: 1,
        failover_version_increment: 10,
        ..Default::default()
    };
    Ok(answer.into())
}

/// `ListClusters`: this one.
pub(super) async fn clusters(
    frontend: &Frontend,
    _context: &CallContext,
    _request: operator::ListClustersRequest,
) -> Answer<operator::ListClustersResponse> {
    let this = operator::ClusterMetadata {
        cluster_name: CLUSTER_NAME.to_owned(),
        cluster_id: frontend.cluster_id.clone(),
        initial_failover_version: 1,
        history_shard_count: 1,
        is_connection_enabled: true,
        ..Default::default()
    };
    Ok(operator::ListClustersResponse { clusters: vec![this], ..Default::default() }.into())
}

/// `RemoveRemoteCluster`: there is none.
pub(super) async fn remove_cluster(
    _frontend: &Frontend,
    _context: &CallContext,
    _request: operator::RemoveRemoteClusterRequest,
) -> Answer<operator::RemoveRemoteClusterResponse> {
    refuse(Error::not_found("The cluster to be deleted cannot be found in clusters cache."))
}
