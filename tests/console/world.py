"""Executions of every kind, made by a real worker: what the pages show."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity, workflow
from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow, ScheduleIntervalSpec, ScheduleSpec
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

T = TypeVar("T")

QUEUE = "shop"
#: Every text of one execution is this: markup, a terminal's commands, text that runs backwards, characters without a shape.
HOSTILE = "<script>window.stolen=1</script><img src=x onerror=window.stolen=1>\x1b[31m\u202egnp.exe\u200b'\"&amp;{{7*7}}"

#: What `refund-1` asks, and `confirm-1`: the latter's whole answer is one choice.
REFUND = {
    "type": "object",
    "description": "Decide on the refund.",
    "required": ["amount", "how"],
    "properties": {
        "amount": {"type": "integer", "title": "Amount", "description": "In euros, at most 100", "default": 20},
        "how": {
            "title": "How",
            "oneOf": [{"const": "card", "title": "To the card"}, {"const": "voucher", "title": "As a voucher"}],
        },
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Note"},
        "fast": {"type": "boolean", "title": "At once"},
    },
}
CONFIRM = {
    "type": "object",
    "required": ["choice"],
    "properties": {
        "choice": {"title": "Ship it?", "oneOf": [{"const": "yes", "title": "Ship it"}, {"const": "no", "title": "Keep it"}]}
    },
}

_MINUTE = timedelta(minutes=1)


@activity.defn
async def charge(amount: int) -> str:
    """Succeeds."""
    await asyncio.sleep(0.15)
    return f"charged {amount}"


@activity.defn
async def linger() -> None:
    """Goes on until somebody ends it."""
    await asyncio.sleep(60)


@activity.defn
async def decline(card: str) -> str:
    """Fails, again and again."""
    raise ApplicationError(f"429 from api.bank.example: {card} declined", type="CardError")


@activity.defn
async def hostile_activity(text: str) -> str:
    """Fails with the text that it is given."""
    raise ApplicationError(text, type=text)


@workflow.defn
class Pack:
    """A child."""

    @workflow.run
    async def run(self, item: str) -> str:
        await workflow.sleep(0.2)
        return f"{item} packed"


@workflow.defn
class Order:
    """Completes: activities, a timer, a child, a signal that it waits for."""

    def __init__(self) -> None:
        self.approved = False

    @workflow.run
    async def run(self, order: dict[str, Any]) -> dict[str, Any]:
        await workflow.execute_activity(charge, order["amount"], start_to_close_timeout=_MINUTE)
        await workflow.sleep(0.3)
        await workflow.wait_condition(lambda: self.approved)
        packed = await workflow.execute_child_workflow(Pack.run, "book", id=f"{workflow.info().workflow_id}-pack")
        return {"order": order["id"], "packed": packed}

    @workflow.signal(description="Lets the order go on")
    def approve(self) -> None:
        self.approved = True


@workflow.defn
class Payment:
    """Waits for an activity that fails and backs off."""

    @workflow.run
    async def run(self, card: str) -> str:
        policy = RetryPolicy(
            initial_interval=timedelta(milliseconds=100), backoff_coefficient=20, maximum_interval=timedelta(hours=1)
        )
        return await workflow.execute_activity(decline, card, start_to_close_timeout=_MINUTE, retry_policy=policy)


@workflow.defn
class Lingering:
    """Waits for an activity that a worker has."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(linger, start_to_close_timeout=_MINUTE)


@workflow.defn
class Approval:
    """Waits for people: a query, an update, a signal."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.done)
        return self.notes

    @workflow.query(description="The notes so far")
    def notes_so_far(self) -> list[str]:
        return self.notes

    @workflow.update(description="Adds a note")
    async def add(self, note: str) -> int:
        self.notes.append(note)
        return len(self.notes)

    @workflow.signal
    def finish(self) -> None:
        self.done = True


@workflow.defn
class Ask:
    """Asks a person, as `wait_for_input` of the package `ostro` does."""

    def __init__(self) -> None:
        self.schema: dict[str, Any] = {}
        self.answers: list[Any] = []

    @workflow.run
    async def run(self, schema: dict[str, Any]) -> Any:
        self.schema = schema
        await workflow.wait_condition(lambda: bool(self.answers))
        return self.answers[0]

    @workflow.query(name="__get_pending_inputs")
    def pending(self) -> dict[str, Any]:
        asked = {"task_id": workflow.info().workflow_id, "input_schema": self.schema, "label": "Refund of order 7"}
        return {"pending_inputs": [] if self.answers else [asked]}

    @workflow.update(name="__submit_input")
    async def submit(self, submitted: dict[str, Any]) -> dict[str, bool]:
        self.answers.append(submitted["input"])
        return {"accepted": True}

    @submit.validator
    def check(self, submitted: dict[str, Any]) -> None:
        if submitted["input"].get("amount", 0) > 100:
            raise ValueError("the input does not fit (amount: at most 100)")


@workflow.defn
class Broken:
    """Fails."""

    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("the warehouse is on fire", type="WarehouseError", non_retryable=True)


@workflow.defn(name=HOSTILE)
class Hostile:
    """Waits for an activity whose texts are hostile."""

    @workflow.run
    async def run(self, text: str) -> str:
        policy = RetryPolicy(initial_interval=timedelta(hours=1))
        return await workflow.execute_activity(
            hostile_activity, text, activity_id=HOSTILE, start_to_close_timeout=_MINUTE, retry_policy=policy
        )

    @workflow.signal(name=HOSTILE)
    def hostile(self, text: str) -> None:
        """Takes it."""


class World:
    """A worker on a thread of its own, and a way to start what it runs."""

    def __init__(self, address: str, key: str | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.client = self.do(Client.connect(address, api_key=key, tls=False))
        self._worker = Worker(
            self.client,
            task_queue=QUEUE,
            workflows=[Order, Pack, Payment, Lingering, Approval, Ask, Broken, Hostile],
            activities=[charge, linger, decline, hostile_activity],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        self._running: Future[None] = asyncio.run_coroutine_threadsafe(self._worker.run(), self._loop)

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Runs a call of the client, and answers its result."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    def start(self, kind: str, workflow_id: str, *arguments: Any, queue: str = QUEUE) -> str:
        """Starts a workflow; its run id."""
        handle = self.do(self.client.start_workflow(kind, args=arguments, id=workflow_id, task_queue=queue))
        assert handle.first_execution_run_id is not None
        return handle.first_execution_run_id

    def schedule(self, schedule_id: str) -> None:
        """Makes a schedule that starts an order every night, and starts one now."""
        action = ScheduleActionStartWorkflow("Approval", id=schedule_id, task_queue=QUEUE)
        spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1))])
        made = self.do(self.client.create_schedule(schedule_id, Schedule(action=action, spec=spec)))
        self.do(made.trigger())

    def signal(self, workflow_id: str, name: str, *arguments: Any) -> None:
        """Sends a signal."""
        self.do(self.client.get_workflow_handle(workflow_id).signal(name, args=arguments))

    def result(self, workflow_id: str) -> Any:
        """Waits for the end."""
        return self.do(self.client.get_workflow_handle(workflow_id).result())

    def status(self, workflow_id: str) -> str:
        """As `RUNNING`."""
        status = self.do(self.client.get_workflow_handle(workflow_id).describe()).status
        assert status is not None
        return status.name

    def events(self, workflow_id: str) -> list[str]:
        """The types of events, as `EVENT_TYPE_TIMER_STARTED`."""
        history = self.do(self.client.get_workflow_handle(workflow_id).fetch_history())
        return [str(event["eventType"]) for event in history.to_json_dict()["events"]]

    def attempts(self, workflow_id: str) -> int:
        """Attempts that its pending activity has begun; 0 without one."""
        pending = self.do(self.client.get_workflow_handle(workflow_id).describe()).raw_description.pending_activities
        return pending[0].attempt if pending else 0

    def until(self, workflow_id: str, attempts: int) -> None:
        """Waits until the pending activity is at that attempt."""

        async def wait() -> None:
            handle = self.client.get_workflow_handle(workflow_id)
            while not any(one.attempt >= attempts for one in (await handle.describe()).raw_description.pending_activities):
                await asyncio.sleep(0.02)

        self.do(asyncio.wait_for(wait(), 30))

    def until_asked(self, workflow_id: str) -> None:
        """Waits until it says that it waits for an input."""

        async def wait() -> None:
            handle = self.client.get_workflow_handle(workflow_id)
            while not (await handle.query("__get_pending_inputs"))["pending_inputs"]:
                await asyncio.sleep(0.02)

        self.do(asyncio.wait_for(wait(), 30))

    def fill(self) -> dict[str, str]:
        """One execution of each kind: run ids by workflow ids."""
        runs = {
            "order-1": self.start("Order", "order-1", {"id": 1, "amount": 30}),
            "order-2": self.start("Order", "order-2", {"id": 2, "amount": 12}),
            "payment-1": self.start("Payment", "payment-1", "card-7"),
            "approval-1": self.start("Approval", "approval-1"),
            "refund-1": self.start("Ask", "refund-1", REFUND),
            "confirm-1": self.start("Ask", "confirm-1", CONFIRM),
            "broken-1": self.start("Broken", "broken-1"),
            "lonely-1": self.start("Order", "lonely-1", {"id": 3}, queue="nobody"),
            HOSTILE: self.start(HOSTILE, HOSTILE, HOSTILE),
        }
        self.signal("order-1", "approve")
        self.result("order-1")
        self.signal(HOSTILE, HOSTILE, HOSTILE)
        self.until("payment-1", 3)
        self.until(HOSTILE, 2)
        return runs

    def close(self) -> None:
        """Stops the worker."""
        asyncio.run_coroutine_threadsafe(self._worker.shutdown(), self._loop).result(60)
        self._running.result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
