//! Calls of the service by name, with canonical JSON for the messages.

use std::time::Duration;

use ostro_wire::json;
use prost::Message;
use temporalio_client::Connection;
use tonic::{Request, Status};

/// Sends `$request` with the method that has the name; the answer is encoded again.
macro_rules! call {
    ($service:expr, $name:expr, $request:expr, $timeout:expr, [$($method:literal => $function:ident,)*]) => {
        match $name {
            $($method => {
                let message = Message::decode($request).map_err(|error| Status::invalid_argument(error.to_string()))?;
                let mut request = Request::new(message);
                if let Some(timeout) = $timeout {
                    request.set_timeout(timeout);
                }
                Ok($service.$function(request).await?.into_inner().encode_to_vec())
            })*
            unknown => Err(Status::unimplemented(format!("{unknown} is no method that this client calls"))),
        }
    };
}

const WORKFLOW: &str = "temporal.api.workflowservice.v1.WorkflowService";
const OPERATOR: &str = "temporal.api.operatorservice.v1.OperatorService";
const TEST: &str = "temporal.api.testservice.v1.TestService";

/// Calls `method` of `service` (`workflow`, `operator` or `test`); both messages are canonical protobuf JSON.
pub async fn call(
    connection: &Connection,
    service: &str,
    method: &str,
    request: &[u8],
    timeout: Option<Duration>,
) -> Result<Vec<u8>, Status> {
    let full_name = match service {
        "operator" => OPERATOR,
        "test" => TEST,
        _ => WORKFLOW,
    };
    let (input, output) = json::method_types(full_name, method)
        .ok_or_else(|| Status::unimplemented(format!("{full_name} has no method {method}")))?;
    let invalid = |error: &dyn std::fmt::Display| Status::invalid_argument(format!("{method}: {error}"));
    let value = serde_json::from_slice(request).map_err(|error| invalid(&error))?;
    let request = json::encode(&input, value).map_err(|error| invalid(&error))?;
    let answer = match service {
        "operator" => operator(connection, method, &request, timeout).await?,
        "test" => test(connection, method, &request, timeout).await?,
        _ => workflow(connection, method, &request, timeout).await?,
    };
    serde_json::to_vec(&json::decode(&output, &answer)).map_err(|error| Status::internal(error.to_string()))
}

async fn workflow(
    connection: &Connection,
    method: &str,
    request: &[u8],
    timeout: Option<Duration>,
) -> Result<Vec<u8>, Status> {
    let mut service = connection.workflow_service();
    call!(service, method, request, timeout, [
        "CountWorkflowExecutions" => count_workflow_executions,
        "CreateSchedule" => create_schedule,
        "DeleteSchedule" => delete_schedule,
        "DescribeNamespace" => describe_namespace,
        "DescribeSchedule" => describe_schedule,
        "DescribeTaskQueue" => describe_task_queue,
        "DescribeWorkflowExecution" => describe_workflow_execution,
        "GetWorkflowExecutionHistory" => get_workflow_execution_history,
        "ListSchedules" => list_schedules,
        "ListWorkflowExecutions" => list_workflow_executions,
        "PatchSchedule" => patch_schedule,
        "PollWorkflowExecutionUpdate" => poll_workflow_execution_update,
        "QueryWorkflow" => query_workflow,
        "RecordActivityTaskHeartbeat" => record_activity_task_heartbeat,
        "RecordActivityTaskHeartbeatById" => record_activity_task_heartbeat_by_id,
        "RegisterNamespace" => register_namespace,
        "RequestCancelWorkflowExecution" => request_cancel_workflow_execution,
        "ResetWorkflowExecution" => reset_workflow_execution,
        "RespondActivityTaskCompleted" => respond_activity_task_completed,
        "RespondActivityTaskCompletedById" => respond_activity_task_completed_by_id,
        "RespondActivityTaskFailed" => respond_activity_task_failed,
        "RespondActivityTaskFailedById" => respond_activity_task_failed_by_id,
        "SignalWithStartWorkflowExecution" => signal_with_start_workflow_execution,
        "SignalWorkflowExecution" => signal_workflow_execution,
        "StartWorkflowExecution" => start_workflow_execution,
        "TerminateWorkflowExecution" => terminate_workflow_execution,
        "UpdateSchedule" => update_schedule,
        "UpdateWorkflowExecution" => update_workflow_execution,
    ])
}

async fn operator(
    connection: &Connection,
    method: &str,
    request: &[u8],
    timeout: Option<Duration>,
) -> Result<Vec<u8>, Status> {
    let mut service = connection.operator_service();
    call!(service, method, request, timeout, [
        "AddSearchAttributes" => add_search_attributes,
        "ListSearchAttributes" => list_search_attributes,
    ])
}

async fn test(
    connection: &Connection,
    method: &str,
    request: &[u8],
    timeout: Option<Duration>,
) -> Result<Vec<u8>, Status> {
    let mut service = connection.test_service();
    call!(service, method, request, timeout, [
        "GetCurrentTime" => get_current_time,
        "LockTimeSkipping" => lock_time_skipping,
        "Sleep" => sleep,
        "SleepUntil" => sleep_until,
        "UnlockTimeSkipping" => unlock_time_skipping,
        "UnlockTimeSkippingWithSleep" => unlock_time_skipping_with_sleep,
    ])
}
