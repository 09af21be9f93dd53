"""Replay: recorded histories against the code as it is now, without a server.

What the code does must be what the history says; where it is not, the event, the commands around it and the code's line are named.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import _core
from .._base.errors import Failure
from .._base.kinds import Command, Job
from .._definition.definition import WorkflowDefinition, definition_of
from .._workflow import guard
from .._workflow.instance import WorkflowInstance
from .settings import settings
from .workflow_runner import WorkflowRunner

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
_EVENT = re.compile(r"HistoryEvent\(id: (\d+), (\w+)\)")
_SAID = re.compile(r'message: "(?:\[TMPRL\d+\] )?((?:[^"\\]|\\.)*)"')
#: Commands that leave an event, with what such events are called.
_EVENTS = {
    Command.START_TIMER: "TIMER_STARTED",
    Command.CANCEL_TIMER: "TIMER_CANCELED",
    Command.SCHEDULE_ACTIVITY: "ACTIVITY_TASK_SCHEDULED",
    Command.SCHEDULE_LOCAL_ACTIVITY: "MARKER_RECORDED",
    Command.PATCH: "MARKER_RECORDED",
    Command.CANCEL_ACTIVITY: "ACTIVITY_TASK_CANCEL_REQUESTED",
    Command.START_CHILD: "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
    Command.SIGNAL_EXTERNAL: "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
    Command.CANCEL_EXTERNAL: "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
    Command.UPSERT_SEARCH_ATTRIBUTES: "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
    Command.UPSERT_MEMO: "WORKFLOW_PROPERTIES_MODIFIED",
}
_NAMES = frozenset(_EVENTS.values())
_FINAL = ("COMPLETED", "FAILED", "CANCELED", "CONTINUED_AS_NEW")
_NAMED = {Command.SCHEDULE_ACTIVITY: 3, Command.SCHEDULE_LOCAL_ACTIVITY: 3, Command.START_CHILD: 4, Command.PATCH: 1}


class NonDeterminismError(Failure):
    """The code does something else than the history says, at `event_id`; `line` is where the code is."""

    def __init__(self, message: str, *, event_id: int, line: str) -> None:
        super().__init__(message)
        self.event_id = event_id
        self.line = line


@dataclass
class _Step:
    kind: int
    label: str
    line: str


class _Recorder(WorkflowRunner):
    """A runner that notes each command with its line, and what went wrong."""

    def __init__(self, definitions: list[WorkflowDefinition]) -> None:
        super().__init__(definitions, "replay", "default")
        self.steps: list[_Step] = []
        self.problem: str | None = None
        self.error: BaseException | None = None
        self.waiting = ""
        self.last: WorkflowInstance | None = None
        self.finish: Callable[[], None] = lambda: None

    def made(self, instance: WorkflowInstance) -> None:
        self.last = instance
        instance.trace = lambda command: self.steps.append(_step(command))

    def activate(self, activation: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        removes = bool(activation[6]) and activation[6][0][0] == Job.REMOVE
        try:
            commands = super().activate(activation)
        except BaseException as error:
            self.error = self.error or error
            raise
        if removes:
            self.finish()
        elif self.last is not None:
            self.waiting = _waiting(self.last)
        return commands

    def nondeterminism(self, instance: WorkflowInstance, message: str) -> None:
        self.problem = self.problem or message


def _step(command: tuple[Any, ...]) -> _Step:
    kind = command[0]
    label = next((key.lower().replace("_", " ") for key, value in vars(Command).items() if value == kind), "?")
    if kind in _NAMED:
        label = f'{label} "{command[_NAMED[kind]]}"'
    elif kind == Command.START_TIMER:
        label = f"{label} of {command[2]:.3g} s"
    return _Step(kind, label, _line())


def _line() -> str:
    """The nearest frame of the program on the stack."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        name, file = str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and name.partition(".")[0] not in sys.stdlib_module_names - {"__main__"}:
            return f"{file}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return "?"


def _waiting(instance: WorkflowInstance) -> str:
    """Where the entrypoint waits."""
    for task, _context in instance.loop.tasks.values():
        coroutine: Any = task.get_coro()
        line = ""
        while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
            frame = coroutine.cr_frame
            if not frame.f_code.co_filename.startswith(_PACKAGE) and "asyncio" not in frame.f_code.co_filename:
                line = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
            coroutine = coroutine.cr_await
        if line:
            return line
    return ""


def replay(workflows: Iterable[type], history: str | bytes | Path | Mapping[str, Any], workflow_id: str = "replay") -> None:
    """Replays a history (JSON as Temporal's tools and `WorkflowHandle.history()` give it, or a file of it).

    NonDeterminismError where the code does something else; what the workflow's task raises is raised here; ValueError for what is
    no history.
    """
    written = _read(history)
    definitions = [definition_of(workflow) for workflow in workflows]
    recorder = _Recorder(definitions)
    if any(definition.enforce_determinism for definition in definitions):
        guard.install(definitions)
    core = _core.Replayer(settings("replay", "default", workflows=True), workflow_id, json.dumps(written).encode())
    recorder.finish = core.finish
    done = threading.Event()

    def ended() -> None:
        recorder.close()
        done.set()

    core.run_workflows(recorder.activate, ended)
    done.wait()
    if recorder.problem is not None:
        raise _explain(recorder, written)
    if recorder.error is not None:
        raise recorder.error


def _read(history: str | bytes | Path | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(history, Path):
        history = history.read_bytes()
    if isinstance(history, Mapping):
        found = dict(history)
    else:
        found = json.loads(history)
    if not isinstance(found, dict) or "events" not in found:
        raise ValueError('not a history: JSON with "events", as `temporal workflow show --output json` writes it')
    return found


def _explain(recorder: _Recorder, history: Mapping[str, Any]) -> NonDeterminismError:
    """The event where code and history part, and the code's line there."""
    wanted = [event for event in history["events"] if _is_command_event(event)]
    given = [step for step in recorder.steps if step.kind in _EVENTS]
    problem = recorder.problem or ""
    found = _EVENT.search(problem)
    event_id = int(found[1]) if found else 0
    index = next((i for i, event in enumerate(wanted) if int(event["eventId"]) >= event_id), len(wanted)) if event_id else None
    if index is None or index >= len(wanted):
        # The core names no event: the first pair that differs.
        kinds = [_EVENTS[step.kind] for step in given]
        names = [_short(event) for event in wanted]
        index = next((i for i, pair in enumerate(zip(names, kinds)) if pair[0] != pair[1]), min(len(names), len(kinds)))
    event = wanted[index] if index < len(wanted) else history["events"][-1]
    says = f"event {event['eventId']} {_short(event)}{_name_of(event)}"
    if index < len(given):
        line, does = given[index].line, f"{given[index].label} at {given[index].line}"
    else:
        line = recorder.waiting or (given[-1].line if given else "?")
        does = f"nothing like it; it is at {line}"
    said = _SAID.search(problem)
    message = f"the history has {says}, the code does {does} ({said[1] if said else problem})"
    return NonDeterminismError(message, event_id=int(event["eventId"]), line=line)


def _short(event: Mapping[str, Any]) -> str:
    return str(event.get("eventType", "")).removeprefix("EVENT_TYPE_")


def _is_command_event(event: Mapping[str, Any]) -> bool:
    name = _short(event)
    return name in _NAMES or name.removeprefix("WORKFLOW_EXECUTION_") in _FINAL


def _name_of(event: Mapping[str, Any]) -> str:
    for key, attributes in event.items():
        if key.endswith("EventAttributes") and isinstance(attributes, Mapping):
            kind = attributes.get("activityType") or attributes.get("workflowType")
            if kind:
                return f' "{kind.get("name")}"'
    return ""
