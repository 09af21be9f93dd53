//! Which methods are served, and where they are answered.

use ostro_wire::{Answer, CallContext, OperatorService, WorkflowService};
use temporalio_protos::temporal::api::{operatorservice::v1 as operator, workflowservice::v1 as service};

use super::history;
use super::operator::{self as attributes, batch, compute_config, namespace};
use super::standalone::{activity as standalone_activity, nexus_operation as standalone_nexus_operation};
use super::visibility::{self, schedule};
use super::worker::{self, activity, heartbeat};
use super::workflow::{self, multi_operation, query};
use super::{Frontend, declined, system};

/// `forward`: checked, then answered by the engine. `wait`: the same with the client's deadline. A path: a function.
/// `paged(...)`: the same for a list, whose page tokens are sealed.
macro_rules! methods {
    ($service:ident, $messages:ident: $($method:ident($request:ident) -> $response:ident = $how:ident $(:: $function:ident)? $(($($inner:tt)*))?;)*) => {
        #[async_trait::async_trait]
        impl $service for Frontend {
            $(async fn $method(&self, context: &CallContext, request: $messages::$request) -> Answer<$messages::$response> {
                methods!(@call self, context, request, $how $(:: $function)? $(($($inner)*))?)
            })*
        }
    };
    (@call $self:ident, $context:ident, $request:ident, forward) => {{
        let _ = $context;
        $self.forward($request).await
    }};
    (@call $self:ident, $context:ident, $request:ident, wait) => { $self.forward_waiting($context, $request).await };
    (@call $self:ident, $context:ident, $request:ident, paged ($($inner:tt)*)) => {{
        let mut request = $request;
        let list = $self.open_page(&mut request)?;
        let page = methods!(@call $self, $context, request, $($inner)*);
        list.seal($self, page)
    }};
    (@call $self:ident, $context:ident, $request:ident, $module:ident :: $function:ident) => {
        $module::$function($self, $context, $request).await
    };
}

methods! { WorkflowService, service:
    start_workflow_execution(StartWorkflowExecutionRequest) -> StartWorkflowExecutionResponse = workflow::start;
    signal_with_start_workflow_execution(SignalWithStartWorkflowExecutionRequest)
        -> SignalWithStartWorkflowExecutionResponse = forward;
    signal_workflow_execution(SignalWorkflowExecutionRequest) -> SignalWorkflowExecutionResponse = forward;
    request_cancel_workflow_execution(RequestCancelWorkflowExecutionRequest)
        -> RequestCancelWorkflowExecutionResponse = forward;
    terminate_workflow_execution(TerminateWorkflowExecutionRequest) -> TerminateWorkflowExecutionResponse = forward;
    delete_workflow_execution(DeleteWorkflowExecutionRequest) -> DeleteWorkflowExecutionResponse = forward;
    reset_workflow_execution(ResetWorkflowExecutionRequest) -> ResetWorkflowExecutionResponse = forward;
    update_workflow_execution_options(UpdateWorkflowExecutionOptionsRequest)
        -> UpdateWorkflowExecutionOptionsResponse = forward;
    query_workflow(QueryWorkflowRequest) -> QueryWorkflowResponse = query::ask;
    update_workflow_execution(UpdateWorkflowExecutionRequest) -> UpdateWorkflowExecutionResponse = wait;
    execute_multi_operation(ExecuteMultiOperationRequest) -> ExecuteMultiOperationResponse = multi_operation::execute;
    poll_workflow_execution_update(PollWorkflowExecutionUpdateRequest) -> PollWorkflowExecutionUpdateResponse = wait;
    describe_workflow_execution(DescribeWorkflowExecutionRequest) -> DescribeWorkflowExecutionResponse = forward;
    reset_sticky_task_queue(ResetStickyTaskQueueRequest) -> ResetStickyTaskQueueResponse = forward;

    get_workflow_execution_history(GetWorkflowExecutionHistoryRequest) -> GetWorkflowExecutionHistoryResponse = history::forward;
    get_workflow_execution_history_reverse(GetWorkflowExecutionHistoryReverseRequest)
        -> GetWorkflowExecutionHistoryReverseResponse = history::reverse;

    list_workflow_executions(ListWorkflowExecutionsRequest) -> ListWorkflowExecutionsResponse = paged(visibility::list);
    scan_workflow_executions(ScanWorkflowExecutionsRequest) -> ScanWorkflowExecutionsResponse = paged(visibility::scan);
    list_open_workflow_executions(ListOpenWorkflowExecutionsRequest)
        -> ListOpenWorkflowExecutionsResponse = paged(visibility::list_open);
    list_closed_workflow_executions(ListClosedWorkflowExecutionsRequest)
        -> ListClosedWorkflowExecutionsResponse = paged(visibility::list_closed);
    list_archived_workflow_executions(ListArchivedWorkflowExecutionsRequest)
        -> ListArchivedWorkflowExecutionsResponse = visibility::list_archived;
    count_workflow_executions(CountWorkflowExecutionsRequest) -> CountWorkflowExecutionsResponse = visibility::count;

    create_schedule(CreateScheduleRequest) -> CreateScheduleResponse = forward;
    describe_schedule(DescribeScheduleRequest) -> DescribeScheduleResponse = forward;
    update_schedule(UpdateScheduleRequest) -> UpdateScheduleResponse = forward;
    patch_schedule(PatchScheduleRequest) -> PatchScheduleResponse = forward;
    delete_schedule(DeleteScheduleRequest) -> DeleteScheduleResponse = forward;
    list_schedules(ListSchedulesRequest) -> ListSchedulesResponse = paged(schedule::list);
    count_schedules(CountSchedulesRequest) -> CountSchedulesResponse = schedule::count;
    list_schedule_matching_times(ListScheduleMatchingTimesRequest) -> ListScheduleMatchingTimesResponse = forward;

    poll_workflow_task_queue(PollWorkflowTaskQueueRequest) -> PollWorkflowTaskQueueResponse = worker::poll_workflow_task;
    respond_workflow_task_completed(RespondWorkflowTaskCompletedRequest)
        -> RespondWorkflowTaskCompletedResponse = worker::complete_workflow_task;
    respond_workflow_task_failed(RespondWorkflowTaskFailedRequest) -> RespondWorkflowTaskFailedResponse = forward;
    respond_query_task_completed(RespondQueryTaskCompletedRequest)
        -> RespondQueryTaskCompletedResponse = worker::complete_query;
    poll_activity_task_queue(PollActivityTaskQueueRequest) -> PollActivityTaskQueueResponse = worker::poll_activity_task;
    poll_nexus_task_queue(PollNexusTaskQueueRequest) -> PollNexusTaskQueueResponse = worker::poll_nexus_task;
    respond_nexus_task_completed(RespondNexusTaskCompletedRequest) -> RespondNexusTaskCompletedResponse = forward;
    respond_nexus_task_failed(RespondNexusTaskFailedRequest) -> RespondNexusTaskFailedResponse = forward;
    shutdown_worker(ShutdownWorkerRequest) -> ShutdownWorkerResponse = heartbeat::shut_down;
    record_worker_heartbeat(RecordWorkerHeartbeatRequest) -> RecordWorkerHeartbeatResponse = heartbeat::heartbeat;
    list_workers(ListWorkersRequest) -> ListWorkersResponse = paged(heartbeat::list);
    describe_worker(DescribeWorkerRequest) -> DescribeWorkerResponse = heartbeat::describe;
    describe_task_queue(DescribeTaskQueueRequest) -> DescribeTaskQueueResponse = worker::describe_queue;

    record_activity_task_heartbeat(RecordActivityTaskHeartbeatRequest)
        -> RecordActivityTaskHeartbeatResponse = activity::heartbeat;
    record_activity_task_heartbeat_by_id(RecordActivityTaskHeartbeatByIdRequest)
        -> RecordActivityTaskHeartbeatByIdResponse = activity::heartbeat_by_id;
    respond_activity_task_completed(RespondActivityTaskCompletedRequest)
        -> RespondActivityTaskCompletedResponse = activity::complete;
    respond_activity_task_completed_by_id(RespondActivityTaskCompletedByIdRequest)
        -> RespondActivityTaskCompletedByIdResponse = activity::complete_by_id;
    respond_activity_task_failed(RespondActivityTaskFailedRequest) -> RespondActivityTaskFailedResponse = activity::fail;
    respond_activity_task_failed_by_id(RespondActivityTaskFailedByIdRequest)
        -> RespondActivityTaskFailedByIdResponse = activity::fail_by_id;
    respond_activity_task_canceled(RespondActivityTaskCanceledRequest)
        -> RespondActivityTaskCanceledResponse = activity::cancel;
    respond_activity_task_canceled_by_id(RespondActivityTaskCanceledByIdRequest)
        -> RespondActivityTaskCanceledByIdResponse = activity::cancel_by_id;

    pause_activity(PauseActivityRequest) -> PauseActivityResponse = forward;
    unpause_activity(UnpauseActivityRequest) -> UnpauseActivityResponse = forward;
    reset_activity(ResetActivityRequest) -> ResetActivityResponse = forward;
    update_activity_options(UpdateActivityOptionsRequest) -> UpdateActivityOptionsResponse = forward;

    start_activity_execution(StartActivityExecutionRequest) -> StartActivityExecutionResponse = forward;
    describe_activity_execution(DescribeActivityExecutionRequest)
        -> DescribeActivityExecutionResponse = standalone_activity::describe;
    poll_activity_execution(PollActivityExecutionRequest) -> PollActivityExecutionResponse = standalone_activity::poll;
    list_activity_executions(ListActivityExecutionsRequest) -> ListActivityExecutionsResponse = paged(standalone_activity::list);
    count_activity_executions(CountActivityExecutionsRequest) -> CountActivityExecutionsResponse = standalone_activity::count;
    request_cancel_activity_execution(RequestCancelActivityExecutionRequest)
        -> RequestCancelActivityExecutionResponse = forward;
    terminate_activity_execution(TerminateActivityExecutionRequest) -> TerminateActivityExecutionResponse = forward;
    delete_activity_execution(DeleteActivityExecutionRequest) -> DeleteActivityExecutionResponse = forward;
    pause_activity_execution(PauseActivityExecutionRequest) -> PauseActivityExecutionResponse = forward;
    unpause_activity_execution(UnpauseActivityExecutionRequest) -> UnpauseActivityExecutionResponse = forward;
    reset_activity_execution(ResetActivityExecutionRequest) -> ResetActivityExecutionResponse = forward;
    update_activity_execution_options(UpdateActivityExecutionOptionsRequest)
        -> UpdateActivityExecutionOptionsResponse = forward;

    start_nexus_operation_execution(StartNexusOperationExecutionRequest)
        -> StartNexusOperationExecutionResponse = forward;
    describe_nexus_operation_execution(DescribeNexusOperationExecutionRequest)
        -> DescribeNexusOperationExecutionResponse = standalone_nexus_operation::describe;
    poll_nexus_operation_execution(PollNexusOperationExecutionRequest)
        -> PollNexusOperationExecutionResponse = standalone_nexus_operation::poll;
    list_nexus_operation_executions(ListNexusOperationExecutionsRequest)
        -> ListNexusOperationExecutionsResponse = paged(standalone_nexus_operation::list);
    count_nexus_operation_executions(CountNexusOperationExecutionsRequest)
        -> CountNexusOperationExecutionsResponse = standalone_nexus_operation::count;
    request_cancel_nexus_operation_execution(RequestCancelNexusOperationExecutionRequest)
        -> RequestCancelNexusOperationExecutionResponse = forward;
    terminate_nexus_operation_execution(TerminateNexusOperationExecutionRequest)
        -> TerminateNexusOperationExecutionResponse = forward;
    delete_nexus_operation_execution(DeleteNexusOperationExecutionRequest)
        -> DeleteNexusOperationExecutionResponse = forward;

    describe_deployment(DescribeDeploymentRequest) -> DescribeDeploymentResponse = declined::describe_deployment;
    get_current_deployment(GetCurrentDeploymentRequest)
        -> GetCurrentDeploymentResponse = declined::get_current_deployment;
    get_deployment_reachability(GetDeploymentReachabilityRequest)
        -> GetDeploymentReachabilityResponse = declined::get_deployment_reachability;
    list_deployments(ListDeploymentsRequest) -> ListDeploymentsResponse = declined::list_deployments;
    set_current_deployment(SetCurrentDeploymentRequest)
        -> SetCurrentDeploymentResponse = declined::set_current_deployment;
    get_worker_versioning_rules(GetWorkerVersioningRulesRequest)
        -> GetWorkerVersioningRulesResponse = declined::get_worker_versioning_rules;
    update_worker_versioning_rules(UpdateWorkerVersioningRulesRequest)
        -> UpdateWorkerVersioningRulesResponse = declined::update_worker_versioning_rules;
    create_workflow_rule(CreateWorkflowRuleRequest) -> CreateWorkflowRuleResponse = declined::create_workflow_rule;
    describe_workflow_rule(DescribeWorkflowRuleRequest)
        -> DescribeWorkflowRuleResponse = declined::describe_workflow_rule;
    delete_workflow_rule(DeleteWorkflowRuleRequest) -> DeleteWorkflowRuleResponse = declined::delete_workflow_rule;
    list_workflow_rules(ListWorkflowRulesRequest) -> ListWorkflowRulesResponse = declined::list_workflow_rules;
    trigger_workflow_rule(TriggerWorkflowRuleRequest) -> TriggerWorkflowRuleResponse = declined::trigger_workflow_rule;
    fetch_worker_config(FetchWorkerConfigRequest) -> FetchWorkerConfigResponse = declined::fetch_worker_config;
    update_worker_config(UpdateWorkerConfigRequest) -> UpdateWorkerConfigResponse = declined::update_worker_config;
    pause_workflow_execution(PauseWorkflowExecutionRequest)
        -> PauseWorkflowExecutionResponse = forward;
    unpause_workflow_execution(UnpauseWorkflowExecutionRequest)
        -> UnpauseWorkflowExecutionResponse = forward;

    update_task_queue_config(UpdateTaskQueueConfigRequest) -> UpdateTaskQueueConfigResponse = forward;
    list_task_queue_partitions(ListTaskQueuePartitionsRequest)
        -> ListTaskQueuePartitionsResponse = worker::list_partitions;
    count_workers(CountWorkersRequest) -> CountWorkersResponse = heartbeat::count;
    update_worker_build_id_compatibility(UpdateWorkerBuildIdCompatibilityRequest)
        -> UpdateWorkerBuildIdCompatibilityResponse = forward;
    get_worker_build_id_compatibility(GetWorkerBuildIdCompatibilityRequest)
        -> GetWorkerBuildIdCompatibilityResponse = forward;
    get_worker_task_reachability(GetWorkerTaskReachabilityRequest) -> GetWorkerTaskReachabilityResponse = forward;

    create_worker_deployment(CreateWorkerDeploymentRequest) -> CreateWorkerDeploymentResponse = forward;
    create_worker_deployment_version(CreateWorkerDeploymentVersionRequest)
        -> CreateWorkerDeploymentVersionResponse = forward;
    describe_worker_deployment(DescribeWorkerDeploymentRequest) -> DescribeWorkerDeploymentResponse = forward;
    describe_worker_deployment_version(DescribeWorkerDeploymentVersionRequest)
        -> DescribeWorkerDeploymentVersionResponse = forward;
    list_worker_deployments(ListWorkerDeploymentsRequest) -> ListWorkerDeploymentsResponse = paged(forward);
    set_worker_deployment_current_version(SetWorkerDeploymentCurrentVersionRequest)
        -> SetWorkerDeploymentCurrentVersionResponse = forward;
    set_worker_deployment_ramping_version(SetWorkerDeploymentRampingVersionRequest)
        -> SetWorkerDeploymentRampingVersionResponse = forward;
    set_worker_deployment_manager(SetWorkerDeploymentManagerRequest) -> SetWorkerDeploymentManagerResponse = forward;
    update_worker_deployment_version_metadata(UpdateWorkerDeploymentVersionMetadataRequest)
        -> UpdateWorkerDeploymentVersionMetadataResponse = forward;
    update_worker_deployment_version_compute_config(UpdateWorkerDeploymentVersionComputeConfigRequest)
        -> UpdateWorkerDeploymentVersionComputeConfigResponse = compute_config::update;
    validate_worker_deployment_version_compute_config(ValidateWorkerDeploymentVersionComputeConfigRequest)
        -> ValidateWorkerDeploymentVersionComputeConfigResponse = compute_config::validate;
    delete_worker_deployment_version(DeleteWorkerDeploymentVersionRequest)
        -> DeleteWorkerDeploymentVersionResponse = forward;
    delete_worker_deployment(DeleteWorkerDeploymentRequest) -> DeleteWorkerDeploymentResponse = forward;

    start_batch_operation(StartBatchOperationRequest) -> StartBatchOperationResponse = batch::start;
    stop_batch_operation(StopBatchOperationRequest) -> StopBatchOperationResponse = forward;
    describe_batch_operation(DescribeBatchOperationRequest) -> DescribeBatchOperationResponse = forward;
    list_batch_operations(ListBatchOperationsRequest) -> ListBatchOperationsResponse = paged(forward);

    register_namespace(RegisterNamespaceRequest) -> RegisterNamespaceResponse = forward;
    describe_namespace(DescribeNamespaceRequest) -> DescribeNamespaceResponse = forward;
    list_namespaces(ListNamespacesRequest) -> ListNamespacesResponse = paged(forward);
    update_namespace(UpdateNamespaceRequest) -> UpdateNamespaceResponse = forward;
    deprecate_namespace(DeprecateNamespaceRequest) -> DeprecateNamespaceResponse = forward;

    get_system_info(GetSystemInfoRequest) -> GetSystemInfoResponse = system::system_info;
    get_cluster_info(GetClusterInfoRequest) -> GetClusterInfoResponse = system::cluster_info;
    get_search_attributes(GetSearchAttributesRequest) -> GetSearchAttributesResponse = namespace::search_attributes;
}

methods! { OperatorService, operator:
    add_search_attributes(AddSearchAttributesRequest) -> AddSearchAttributesResponse = attributes::add;
    remove_search_attributes(RemoveSearchAttributesRequest) -> RemoveSearchAttributesResponse = forward;
    list_search_attributes(ListSearchAttributesRequest) -> ListSearchAttributesResponse = forward;
    delete_namespace(DeleteNamespaceRequest) -> DeleteNamespaceResponse = forward;
    create_nexus_endpoint(CreateNexusEndpointRequest) -> CreateNexusEndpointResponse = forward;
    update_nexus_endpoint(UpdateNexusEndpointRequest) -> UpdateNexusEndpointResponse = forward;
    delete_nexus_endpoint(DeleteNexusEndpointRequest) -> DeleteNexusEndpointResponse = forward;
    get_nexus_endpoint(GetNexusEndpointRequest) -> GetNexusEndpointResponse = forward;
    list_nexus_endpoints(ListNexusEndpointsRequest) -> ListNexusEndpointsResponse = paged(forward);
    list_clusters(ListClustersRequest) -> ListClustersResponse = system::clusters;
    remove_remote_cluster(RemoveRemoteClusterRequest) -> RemoveRemoteClusterResponse = system::remove_cluster;
}
