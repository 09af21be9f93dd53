//! Requests of workers.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use temporalio_protos::temporal::api::common::v1::WorkerVersionCapabilities;
use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentOptions;
use temporalio_protos::temporal::api::enums::v1::WorkerVersioningMode;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::Check;
use super::common::{application_failure, invalid, length, namespace, task_queue, task_token};
use super::nexus::{handler_failure, operation_error};

macro_rules! polls {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            #[allow(deprecated)]
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                length(&self.identity, "Identity", limits)?;
                task_queue(&self.task_queue, limits)?;
                deployment(&self.deployment_options)?;
                version(&self.worker_version_capabilities)
            }
        })*
    };
}

polls!(PollWorkflowTaskQueueRequest, PollActivityTaskQueueRequest, PollNexusTaskQueueRequest);

fn deployment(options: &Option<WorkerDeploymentOptions>) -> Result<()> {
    let Some(options) = options else { return Ok(()) };
    let versioned = options.worker_versioning_mode == WorkerVersioningMode::Versioned as i32;
    if versioned && (options.deployment_name.is_empty() || options.build_id.is_empty()) {
        return invalid("Deployment name and build id must be set together.");
    }
    Ok(())
}

#[allow(deprecated)]
fn version(capabilities: &Option<WorkerVersionCapabilities>) -> Result<()> {
    match capabilities {
        Some(version) if version.use_versioning && version.build_id.is_empty() => {
            invalid("WorkerVersionStamp must be present if UseVersioning is true.")
        }
        _ => Ok(()),
    }
}

/// Answers to tasks: the token says which, and it is the first thing that can be wrong.
macro_rules! responds {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                task_token(&self.task_token)?;
                length(&self.identity, "Identity", limits)
            }
        })*
    };
}

responds!(
    RespondWorkflowTaskCompletedRequest,
    RespondWorkflowTaskFailedRequest,
    RespondActivityTaskCompletedRequest,
    RespondActivityTaskCanceledRequest,
    RecordActivityTaskHeartbeatRequest
);

impl Check for service::RespondNexusTaskCompletedRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        task_token(&self.task_token)?;
        operation_error(&self.response)?;
        length(&self.identity, "Identity", limits)
    }
}

impl Check for service::RespondNexusTaskFailedRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        task_token(&self.task_token)?;
        handler_failure(self)?;
        length(&self.identity, "Identity", limits)
    }
}

impl Check for service::RespondActivityTaskFailedRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        task_token(&self.task_token)?;
        application_failure(&self.failure)?;
        length(&self.identity, "Identity", limits)
    }
}

impl Check for service::RespondQueryTaskCompletedRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        task_token(&self.task_token)
    }
}

impl Check for service::ShutdownWorkerRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)
    }
}

impl Check for service::DescribeTaskQueueRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        task_queue(&self.task_queue, limits)
    }
}
