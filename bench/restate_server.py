"""Restate's server, an endpoint of its TypeScript SDK, and a client, with what they cost."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

from contestants import run_program
from costs import Process, free_port, mib_on_disk, wait_until_listening
from rows import Figures

IDLE_SECONDS_BEFORE = 2.0
IDLE_SECONDS = 2.0
READY_SECONDS_MAX = 60.0

OPERATIONS = {"regular": 500, "local": 500, "workflows-1": 100, "workflows-16": 400, "workflows-256": 2000, "fan-out": 1000}


class RestateServer:
    """One node with its defaults; `start_ms` is until it answers on its ingress."""

    def __init__(self, place: Path, data: Path) -> None:
        self._place, self._data = place, data
        self._ingress, self._admin, self._fabric, self._endpoint = (free_port() for _ in range(4))

    def __enter__(self) -> RestateServer:
        began = time.monotonic()
        binary = self._place / "node_modules/.bin/restate-server"
        native = next(self._place.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"), binary)
        settings = {
            "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{self._ingress}",
            "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{self._admin}",
            "RESTATE_BIND_ADDRESS": f"127.0.0.1:{self._fabric}",
            "RESTATE_DISABLE_TELEMETRY": "true",
            "RESTATE_LOG_FILTER": "warn",
        }
        command = [str(native), "--base-dir", str(self._data / "restate"), "--listen-mode", "tcp", "--no-logo"]
        self._server = Process(command, self._data / "server.log", environment=settings)
        self._worker = Process(["node", "worker.js", str(self._endpoint)], self._data / "worker.log", self._place)
        try:
            self._wait_until_healthy()
            self.start_ms = 1000 * (time.monotonic() - began)
            wait_until_listening(f"127.0.0.1:{self._endpoint}", self._worker)
            self._register()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.stop()
        self._server.stop()

    def _wait_until_healthy(self) -> None:
        for port, path in ((self._ingress, "restate/health"), (self._admin, "health")):
            self._ask(urllib.request.Request(f"http://127.0.0.1:{port}/{path}"))

    def _register(self) -> None:
        body = json.dumps({"uri": f"http://127.0.0.1:{self._endpoint}"}).encode()
        url, headers = f"http://127.0.0.1:{self._admin}/deployments", {"content-type": "application/json"}
        self._ask(urllib.request.Request(url, body, headers))

    def _ask(self, request: urllib.request.Request) -> None:
        """Until it is answered."""
        began = time.monotonic()
        while True:
            try:
                urllib.request.urlopen(request, timeout=30).close()
                return
            except OSError:
                self._server.check_alive()
                if time.monotonic() - began > READY_SECONDS_MAX:
                    raise
                time.sleep(0.02)

    def idle(self) -> Figures:
        time.sleep(IDLE_SECONDS_BEFORE)
        before = self._server.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        cpu = self._server.cpu_seconds() - before
        disk = mib_on_disk(self._data)
        return {"rss_mib": self._server.rss_mib(), "cpu_ms_per_s": 1000 * cpu / IDLE_SECONDS, "disk_mib": disk}

    def work(self, row: str, scale: float) -> Figures:
        self._server.check_alive()
        count = max(2, round(OPERATIONS[row] * scale))
        in_flight = row.partition("workflows-")[2] or "1"
        before = self._server.cpu_seconds(), self._worker.cpu_seconds()
        command = ["node", "client.js", f"http://127.0.0.1:{self._ingress}", row, str(count), in_flight]
        figures: Figures = run_program(command, self._place, 180)[-1]
        after = self._server.cpu_seconds(), self._worker.cpu_seconds()
        figures["server_cpu_us"], figures["worker_cpu_us"] = (
            1e6 * (late - early) / count for late, early in zip(after, before, strict=True)
        )
        return figures | {"rss_mib_max": self._server.rss_mib_max(), "disk_mib": mib_on_disk(self._data)}
