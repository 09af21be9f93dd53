"""What runs while the server is being killed: an order of two runs, with everything that the server must not lose."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, ApplicationErrorCategory

#: How a line on a worker's stdout begins that is meant for the client.
REPORT = b"report: "

#: A task that was handed to a worker over a connection that died is given out again after this time.
HANDOUT_LOST = timedelta(seconds=2)
RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(milliseconds=500))


@dataclass
class Plan:
    """What one order does; chosen by the client from the seed."""

    number: int
    timer_ms: int
    failures: int
    chunks: int


@dataclass
class State:
    """What the order has seen so far; carried from run to run, and its result."""

    notes: list[int] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    total: int = 0
    finished: bool = False
    reserved_in_attempt: int = 0
    chunks_packed: int = 0
    paid: str = ""
    charged: str = ""
    shipped: str = ""
    rounded: int = 0


@workflow.defn
class Order:
    """First run: a timer, a retried and a heartbeating activity. Second run: the other kinds, until `finish` comes."""

    @workflow.init
    def __init__(self, plan: Plan, state: State | None = None) -> None:
        self.state = state or State()

    @workflow.run
    async def run(self, plan: Plan, state: State | None = None) -> State:
        if state is None:
            await self.prepare(plan)
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(args=[plan, self.state])
        await self.deliver(plan)
        await workflow.wait_condition(lambda: self.state.finished and workflow.all_handlers_finished())
        return self.state

    async def prepare(self, plan: Plan) -> None:
        await workflow.sleep(timedelta(milliseconds=plan.timer_ms))
        self.state.reserved_in_attempt = await workflow.execute_activity(
            reserve, plan.failures, start_to_close_timeout=HANDOUT_LOST, retry_policy=RETRY
        )
        self.state.chunks_packed = await workflow.execute_activity(
            pack,
            plan.chunks,
            start_to_close_timeout=timedelta(seconds=10),
            heartbeat_timeout=timedelta(seconds=1),
            retry_policy=RETRY,
        )

    async def deliver(self, plan: Plan) -> None:
        shipment = await workflow.start_child_workflow(
            Shipment.run, plan.number, id=f"{workflow.info().workflow_id}/shipment", task_timeout=HANDOUT_LOST
        )
        self.state.paid = await workflow.execute_activity(
            pay, activity_id="pay", start_to_close_timeout=timedelta(seconds=3), retry_policy=RETRY
        )
        try:
            self.state.charged = await workflow.execute_activity(
                charge, start_to_close_timeout=HANDOUT_LOST, retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ActivityError as error:
            self.state.charged = f"not known: {type(error.cause).__name__}"
        self.state.rounded = await workflow.execute_local_activity(
            round_up, plan.number, schedule_to_close_timeout=timedelta(seconds=5)
        )
        self.state.shipped = await shipment

    @workflow.signal
    def note(self, number: int) -> None:
        self.state.notes.append(number)

    @workflow.signal
    def finish(self, number: int) -> None:
        self.state.notes.append(number)
        self.state.finished = True

    @workflow.update
    async def add(self, operation: str, amount: int) -> int:
        """Idempotent by `operation`: the client repeats one whose answer it did not get, perhaps to the next run."""
        if operation not in self.state.totals:
            self.state.total += amount
            self.state.totals[operation] = self.state.total
            if amount % 2 == 0:
                await workflow.sleep(timedelta(milliseconds=20))
        return self.state.totals[operation]

    @add.validator
    def check(self, operation: str, amount: int) -> None:
        if amount < 0:
            raise ApplicationError(f"{operation}: cannot add {amount}", category=ApplicationErrorCategory.BENIGN)

    @workflow.query
    def total(self) -> int:
        return self.state.total


@workflow.defn
class Shipment:
    """The child: a timer and one activity."""

    @workflow.run
    async def run(self, number: int) -> str:
        await workflow.sleep(timedelta(milliseconds=50))
        attempt = await workflow.execute_activity(reserve, 0, start_to_close_timeout=HANDOUT_LOST, retry_policy=RETRY)
        return f"shipment of {number}, reserved: {attempt > 0}"


def report(kind: str, **fields: object) -> None:
    """One line on the worker's stdout, read by the client."""
    line = json.dumps({"kind": kind, "workflow_id": activity.info().workflow_id, **fields}).encode()
    sys.stdout.buffer.write(REPORT + line + b"\n")
    sys.stdout.buffer.flush()


@activity.defn
async def reserve(failures: int) -> int:
    """Fails `failures` times, tells the attempt that succeeded."""
    attempt = activity.info().attempt
    if attempt <= failures:
        raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)
    return attempt


@activity.defn
async def pack(chunks: int) -> int:
    """Goes on from its last heartbeat; fails once per chunk, so that it must."""
    done = int(activity.info().heartbeat_details[0]) if activity.info().heartbeat_details else 0
    done += 1
    activity.heartbeat(done)
    if done < chunks:
        raise ApplicationError(f"{done} of {chunks}", category=ApplicationErrorCategory.BENIGN)
    return done


@activity.defn
async def pay() -> str:
    """Completed by the client, not here."""
    info = activity.info()
    report("pay", token=info.task_token.hex(), attempt=info.attempt)
    activity.raise_complete_async()


@activity.defn
async def charge() -> str:
    """Must never run twice."""
    report("charge")
    return "charged"


@activity.defn
async def round_up(number: int) -> int:
    return number + 1


WORKFLOWS = [Order, Shipment]
ACTIVITIES: list[Callable[..., Any]] = [reserve, pack, pay, charge, round_up]
