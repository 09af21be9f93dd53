"""The servers that are compared, each started fresh for a round, and what they cost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

READY_SECONDS_MAX = 30.0

#: The real server reads its queues at most 20 times a second per shard by default, and the dev server has one shard:
#: every dispatch of a quiet workflow waits for the next 50 ms tick. Raised, it shows what it can do.
RAISED = ["history.transferProcessorMaxPollRPS=2000", "history.timerProcessorMaxPollRPS=2000"]


@dataclass(frozen=True)
class Kind:
    """A server to measure: its name in the table and the command that starts it."""

    name: str
    binary: Path

    def command(self, address: str, directory: Path) -> list[str]:
        return self._ostro(address, directory) if self.name == "ostro" else self._temporal(address, directory)

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


#: In memory is what `temporal server start-dev` does by default, and is its fastest; in a file it keeps what it has.
TEMPORAL_KINDS = ["temporal memory", "temporal memory raised", "temporal file raised", "temporal file"]


class Process:
    """A process in a session of its own, with its costs read from /proc."""

    def __init__(self, command: list[str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def check_alive(self) -> None:
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._process.args[0]} ended by itself (exit code {self._process.returncode})")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        return self._status_mib("VmRSS")

    def rss_mib_max(self) -> float:
        return self._status_mib("VmHWM")

    def _status_mib(self, field: str) -> float:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no {field} in /proc")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def wait_until_listening(address: str, process: Process) -> None:
    host, port = address.rsplit(":", 1)
    began = time.monotonic()
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            process.check_alive()
            if time.monotonic() - began > READY_SECONDS_MAX:
                raise
            time.sleep(0.02)


def free_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def mib_on_disk(directory: Path) -> float:
    """What the files take on disk, not their length."""
    blocks = sum(path.stat().st_blocks for path in directory.rglob("*") if path.is_file())
    return blocks * 512 / 2**20
