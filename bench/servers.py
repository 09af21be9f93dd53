"""The servers that are compared, each started fresh for a round."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from costs import Process, free_address, wait_until_listening

#: The real server reads its queues at most 20 times a second per shard by default, and the dev server has one shard:
#: every dispatch of a quiet workflow waits for the next 50 ms tick. Raised, it shows what it can do.
RAISED = ["history.transferProcessorMaxPollRPS=2000", "history.timerProcessorMaxPollRPS=2000"]

HEALTH_TRIES_MAX = 50

#: In memory is what `temporal server start-dev` does by default, and is its fastest; in a file it keeps what it has.
TEMPORAL_KINDS = ["Temporal, memory", "Temporal, memory, raised", "Temporal, file", "Temporal, file, raised"]
OSTRO = "Ostro"


@dataclass(frozen=True)
class Kind:
    """A server to measure: its name in the tables and its program."""

    name: str
    binary: Path

    def start(self, directory: Path) -> tuple[Process, str]:
        """Starts it on a directory of its own; returns it with its address, once it listens there."""
        address = free_address()
        server = Process(self._command(address, directory), directory / "server.log")
        wait_until_listening(address, server)
        return server, address

    def wait_until_healthy(self, address: str) -> None:
        """Temporal listens before it answers; what connects at once and does not try again waits for this first."""
        if self.name == OSTRO:
            return
        command = [str(self.binary), "operator", "cluster", "health", "--address", address]
        for _ in range(HEALTH_TRIES_MAX):
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.2)
        raise RuntimeError(f"{self.name} listens at {address} and does not become healthy")

    def _command(self, address: str, directory: Path) -> list[str]:
        return self._ostro(address, directory) if self.name == OSTRO else self._temporal(address, directory)

    def _ostro(self, address: str, directory: Path) -> list[str]:
        command = [str(self.binary), "serve", "--data", str(directory / "data"), "--namespace", "default"]
        return [*command, "--listen", address, "--http-listen", "127.0.0.1:0"]

    def _temporal(self, address: str, directory: Path) -> list[str]:
        host, port = address.rsplit(":", 1)
        command = [str(self.binary), "server", "start-dev", "--headless", "--ip", host, "--port", port]
        command += ["--log-level", "error"]
        if "file" in self.name:
            command += ["--db-filename", str(directory / "temporal.db")]
        for value in RAISED if "raised" in self.name else []:
            command += ["--dynamic-config-value", value]
        return command
