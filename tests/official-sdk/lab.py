"""Processes under test: an engine, the HTTP API, official workers; and the official client that drives them."""

from __future__ import annotations

import inspect
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from mistralai.client import Mistral

HERE = Path(__file__).resolve().parent
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(what: str, probe: Any, patience: float = PATIENCE) -> Any:
    """The first true value of `probe`."""
    end = time.monotonic() + patience
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience} s for {what}")
        time.sleep(0.05)


class Processes:
    """What was started, with its output in files; ended together."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with open(self.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=HERE, env={**os.environ, **(environment or {})})
        self.running[name] = process
        return process

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop_all(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def tail(self, name: str, lines: int = 40) -> str:
        path = self.directory / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


class Lab:
    """An API with an engine, a worker and a client."""

    def __init__(self, ostro: Path, directory: Path, over_temporal: bool, otel: bool = True) -> None:
        self.ostro = ostro
        self.over_temporal = over_temporal
        self.has_temporal = False
        self.otel = otel
        self.processes = Processes(directory)
        self.grpc, self.http = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        self.directory = directory
        self.data = directory / "data"
        self.called: set[str] = set()
        self.settings: dict[str, str] = {}
        self.arguments: list[str] = []
        # Of a Temporal server that is started with no other settings; `None` is with those of the conformance suite.
        self.dynamic_config: list[str] | None = None
        # Whether that one keeps its data in a file, as Ostro always does; by itself it does not.
        self.temporal_keeps = False
        self.api_key = "any"
        self.authority: str | None = None

    def another(self, name: str, like_this: bool = True) -> Lab:
        """A second server with data of its own; it shares the Temporal server that this one is over."""
        directory = self.directory / name
        directory.mkdir()
        lab = Lab(self.ostro, directory, self.over_temporal and like_this, otel=False)
        if lab.over_temporal:
            lab.grpc, lab.has_temporal = self.grpc, True
        return lab

    def start_server(self) -> None:
        command = [str(self.ostro), "serve", "--data", str(self.data), "--http-listen", f"127.0.0.1:{self.http}"]
        if self.over_temporal:
            if not self.has_temporal:
                self.start_temporal()
                self.has_temporal = True
            command += ["--engine", f"temporal://127.0.0.1:{self.grpc}", "--namespace", "default"]
        else:
            command += ["--listen", f"127.0.0.1:{self.grpc}"]
        self.processes.start("ostro", command + self.arguments)
        wait_for("the API", self.answers)

    def start_temporal(self) -> None:
        cli = shutil.which("temporal", path=os.path.dirname(sys.executable)) or "temporal"
        script = HERE.parents[1] / "conformance" / "start-temporal.sh"
        command = ["sh", str(script), str(self.grpc)]
        if self.dynamic_config is not None:
            command = [cli, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.grpc)]
            command += ["--log-level", "error", "--search-attribute", "OtelTraceId=Keyword"]
            command += [part for value in self.dynamic_config for part in ("--dynamic-config-value", value)]
            command += ["--db-filename", str(self.directory / "temporal.db")] if self.temporal_keeps else []
        self.processes.start("temporal", command, {"TEMPORAL": cli})
        address = ("127.0.0.1", self.grpc)
        wait_for("the Temporal server", lambda: socket.socket().connect_ex(address) == 0)

    def run(self, *command: str) -> str:
        """What `ostro` says to a command."""
        done = subprocess.run([self.ostro, *command], capture_output=True, check=False, text=True)
        assert done.returncode == 0, f"ostro {' '.join(command)}: {done.stderr}"
        return done.stdout

    def answers(self) -> bool:
        try:
            return self.get("/openapi.json", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.url + path, headers={"authorization": f"Bearer {self.api_key}"}, verify=self.trust(), **more)

    def trust(self) -> ssl.SSLContext | bool:
        return ssl.create_default_context(cafile=self.authority) if self.authority else True

    def start_worker(self, name: str = "worker", deployment: str = "lab", **environment: str) -> None:
        settings = {
            "SERVER_URL": self.url,
            "MISTRAL_API_KEY": self.api_key,
            "DEPLOYMENT_NAME": deployment,
            "WORKER_NAME": name,
            "OTEL_ENABLED": "true" if self.otel else "false",
            "OTEL_EXPORT_INTERVAL_MS": "1000",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "INFO" if self.otel else "WARNING",
            **self.settings,
            **environment,
        }
        self.processes.start(name, [sys.executable, str(HERE / "worker.py")], settings)

    def wait_for_worker(self, deployment: str = "lab") -> None:
        def active() -> bool:
            answer = self.get(f"/v1/workflows/deployments/{deployment}")
            return answer.status_code == 200 and answer.json()["is_active"]

        # Python takes its time to import the package on a machine that is busy.
        wait_for(f"a worker of {deployment}", active, 3 * PATIENCE)

    def client(self) -> Mistral:
        more = {"client": httpx.Client(verify=self.trust(), follow_redirects=True)} if self.authority else {}
        client = Mistral(api_key=self.api_key, server_url=self.url, **more)
        self.record(client)
        return client

    def record(self, client: Mistral) -> None:
        """Notes which public methods are called."""
        for area, resource in resources(client).items():
            for name in methods(resource):
                setattr(resource, name, self.noted(f"{area}.{name}", getattr(resource, name)))

    def noted(self, name: str, method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self.called.add(name)
            return method(*arguments, **named)

        return call

    def stop(self) -> None:
        self.processes.stop_all()


def resources(client: Mistral) -> dict[str, object]:
    workflows = client.workflows
    return {
        "workflows": workflows,
        "executions": workflows.executions,
        "runs": workflows.runs,
        "schedules": workflows.schedules,
        "events": workflows.events,
        "deployments": workflows.deployments,
        "metrics": workflows.metrics,
    }


def methods(resource: object) -> list[str]:
    """The synchronous methods of a part of the client; each has an asynchronous twin that sends the same."""
    inherited = {name for base in type(resource).__mro__[1:] for name in vars(base)}
    own = [name for name, _ in inspect.getmembers(type(resource), inspect.isfunction)]
    return [name for name in own if not name.startswith("_") and not name.endswith("_async") and name not in inherited]
