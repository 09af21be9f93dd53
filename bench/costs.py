"""Processes, and what they cost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_SECONDS_MAX = 60.0


class Process:
    """A process in a session of its own, with its costs from the kernel."""

    def __init__(self, command: list[str], log: Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
            )
        self.pid = self._process.pid
        self._program = command[0]
        self._log = log

    def check_alive(self) -> None:
        if self._process.poll() is not None:
            words = self._log.read_text(errors="replace").strip().splitlines()[-3:]
            code = self._process.returncode
            raise RuntimeError(f"{self._program} ended by itself (exit code {code}): {' '.join(words)}")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far, those that have ended too."""
        # The clock of another process's CPU time, as clock_getcpuclockid(3) makes it.
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss_mib(self) -> float:
        return self._status_mib("VmRSS")

    def rss_mib_max(self) -> float:
        return self._status_mib("VmHWM")

    def _status_mib(self, field: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no {field} in /proc/{self.pid}/status")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


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
            time.sleep(0.005)


def free_address() -> str:
    return f"127.0.0.1:{free_port()}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def mib_on_disk(directory: Path) -> float:
    """What the files take on disk, not their length."""
    blocks = sum(path.stat().st_blocks for path in directory.rglob("*") if path.is_file())
    return blocks * 512 / 2**20
