//! Methods that the reference server has and does not serve as it comes: superseded ones, and those behind a switch that is
//! off. Its answers are given here too.

use ostro_engine::error::{Error, ErrorKind};
use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::errordetails::v1::PermissionDeniedFailure;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::Frontend;
use super::status::status;

const DEPLOYMENTS: &str = "Deployments are deprecated and no longer supported, use Worker Deployments instead";
const RULES: &str = "Worker versioning v0.2 (Rules-based, deprecated) is disabled on this namespace.";

macro_rules! declined {
    ($($name:ident($request:ident) -> $response:ident = $kind:ident, $message:expr;)*) => {
        $(pub(super) async fn $name(_: &Frontend, _: &CallContext, _: service::$request) -> Answer<service::$response> {
            Err(status(Error::new(ErrorKind::$kind, $message)))
        })*
    };
}

declined! {
    describe_deployment(DescribeDeploymentRequest) -> DescribeDeploymentResponse = Unimplemented, DEPLOYMENTS;
    get_current_deployment(GetCurrentDeploymentRequest) -> GetCurrentDeploymentResponse = Unimplemented, DEPLOYMENTS;
    get_deployment_reachability(GetDeploymentReachabilityRequest) -> GetDeploymentReachabilityResponse
        = Unimplemented, DEPLOYMENTS;
    list_deployments(ListDeploymentsRequest) -> ListDeploymentsResponse = Unimplemented, DEPLOYMENTS;
    set_current_deployment(SetCurrentDeploymentRequest) -> SetCurrentDeploymentResponse = Unimplemented, DEPLOYMENTS;
    create_workflow_rule(CreateWorkflowRuleRequest) -> CreateWorkflowRuleResponse
        = Unimplemented, "method CreateWorkflowRule not supported";
    describe_workflow_rule(DescribeWorkflowRuleRequest) -> DescribeWorkflowRuleResponse
        = Unimplemented, "method DescribeWorkflowRule not supported";
    delete_workflow_rule(DeleteWorkflowRuleRequest) -> DeleteWorkflowRuleResponse
        = Unimplemented, "method DeleteWorkflowRule not supported";
    list_workflow_rules(ListWorkflowRulesRequest) -> ListWorkflowRulesResponse
        = Unimplemented, "method ListWorkflowRules not supported";
    trigger_workflow_rule(TriggerWorkflowRuleRequest) -> TriggerWorkflowRuleResponse
        = Unimplemented, "method TriggerWorkflowRule not supported";
    fetch_worker_config(FetchWorkerConfigRequest) -> FetchWorkerConfigResponse
        = Unimplemented, "FetchWorkerConfig command is not enabled.";
    update_worker_config(UpdateWorkerConfigRequest) -> UpdateWorkerConfigResponse
        = Unimplemented, "UpdateWorkerConfig command is not enabled.";
}

/// The versioning between sets of build ids and worker deployments is off.
fn no_rules<T>() -> Answer<T> {
    let detail = PermissionDeniedFailure::default();
    let error = Error::new(ErrorKind::PermissionDenied, RULES);
    Err(status(error.with("temporal.api.errordetails.v1.PermissionDeniedFailure", &detail)))
}

/// `GetWorkerVersioningRules`.
pub(super) async fn get_worker_versioning_rules(
    _: &Frontend,
    _: &CallContext,
    _: service::GetWorkerVersioningRulesRequest,
) -> Answer<service::GetWorkerVersioningRulesResponse> {
    no_rules()
}

/// `UpdateWorkerVersioningRules`.
pub(super) async fn update_worker_versioning_rules(
    _: &Frontend,
    _: &CallContext,
    _: service::UpdateWorkerVersioningRulesRequest,
) -> Answer<service::UpdateWorkerVersioningRulesResponse> {
    no_rules()
}
