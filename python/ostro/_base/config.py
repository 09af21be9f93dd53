"""Settings, from the environment: the names and defaults of the original SDK, and `OSTRO_ADDRESS`."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field

EXACT_VALUES = "OSTRO_EXACT_VALUES"
WRAP_RESULTS = "OSTRO_WRAP_RESULTS"
EXECUTION_TIMEOUT = "OSTRO_EXECUTION_TIMEOUT"


def _text(*names: str, default: str = "") -> str:
    for name in names:
        if value := os.environ.get(name):
            return value
    return default


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    if not text or text == "null":
        return default
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is no number") from None


def _flag(name: str, default: bool) -> bool:
    found = _maybe(name)
    return default if found is None else found


def _maybe(*names: str) -> bool | None:
    name = next((name for name in names if os.environ.get(name)), None)
    if name is None:
        return None
    text = os.environ[name].lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{name}={text!r} is neither true nor false")


@dataclass
class WorkerConfig:
    """What a worker and its activities take where they say nothing themselves."""

    #: Total attempts of an activity; 0 for no limit. `RETRY_POLICY_MAX_ATTEMPTS`.
    retry_policy_max_attempts: int = field(default_factory=lambda: int(_number("RETRY_POLICY_MAX_ATTEMPTS", 3)))
    #: Factor between two waits. `RETRY_POLICY_BACKOFF_COEFFICIENT`.
    retry_policy_backoff_coefficient: float = field(default_factory=lambda: _number("RETRY_POLICY_BACKOFF_COEFFICIENT", 2.0))
    #: A plain exception fails the execution; `false` keeps it running, and its task is tried again until the code is fixed.
    #: `DANGEROUSLY_FORCE_FAIL_WORKFLOW_ON_ERROR`.
    fail_workflow_on_error: bool = field(default_factory=lambda: _flag("DANGEROUSLY_FORCE_FAIL_WORKFLOW_ON_ERROR", True))
    #: Whether what breaks determinism is refused. `DEFAULT_ENFORCE_DETERMINISM`.
    enforce_determinism: bool = field(default_factory=lambda: _flag("DEFAULT_ENFORCE_DETERMINISM", True))
    #: Put before the name of every workflow. `WORKFLOW_NAME_PREFIX`.
    workflow_name_prefix: str = field(default_factory=lambda: _text("WORKFLOW_NAME_PREFIX"))
    #: Calls that wait for workflow tasks, and for activity tasks; 0 for what fits the engine: 5 at a server, 64 where it runs in this
    #: process. `MAX_WORKFLOW_TASK_POLLERS`, `MAX_ACTIVITY_TASK_POLLERS`.
    max_workflow_task_pollers: int = field(default_factory=lambda: int(_number("MAX_WORKFLOW_TASK_POLLERS", 0)))
    max_activity_task_pollers: int = field(default_factory=lambda: int(_number("MAX_ACTIVITY_TASK_POLLERS", 0)))
    #: Activities at a time, on each queue that the worker polls. `MAX_CONCURRENT_ACTIVITIES`.
    max_concurrent_activities: int = field(default_factory=lambda: int(_number("MAX_CONCURRENT_ACTIVITIES", 100)))
    #: Executions kept in memory between their tasks.
    max_cached_workflows: int = field(default_factory=lambda: int(_number("MAX_CACHED_WORKFLOWS", 1000)))
    #: Whether a value that nothing annotates must arrive equal: a tuple that would arrive as a list is refused. `false` sends its JSON, as
    #: programs of the original expect. `OSTRO_EXACT_VALUES`.
    exact_values: bool = field(default_factory=lambda: _flag(EXACT_VALUES, True))
    #: Whether a workflow's result that is no model is sent as `{"result": ...}`, as by the original. `OSTRO_WRAP_RESULTS`.
    wrap_results: bool = field(default_factory=lambda: _flag(WRAP_RESULTS, False))
    #: Whether the log line of a failed activity shows the first 200 characters of its input. `OSTRO_LOG_INPUT`.
    log_activity_input: bool = field(default_factory=lambda: _flag("OSTRO_LOG_INPUT", True))
    #: Of a whole execution whose workflow says none, in seconds; 0 for none. `OSTRO_EXECUTION_TIMEOUT`.
    execution_timeout: float = field(default_factory=lambda: _number(EXECUTION_TIMEOUT, 0.0))
    #: How long workflow code may run without a yield before it is interrupted and its task tried again, in seconds; 0 for ever, as for a
    #: debugger. `OSTRO_DEADLOCK_TIMEOUT`.
    deadlock_timeout: float = field(default_factory=lambda: _number("OSTRO_DEADLOCK_TIMEOUT", 2.0))
    #: How long activities may go on when the worker is told to stop, in seconds.
    graceful_shutdown_timeout: float = field(default_factory=lambda: _number("GRACEFUL_SHUTDOWN_TIMEOUT", 10.0))


@dataclass
class WorkflowsConfig:
    """All settings. Changing a field of `config` changes what is started after."""

    #: host:port of an Ostro server or a Temporal cluster, else the file of an engine in this process. `OSTRO_ADDRESS`.
    address: str = field(default_factory=lambda: _text("OSTRO_ADDRESS", "TEMPORAL_SERVER_URL"))
    #: `OSTRO_NAMESPACE`, `TEMPORAL_NAMESPACE`.
    namespace: str = field(default_factory=lambda: _text("OSTRO_NAMESPACE", "TEMPORAL_NAMESPACE", default="default"))
    #: `DEPLOYMENT_NAME`, `TEMPORAL_TASK_QUEUE`.
    task_queue: str = field(default_factory=lambda: _text("DEPLOYMENT_NAME", "TEMPORAL_TASK_QUEUE", default="default"))
    #: Sent to servers: over TLS, or to this machine. `OSTRO_API_KEY`, `TEMPORAL_API_KEY`.
    api_key: str = field(default_factory=lambda: _text("OSTRO_API_KEY", "TEMPORAL_API_KEY"))
    #: Whether TLS is spoken with servers; `None`: where `https://`, a file below, or a key to another machine asks for it.
    #: `OSTRO_TLS`, `TEMPORAL_TLS`.
    tls: bool | None = field(default_factory=lambda: _maybe("OSTRO_TLS", "TEMPORAL_TLS"))
    #: A file with the authority of the server's certificate (PEM). `OSTRO_TLS_CA`, or Temporal's names.
    tls_server_root_ca_cert_path: str = field(
        default_factory=lambda: _text("OSTRO_TLS_CA", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_ROOT_CA_CERT_PATH")
    )
    #: Files with a certificate of the program's own and its private key (PEM). `OSTRO_TLS_CERT`, `OSTRO_TLS_KEY`, or Temporal's names.
    tls_cert_path: str = field(default_factory=lambda: _text("OSTRO_TLS_CERT", "TEMPORAL_TLS_CLIENT_CERT_PATH"))
    tls_key_path: str = field(default_factory=lambda: _text("OSTRO_TLS_KEY", "TEMPORAL_TLS_CLIENT_KEY_PATH"))
    #: The name in the server's certificate, where it is not the address's host. `OSTRO_TLS_SERVER_NAME`, `TEMPORAL_TLS_SERVER_NAME`.
    tls_server_name: str = field(default_factory=lambda: _text("OSTRO_TLS_SERVER_NAME", "TEMPORAL_TLS_SERVER_NAME"))
    #: Lets the key leave over plain text to another machine. `OSTRO_PLAIN_TEXT_KEY`.
    plain_text_key: bool = field(default_factory=lambda: _flag("OSTRO_PLAIN_TEXT_KEY", False))
    #: Who this process is, to the engine. `WORKER_NAME`.
    worker_name: str = field(default_factory=lambda: _text("WORKER_NAME", default=socket.gethostname()))
    worker: WorkerConfig = field(default_factory=WorkerConfig)

    def identity(self) -> str:
        """Who this process is: process id and worker name."""
        return f"{os.getpid()}@{self.worker_name}"


#: The settings of this process.
config: WorkflowsConfig = WorkflowsConfig()
