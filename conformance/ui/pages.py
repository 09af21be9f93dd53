"""The pages of Temporal's web UI with the calls that each makes, from its public source (temporalio/ui).

The UI talks HTTP to a small server of its own, which hands each call on to the RPC that the API's annotations name. A value
in braces is filled in from what was made before: `{ns}`, `{wid}`, `{run}`, and so on.
"""

from __future__ import annotations

from typing import Any

Call = tuple[str, dict[str, Any]]

NS = {"namespace": "{ns}"}
RUN = {**NS, "execution": {"workflowId": "{wid}", "runId": "{run}"}}
NAMED_RUN = {**NS, "workflowExecution": {"workflowId": "{wid}", "runId": "{run}"}}
LISTED = "WorkflowId STARTS_WITH '{p}'"

#: What every page asks first.
FRAME: list[Call] = [
    ("GetSystemInfo", {}),
    ("GetClusterInfo", {}),
    ("ListNamespaces", {"pageSize": 500}),
    ("DescribeNamespace", NS),
]

PAGES: dict[str, list[Call]] = {
    "every page": FRAME,
    "namespaces": [("ListNamespaces", {"pageSize": 500}), ("DescribeNamespace", NS)],
    "namespace": [("DescribeNamespace", NS), ("operator.ListSearchAttributes", NS)],
    "workflows": [
        ("operator.ListSearchAttributes", NS),
        ("CountWorkflowExecutions", {**NS, "query": LISTED}),
        ("CountWorkflowExecutions", {**NS, "query": f"{LISTED} GROUP BY ExecutionStatus"}),
        ("ListWorkflowExecutions", {**NS, "query": LISTED, "pageSize": 100}),
        ("ListWorkflowExecutions", {**NS, "query": f"{LISTED} AND ExecutionStatus = 'Completed'", "pageSize": 100}),
        ("ListWorkflowExecutions", {**NS, "query": f"{LISTED} AND TemporalReportedProblems IS NOT NULL"}),
        ("ListArchivedWorkflowExecutions", {**NS, "query": ""}),
    ],
    "workflows, start one": [
        ("DescribeTaskQueue", {**NS, "taskQueue": {"name": "{q}"}, "taskQueueType": "TASK_QUEUE_TYPE_WORKFLOW"}),
        (
            "StartWorkflowExecution",
            {
                **NS,
                "workflowId": "{p}-ui",
                "taskQueue": {"name": "{q}"},
                "workflowType": {"name": "Echo"},
                "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]},
                "userMetadata": {"summary": {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "InMi"}},
                "requestId": "{p}-ui",
            },
        ),
    ],
    "workflow: history, timeline, events": [
        ("DescribeWorkflowExecution", RUN),
        ("GetWorkflowExecutionHistory", {**RUN, "maximumPageSize": 20}),
        ("GetWorkflowExecutionHistoryReverse", {**RUN, "maximumPageSize": 200}),
        ("GetWorkflowExecutionHistory", {**RUN, "waitNewEvent": True, "maximumPageSize": 200}),
    ],
    "workflow: workers": [
        ("DescribeTaskQueue", {**NS, "taskQueue": {"name": "{q}"}, "taskQueueType": "TASK_QUEUE_TYPE_WORKFLOW"}),
        ("DescribeTaskQueue", {**NS, "taskQueue": {"name": "{q}"}, "taskQueueType": "TASK_QUEUE_TYPE_ACTIVITY"}),
        ("ListWorkers", {**NS, "query": "TaskQueue = '{q}'", "pageSize": 100}),
        ("CountWorkers", {**NS, "query": "TaskQueue = '{q}'"}),
    ],
    "workflow: relationships": [
        ("ListWorkflowExecutions", {**NS, "query": "ParentWorkflowId = '{wid}' AND ParentRunId = '{run}'"}),
        ("ListWorkflowExecutions", {**NS, "query": "RootWorkflowId = '{wid}' AND RootRunId = '{run}'"}),
        ("CountWorkflowExecutions", {**NS, "query": "ParentWorkflowId = '{wid}' AND ParentRunId = '{run}'"}),
        ("ListSchedules", {**NS, "maximumPageSize": 50}),
    ],
    "workflow: pending activities": [
        ("PauseActivity", {**RUN, "id": "one", "identity": "ui", "reason": "why"}),
        ("DescribeWorkflowExecution", RUN),
        ("UnpauseActivity", {**RUN, "id": "one", "identity": "ui"}),
        (
            "UpdateActivityOptions",
            {**RUN, "id": "one", "activityOptions": {"startToCloseTimeout": "40s"}, "updateMask": "startToCloseTimeout"},
        ),
        ("ResetActivity", {**RUN, "id": "one", "identity": "ui"}),
    ],
    "workflow: queries, call stack, metadata": [
        ("QueryWorkflow", {**NS, "execution": {"workflowId": "{p}-wait"}, "query": {"queryType": "__stack_trace"}}),
        (
            "QueryWorkflow",
            {**NS, "execution": {"workflowId": "{p}-wait"}, "query": {"queryType": "__temporal_workflow_metadata"}},
        ),
        ("QueryWorkflow", {**NS, "execution": {"workflowId": "{p}-wait"}, "query": {"queryType": "words"}}),
    ],
    "workflow: actions": [
        (
            "SignalWorkflowExecution",
            {
                **NS,
                "workflowExecution": {"workflowId": "{p}-wait"},
                "signalName": "say",
                "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "ImEi"}]},
            },
        ),
        (
            "UpdateWorkflowExecution",
            {
                **NS,
                "workflowExecution": {"workflowId": "{p}-wait"},
                "waitPolicy": {"lifecycleStage": 3},
                "request": {
                    "meta": {"updateId": "{p}-u"},
                    "input": {
                        "name": "add",
                        "args": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "ImEi"}]},
                    },
                },
            },
        ),
        ("PauseWorkflowExecution", {**NS, "workflowId": "{p}-wait", "reason": "why", "requestId": "{p}-pause"}),
        ("DescribeWorkflowExecution", {**NS, "execution": {"workflowId": "{p}-wait"}}),
        ("UnpauseWorkflowExecution", {**NS, "workflowId": "{p}-wait", "reason": "go", "requestId": "{p}-unpause"}),
        (
            "ResetWorkflowExecution",
            {
                **NS,
                "workflowExecution": {"workflowId": "{p}-wait"},
                "workflowTaskFinishEventId": "4",
                "requestId": "{p}-reset",
                "reason": "why",
            },
        ),
        ("RequestCancelWorkflowExecution", {**NS, "workflowExecution": {"workflowId": "{p}-wait"}, "requestId": "c"}),
        ("TerminateWorkflowExecution", {**NAMED_RUN, "reason": "why"}),
        ("DeleteWorkflowExecution", {**NS, "workflowExecution": {"workflowId": "{p}-echo"}}),
    ],
    "batch operations": [
        (
            "StartBatchOperation",
            {
                **NS,
                "jobId": "{p}-job",
                "reason": "why",
                "visibilityQuery": "WorkflowId = '{p}-nobody'",
                "terminationOperation": {"identity": "ui"},
            },
        ),
        ("DescribeBatchOperation", {**NS, "jobId": "{p}-job"}),
        ("ListBatchOperations", {**NS, "pageSize": 100}),
    ],
    "schedules": [
        (
            "CreateSchedule",
            {
                **NS,
                "scheduleId": "{p}-s",
                "requestId": "{p}-s",
                "schedule": {
                    "spec": {"interval": [{"interval": "3600s"}]},
                    "action": {
                        "startWorkflow": {
                            "workflowId": "{p}-scheduled",
                            "workflowType": {"name": "Echo"},
                            "taskQueue": {"name": "{q}"},
                        }
                    },
                },
            },
        ),
        ("ListSchedules", {**NS, "maximumPageSize": 50, "query": ""}),
        ("CountSchedules", {**NS, "query": ""}),
        ("DescribeSchedule", {**NS, "scheduleId": "{p}-s"}),
        ("PatchSchedule", {**NS, "scheduleId": "{p}-s", "patch": {"pause": "why"}, "requestId": "1"}),
        ("PatchSchedule", {**NS, "scheduleId": "{p}-s", "patch": {"triggerImmediately": {}}, "requestId": "2"}),
        ("DescribeSchedule", {**NS, "scheduleId": "{p}-s"}),
        ("ListWorkflowExecutions", {**NS, "query": "TemporalScheduledById = '{p}-s'"}),
        ("DeleteSchedule", {**NS, "scheduleId": "{p}-s"}),
    ],
    "task queue": [
        ("DescribeTaskQueue", {**NS, "taskQueue": {"name": "{q}"}, "taskQueueType": 1, "reportStats": True}),
        ("GetWorkerBuildIdCompatibility", {**NS, "taskQueue": "{q}"}),
        ("GetWorkerVersioningRules", {**NS, "taskQueue": "{q}"}),
        ("GetWorkerTaskReachability", {**NS, "buildIds": [""], "taskQueues": ["{q}"]}),
    ],
    "workers": [
        ("ListWorkers", {**NS, "pageSize": 100}),
        ("CountWorkers", NS),
        ("DescribeWorker", {**NS, "workerInstanceKey": "{worker}"}),
    ],
    "worker deployments": [
        ("CreateWorkerDeployment", {**NS, "deploymentName": "{p}-d", "identity": "ui", "requestId": "d"}),
        ("ListWorkerDeployments", {**NS, "pageSize": 100}),
        ("DescribeWorkerDeployment", {**NS, "deploymentName": "{p}-d"}),
        (
            "SetWorkerDeploymentCurrentVersion",
            {**NS, "deploymentName": "{p}-d", "buildId": "1", "allowNoPollers": True, "identity": "ui"},
        ),
        (
            "DescribeWorkerDeploymentVersion",
            {**NS, "deploymentVersion": {"deploymentName": "{p}-d", "buildId": "1"}},
        ),
        (
            "SetWorkerDeploymentRampingVersion",
            {**NS, "deploymentName": "{p}-d", "buildId": "2", "percentage": 5, "allowNoPollers": True},
        ),
        ("DescribeWorkerDeployment", {**NS, "deploymentName": "{p}-d"}),
        (
            "UpdateWorkerDeploymentVersionComputeConfig",
            {**NS, "deploymentVersion": {"deploymentName": "{p}-d", "buildId": "1"}},
        ),
        (
            "ValidateWorkerDeploymentVersionComputeConfig",
            {**NS, "deploymentVersion": {"deploymentName": "{p}-d", "buildId": "1"}},
        ),
    ],
    "activities": [
        (
            "StartActivityExecution",
            {
                **NS,
                "activityId": "{p}-a",
                "activityType": {"name": "echo"},
                "taskQueue": {"name": "{q}-nobody"},
                "startToCloseTimeout": "10s",
                "requestId": "a",
            },
        ),
        ("ListActivityExecutions", {**NS, "query": "ActivityId STARTS_WITH '{p}'", "pageSize": 100}),
        ("CountActivityExecutions", {**NS, "query": "ActivityId STARTS_WITH '{p}'"}),
        ("CountActivityExecutions", {**NS, "query": "ActivityId STARTS_WITH '{p}' GROUP BY ExecutionStatus"}),
        ("DescribeActivityExecution", {**NS, "activityId": "{p}-a", "includeInput": True, "includeOutcome": True}),
        ("PauseActivityExecution", {**NS, "activityId": "{p}-a", "identity": "ui", "reason": "why", "requestId": "p"}),
        ("UnpauseActivityExecution", {**NS, "activityId": "{p}-a", "identity": "ui"}),
        ("ResetActivityExecution", {**NS, "activityId": "{p}-a", "identity": "ui"}),
        (
            "UpdateActivityExecutionOptions",
            {
                **NS,
                "activityId": "{p}-a",
                "activityOptions": {"startToCloseTimeout": "40s"},
                "updateMask": "startToCloseTimeout",
            },
        ),
        ("RequestCancelActivityExecution", {**NS, "activityId": "{p}-a", "requestId": "c"}),
        ("TerminateActivityExecution", {**NS, "activityId": "{p}-a", "requestId": "t"}),
    ],
    "nexus endpoints": [
        (
            "operator.CreateNexusEndpoint",
            {"spec": {"name": "{p}-e", "target": {"worker": {"namespace": "{ns}", "taskQueue": "{q}"}}}},
        ),
        ("operator.ListNexusEndpoints", {"name": "{p}-e"}),
        ("operator.GetNexusEndpoint", {"id": "{endpoint}"}),
        (
            "operator.UpdateNexusEndpoint",
            {
                "id": "{endpoint}",
                "version": "1",
                "spec": {"name": "{p}-e", "target": {"worker": {"namespace": "{ns}", "taskQueue": "{q}"}}},
            },
        ),
    ],
    "nexus operations": [
        (
            "StartNexusOperationExecution",
            {
                **NS,
                "operationId": "{p}-o",
                "endpoint": "{p}-e",
                "service": "Shop",
                "operation": "none",
                "requestId": "o",
                "scheduleToCloseTimeout": "20s",
            },
        ),
        ("ListNexusOperationExecutions", {**NS, "query": "Endpoint = '{p}-e'", "pageSize": 100}),
        ("CountNexusOperationExecutions", {**NS, "query": "Endpoint = '{p}-e'"}),
        ("CountNexusOperationExecutions", {**NS, "query": "Endpoint = '{p}-e' GROUP BY ExecutionStatus"}),
        ("PollNexusOperationExecution", {**NS, "operationId": "{p}-o", "waitStage": 2}),
        ("DescribeNexusOperationExecution", {**NS, "operationId": "{p}-o", "includeInput": True, "includeOutcome": True}),
        ("RequestCancelNexusOperationExecution", {**NS, "operationId": "{p}-o", "requestId": "c"}),
        ("TerminateNexusOperationExecution", {**NS, "operationId": "{p}-o", "requestId": "t"}),
        ("operator.DeleteNexusEndpoint", {"id": "{endpoint}", "version": "2"}),
    ],
}
