"""The way to the engine: one per address, loop and process, shared by workers and clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from . import _core
from ._bridge import Bridge, bridge
from ._config import config

#: Embedded engines hold their file alone, so all of a loop share one.
_shared: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Connection]] = weakref.WeakKeyDictionary()

#: Engines of a loop open and close one after the other: the next must find the file free, or the engine that has it.
_locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()


def _lock() -> asyncio.Lock:
    return _locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())


class Connection:
    """An engine, in this process or at an address."""

    def __init__(self, core: Any, bridge: Bridge, namespace: str, address: str) -> None:
        self.core = core
        self.bridge = bridge
        self.namespace = namespace
        self.address = address
        #: The engine's clock skips while a result is awaited.
        self.time_skipping = False
        self._users = 0

    @staticmethod
    async def open(
        address: str | None = None, namespace: str | None = None, *, api_key: str | None = None, time_skipping: bool = False
    ) -> Connection:
        """The connection to `address` (`OSTRO_ADDRESS`) and `namespace`; close it as often as it is opened.

        RpcError where nothing answers, or another process has the engine's file.
        """
        async with _lock():
            return await Connection._open(address, namespace, api_key, time_skipping)

    @staticmethod
    async def _open(address: str | None, namespace: str | None, api_key: str | None, time_skipping: bool) -> Connection:
        address = config.address if address is None else address
        namespace = namespace or config.namespace
        loop = asyncio.get_running_loop()
        shared = _shared.setdefault(loop, {})
        key = (address, namespace)
        memory = address.strip() == ":memory:"
        found = None if memory else shared.get(key)
        if found is None:
            certificate = config.tls_server_root_ca_cert_path
            target = {
                "address": address,
                "identity": config.identity(),
                "namespace": namespace,
                "api_key": api_key or config.api_key or None,
                "tls": config.tls,
                "server_root_ca_cert": Path(certificate).read_bytes() if certificate else None,
                "client_cert": None,
                "client_key": None,
                "time_skipping": time_skipping,
            }
            own = bridge()
            core = await own.call(_core.connect, target)
            found = Connection(core, own, namespace, address)
            found.time_skipping = time_skipping
            if not memory:
                shared[key] = found
        found._users += 1
        return found

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return bool(self.core.is_embedded())

    async def call(self, method: str, request: dict[str, Any], timeout: float | None = None, service: str = "workflow") -> Any:
        """Calls a method of Temporal's API; messages are its JSON. RpcError where it refuses."""
        answer = await self.bridge.call(self.core.call, service, method, json.dumps(request).encode(), timeout)
        return json.loads(answer)

    @contextlib.asynccontextmanager
    async def skipping(self) -> AsyncIterator[None]:
        """Time skips in this scope, where the engine's clock does that."""
        if not self.time_skipping:
            yield
            return
        await self.call("UnlockTimeSkipping", {}, service="test")
        try:
            yield
        finally:
            await self.call("LockTimeSkipping", {}, service="test")

    async def close(self) -> None:
        """Ends the engine where it runs in this process and nobody else uses it."""
        async with _lock():
            self._users -= 1
            if self._users > 0:
                return
            shared = _shared.get(asyncio.get_running_loop(), {})
            for key, connection in list(shared.items()):
                if connection is self:
                    del shared[key]
            await self.bridge.call(self.core.close)
