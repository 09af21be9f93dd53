//! Workflows, their registrations, and the deployments and workers that serve them.

pub(crate) mod credential;

pub(crate) mod deployment;

pub(crate) mod deployment_routes;

pub(crate) mod graph;

pub(crate) mod heartbeat;

pub(crate) mod register;

pub(crate) mod tags;

pub(crate) mod view;

pub(crate) mod whoami;

pub(crate) mod workflow_bulk;

pub(crate) mod workflow_list;

pub(crate) mod workflow_routes;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::api::Api;

/// The operations of this module.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(whoami::whoami))
        .routes(routes!(register::register))
        .routes(routes!(heartbeat::heartbeat))
        .routes(routes!(
            credential::add_authorized_credential,
            credential::remove_authorized_credential,
            credential::list_authorized_credentials
        ))
        .routes(routes!(workflow_list::get_workflows))
        .routes(routes!(workflow_list::get_workflow_registrations))
        .routes(routes!(workflow_routes::get_workflow_registration))
        .routes(routes!(workflow_routes::get_workflow, workflow_routes::update_workflow))
        .routes(routes!(graph::upload_workflow_graph, graph::get_workflow_graph))
        .routes(routes!(workflow_bulk::bulk_archive_workflows))
        .routes(routes!(workflow_bulk::bulk_unarchive_workflows))
        .routes(routes!(workflow_routes::archive_workflow))
        .routes(routes!(workflow_routes::unarchive_workflow))
        .routes(routes!(tags::add_workflow_tags))
        .routes(routes!(deployment_routes::list_deployments, deployment_routes::create_deployment))
        .routes(routes!(
            deployment_routes::get_deployment,
            deployment_routes::update_deployment,
            deployment_routes::delete_deployment
        ))
        .routes(routes!(deployment_routes::stop_deployment))
        .routes(routes!(deployment_routes::start_deployment))
        .routes(routes!(deployment_routes::restart_deployment))
        .routes(routes!(deployment_routes::get_deployment_archive))
        .routes(routes!(deployment_routes::unharden_deployment))
        .routes(routes!(deployment_routes::list_deployment_workers))
}
