"""The authoring API.

An activity is a function that does the work, a workflow a class that coordinates; one call of an activity is durable in a workflow,
inline in an activity, and a direct run with retries elsewhere.
"""

from .. import __version__
from .._activity.activity import activity
from .._activity.activity_context import ActivityInfo
from .._activity.activity_context import heartbeat as activity_heartbeat
from .._activity.call import ActivityFunction
from .._base.config import WorkflowsConfig, config
from .._base.errors import (
    ActivityError,
    AlreadyStartedError,
    CanceledFailure,
    ChildWorkflowError,
    DeterminismError,
    ErrorCode,
    Failure,
    NotFoundError,
    NotInTemporalContextError,
    RpcError,
    TerminatedFailure,
    TimeoutFailure,
    TimeoutType,
    WorkflowError,
    WorkflowFailedError,
    WorkflowsException,
)
from .._client.activity_handle import ActivityHandle
from .._client.batch import Batch
from .._client.client import Client, Execution, WorkflowHandle
from .._client.connection import TLS
from .._client.execution import PendingActivity
from .._client.schedules import ScheduleAction, ScheduleDescription
from .._client.start import StartOptions
from .._client.update import UpdateHandle
from .._definition.depends import DependencyInjector, Depends
from .._definition.interceptor import Call, Interceptor
from .._definition.introspection import (
    discover_all_workflows_in_package,
    get_registered_workflow_names,
    get_workflow_definition,
    get_workflow_registration_ref,
)
from .._definition.policies import IdConflictPolicy, IdReusePolicy, RetryPolicy
from .._definition.rate_limit import RateLimit
from .._definition.schedule import (
    Schedule,
    ScheduleCalendar,
    ScheduleInterval,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
)
from .._worker.run import run, run_async
from .._worker.worker import Worker, run_worker
from .._workflow.api import execute_workflow, get_execution_id, workflow
from .._workflow.child import ParentClosePolicy
from .._workflow.interactive import InteractiveWorkflow
from .._workflow.local import run_activities_locally
from .._workflow.parallel import ExtraItemParams, GetItemFromIndexParams, execute_activities_in_parallel
from .._workflow.session import StickyWorkerSession, get_sticky_worker_session, run_sticky_worker_session
from .._workflow.task import Task, task, task_from

__all__ = [
    "TLS",
    "ActivityError",
    "ActivityFunction",
    "ActivityHandle",
    "ActivityInfo",
    "AlreadyStartedError",
    "Batch",
    "Call",
    "CanceledFailure",
    "ChildWorkflowError",
    "Client",
    "DependencyInjector",
    "Depends",
    "DeterminismError",
    "ErrorCode",
    "Execution",
    "ExtraItemParams",
    "Failure",
    "GetItemFromIndexParams",
    "IdConflictPolicy",
    "IdReusePolicy",
    "InteractiveWorkflow",
    "Interceptor",
    "NotFoundError",
    "NotInTemporalContextError",
    "ParentClosePolicy",
    "PendingActivity",
    "RateLimit",
    "RetryPolicy",
    "RpcError",
    "Schedule",
    "ScheduleAction",
    "ScheduleCalendar",
    "ScheduleDescription",
    "ScheduleInterval",
    "ScheduleOverlapPolicy",
    "SchedulePolicy",
    "ScheduleRange",
    "StartOptions",
    "StickyWorkerSession",
    "Task",
    "TerminatedFailure",
    "TimeoutFailure",
    "TimeoutType",
    "UpdateHandle",
    "Worker",
    "WorkflowError",
    "WorkflowFailedError",
    "WorkflowHandle",
    "WorkflowsConfig",
    "WorkflowsException",
    "__version__",
    "activity",
    "activity_heartbeat",
    "config",
    "discover_all_workflows_in_package",
    "execute_activities_in_parallel",
    "execute_workflow",
    "get_execution_id",
    "get_registered_workflow_names",
    "get_sticky_worker_session",
    "get_workflow_definition",
    "get_workflow_registration_ref",
    "run",
    "run_activities_locally",
    "run_async",
    "run_sticky_worker_session",
    "run_worker",
    "task",
    "task_from",
    "workflow",
]
