"""Sticky worker sessions: activities of one scope on one worker, and on another when that one is lost.

A session is a lease: an activity that heartbeats on the worker's own queue while the scope is open. When it ends, the worker is
gone or leaves: calls under way there are given up, the session takes another worker, and the next calls are told that it is a cold
start (`activity.info().cold_start`). Calls also carry a schedule-to-start time-out, so none waits on a queue that nobody polls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from .._activity.activity import ActivityDefinition, activity, definition_of
from .._activity.activity_context import heartbeat
from .._base import context
from .._base.context import current_session
from .._base.errors import ActivityError, ErrorCode, Failure, TimeoutFailure, TimeoutType, WorkflowsException

if TYPE_CHECKING:
    from .activities import PendingActivity
    from .instance import WorkflowInstance

#: A worker that is silent for this long has lost its sessions, in seconds.
LEASE_TIMEOUT = 5.0
#: A sticky call that no worker takes for this long looks for another worker, in seconds.
SCHEDULE_TO_START = 10.0
#: A lease may be held for this long, in seconds: a year.
LEASE_MAX = 365 * 86400.0
COLD_START_HEADER = "ostro-cold-start"
OUTSIDE = "local"

#: The session queue of this process's worker, while it runs.
_own_queue = ""


def session_queue(task_queue: str, random_id: str) -> str:
    """The queue that one worker alone polls."""
    return f"{task_queue}::worker::{random_id}"


def set_own_queue(queue: str) -> None:
    """Says which queue this process polls alone."""
    global _own_queue
    _own_queue = queue


class StickyWorkerSession(BaseModel):
    """A worker, by the queue that it alone polls. Can be kept, and passed to children and to a continued run.

    `task_queue` changes when the worker is lost and the session moves.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    task_queue: str
    _state: Any = PrivateAttr(default=None)


@activity(name="get_sticky_worker_session", start_to_close_timeout="10s", _allow_reserved_name=True)
async def _bind() -> StickyWorkerSession:
    if not _own_queue:
        raise RuntimeError("this worker holds no sessions: it knows no sticky activity")
    return StickyWorkerSession(task_queue=_own_queue)


@activity(
    name="__internal__sticky_worker_session_lease",
    start_to_close_timeout=LEASE_MAX,
    heartbeat_timeout=LEASE_TIMEOUT,
    retry_policy_max_attempts=1,
    _allow_reserved_name=True,
)
async def _lease() -> None:
    while True:
        heartbeat()
        await asyncio.sleep(LEASE_TIMEOUT / 5)


LEASE = definition_of(_lease)
BIND = definition_of(_bind)


async def get_sticky_worker_session() -> StickyWorkerSession:
    """A living worker, to be used in several `run_sticky_worker_session` scopes."""
    if context.workflow_instance() is None and context.current_activity.get() is None:
        return StickyWorkerSession(task_queue=OUTSIDE)
    token = context.run_locally.set(False)
    try:
        return await _bind()
    finally:
        context.run_locally.reset(token)


@contextlib.asynccontextmanager
async def run_sticky_worker_session(
    sticky_worker_session: StickyWorkerSession | None = None,
) -> AsyncIterator[StickyWorkerSession]:
    """Sticky activities in this scope run on one worker: that of the session, else one that is free.

    Scopes nest: the inner one decides.
    """
    instance = context.workflow_instance()
    session = sticky_worker_session or await get_sticky_worker_session()
    state = session._state
    if state is None or state.instance is not instance:
        state = session._state = SessionState(session, instance)
    state.enter()
    token = current_session.set(state)
    try:
        yield session
    finally:
        with contextlib.suppress(ValueError):  # closed from another context when the execution is evicted
            current_session.reset(token)
        state.leave()


class SessionLost(Failure):
    """The worker that had the call is gone."""


class SessionState:
    """A session's lease and the calls under way on it."""

    def __init__(self, session: StickyWorkerSession, instance: WorkflowInstance | None) -> None:
        self.session = session
        self.instance = instance
        self._scopes = 0
        self._generation = 0
        self._cold = False
        self._lost = False
        self._lease: PendingActivity | None = None
        self._under_way: dict[int, PendingActivity] = {}
        self._moving: asyncio.Lock | None = None

    def enter(self) -> None:
        """A scope opens."""
        self._scopes += 1
        if self._scopes == 1 and self.instance is not None:
            self._take_lease()

    def leave(self) -> None:
        """A scope closes."""
        self._scopes -= 1
        if self._scopes == 0 and self._lease is not None and self.instance is not None and not self.instance.evicted:
            lease, self._lease = self._lease, None
            lease.cancel()

    def _take_lease(self) -> None:
        assert self.instance is not None
        self._lost = False
        lease = self.instance.activities.schedule(
            LEASE, [], self.session.task_queue, schedule_to_start=SCHEDULE_TO_START, eager=False
        )
        self._lease = lease
        lease.future.add_done_callback(lambda future: self._lease_ended(lease, future))

    def _lease_ended(self, lease: PendingActivity, future: asyncio.Future[Any]) -> None:
        if not future.cancelled():
            future.exception()
        if lease is not self._lease:
            return
        self._lease, self._lost = None, True
        for call in list(self._under_way.values()):
            call.abandon(SessionLost("the session's worker is gone"))

    async def call(self, definition: ActivityDefinition, payloads: Sequence[Any], headers: Mapping[str, Any] | None = None) -> Any:
        """Runs a sticky activity on the session's worker; on the next one if that is lost. Its payload."""
        assert self.instance is not None
        losses = 0
        while True:
            if self._lost:
                await self._move(self._generation)
            generation = self._generation
            carried = {**(headers or {}), COLD_START_HEADER: b"true"} if self._cold else headers
            queue = self.session.task_queue
            call = self.instance.activities.schedule(
                definition, payloads, queue, schedule_to_start=SCHEDULE_TO_START, headers=carried, eager=False
            )
            self._under_way[call.seq] = call
            try:
                payload = await call.wait()
            except SessionLost as lost:
                losses += 1
                if definition.attempts and losses >= definition.attempts:
                    raise ActivityError(
                        f'activity "{definition.name}" was lost with its worker {losses} times', activity_type=definition.name
                    ) from lost
                await self._move(generation)
                continue
            except ActivityError as error:
                if not _never_started(error):
                    raise
                await self._move(generation)
                continue
            finally:
                self._under_way.pop(call.seq, None)
            if generation == self._generation:
                self._cold = False
            return payload

    async def _move(self, generation: int) -> None:
        """Takes another worker, once for all calls that lost the one of `generation`."""
        if self._moving is None:
            self._moving = asyncio.Lock()
        async with self._moving:
            if self._generation != generation:
                return
            lease, self._lease = self._lease, None
            if lease is not None:
                lease.cancel()
            found = await get_sticky_worker_session()
            self._cold = self._cold or found.task_queue != self.session.task_queue
            self.session.task_queue = found.task_queue
            self._generation += 1
            self._lost = False
            if self._scopes:
                self._take_lease()


def _never_started(error: ActivityError) -> bool:
    cause = error.__cause__
    return isinstance(cause, TimeoutFailure) and cause.type is TimeoutType.SCHEDULE_TO_START


def require_session(definition: ActivityDefinition) -> SessionState:
    """The open session. WorkflowsException where there is none."""
    state = current_session.get()
    if state is None:
        raise WorkflowsException(
            f'activity "{definition.name}" is sticky_to_worker and no session is open: call it in '
            f"`async with run_sticky_worker_session():`",
            code=ErrorCode.STICKY_WORKER_SESSION_MISSING,
        )
    return state
