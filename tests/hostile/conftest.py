"""Servers for the attacks. Each attack has its own: what one breaks is not the next one's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab import BINARY, Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Makes servers: `serve("--access", "key", config="...")` is one that runs; with `run=False` it is started later."""
    servers: list[Server] = []

    def make(*arguments: str, run: bool = True, **more: Any) -> Server:
        server = Server(arguments=list(arguments), **more)
        servers.append(server)
        return server.start() if run else server

    assert BINARY.exists(), f"{BINARY} is not there: make build"
    yield make
    for server in servers:
        server.remove()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """A server as `ostro serve` starts it: on loopback, with no API key."""
    return serve()
