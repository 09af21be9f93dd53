"""Schedules. Under the original's module name. Messages of the hosted service's API are not here."""

from ..._definition.introspection import HandlerSpec, WorkflowSpec
from .. import (
    Schedule,
    ScheduleCalendar,
    ScheduleInterval,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
)

ScheduleDefinition = Schedule
SignalDefinition = QueryDefinition = UpdateDefinition = HandlerSpec
#: Characters in the name of a workflow.
WORKFLOW_NAME_MAX_LENGTH = 128

__all__ = [
    "WORKFLOW_NAME_MAX_LENGTH",
    "QueryDefinition",
    "Schedule",
    "ScheduleCalendar",
    "ScheduleDefinition",
    "ScheduleInterval",
    "ScheduleOverlapPolicy",
    "SchedulePolicy",
    "ScheduleRange",
    "SignalDefinition",
    "UpdateDefinition",
    "WorkflowSpec",
]
