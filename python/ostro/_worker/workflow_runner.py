"""Activations of a worker to its executions, on the workflow thread."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from .._base.errors import ErrorCode, WorkflowsException
from .._base.kinds import Job
from .._base.log import log
from .._definition.definition import DYNAMIC, WorkflowDefinition
from .._definition.interceptor import Interceptor
from .._workflow.deadlock import DeadlockError, Interrupted, Watch
from .._workflow.instance import WorkflowInstance

_log = log("ostro.worker")

_NONDETERMINISM = 3


class WorkflowRunner:
    """The executions that this worker has in memory."""

    def __init__(
        self,
        definitions: Iterable[WorkflowDefinition],
        task_queue: str,
        namespace: str,
        interceptors: Sequence[Interceptor] = (),
    ) -> None:
        self._definitions = {definition.name: definition for definition in definitions}
        self._task_queue = task_queue
        self._namespace = namespace
        self._interceptors = interceptors
        self._watch = Watch()
        #: Whether activities run in this worker too, as local ones must.
        self.has_activities = True
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
            return self._activate(instance, activation)
        except DeadlockError:
            raise  # the watch has said it
        except BaseException as error:
            _log.error(
                'task of workflow "%s" (%s) failed and is tried again', instance.workflow_type, instance.workflow_id, exc_info=error
            )
            raise

    def _activate(self, instance: WorkflowInstance, activation: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            self._watch.enter(instance)
            try:
                return instance.activate(activation)
            finally:
                self._watch.leave()
        except Interrupted:
            # It came where no code of the program stood any more.
            raise DeadlockError(instance) from None

    def made(self, instance: WorkflowInstance) -> None:
        """Called with each execution that is new here."""

    def _begin(self, run_id: str, jobs: list[tuple[Any, ...]]) -> WorkflowInstance:
        start = next((job for job in jobs if job[0] == Job.INITIALIZE), None)
        name = start[1] if start is not None else "?"
        definition = self._definitions.get(name) or self._definitions.get(DYNAMIC)
        if definition is None:
            known = ", ".join(sorted(self._definitions)) or "none"
            message = f'no workflow "{name}" in this worker (it has: {known}): pass its class to run_worker()'
            _log.error("%s", message)
            raise WorkflowsException(message, code=ErrorCode.WORKFLOW_DEFINITION)
        # A forgotten `await` is named with the line of its call.
        sys.set_coroutine_origin_tracking_depth(1)
        instance = WorkflowInstance(definition, run_id, self._task_queue, self._namespace, self._interceptors)
        instance.has_activities = self.has_activities
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
        self._watch.stop()
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
