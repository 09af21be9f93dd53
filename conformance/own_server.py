"""A server for the time of one run, with nothing kept: Ostro, or the real one."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from environment import Error

HERE = Path(__file__).resolve().parent
READY_SECONDS_MAX = 20.0
#: The real server listens before it answers.
TEMPORAL_SECONDS = 5.0


@contextlib.contextmanager
def ostro(binary: str, log: Path) -> Iterator[str]:
    """Yields its address."""
    address = f"127.0.0.1:{_free_port()}"
    command = [binary, "dev", "--ephemeral", "--listen", address, "--http-listen", "127.0.0.1:0"]
    command += ["--config", str(HERE / "ostro.toml")]
    with _serving(command, os.environ, address, log):
        yield address


@contextlib.contextmanager
def temporal(binary: str, log: Path) -> Iterator[str]:
    """The same of the real server, with what `start-temporal.sh` switches on."""
    port = _free_port()
    address = f"127.0.0.1:{port}"
    command = ["sh", str(HERE / "start-temporal.sh"), str(port)]
    with _serving(command, os.environ | {"TEMPORAL": binary}, address, log):
        time.sleep(TEMPORAL_SECONDS)
        yield address


@contextlib.contextmanager
def _serving(command: list[str], environment: Mapping[str, str], address: str, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
    try:
        _wait(address, command, process, log)
        yield
        if process.poll() is not None:
            print(f"the server ended by itself (exit code {process.returncode}): see {log}")
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(address: str, command: list[str], process: subprocess.Popen[bytes], log: Path) -> None:
    host, port = address.rsplit(":", 1)
    began = time.monotonic()
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() - began > READY_SECONDS_MAX:
                raise Error(f"{' '.join(command)} did not come up: see {log}") from None
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
