//! One valid request for each method, as JSON: what a case changes one field of.

use serde_json::{Value, json};

const SPAN: &str = "60s";

/// A request of `method` that does something; `number` makes ids that must be new.
pub fn request(method: &str, number: usize) -> Value {
    let id = format!("n{number}");
    let mut request = match method {
        "RegisterNamespace" => json!({"namespace": id, "workflowExecutionRetentionPeriod": "86400s"}),
        "UpdateNamespace" => json!({"config": {"workflowExecutionRetentionTtl": "86400s"}}),
        "StartWorkflowExecution" => start(&id),
        "SignalWithStartWorkflowExecution" => merged(start(&id), json!({"signalName": "s"})),
        "ExecuteMultiOperation" => json!({"operations": [
            {"startWorkflow": merged(start(&id), json!({"workflowIdConflictPolicy": 2}))},
            {"updateWorkflow": update(&id)},
        ]}),
        "UpdateWorkflowExecution" => update("w"),
        "CreateSchedule" => json!({"scheduleId": id, "requestId": id, "schedule": schedule(&id)}),
        "UpdateSchedule" => json!({"scheduleId": "schedule", "requestId": id, "schedule": schedule(&id)}),
        "PatchSchedule" => json!({"scheduleId": "schedule", "requestId": id, "patch": {}}),
        "ListScheduleMatchingTimes" => json!({
            "scheduleId": "schedule", "startTime": "2027-01-15T08:00:00Z", "endTime": "2027-01-15T09:00:00Z",
        }),
        "StartBatchOperation" => json!({
            "jobId": id, "reason": "r", "visibilityQuery": "WorkflowId = 'w'",
            "signalOperation": {"signal": "s"},
        }),
        "StartActivityExecution" => merged(activity(), json!({"activityId": id, "requestId": id})),
        "StartNexusOperationExecution" => json!({
            "operationId": id, "requestId": id, "endpoint": "endpoint", "service": "s", "operation": "o",
            "scheduleToCloseTimeout": SPAN,
        }),
        "UpdateTaskQueueConfig" => json!({"taskQueue": "q", "taskQueueType": 1}),
        "RecordWorkerHeartbeat" => json!({"workerHeartbeat": [{"workerInstanceKey": id}]}),
        "SetWorkerDeploymentCurrentVersion" | "SetWorkerDeploymentRampingVersion" => json!({"deploymentName": "d"}),
        "QueryWorkflow" => json!({"query": {"queryType": "t"}}),
        "SignalWorkflowExecution" => json!({"signalName": "s"}),
        "ResetWorkflowExecution" => json!({"reason": "r", "workflowTaskFinishEventId": "4", "requestId": id}),
        "CreateNexusEndpoint" => {
            json!({"spec": {"name": id, "target": {"worker": {"namespace": "default", "taskQueue": "q"}}}})
        }
        _ => json!({}),
    };
    for (name, value) in [
        ("namespace", json!("default")),
        ("execution", json!({"workflowId": "w"})),
        ("workflowExecution", json!({"workflowId": "w"})),
        ("taskQueue", json!({"name": "q"})),
        ("scheduleId", json!("schedule")),
        ("activityId", json!("activity")),
        ("operationId", json!("operation")),
    ] {
        if request.get(name).is_none() && known(method, name) {
            request[name] = value;
        }
    }
    request
}

/// Whether the request of `method` has that field, as a message or a text of the kind that is put there.
fn known(method: &str, field: &str) -> bool {
    let (request, _) = ostro_wire::json::method_types("temporal.api.workflowservice.v1.WorkflowService", method)
        .or_else(|| ostro_wire::json::method_types("temporal.api.operatorservice.v1.OperatorService", method))
        .expect("it is a method of these");
    let descriptor = super::POOL.get_message_by_name(&request).expect("the request has a type");
    let found = descriptor.fields().find(|known| known.json_name() == field);
    let is_text = matches!(field, "namespace" | "scheduleId" | "activityId" | "operationId");
    found.is_some_and(|found| is_text == matches!(found.kind(), prost_reflect::Kind::String))
}

pub fn start(id: &str) -> Value {
    json!({
        "namespace": "default", "workflowId": id, "requestId": id, "workflowType": {"name": "t"}, "taskQueue": {"name": "q"},
    })
}

fn update(id: &str) -> Value {
    json!({
        "namespace": "default", "workflowExecution": {"workflowId": id},
        "request": {"meta": {"updateId": id}, "input": {"name": "u"}},
        "waitPolicy": {"lifecycleStage": 1},
    })
}

fn schedule(id: &str) -> Value {
    let start = json!({"workflowId": id, "workflowType": {"name": "t"}, "taskQueue": {"name": "q"}});
    json!({"spec": {"interval": [{"interval": "3600s"}]}, "action": {"startWorkflow": start}})
}

fn activity() -> Value {
    json!({
        "activityType": {"name": "a"}, "taskQueue": {"name": "a"}, "startToCloseTimeout": SPAN, "scheduleToCloseTimeout": SPAN,
    })
}

/// Commands of each kind, each valid by itself.
pub fn commands() -> Vec<(&'static str, Value)> {
    let other = json!({"workflowId": "w"});
    vec![
        ("scheduleActivityTaskCommandAttributes", merged(activity(), json!({"activityId": "a"}))),
        ("startTimerCommandAttributes", json!({"timerId": "t", "startToFireTimeout": SPAN})),
        ("completeWorkflowExecutionCommandAttributes", json!({})),
        ("failWorkflowExecutionCommandAttributes", json!({"failure": {"message": "m"}})),
        ("requestCancelActivityTaskCommandAttributes", json!({"scheduledEventId": "5"})),
        ("cancelTimerCommandAttributes", json!({"timerId": "t"})),
        ("cancelWorkflowExecutionCommandAttributes", json!({})),
        ("requestCancelExternalWorkflowExecutionCommandAttributes", json!({"workflowId": "w"})),
        ("recordMarkerCommandAttributes", json!({"markerName": "m"})),
        (
            "continueAsNewWorkflowExecutionCommandAttributes",
            json!({"workflowType": {"name": "t"}, "taskQueue": {"name": "q"}}),
        ),
        (
            "startChildWorkflowExecutionCommandAttributes",
            json!({"workflowId": "child", "workflowType": {"name": "t"}, "taskQueue": {"name": "q"}}),
        ),
        ("signalExternalWorkflowExecutionCommandAttributes", json!({"execution": other, "signalName": "s"})),
        ("upsertWorkflowSearchAttributesCommandAttributes", json!({"searchAttributes": {}})),
        ("modifyWorkflowPropertiesCommandAttributes", json!({"upsertedMemo": {}})),
        (
            "scheduleNexusOperationCommandAttributes",
            json!({"endpoint": "endpoint", "service": "s", "operation": "o", "scheduleToCloseTimeout": SPAN}),
        ),
        ("requestCancelNexusOperationCommandAttributes", json!({"scheduledEventId": "5"})),
    ]
}

/// The type of a command with these attributes, as its number.
pub fn command_type(attributes: &str) -> i32 {
    use temporalio_protos::temporal::api::enums::v1::CommandType as Type;
    let kind = match attributes {
        "scheduleActivityTaskCommandAttributes" => Type::ScheduleActivityTask,
        "startTimerCommandAttributes" => Type::StartTimer,
        "completeWorkflowExecutionCommandAttributes" => Type::CompleteWorkflowExecution,
        "failWorkflowExecutionCommandAttributes" => Type::FailWorkflowExecution,
        "requestCancelActivityTaskCommandAttributes" => Type::RequestCancelActivityTask,
        "cancelTimerCommandAttributes" => Type::CancelTimer,
        "cancelWorkflowExecutionCommandAttributes" => Type::CancelWorkflowExecution,
        "requestCancelExternalWorkflowExecutionCommandAttributes" => Type::RequestCancelExternalWorkflowExecution,
        "recordMarkerCommandAttributes" => Type::RecordMarker,
        "continueAsNewWorkflowExecutionCommandAttributes" => Type::ContinueAsNewWorkflowExecution,
        "startChildWorkflowExecutionCommandAttributes" => Type::StartChildWorkflowExecution,
        "signalExternalWorkflowExecutionCommandAttributes" => Type::SignalExternalWorkflowExecution,
        "upsertWorkflowSearchAttributesCommandAttributes" => Type::UpsertWorkflowSearchAttributes,
        "modifyWorkflowPropertiesCommandAttributes" => Type::ModifyWorkflowProperties,
        "scheduleNexusOperationCommandAttributes" => Type::ScheduleNexusOperation,
        _ => Type::RequestCancelNexusOperation,
    };
    kind as i32
}

pub fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}
