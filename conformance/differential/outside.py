"""A Nexus service outside of any Temporal server: HTTP by hand, so that what a server sends is seen as it comes."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

#: Headers of the transport, and of tracing.
TRANSPORT = {"host", "accept", "accept-encoding", "user-agent", "connection", "transfer-encoding", "content-length"}
#: Their value is a time that is left, or a moment.
MOMENTS = {"request-timeout", "operation-timeout", "nexus-operation-start-time", "nexus-operation-close-time"}
#: Their value is whatever the server likes.
OPAQUE = {"nexus-callback-temporal-callback-token", "nexus-callback-token", "nexus-request-id", "temporal-callback-token"}


@dataclass
class Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        return urlsplit(self.url).path.rsplit("/", 1)[-1]

    @property
    def callback(self) -> str:
        return parse_qs(urlsplit(self.url).query)["callback"][0]

    def callback_headers(self) -> dict[str, str]:
        prefix = "nexus-callback-"
        return {key.removeprefix(prefix): value for key, value in self.headers.items() if key.startswith(prefix)}

    def seen(self) -> dict[str, object]:
        """What must be equal on two servers."""
        headers = {
            key: "$" if key in OPAQUE | MOMENTS else value for key, value in sorted(self.headers.items()) if key not in TRANSPORT
        }
        query = {key: "$" for key in parse_qs(urlsplit(self.url).query)}
        body = self.body.decode(errors="replace")
        return {"method": self.method, "path": urlsplit(self.url).path, "query": query, "headers": headers, "body": body}


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def json(status: int, body: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(status, body.encode(), {"content-type": "application/json", **named})


class Outside:
    """The service: `answers` says what it answers; `requests` is what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[Request] = []
        self.changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def note(self, request: Request) -> int:
        """How many like it came before."""
        with self.changed:
            before = sum(each.url.split("?")[0] == request.url.split("?")[0] for each in self.requests)
            self.requests.append(request)
            self.changed.notify_all()
            return before

    def nth(self, path: str, number: int = 1, seconds: float = 20) -> Request:
        """Waits for the request number `number` to a path that begins so."""

        def found() -> list[Request]:
            return [each for each in self.requests if each.url.startswith(path)]

        with self.changed:
            if not self.changed.wait_for(lambda: len(found()) >= number, seconds):
                raise TimeoutError(f"{number} requests to {path} never came, only {len(found())}")
            return found()[number - 1]


@contextmanager
def outside(answers: Callable[[Request, int], Answer]) -> Iterator[Outside]:
    """`answers` is given each request, and how many of the same path came before it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            if self.headers.get("transfer-encoding") == "chunked":
                body = self.chunks()
            else:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers: dict[str, str] = {}
            for key, value in self.headers.items():
                headers[key.lower()] = f"{headers[key.lower()]}, {value}" if key.lower() in headers else value
            request = Request(self.command, self.path, headers, body)
            answer = answers(request, service.note(request))
            self.send_response(answer.status)
            for key, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    server.daemon_threads = True
    service = Outside(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


def post(url: str, body: bytes = b"", **headers: str) -> tuple[int, str, str]:
    """Status, content type and body of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get("content-type", ""), answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers.get("content-type", ""), error.read().decode()
