"""What attacks by holding something share: requests that are never finished, and connections that say nothing."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import unquote

import h2.connection
import h2.events
from lab import Server

START = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution"
#: Seconds that a refusal may take.
PATIENCE = 5.0


class HalfSender:
    """One HTTP/2 connection of requests that begin and never end."""

    def __init__(self, server: Server, key: str | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.key = key
        self.connection = h2.connection.H2Connection()
        self.connection.initiate_connection()
        #: By stream: the gRPC status and its message, or that the stream was reset.
        self.answers: dict[int, tuple[str, str]] = {}
        self.flush()

    def begin(self, path: str = START, message_bytes: int = 4 << 20, sent: int = 1) -> int:
        """The head of a request and the first bytes of its message; the stream's number."""
        stream = self.connection.get_next_available_stream_id()
        headers = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost")]
        headers += [("content-type", "application/grpc"), ("te", "trailers")]
        if self.key:
            headers.append(("authorization", f"Bearer {self.key}"))
        self.connection.send_headers(stream, headers)
        self.connection.send_data(stream, b"\0" + message_bytes.to_bytes(4, "big") + b"\n" * sent)
        self.flush()
        return stream

    def flush(self) -> None:
        self.socket.sendall(self.connection.data_to_send())

    def answered(self, streams: list[int], seconds: float = PATIENCE) -> list[tuple[str, str]]:
        """What those of the streams were answered that were, once all are or the time is over."""
        end = time.monotonic() + seconds
        while not all(stream in self.answers for stream in streams) and time.monotonic() < end:
            self.socket.settimeout(max(end - time.monotonic(), 0.01))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                break
            if not data:
                break
            self.hear(data)
            self.flush()
        return [self.answers[stream] for stream in streams if stream in self.answers]

    def hear(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                headers = {_text(name): _text(value) for name, value in event.headers}
                if "grpc-status" in headers:
                    self.answers[event.stream_id] = (headers["grpc-status"], unquote(headers.get("grpc-message", "")))
            elif isinstance(event, h2.events.StreamReset):
                self.answers.setdefault(event.stream_id, ("reset", ""))

    def close(self) -> None:
        self.socket.close()


def _text(given: bytes | str) -> str:
    return given.decode() if isinstance(given, bytes) else given


def silent(port: int, count: int, said: bytes = b"") -> list[socket.socket]:
    """Connections that say this and then nothing more."""
    found = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), 5)
        connection.sendall(said)
        found.append(connection)
    return found


def closed_by_server(connections: list[socket.socket], seconds: float) -> int:
    """How many of them the server closes in that time."""
    end, count = time.monotonic() + seconds, 0
    for connection in connections:
        connection.settimeout(max(end - time.monotonic(), 0.01))
        try:
            while connection.recv(65536):
                pass
            count += 1
        except TimeoutError:
            pass
        except OSError:
            count += 1
    return count


def size(path: Path) -> int:
    """Bytes of a file, none where it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
