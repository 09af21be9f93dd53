"""A handle follows its execution where it continues as new; one address is one engine in a process."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows
from ostro.workflows import workflow


@workflow.define(name="chained")
class Chained:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.number = 0

    @workflow.entrypoint
    async def execute(self, number: int, last: int) -> list[str]:
        self.number = number
        if number < last:
            workflow.continue_as_new(number + 1, last)
        await workflow.wait_condition(lambda: bool(self.told))
        return self.told

    @workflow.signal
    def tell(self, text: str) -> None:
        self.told.append(text)

    @workflow.query
    def run_number(self) -> int:
        return self.number

    @workflow.update
    async def change(self, text: str) -> int:
        return self.number


async def started(running: Any, last: int) -> Any:
    """A handle whose execution is at its last run."""
    handle = await running.start(Chained, 1, last)
    latest = running.client.get_handle(handle.id, workflow=Chained)
    while await latest.query(Chained.run_number) != last:
        await asyncio.sleep(0.02)
    return handle


def test_a_handle_follows_its_chain(engine: str, program: Any) -> None:
    async def body(running: Any) -> None:
        handle = await started(running, 3)
        assert await handle.query(Chained.run_number) == 3
        assert await handle.update(Chained.change, "x") == 3
        assert (await handle.describe()).status == "RUNNING"
        await handle.signal(Chained.tell, "hello")
        assert await handle.result() == ["hello"]
        first = running.client.get_handle(handle.id, handle.run_id, workflow=Chained)
        with pytest.raises(workflows.NotFoundError):
            await first.signal(Chained.tell, "to the first run only")
        for end, error in (("cancel", workflows.CanceledFailure), ("terminate", workflows.TerminatedFailure)):
            handle = await started(running, 2)
            await getattr(handle, end)()
            with pytest.raises(workflows.WorkflowFailedError) as caught:
                await asyncio.wait_for(handle.result(), 30)
            assert isinstance(caught.value.cause, error)

    program([Chained], body, engine)


def test_a_handle_ends_its_own_chain_only(program: Any) -> None:
    async def body(running: Any) -> None:
        before = await running.start(Chained, 1, 1, id="used-again")
        await before.signal(Chained.tell, "over")
        await before.result()
        again = await running.start(Chained, 1, 1, id="used-again")
        with pytest.raises(workflows.RpcError):
            await before.terminate()
        assert (await again.describe()).status == "RUNNING"
        await again.terminate()

    program([Chained], body)


def test_memory_is_one_engine_for_a_worker_and_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.config, "address", ":memory:")

    async def main() -> list[str]:
        async with workflows.Worker([Chained], task_queue="memory"), await workflows.Client.connect(task_queue="memory") as client:
            handle = await client.start(Chained, 1, 1)
            await handle.signal("tell", "one engine")
            found: list[str] = await asyncio.wait_for(handle.result(), 30)
            return found

    assert asyncio.run(main()) == ["one engine"]
    # It went with its last user.
    assert asyncio.run(listed(":memory:")) == []


async def listed(address: str, namespace: str | None = None) -> list[str]:
    async with await workflows.Client.connect(address, namespace=namespace) as client:
        return [one.id async for one in client.list()]


def test_loops_of_a_process_share_an_engine(tmp_path: Path) -> None:
    address, ready, over = str(tmp_path / "shared.db"), threading.Event(), threading.Event()
    failed: list[BaseException] = []

    async def work() -> None:
        async with workflows.Worker([Chained], address=address, task_queue="shared"):
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.02)

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            failed.append(error)
            ready.set()

    async def main() -> list[str]:
        async with await workflows.Client.connect(f"{tmp_path}/./shared.db", task_queue="shared") as client:
            handle = await client.start(Chained, 1, 1)
            await handle.signal(Chained.tell, "from another loop")
            found: list[str] = await asyncio.wait_for(handle.result(), 30)
            return found

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(30) and not failed
        assert asyncio.run(main()) == ["from another loop"]
    finally:
        over.set()
        thread.join(30)
    assert not failed and not thread.is_alive()


def test_namespaces_of_a_file_share_its_engine(tmp_path: Path) -> None:
    async def main() -> tuple[list[str], list[str]]:
        address = str(tmp_path / "spaces.db")
        async with (
            await workflows.Client.connect(address) as client,
            await workflows.Client.connect(address, namespace="other") as other,
        ):
            await client.start("nobody-runs-it", id="mine", task_queue="q")
            return [one.id async for one in client.list()], [one.id async for one in other.list()]

    assert asyncio.run(main()) == (["mine"], [])


def test_a_loop_that_ended_without_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    async def leave(address: str) -> None:
        client = await workflows.Client.connect(address)
        await client.start("nobody-runs-it", id="left", task_queue="q")

    async def find(address: str) -> list[str]:
        async with await workflows.Client.connect(address) as client:
            return [one.id async for one in client.list()]

    address = str(tmp_path / "left.db")
    asyncio.run(leave(address))
    assert asyncio.run(find(address)) == ["left"]
    asyncio.run(leave(":memory:"))
    assert asyncio.run(find(":memory:")) == []


def test_two_keys_are_two_connections(ostro_server: str) -> None:
    async def main() -> None:
        first = await workflows.Client.connect(ostro_server, api_key="")
        second = await workflows.Client.connect(ostro_server, api_key="another")
        assert first.connection.core is not second.connection.core
        await first.close()
        await second.close()

    asyncio.run(main())
