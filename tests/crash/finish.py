"""Brings every open order of a server to its end: what a restored backup must be good for."""

from __future__ import annotations

import asyncio
from typing import Any

from server import Server
from temporalio.client import Client
from temporalio.service import RPCError
from workers import Workers

FINISH_SECONDS_MAX = 120

OPEN_ORDERS = "ExecutionStatus = 'Running' AND WorkflowType = 'Order'"
OPEN = "ExecutionStatus = 'Running'"


class Payer:
    """Completes the payments that workers report."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()

    def on_report(self, report: dict[str, Any]) -> None:
        if report["kind"] == "pay":
            task = asyncio.create_task(self._pay(bytes.fromhex(report["token"])))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pay(self, token: bytes) -> None:
        try:
            await self._client.get_async_activity_handle(task_token=token).complete("paid on the copy")
        except RPCError:
            pass  # that attempt is over: the next one is reported again


async def finish_all(server: Server) -> tuple[int, list[str]]:
    """How many open orders there were, and what is wrong with those that do not end."""
    client = await Client.connect(server.address)
    orders = [order async for order in client.list_workflows(OPEN_ORDERS)]
    workers = Workers(server, Payer(client).on_report)
    try:
        await workers.start("fresh")
        await workers.tell_restart()
        for order in orders:
            await client.get_workflow_handle(order.id).signal("finish", 999)
        return len(orders), await left_open(client)
    finally:
        await workers.stop()


async def left_open(client: Client) -> list[str]:
    for _ in range(FINISH_SECONDS_MAX * 2):
        if (await client.count_workflows(OPEN)).count == 0:
            return []
        await asyncio.sleep(0.5)
    left = [order async for order in client.list_workflows(OPEN)]
    return [f"{order.id} does not end" for order in left if not await given_up_by_sdk(client, order.id)]


async def given_up_by_sdk(client: Client, workflow_id: str) -> bool:
    """See `verify.given_up_by_sdk`: now and then the SDK refuses a history of its own."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    failures = [event.workflow_task_failed_event_attributes.failure.message for event in history.events]
    return any("TMPRL1100" in failure for failure in failures)
