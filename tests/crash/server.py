"""The server under test: started, killed with SIGKILL, started again on the same data."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, RetryConfig
from temporalio.service import RPCError

READY_SECONDS_MAX = 30.0
#: A server that cannot write must end within this time, under load.
END_SECONDS_MAX = 45.0
#: Until the end of a process is known here, on a busy machine.
END_REPORTED_SECONDS_MAX = 1.0

NO_RETRY = RetryConfig(max_retries=1)


class Died(Exception):
    """The server ended without being killed, or did not come up."""


class Server:
    """One server process at a time, on one address and one directory."""

    def __init__(self, binary: Path, kind: str, directory: Path, port: int | None) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.kills = 0
        self.up = asyncio.Event()
        self.ready_seconds: list[float] = []
        self.data = directory / "data"
        self._binary = binary if kind == "ostro" else None
        self._command = self._ostro(binary) if kind == "ostro" else self._temporal(binary)
        self._environment: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._last_kill = 0.0

    def _ostro(self, binary: Path) -> list[str]:
        command = [str(binary), "serve", "--data", str(self.data), "--namespace", "default"]
        return [*command, "--listen", self.address, "--http-listen", "127.0.0.1:0"]

    def _temporal(self, binary: Path) -> list[str]:
        return [
            str(binary), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port),
            "--db-filename", str(self.directory / "temporal.db"), "--log-level", "error",
        ]  # fmt: skip

    @property
    def has_tools(self) -> bool:
        """Whether doctor, backup and restore are there: not with the real server."""
        return self._binary is not None

    async def tool(self, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
        """Runs a command of the binary on data; its exit code and what it says as JSON."""
        process = await asyncio.create_subprocess_exec(
            str(self._binary), *map(str, arguments), "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        answer, error = await process.communicate()
        return process.returncode or 0, json.loads(answer or error)

    def use_data(self, data: Path, environment: dict[str, str]) -> None:
        """Serves other data from the next start on, in that environment."""
        assert self._binary is not None
        self.data, self._environment = data, environment
        self._command = self._ostro(self._binary)

    async def start(self) -> None:
        began = time.monotonic()
        process = await self._spawn()
        while not await self._answers():
            if process.returncode is not None or time.monotonic() - began > READY_SECONDS_MAX:
                raise Died(f"the server did not come up (exit code {process.returncode})")
            await asyncio.sleep(0.005)
        self.ready_seconds.append(time.monotonic() - began)
        self.up.set()

    async def _spawn(self) -> asyncio.subprocess.Process:
        with (self.directory / "server.log").open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
            )
        return process

    def log(self, begin: int = 0) -> str:
        """What it has written since its log was `begin` bytes long."""
        path = self.directory / "server.log"
        return path.read_bytes()[begin:].decode(errors="replace") if path.exists() else ""

    async def refuse(self, *, may_idle: bool = False) -> str:
        """Starts where it cannot write: what it says as it ends by itself. Raises `Died` where it does not end.

        With `may_idle` it may also run as long as it has nothing to write; then it is killed.
        """
        begin = len(self.log().encode())
        await self._spawn()
        try:
            await self.end()
        except Died:
            if not may_idle:
                raise
            await self.kill()
            return "it had nothing to write on the full disk"
        return self.log(begin)

    async def end(self) -> None:
        """It must end by itself, soon."""
        process = self._process
        assert process is not None
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS_MAX)
        except TimeoutError:
            raise Died("the server goes on where it cannot write") from None
        self.up.clear()
        self._last_kill = time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Stands still for a while, as under a debugger or on a machine that is suspended."""
        process = self._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        self.disturb()

    def disturb(self) -> None:
        """What fails soon after is not the server's fault."""
        self._last_kill = time.monotonic()

    def on(self, data: Path) -> Server:
        """A server of the same binary on other data, at an address of its own."""
        assert self._binary is not None
        other = Server(self._binary, "ostro", self.directory, None)
        other.data = data
        other._command = other._ostro(self._binary)
        # What waits for a moment waits for that of the clock that set it.
        other._environment = self._environment
        return other

    async def count(self) -> int:
        """All executions that it lists."""
        client = await Client.connect(self.address)
        return (await client.count_workflows()).count

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            client = await Client.connect(self.address, retry_config=NO_RETRY)
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
            return True
        except (OSError, RuntimeError, RPCError):
            return False

    async def kill(self) -> None:
        """SIGKILL; it is an error when the server was not there any more."""
        process = self._process
        assert process is not None
        if process.returncode is not None:
            raise Died(f"the server ended by itself (exit code {process.returncode})")
        self.up.clear()
        self.kills += 1
        process.send_signal(signal.SIGKILL)
        await process.wait()
        self._last_kill = time.monotonic()

    def calm(self) -> bool:
        """True when the last kill is so long ago that no failed call can be blamed on it."""
        alive = self._process is not None and self._process.returncode is None
        return alive and self.up.is_set() and time.monotonic() - self._last_kill > 3.0

    async def still_calm(self) -> bool:
        """The same, once the end of its process would be known: its connections break before that is reported."""
        await asyncio.sleep(END_REPORTED_SECONDS_MAX)
        return self.calm()

    def check_alive(self) -> None:
        if self._process is None or self._process.returncode is not None:
            raise Died("the server ended by itself")

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
