//! What the fields of Temporal's messages are filled with, by their names.

/// What a field of text may hold; `None`: nothing in particular.
pub fn of_field(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "namespace" => &["default", "default", "default", "mistral-workflows", "", "none"],
        "workflow_id" | "id" | "activity_id" | "schedule_id" | "timer_id" | "update_id" | "operation_id" => {
            &["w0", "w1", "w2", "", "\u{1}x"]
        }
        "request_id" | "control" | "identity" | "name" | "type" | "signal_name" | "signal_type" | "query_type"
        | "normal_name" | "marker_name" | "operation" | "service" => &["q", "r", "s", "", "__temporal_x"],
        "query" => &[
            "",
            "WorkflowId = 'w0'",
            "ExecutionStatus = 'Running' ORDER BY StartTime DESC",
            "WorkflowType STARTS_WITH 'q' AND CloseTime IS NULL",
            "GROUP BY ExecutionStatus",
        ],
        "cron_schedule" | "cron_string" => {
            &["", "* * * * *", "@every 2s", "CRON_TZ=Europe/Paris 0 0 30 2 *", "@yearly"]
        }
        "timezone_name" => &["", "UTC", "Europe/Berlin", "No/Where"],
        "build_id" | "version" | "deployment_version" | "deployment_name" | "worker_versioning_id" => {
            &["b1", "b2", "b1.b2", "", "__unversioned__"]
        }
        "type_url" => &[
            "type.googleapis.com/temporal.api.update.v1.Acceptance",
            "type.googleapis.com/temporal.api.update.v1.Response",
            "type.googleapis.com/temporal.api.update.v1.Rejection",
            "type.googleapis.com/temporal.api.update.v1.Request",
        ],
        "endpoint" => &["e", "none"],
        "url" => &["http://127.0.0.1:9/none", "temporal://system", "x"],
        _ => return None,
    })
}

/// Fields that most requests make no sense without: set without being asked for.
pub fn is_usual(name: &str) -> bool {
    const USUAL: &[&str] = &[
        "namespace",
        "workflow_id",
        "workflow_execution",
        "execution",
        "workflow_type",
        "activity_type",
        "task_queue",
        "task_token",
        "schedule_id",
        "activity_id",
        "timer_id",
        "signal_name",
        "query",
        "query_type",
        "request",
        "meta",
        "update_id",
        "input",
        "schedule",
        "spec",
        "action",
        "deployment_name",
        "name",
        "target_workflow_execution",
        "start_to_fire_timeout",
        "start_to_close_timeout",
        "endpoint",
        "service",
        "operation",
        "cron_string",
        "attributes",
        "body",
        "protocol_instance_id",
        "type_url",
        "value",
        "request_id",
        "reason",
        "marker_name",
        "workflow_task_finish_event_id",
        "deployment_version",
        "build_id",
        "start_workflow",
        "job_id",
        "worker_task_queue",
    ];
    USUAL.contains(&name)
}

/// Calls that make most of what can happen; any other call comes now and then.
pub const FREQUENT: &[&str] = &[
    "StartWorkflowExecution",
    "PollWorkflowTaskQueue",
    "RespondWorkflowTaskCompleted",
    "PollActivityTaskQueue",
    "RespondActivityTaskCompleted",
    "RespondActivityTaskFailed",
    "RespondActivityTaskCanceled",
    "RecordActivityTaskHeartbeat",
    "RespondWorkflowTaskFailed",
    "SignalWorkflowExecution",
    "SignalWithStartWorkflowExecution",
    "UpdateWorkflowExecution",
    "PollWorkflowExecutionUpdate",
    "QueryWorkflow",
    "RespondQueryTaskCompleted",
    "RequestCancelWorkflowExecution",
    "TerminateWorkflowExecution",
    "ResetWorkflowExecution",
    "DeleteWorkflowExecution",
    "DescribeWorkflowExecution",
    "GetWorkflowExecutionHistory",
    "ExecuteMultiOperation",
    "CreateSchedule",
    "PatchSchedule",
    "UpdateSchedule",
    "DescribeSchedule",
    "ListSchedules",
    "ListWorkflowExecutions",
    "CountWorkflowExecutions",
    "PauseActivity",
    "UnpauseActivity",
    "ResetActivity",
    "UpdateActivityOptions",
    "UpdateWorkflowExecutionOptions",
    "StartActivityExecution",
    "RespondActivityTaskCompletedById",
    "PollNexusTaskQueue",
    "RespondNexusTaskCompleted",
    "SetWorkerDeploymentCurrentVersion",
    "SetWorkerDeploymentRampingVersion",
    "UpdateTaskQueueConfig",
    "StartBatchOperation",
    "ResetStickyTaskQueue",
    "ShutdownWorker",
];
