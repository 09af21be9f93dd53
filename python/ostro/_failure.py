"""Exceptions to failures and back.

A failure is `(kind, message, stack_trace, source, cause, info)`, as the Rust half has it, or Temporal's JSON.
"""

from __future__ import annotations

import asyncio
import base64
import traceback
from typing import Any

from . import _convert
from ._bridge import FailureKind
from ._core import Payload
from ._errors import (
    ActivityError,
    CanceledFailure,
    ChildWorkflowError,
    Failure,
    ServerFailure,
    TerminatedFailure,
    TimeoutFailure,
    TimeoutType,
    WorkflowError,
)

_SOURCE = "ostro-python"
#: A chain of causes is cut here: an endless one would not be stored.
_CAUSES_MAX = 20


def from_exception(error: BaseException, depth: int = 0) -> tuple[Any, ...]:
    """The failure of an exception, with its cause chain and where it was raised."""
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    deeper = from_exception(cause, depth + 1) if cause is not None and depth < _CAUSES_MAX else None
    kind, info = _kind_and_info(error)
    stack = getattr(error, "stack_trace", "") or "".join(traceback.format_tb(error.__traceback__))
    return (kind, _message(error), stack, _SOURCE, deeper, info)


def _message(error: BaseException) -> str:
    return error.message if isinstance(error, Failure) else str(error)


def _kind_and_info(error: BaseException) -> tuple[int, tuple[Any, ...]]:
    if isinstance(error, WorkflowError):
        details = [_convert.encode(detail) for detail in error.details]
        return FailureKind.APPLICATION, (error.type or "", error.non_retryable, details, error.next_retry_delay)
    if isinstance(error, ActivityError):
        events = (error.scheduled_event_id, error.started_event_id)
        info: tuple[Any, ...] = (error.activity_type, error.activity_id, events, error.identity, error.retry_state)
        return FailureKind.ACTIVITY, info
    if isinstance(error, ChildWorkflowError):
        events = (error.initiated_event_id, error.started_event_id)
        info = (error.workflow_type, error.workflow_id, error.run_id, error.namespace, events, error.retry_state)
        return FailureKind.CHILD, info
    if isinstance(error, TimeoutFailure):
        details = [_convert.encode(detail) for detail in error.last_heartbeat]
        return FailureKind.TIMEOUT, (int(error.type or 0), details)
    if isinstance(error, (CanceledFailure, asyncio.CancelledError)):
        return FailureKind.CANCELED, ([],)
    if isinstance(error, TerminatedFailure):
        return FailureKind.TERMINATED, ()
    if isinstance(error, ServerFailure):
        return FailureKind.SERVER, (error.non_retryable,)
    return FailureKind.APPLICATION, (type(error).__name__, bool(getattr(error, "non_retryable", False)), [], None)


def to_exception(failure: tuple[Any, ...] | None) -> Failure:
    """The exception of a failure, with its cause chain."""
    if failure is None:
        return Failure("failed without a reason")
    kind, message, stack_trace, _source, cause, info = failure
    error = _build(kind, message, info)
    error.stack_trace = stack_trace
    if cause is not None:
        error.__cause__ = to_exception(cause)
    return error


def _build(kind: int, message: str, info: tuple[Any, ...]) -> Failure:
    if kind == FailureKind.APPLICATION:
        type_name, non_retryable, details, delay = info
        values = [_detail(detail) for detail in details]
        return WorkflowError(message, *values, type=type_name or None, non_retryable=non_retryable, next_retry_delay=delay)
    if kind == FailureKind.TIMEOUT:
        timeout_type, details = info
        values = [_detail(detail) for detail in details]
        which = TimeoutType(timeout_type) if timeout_type else None
        return TimeoutFailure(message, type=which, last_heartbeat=values)
    if kind == FailureKind.ACTIVITY:
        name, activity_id, events, identity, retry_state = info
        return ActivityError(
            message,
            activity_type=name,
            activity_id=activity_id,
            identity=identity,
            scheduled_event_id=events[0],
            started_event_id=events[1],
            retry_state=retry_state,
        )
    if kind == FailureKind.CHILD:
        name, workflow_id, run_id, namespace, events, retry_state = info
        return ChildWorkflowError(
            message,
            workflow_type=name,
            workflow_id=workflow_id,
            run_id=run_id,
            namespace=namespace,
            initiated_event_id=events[0],
            started_event_id=events[1],
            retry_state=retry_state,
        )
    if kind == FailureKind.CANCELED:
        return CanceledFailure(message)
    if kind == FailureKind.TERMINATED:
        return TerminatedFailure(message)
    if kind == FailureKind.SERVER:
        return ServerFailure(message, non_retryable=info[0])
    return Failure(message)


def _detail(payload: Any) -> Any:
    try:
        return _convert.decode(payload)
    except ValueError:
        return None


def payload_from_json(payload: dict[str, Any]) -> Any:
    """A payload from the JSON of Temporal's API."""
    metadata = {key: base64.b64decode(value) for key, value in payload.get("metadata", {}).items()}
    data = base64.b64decode(payload.get("data", ""))
    if metadata == {"encoding": b"json/plain"}:
        return data
    if metadata == {"encoding": b"binary/null"}:
        return None
    return Payload(metadata, data)


def payload_to_json(payload: Any) -> dict[str, Any]:
    """The JSON of Temporal's API for a payload."""
    if payload is None:
        metadata, data = {"encoding": b"binary/null"}, b""
    elif isinstance(payload, bytes):
        metadata, data = {"encoding": b"json/plain"}, payload
    else:
        metadata, data = payload.metadata, payload.data
    encoded = {key: base64.b64encode(value).decode() for key, value in metadata.items()}
    return {"metadata": encoded, "data": base64.b64encode(data).decode()}


def _payloads(found: dict[str, Any] | None) -> list[Any]:
    return [payload_from_json(payload) for payload in (found or {}).get("payloads", [])]


_TIMEOUTS = {f"TIMEOUT_TYPE_{member.name}": int(member) for member in TimeoutType}


def from_json(failure: dict[str, Any]) -> tuple[Any, ...]:
    """A failure from the JSON of Temporal's API."""
    cause = from_json(failure["cause"]) if "cause" in failure else None
    kind, info = _kind_and_info_from_json(failure)
    return (kind, failure.get("message", ""), failure.get("stackTrace", ""), failure.get("source", ""), cause, info)


def to_json(error: BaseException) -> dict[str, Any]:
    """The JSON of Temporal's API for an exception of a program, with its causes."""
    return _to_json(from_exception(error))


def _to_json(failure: tuple[Any, ...]) -> dict[str, Any]:
    kind, message, stack, source, cause, info = failure
    found: dict[str, Any] = {"message": message, "stackTrace": stack, "source": source}
    if cause is not None:
        found["cause"] = _to_json(cause)
    if kind == FailureKind.APPLICATION:
        name, non_retryable, details, _delay = info
        written = [payload_to_json(detail) for detail in details]
        found["applicationFailureInfo"] = {"type": name, "nonRetryable": non_retryable, "details": {"payloads": written}}
    return found


def _kind_and_info_from_json(failure: dict[str, Any]) -> tuple[int, tuple[Any, ...]]:
    if (info := failure.get("applicationFailureInfo")) is not None:
        details = _payloads(info.get("details"))
        return FailureKind.APPLICATION, (info.get("type", ""), info.get("nonRetryable", False), details, None)
    if (info := failure.get("timeoutFailureInfo")) is not None:
        which = _TIMEOUTS.get(info.get("timeoutType", ""), 0)
        return FailureKind.TIMEOUT, (which, _payloads(info.get("lastHeartbeatDetails")))
    if (info := failure.get("activityFailureInfo")) is not None:
        name = info.get("activityType", {}).get("name", "")
        events = (int(info.get("scheduledEventId", 0)), int(info.get("startedEventId", 0)))
        return FailureKind.ACTIVITY, (name, info.get("activityId", ""), events, info.get("identity", ""), 0)
    if (info := failure.get("childWorkflowExecutionFailureInfo")) is not None:
        execution = info.get("workflowExecution", {})
        name = info.get("workflowType", {}).get("name", "")
        run = (execution.get("workflowId", ""), execution.get("runId", ""))
        events = (int(info.get("initiatedEventId", 0)), int(info.get("startedEventId", 0)))
        return FailureKind.CHILD, (name, *run, info.get("namespace", ""), events, 0)
    if "canceledFailureInfo" in failure:
        return FailureKind.CANCELED, ([],)
    if "terminatedFailureInfo" in failure:
        return FailureKind.TERMINATED, ()
    if (info := failure.get("serverFailureInfo")) is not None:
        return FailureKind.SERVER, (info.get("nonRetryable", False),)
    return FailureKind.PLAIN, ()
