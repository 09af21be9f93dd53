"""Schedules. Under the original's module name. Messages of the hosted service's API are not here."""

from .. import (
    Schedule,
    ScheduleCalendar,
    ScheduleInterval,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
)

ScheduleDefinition = Schedule

__all__ = [
    "Schedule",
    "ScheduleCalendar",
    "ScheduleDefinition",
    "ScheduleInterval",
    "ScheduleOverlapPolicy",
    "SchedulePolicy",
    "ScheduleRange",
]
