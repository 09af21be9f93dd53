"""A web page beside a server on loopback: requests across sites, DNS rebinding, what a browser can make of the gRPC port."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflowservice.v1 as service
from lab import NAMESPACE, Server, answer

EVIL = "http://evil.example"
#: Every kind of route: the API's, that of Nexus by queue and by endpoint, its callback, metrics, health, the document.
ROUTES = [
    ("GET", "/v1/workflows/runs"),
    ("GET", "/v1/workflows/events/list"),
    ("GET", "/v1/workflows/events/stream"),
    ("GET", "/v1/workflows/workers/whoami"),
    ("POST", "/v1/workflows/W/execute"),
    ("POST", "/v1/workflows/executions/victim/terminate"),
    ("POST", "/v1/workflows/register"),
    ("DELETE", "/v1/workflows/schedules/s"),
    ("POST", "/namespaces/default/task-queues/q/nexus-services/bank/transfer"),
    ("POST", "/namespaces/default/task-queues/q/nexus-services/bank/transfer/cancel"),
    ("POST", "/nexus/endpoints/00000000-0000-0000-0000-000000000000/services/bank/transfer"),
    ("POST", "/nexus/callback"),
    ("POST", "/namespaces/default/nexus/callback"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
    ("GET", "/openapi.json"),
    ("GET", "/nothing/is/here"),
    ("OPTIONS", "/v1/workflows/executions/victim/terminate"),
]
NAMES = [f"{verb} {path}" for verb, path in ROUTES]


@pytest.fixture(scope="module")
def shared() -> Any:
    """One server for all of these: none of them may change it."""
    server = Server().start()
    server.run(server.caller(), "victim")
    yield server
    assert server.status(server.caller(), "victim") == "RUNNING"
    server.remove()


@pytest.mark.parametrize(("verb", "path"), ROUTES, ids=NAMES)
def test_a_name_that_was_led_here_is_not_answered(shared: Server, verb: str, path: str) -> None:
    """After DNS rebinding the page's own name is that of the request, and its origin the same."""
    for name in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example."):
        host = f"{name}:{shared.http_port}"
        headers = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
        refused = shared.http(verb, path, "{}" if verb == "POST" else None, headers)
        assert refused.status == 421, (name, refused)
        assert "allowed_hosts" in refused.text and "evil.example" in refused.text


@pytest.mark.parametrize(("verb", "path"), ROUTES, ids=NAMES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_a_page_of_another_site_is_not_answered(shared: Server, verb: str, path: str, headers: dict[str, str]) -> None:
    """Not even what a browser sends without asking first: a POST of plain text."""
    refused = shared.http(verb, path, '{"to": "evil"}' if verb == "POST" else None, {**headers, "Content-Type": "text/plain"})
    assert refused.status == 403, refused
    assert not [name for name in refused.headers if name.startswith("access-control")]


def test_a_host_that_is_none_is_refused(shared: Server) -> None:
    for host in (None, "", "a b", "user@localhost", "localhost, evil.example"):
        assert shared.http("GET", "/v1/workflows/runs", None, {"Host": host}).status == 400, host
    with socket.create_connection(("127.0.0.1", shared.http_port)) as raw:
        raw.settimeout(5)
        raw.sendall(b"GET /v1/workflows/runs HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert b" 400 " in raw.recv(1000).split(b"\r\n")[0]
    with socket.create_connection(("127.0.0.1", shared.http_port)) as raw:
        raw.settimeout(5)
        raw.sendall(b"GET http://evil.example/v1/workflows/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b" 400 " in raw.recv(1000).split(b"\r\n")[0]


def test_programs_and_own_pages_are_answered(shared: Server) -> None:
    port = shared.http_port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"ostro.localhost:{port}"):
        for headers in ({}, {"Origin": f"http://{host}"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
            assert shared.http("GET", "/v1/workflows/runs", None, {"Host": host, **headers}).status == 200, (host, headers)
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert shared.http("GET", "/openapi.json", None, followed).status == 200


def test_a_page_of_another_site_reaches_no_worker(server: Server) -> None:
    worker = server.caller()
    poll = service.PollNexusTaskQueueRequest(namespace=NAMESPACE, task_queue=taskqueue.TaskQueue(name="q"))
    polled = worker.begin("PollNexusTaskQueue", poll, 3)
    path = "/namespaces/default/task-queues/q/nexus-services/bank/transfer"
    refused = server.http("POST", path, '{"amount": 1000}', {"Origin": EVIL, "Content-Type": "text/plain", "Request-Timeout": "2s"})
    assert refused.status == 403, refused
    assert "message" in json.loads(refused.body)
    empty = answer(polled.result)
    assert not empty.ok or not empty.message.task_token, empty


def test_hosts_that_are_configured_are_answered(serve: Any) -> None:
    config = 'allowed_hosts = ["ostro.internal", "*.example.com"]\npublic_url = "https://public.example"\n'
    server = serve("--allowed-host", "flag.example", config=config)
    for host in ("ostro.internal:8233", "a.example.com", "public.example", "flag.example"):
        assert server.http("GET", "/v1/workflows/runs", None, {"Host": host}).status == 200, host
    assert server.http("GET", "/v1/workflows/runs", None, {"Host": "example.com"}).status == 421
    behind_proxy = {"Host": "public.example", "Origin": "https://public.example"}
    assert (
        server.http("POST", "/v1/workflows/none/execute", "{}", {**behind_proxy, "Content-Type": "application/json"}).status == 404
    )


def test_names_are_checked_where_keys_are_needed_too(serve: Any) -> None:
    server = serve(host="0.0.0.0")
    caller = server.caller(server.key("operator", "default"))
    assert caller.http("GET", "/v1/workflows/runs", None, {"Host": "10.9.9.9:8233"}).status == 200
    refused = caller.http("GET", "/v1/workflows/runs", None, {"Host": "ostro:8233"})
    assert refused.status == 421 and "allowed_hosts" in refused.text


def test_the_grpc_port_speaks_to_no_browser(server: Server) -> None:
    """A browser can speak HTTP/1.1 to it, or HTTP/2 of another content type: neither is a call."""
    path = b"/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution"
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.settimeout(5)
        raw.sendall(
            b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0"
        )
        try:
            said = raw.recv(1000)
        except OSError:
            said = b""
        assert not said.startswith(b"HTTP/1.1 2")
    assert server.lives
    assert server.run(server.caller(), "still-answers")
