"""Activations of a worker to its executions, on the workflow thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._base.errors import ErrorCode, WorkflowsException
from .._base.kinds import Job
from .._base.log import log
from .._definition.definition import WorkflowDefinition
from .._workflow.instance import WorkflowInstance

_log = log("ostro.worker")

_NONDETERMINISM = 3


class WorkflowRunner:
    """The executions that this worker has in memory."""

    def __init__(self, definitions: Iterable[WorkflowDefinition], task_queue: str, namespace: str) -> None:
        self._definitions = {definition.name: definition for definition in definitions}
        self._task_queue = task_queue
        self._namespace = namespace
        self.instances: dict[str, WorkflowInstance] = {}

    def activate(self, activation: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Applies an activation; answers commands. What it raises fails the workflow's task, which is tried again."""
        run_id, jobs = activation[0], activation[6]
        instance = self.instances.get(run_id)
        if jobs and jobs[0][0] == Job.REMOVE:
            self._evict(run_id, *jobs[0][1:])
            return []
        if instance is None:
            instance = self.instances[run_id] = self._begin(run_id, jobs)
        try:
            return instance.activate(activation)
        except BaseException as error:
            _log.error(
                'task of workflow "%s" (%s) failed and is tried again', instance.workflow_type, instance.workflow_id, exc_info=error
            )
            raise

    def made(self, instance: WorkflowInstance) -> None:
        """Called with each execution that is new here."""

    def _begin(self, run_id: str, jobs: list[tuple[Any, ...]]) -> WorkflowInstance:
        start = next((job for job in jobs if job[0] == Job.INITIALIZE), None)
        name = start[1] if start is not None else "?"
        definition = self._definitions.get(name)
        if definition is None:
            known = ", ".join(sorted(self._definitions)) or "none"
            message = f'no workflow "{name}" in this worker (it has: {known}): pass its class to run_worker()'
            _log.error("%s", message)
            raise WorkflowsException(message, code=ErrorCode.WORKFLOW_DEFINITION)
        instance = WorkflowInstance(definition, run_id, self._task_queue, self._namespace)
        self.made(instance)
        return instance

    def _evict(self, run_id: str, reason: int, message: str) -> None:
        instance = self.instances.pop(run_id, None)
        if instance is None:
            return
        if reason == _NONDETERMINISM:
            self.nondeterminism(instance, message)
        instance.evict()

    def close(self) -> None:
        """Forgets every execution; on the workflow thread, when no more activations come."""
        while self.instances:
            self.instances.popitem()[1].evict()

    def nondeterminism(self, instance: WorkflowInstance, message: str) -> None:
        """Called when the code does something else than the history says."""
        _log.error(
            'workflow "%s" (%s) does something else than its history: %s. Put the change behind workflow.patched(...), or run '
            "the code that the execution began with; `replay` says the line",
            instance.workflow_type,
            instance.workflow_id,
            message,
        )
