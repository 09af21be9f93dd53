"""What an attack needs: a server of its own, API keys, raw gRPC and raw HTTP.

Nothing here retries, and nothing hides an answer: a call gives its status code and its message or words.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
import temporalio.api.common.v1 as common
import temporalio.api.enums.v1 as enums
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflowservice.v1 as service
from temporalio.api.command.v1 import Command
from temporalio.api.operatorservice.v1 import OperatorServiceStub
from temporalio.api.workflowservice.v1 import WorkflowServiceStub

BINARY = Path(os.environ.get("OSTRO_BINARY", Path(__file__).resolve().parents[2] / "target/debug/ostro"))
START_SECONDS_MAX = 30.0
END_SECONDS_MAX = 20.0
#: What a server says once it takes calls.
UP = "\n  Namespaces  "
NAMESPACE = "default"
QUEUE = "q"
#: By name; one that is `None` is not sent at all.
Headers = Mapping[str, str | None]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Answer:
    """A call's status code by name, and its message (OK) or the words of the refusal."""

    code: str
    message: Any = None
    words: str = ""

    @property
    def ok(self) -> bool:
        return self.code == "OK"


@dataclass
class Response:
    """An HTTP response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


@dataclass
class Caller:
    """Somebody with a key, or without: `caller.call("StartWorkflowExecution", request)`."""

    server: Server
    key: str | None = None
    _channel: grpc.Channel | None = None
    _begun: list[grpc.Future[Any]] = field(default_factory=list)

    def call(self, method: str, request: Any, seconds: float = 10.0, metadata: list[tuple[str, str]] | None = None) -> Answer:
        stub = (OperatorServiceStub if hasattr(_OPERATOR, method) else WorkflowServiceStub)(self.channel())
        return answer(lambda: getattr(stub, method)(request, metadata=self.metadata(metadata), timeout=seconds))

    def begin(self, method: str, request: Any, seconds: float = 10.0) -> grpc.Future[Any]:
        """The same without waiting for the answer: `answer(begun.result)` waits."""
        stub = (OperatorServiceStub if hasattr(_OPERATOR, method) else WorkflowServiceStub)(self.channel())
        begun: grpc.Future[Any] = getattr(stub, method).future(request, metadata=self.metadata(None), timeout=seconds)
        # A call that nobody holds is cancelled.
        self._begun.append(begun)
        return begun

    def http(self, verb: str, path: str, body: bytes | str | None = None, headers: Headers | None = None) -> Response:
        """By HTTP, with the key; `headers` may replace any, Host among them."""
        own = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return self.server.http(verb, path, body, {**own, **(headers or {})})

    def metadata(self, more: list[tuple[str, str]] | None) -> list[tuple[str, str]]:
        own = [("authorization", f"Bearer {self.key}")] if self.key else []
        return [*own, *(more or [])]

    def channel(self) -> grpc.Channel:
        if self._channel is None:
            self._channel = self.server.channel()
        return self._channel


class _Names:
    """Takes the place of a channel: a stub tells its methods by it."""

    def unary_unary(self, *_: Any, **__: Any) -> None:
        return None


_OPERATOR = OperatorServiceStub(cast(grpc.Channel, _Names()))


def answer(call: Any) -> Answer:
    try:
        return Answer("OK", call())
    except grpc.RpcError as error:
        return Answer(error.code().name, words=error.details() or "")


@dataclass
class Server:
    """A server process on addresses and data of its own."""

    arguments: list[str] = field(default_factory=list)
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ostro-hostile-")))
    #: In `directory` where nothing is said.
    data: Path = Path()
    config: str = ""
    host: str = "127.0.0.1"
    http_host: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    #: Goes before the command, such as `["prlimit", "--nofile=256"]`.
    prefix: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.data == Path():
            self.data = self.directory / "data"
        self.port, self.http_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server has never been started"
        return self._process

    def start(self) -> Server:
        """Starts it and waits until it takes calls.

        Raises:
            RuntimeError: it ended, or took too long; with the end of its log.
        """
        before = len(self.log())
        self.spawn()
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log()[-2000:]}")
            # Its ports are open before it has looked at its data.
            if UP in self.log()[before:]:
                return self
            time.sleep(0.02)
        raise RuntimeError(f"the server did not come up: {self.log()[-2000:]}")

    def spawn(self) -> None:
        """Starts it, whatever becomes of it."""
        command = [*self.prefix, str(BINARY), "serve", "--data", str(self.data), *self.arguments]
        command += ["--listen", f"{self.host}:{self.port}", "--http-listen", f"{self.http_host or self.host}:{self.http_port}"]
        if self.config:
            path = self.directory / "ostro.toml"
            path.write_text(self.config)
            command += ["--config", str(path)]
        with (self.directory / "log").open("ab") as log:
            environment = {**os.environ, **self.environment}
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def stop(self, kill: bool = False) -> int:
        """Ends it, by SIGKILL where it is to be killed; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                self.process.wait(END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def restart(self, kill: bool = False) -> Server:
        self.stop(kill)
        return self.start()

    def remove(self) -> None:
        if self._process is not None:
            self.stop(kill=True)
        if not os.environ.get("HOSTILE_KEPT"):
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"kept: {self.directory}")

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def memory(self) -> float:
        """What it holds in memory, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def channel(self) -> grpc.Channel:
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[*options, ("grpc.use_local_subchannel_pool", 1)])

    def caller(self, key: str | None = None) -> Caller:
        """Somebody with this key; without one somebody without."""
        return Caller(self, key)

    def key(self, role: str, *namespaces: str) -> str:
        """A new API key: `server.key("worker", "a")`; `*` is every namespace. The server need not run."""
        names = [word for namespace in namespaces for word in ("--namespace", namespace)]
        return self.tool("token", "create", "--data", self.data, "--name", role, "--role", role, *names).stdout.strip()

    def key_ids(self) -> list[str]:
        """The ids of the keys that there are."""
        listed = self.tool("token", "list", "--data", self.data).stdout
        return [line.split()[0] for line in listed.splitlines() if line]

    def tool(self, *arguments: str | Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs another command of the binary; with `ok` it must succeed."""
        done = subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, check=False)
        assert not ok or done.returncode == 0, f"{arguments}: {done.stderr}"
        return done

    def http(
        self, verb: str, path: str, body: bytes | str | None = None, headers: Headers | None = None, host: str = "127.0.0.1"
    ) -> Response:
        """One request on a connection of its own. A header that is `None` is not sent at all."""
        connection = http.client.HTTPConnection(host, self.http_port, timeout=20)
        try:
            given = headers or {}
            content = body.encode() if isinstance(body, str) else body
            names = {name.lower() for name in given}
            connection.putrequest(verb, path, skip_host="host" in names, skip_accept_encoding=True)
            if content is not None and "content-length" not in names:
                connection.putheader("Content-Length", str(len(content)))
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(content)
            got = connection.getresponse()
            return Response(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    # What an honest caller does, so that there is something to attack.

    def run(self, caller: Caller, workflow_id: str, namespace: str = NAMESPACE, queue: str = QUEUE) -> str:
        """Starts a workflow; its run id."""
        started = caller.call("StartWorkflowExecution", start(workflow_id, namespace, queue))
        assert started.ok, started
        return str(started.message.run_id)

    def task(self, caller: Caller, namespace: str = NAMESPACE, queue: str = QUEUE) -> service.PollWorkflowTaskQueueResponse:
        """A workflow task, which must be there."""
        request = service.PollWorkflowTaskQueueRequest(
            namespace=namespace, task_queue=taskqueue.TaskQueue(name=queue), identity="w"
        )
        polled = caller.call("PollWorkflowTaskQueue", request)
        assert polled.ok and polled.message.task_token, polled
        task: service.PollWorkflowTaskQueueResponse = polled.message
        return task

    def status(self, caller: Caller, workflow_id: str, namespace: str = NAMESPACE) -> str:
        """The status of a workflow's newest run, as `RUNNING`."""
        execution = common.WorkflowExecution(workflow_id=workflow_id)
        request = service.DescribeWorkflowExecutionRequest(namespace=namespace, execution=execution)
        described = caller.call("DescribeWorkflowExecution", request)
        assert described.ok, described
        name = enums.WorkflowExecutionStatus.Name(described.message.workflow_execution_info.status)
        return name.removeprefix("WORKFLOW_EXECUTION_STATUS_")

    def history(self, caller: Caller, workflow_id: str, namespace: str = NAMESPACE) -> list[str]:
        """The types of a workflow's events, as `WORKFLOW_EXECUTION_STARTED`."""
        execution = common.WorkflowExecution(workflow_id=workflow_id)
        request = service.GetWorkflowExecutionHistoryRequest(namespace=namespace, execution=execution)
        read = caller.call("GetWorkflowExecutionHistory", request)
        assert read.ok, read
        return [enums.EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in read.message.history.events]


def start(workflow_id: str, namespace: str = NAMESPACE, queue: str = QUEUE, **more: Any) -> service.StartWorkflowExecutionRequest:
    return service.StartWorkflowExecutionRequest(
        namespace=namespace,
        workflow_id=workflow_id,
        workflow_type=common.WorkflowType(name="W"),
        task_queue=taskqueue.TaskQueue(name=queue),
        request_id=str(uuid.uuid4()),
        **more,
    )


def command(kind: str, **attributes: Any) -> Command:
    """A command of a workflow task: `command("schedule_activity_task", schedule_activity_task_command_attributes=...)`."""
    return Command(command_type=enums.CommandType.Value(f"COMMAND_TYPE_{kind.upper()}"), **attributes)
