"""Exceptions to failures and back.

A failure is `(kind, message, stack_trace, source, cause, info)`, as the Rust half has it, or Temporal's JSON.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from .._base import error_text
from .._base.duration import SECONDS_MAX
from .._base.errors import (
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
from .._base.kinds import FailureKind
from .._core import Payload
from . import converter

_SOURCE = "ostro-python"
#: Largest sum of the details of one failure, in bytes: larger ones would keep the failure from being stored.
DETAILS_BYTES_MAX = 1024 * 1024
#: Stacks of causes are shorter than that of the error itself, in characters.
_CAUSE_STACK_CHARS_MAX = 8 * 1024


def from_exception(error: BaseException) -> tuple[Any, ...]:
    """The failure of an exception, with its cause chain and where it was raised. Never raises, whatever the exception does."""
    found, left_out = error_text.chain(error)
    failure: tuple[Any, ...] | None = None
    for depth, one in reversed(list(enumerate(found))):
        limit = _CAUSE_STACK_CHARS_MAX if depth else error_text.STACK_CHARS_MAX
        text = error_text.message(one)
        if left_out and depth == len(found) - 1:
            text = f"[{left_out} causes left out] {text}"
        kind, info = _kind_and_info(one)
        failure = (kind, text, error_text.stack(one, limit), _SOURCE, failure, info)
    assert failure is not None
    return failure


def _kind_and_info(error: BaseException) -> tuple[int, tuple[Any, ...]]:
    try:
        return _known_kind_and_info(error)
    except BaseException:
        # A field of the program's own making that the protocol has no place for.
        return FailureKind.APPLICATION, (error_text.type_name(error), False, [], None)


def _known_kind_and_info(error: BaseException) -> tuple[int, tuple[Any, ...]]:
    if isinstance(error, WorkflowError):
        info: tuple[Any, ...] = (_text(error.type), bool(error.non_retryable), _details(error), _delay(error))
        return FailureKind.APPLICATION, info
    if isinstance(error, ActivityError):
        events = (int(error.scheduled_event_id), int(error.started_event_id))
        info = (_text(error.activity_type), _text(error.activity_id), events, _text(error.identity), int(error.retry_state))
        return FailureKind.ACTIVITY, info
    if isinstance(error, ChildWorkflowError):
        events = (int(error.initiated_event_id), int(error.started_event_id))
        names = (error.workflow_type, error.workflow_id, error.run_id, error.namespace)
        return FailureKind.CHILD, (*map(_text, names), events, int(error.retry_state))
    if isinstance(error, TimeoutFailure):
        return FailureKind.TIMEOUT, (int(error.type or 0), encode_details(error.last_heartbeat))
    if isinstance(error, (CanceledFailure, asyncio.CancelledError)):
        return FailureKind.CANCELED, ([],)
    if isinstance(error, TerminatedFailure):
        return FailureKind.TERMINATED, ()
    if isinstance(error, ServerFailure):
        return FailureKind.SERVER, (bool(error.non_retryable),)
    return FailureKind.APPLICATION, (error_text.type_name(error), error_text.is_final(error), [], None)


def _text(value: Any) -> str:
    return "" if value is None else error_text.plain(value)


def _delay(error: WorkflowError) -> float | None:
    delay = error.next_retry_delay
    return float(delay) if delay is not None and 0 <= delay <= SECONDS_MAX else None


def _details(error: WorkflowError) -> list[Any]:
    try:
        return encode_details(error.details)
    except BaseException as broken:
        return [converter.encode(f"<the details cannot be read: {error_text.type_name(broken)}>")]


def encode_details(details: Any) -> list[Any]:
    """The payloads of what goes with an error; a text in place of each that cannot be sent, or is too large."""
    found: list[Any] = []
    left = DETAILS_BYTES_MAX
    for detail in details:
        try:
            payload = converter.encode(detail)
        except Exception as error:
            payload = converter.encode(f"<left out: {error_text.message(error)}>")
        size = converter.payload_bytes(payload)
        if size > left:
            payload = converter.encode(f"<left out: {size} bytes, the details of an error may have {DETAILS_BYTES_MAX}>")
        left -= converter.payload_bytes(payload)
        found.append(payload)
    return found


def to_exception(failure: tuple[Any, ...] | None) -> Failure:
    """The exception of a failure, with its cause chain."""
    if failure is None:
        return Failure("failed without a reason")
    first: Failure | None = None
    outer: Failure | None = None
    while failure is not None:
        kind, message, stack_trace, _source, cause, info = failure
        error = _build(kind, message, info)
        error.stack_trace = stack_trace
        _note_stack(error, stack_trace)
        if outer is None:
            first = error
        else:
            outer.__cause__ = error
        outer, failure = error, cause
    assert first is not None
    return first


def _note_stack(error: Failure, stack_trace: str) -> None:
    """Shows with it, in a traceback, where it was raised: Python 3.10 has no notes, there `stack_trace` alone says it."""
    if stack_trace and hasattr(error, "add_note"):
        error.add_note(f"Where it was raised, where it ran (most recent call last):\n{stack_trace.rstrip()}")


def _build(kind: int, message: str, info: tuple[Any, ...]) -> Failure:
    if kind == FailureKind.APPLICATION:
        type_name, non_retryable, details, delay = info
        values = [_detail(detail) for detail in details]
        return WorkflowError(message, *values, type=type_name or None, non_retryable=non_retryable, next_retry_delay=delay)
    if kind == FailureKind.TIMEOUT:
        timeout_type, details = info
        values = [_detail(detail) for detail in details]
        which = TimeoutType(timeout_type) if timeout_type in _TIMEOUTS.values() else None
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
        return converter.decode(payload)
    except ValueError:
        return None


def headers_to_payloads(headers: Mapping[str, Any]) -> dict[str, Any] | None:
    """The payloads of an interceptor's headers; `None` where there are none."""
    return {name: converter.encode(value, what=f'header "{name}"') for name, value in headers.items()} or None


def headers_from_payloads(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of headers; `None` for one that is no JSON."""
    return {name: _detail(payload) for name, payload in (headers or {}).items()}


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
