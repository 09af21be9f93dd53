"""The client: starts orders, signals and updates them, completes their payments, and writes down every acknowledgement.

Nothing is retried behind our back (the connection has retries off), so an answer that came is an acknowledgement and an
error means "not known". What is not known may have happened, but at most once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from server import NO_RETRY, Server
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from workload import HANDOUT_LOST, Order, Plan, State

CALL_SECONDS_MAX = 10

#: What a call says when the connection or the server was gone. Everything else is an answer.
GONE = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.INTERNAL,
}


@dataclass
class Record:
    """What is known of one order: what was sent, and what of it was acknowledged."""

    plan: Plan
    started: str = "not known"
    notes_sent: set[int] = field(default_factory=set)
    notes_acknowledged: set[int] = field(default_factory=set)
    updates_sent: dict[str, int] = field(default_factory=dict)
    updates_accepted: set[str] = field(default_factory=set)
    updates_acknowledged: dict[str, int] = field(default_factory=dict)
    updates_rejected: set[str] = field(default_factory=set)
    payments_sent: set[str] = field(default_factory=set)
    payments_acknowledged: set[str] = field(default_factory=set)
    charges_run: int = 0
    result: State | None = None

    @property
    def id(self) -> str:
        return f"order-{self.plan.number}"


def says_later(error: RPCError | WorkflowUpdateRPCTimeoutOrCancelledError) -> bool:
    """Temporal's refusal of updates whose workflow task fails, as it does when its worker is cut off, and of those that come while the
    run ends: clients that retry reach the next one."""
    refusals = (
        (RPCStatusCode.FAILED_PRECONDITION, "Workflow Task in failed state"),
        (RPCStatusCode.FAILED_PRECONDITION, "unexpected workflow task failure"),
        (RPCStatusCode.RESOURCE_EXHAUSTED, "workflow is closing"),
    )
    return isinstance(error, RPCError) and any(error.status == status and said in str(error) for status, said in refusals)


def is_passed_over(error: WorkflowUpdateFailedError) -> bool:
    """The worker completed a task without a word on the update that the task brought: `temporalio`'s core does so when a task comes
    to it again after a kill (it logs "unprocessed protocol messages"). The update is rejected, and so not in the history."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == "UnprocessedUpdate"


class Unknown(Exception):
    """The server went away before it answered."""


class Load:
    """All orders of a test, some at a time."""

    def __init__(self, server: Server, client: Client, task_queue: str, seed: int) -> None:
        self.server = server
        self.client = client
        self.task_queue = task_queue
        self.random = random.Random(seed)
        self.records: dict[str, Record] = {}
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, what: str, make: Callable[[], Awaitable[Any]]) -> Any:
        """One try. Raises Unknown when no answer came; an RPCError that is an answer goes through."""
        await self.server.up.wait()
        calm = self.server.calm()
        try:
            answer = await make()
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            # The second is the client's own class for two statuses of those that are gone.
            gone = not isinstance(error, RPCError) or error.status in GONE
            if not gone and not says_later(error):
                raise
            self.counts["calls without an answer"] += 1
            if gone and calm and await self.server.still_calm():
                said = f"{error.status.name} {error.message}" if isinstance(error, RPCError) else str(error)
                self.errors.append(f"{what}: {said} from a server that was up")
            raise Unknown from error
        self.counts[what] += 1
        return answer

    async def until_answered(self, what: str, make: Callable[[], Awaitable[Any]]) -> Any:
        """For calls that may be repeated."""
        while True:
            try:
                return await self.call(what, make)
            except Unknown:
                await asyncio.sleep(0.02)

    async def order(self, number: int) -> None:
        """One order from start to result."""
        chance = self.random
        plan = Plan(number, chance.randrange(20, 400), chance.randrange(3), chance.randrange(1, 5))
        record = self.records[f"order-{number}"] = Record(plan)
        handle = await self._start(record, with_signal=chance.random() < 0.3)
        await asyncio.gather(self._signal(record, handle), self._update(record, handle), self._query(handle))
        await self._finish(record, handle)
        record.result = await self._result(handle)

    async def _start(self, record: Record, with_signal: bool) -> WorkflowHandle[Order, State]:
        options: dict[str, Any] = {"start_signal": "note", "start_signal_args": [0]} if with_signal else {}
        what = "signal-with-starts acknowledged" if with_signal else "starts acknowledged"
        tries = 0

        async def start() -> WorkflowHandle[Order, State]:
            nonlocal tries
            tries += 1
            return await self.client.start_workflow(
                Order.run,
                args=[record.plan, None],
                id=record.id,
                task_queue=self.task_queue,
                task_timeout=HANDOUT_LOST,
                rpc_timeout=timedelta(seconds=CALL_SECONDS_MAX),
                **options,
            )

        try:
            await self.until_answered(what, start)
            if with_signal:
                record.notes_sent.add(0)
                if tries == 1:  # a repeated signal-with-start may signal twice
                    record.notes_acknowledged.add(0)
        except WorkflowAlreadyStartedError:
            self.counts["starts that were stored though their answer was lost"] += 1
        record.started = "acknowledged"
        return self.client.get_workflow_handle_for(Order.run, record.id)

    async def _signal(self, record: Record, handle: WorkflowHandle[Order, State]) -> None:
        for number in range(1, 1 + self.random.randrange(2, 6)):
            await self._pause()
            record.notes_sent.add(number)
            try:
                await self.call("signals acknowledged", partial(handle.signal, Order.note, number))
            except Unknown:
                continue
            record.notes_acknowledged.add(number)

    async def _update(self, record: Record, handle: WorkflowHandle[Order, State]) -> None:
        for number in range(self.random.randrange(1, 4)):
            await self._pause()
            operation = f"add-{number}"
            amount = self.random.choice([-1, *range(1, 20)])
            record.updates_sent[operation] = amount
            wait = self.random.choice([WorkflowUpdateStage.ACCEPTED, WorkflowUpdateStage.COMPLETED])
            await self._update_once(record, handle, operation, amount, wait)

    async def _update_once(
        self,
        record: Record,
        handle: WorkflowHandle[Order, State],
        operation: str,
        amount: int,
        wait: WorkflowUpdateStage,
    ) -> None:
        async def start() -> Any:
            return await handle.start_update(Order.add, args=[operation, amount], id=operation, wait_for_stage=wait)

        try:
            started = await self.until_answered("updates accepted", start)
            record.updates_accepted.add(operation)
            record.updates_acknowledged[operation] = await self.until_answered("updates completed", started.result)
        except WorkflowUpdateFailedError as error:
            if is_passed_over(error):
                self.counts["updates that a worker passed over"] += 1
            elif amount >= 0:
                self.errors.append(f"{record.id}: update {operation} of {amount} failed: {error.cause}")
            record.updates_rejected.add(operation)
            self.counts["updates rejected"] += 1
        except RPCError as error:
            self.errors.append(f"{record.id}: update {operation}: {error.status.name} {error.message}")

    async def _query(self, handle: WorkflowHandle[Order, State]) -> None:
        await self._pause()
        with contextlib.suppress(Unknown, RPCError):
            await self.call("queries answered", lambda: handle.query(Order.total, rpc_timeout=timedelta(seconds=3)))

    async def _finish(self, record: Record, handle: WorkflowHandle[Order, State]) -> None:
        """Repeated until acknowledged, each time with a number of its own."""
        number = 100
        while not any(n >= 100 for n in record.notes_acknowledged):
            number += 1
            record.notes_sent.add(number)
            try:
                await self.call("signals acknowledged", partial(handle.signal, Order.finish, number))
                record.notes_acknowledged.add(number)
            except Unknown:
                await asyncio.sleep(0.02)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:  # an earlier one was stored after all
                    return
                raise

    async def _result(self, handle: WorkflowHandle[Order, State]) -> State:
        state: State = await self.until_answered("results received", handle.result)
        return state

    def on_report(self, report: dict[str, Any]) -> None:
        """A line of a worker: a payment to complete, or a charge that ran."""
        record = self.records[report["workflow_id"]]
        match report["kind"]:
            case "charge":
                record.charges_run += 1
            case "pay":
                task = asyncio.create_task(self._pay(record, bytes.fromhex(report["token"]), report["attempt"]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _pay(self, record: Record, token: bytes, attempt: int) -> None:
        by_id = self.random.random() < 0.5
        handle = (
            self.client.get_async_activity_handle(workflow_id=record.id, run_id=None, activity_id="pay")
            if by_id
            else self.client.get_async_activity_handle(task_token=token)
        )
        value = f"paid in attempt {attempt}, {'by id' if by_id else 'by token'}"
        record.payments_sent.add(value)
        try:
            await self.call("heartbeats by the client", lambda: handle.heartbeat(value))
            await self._pause()
            await self.call("activity completions acknowledged", lambda: handle.complete(value))
            record.payments_acknowledged.add(value)
        except Unknown:
            pass  # the attempt times out, the next one is reported again
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                self.errors.append(f"{record.id}: {value}: {error.status.name} {error.message}")

    async def _pause(self) -> None:
        await asyncio.sleep(self.random.uniform(0, 0.3))


async def connect(server: Server) -> Client:
    return await Client.connect(server.address, retry_config=NO_RETRY)
