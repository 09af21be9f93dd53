"""A program whose types a checker must know: `assert_type` fails where it does not."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ostro import workflows
from ostro.workflows import Client, RateLimit, WorkflowError, activity, run_activities_locally, workflow

if TYPE_CHECKING:
    from typing_extensions import assert_type


@dataclass
class Order:
    id: str
    amount: int


@activity(
    start_to_close_timeout=timedelta(minutes=10),
    retry_policy_max_attempts=5,
    rate_limit=RateLimit(time_window_in_sec=1, max_execution=5),
)
async def charge(order: Order, note: str = "") -> int:
    activity.heartbeat({"amount": order.amount})
    if activity.info().attempt > 3:
        raise WorkflowError("declined", type="Declined")
    return order.amount


@activity(start_to_close_timeout="10m")
def in_a_thread(number: int) -> str:
    return str(number)


@activity
async def without_parentheses(number: int) -> list[int]:
    return [number]


@workflow.define(name="order")
class OrderFlow:
    def __init__(self) -> None:
        self.approved = False

    @workflow.entrypoint
    async def execute(self, order: Order) -> int:
        paid = await charge(order, note="first")
        assert_type(paid, int)
        assert_type(await in_a_thread(1), str)
        assert_type(await without_parentheses(2), list[int])
        with run_activities_locally():
            paid += await charge(order)
        await workflow.wait_condition(lambda: self.approved, timeout="1m")
        await workflow.sleep(1)
        assert_type(workflow.now(), datetime)
        return paid

    @workflow.signal
    async def approve(self) -> None:
        self.approved = True

    @workflow.signal(name="approve-or-not")
    def approve_or_not(self, approved: bool) -> None:
        self.approved = approved

    @workflow.query
    def is_approved(self) -> bool:
        return self.approved

    @workflow.update
    async def set_approved(self, approved: bool) -> str:
        self.approved = approved
        return "done"

    @set_approved.validator
    def _check(self, approved: bool) -> None:
        if approved == self.approved:
            raise ValueError("nothing would change")


async def client() -> None:
    order = Order("a", 1)
    async with await Client.connect() as connected:
        handle = await connected.start(OrderFlow, order, id="order-a")
        assert_type(await handle.query(OrderFlow.is_approved), bool)
        assert_type(await handle.update(OrderFlow.set_approved, True), str)
        await handle.signal(OrderFlow.approve)
        assert_type(await handle.result(), int)
        assert_type(await connected.execute(OrderFlow, order), int)
        async for found in connected.list():
            assert_type(found.status, str)


def whole_program() -> int:
    return workflows.run(OrderFlow, Order("a", 1))


def call() -> Coroutine[Any, Any, int]:
    return charge(Order("a", 1))
