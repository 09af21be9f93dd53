"""The way to the engine: one engine per process and address, one connection per loop, shared by workers and clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import _core
from .._base.config import config
from .._base.errors import ErrorCode, RpcError, WorkflowsException
from .bridge import Bridge, bridge

_MEMORY = ":memory:"
_FILE_DEFAULT = "./.ostro"
_ALREADY_EXISTS = 6


@dataclass(frozen=True)
class TLS:
    """TLS with a server; what is not given is as the settings say. Files are PEM."""

    #: The authority of the server's certificate; those that this machine trusts.
    ca: str | Path | None = None
    #: A certificate of the program's own, and its private key.
    cert: str | Path | None = None
    key: str | Path | None = None
    #: The name in the server's certificate, where it is not the address's host.
    server_name: str | None = None


def _target(address: str, namespace: str, api_key: str | None, tls: TLS | bool | None, time_skipping: bool) -> dict[str, Any]:
    given = tls if isinstance(tls, TLS) else TLS()
    wanted = config.tls if tls is None else bool(tls)
    return {
        "address": address,
        "identity": config.identity(),
        "namespace": namespace,
        "api_key": api_key or config.api_key or None,
        "tls": wanted,
        "server_root_ca_cert": _read(given.ca or config.tls_server_root_ca_cert_path, "OSTRO_TLS_CA"),
        "client_cert": _read(given.cert or config.tls_cert_path, "OSTRO_TLS_CERT"),
        "client_key": _read(given.key or config.tls_key_path, "OSTRO_TLS_KEY"),
        "server_name": given.server_name or config.tls_server_name or None,
        "plain_text_key": config.plain_text_key,
        "time_skipping": time_skipping,
    }


def _read(path: str | Path, variable: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise WorkflowsException(
            f"cannot read {path}, which {variable} names: {error.strerror}", code=ErrorCode.CONFIGURATION
        ) from None


class _Engine:
    """A connection of the core, which every loop of the process may use."""

    def __init__(self, namespace: str) -> None:
        self.core: Future[Any] = Future()
        self.closed: Future[None] = Future()
        self.closing = False
        #: Those that it has, of an engine in this process.
        self.namespaces: set[str] = {namespace}
        self._users: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    def enter(self) -> None:
        """The running loop uses it once more."""
        self._users.append(weakref.ref(asyncio.get_running_loop()))

    def leave(self) -> None:
        """The running loop uses it once less."""
        mine = weakref.ref(asyncio.get_running_loop())
        if mine in self._users:
            self._users.remove(mine)

    @property
    def is_used(self) -> bool:
        """Whether a loop that is not closed uses it: a program's loop may have ended without closing what it opened."""
        loops = (user() for user in self._users)
        return any(loop is not None and not loop.is_closed() for loop in loops)


_engines: dict[Any, _Engine] = {}
#: Held for moments only: opening and closing are waited for by `core` and `closed`.
_engines_lock = threading.Lock()


async def _enter(key: Any, target: dict[str, Any]) -> _Engine:
    """The engine of `key`, opened by whoever comes first."""
    while True:
        left = None
        with _engines_lock:
            engine = _engines.get(key)
            first = engine is None
            if engine is None:
                engine = _engines[key] = _Engine(target["namespace"])
            elif not engine.closing and not engine.is_used:
                left, engine.closing = engine, True
            if not engine.closing:
                engine.enter()
                break
        if left is not None:
            await _close(key, left)
        else:
            # The next engine of a file must find it free.
            await asyncio.wrap_future(engine.closed)
    await (_open(key, engine, target) if first else _opened(key, engine))
    return engine


async def _open(key: Any, engine: _Engine, target: dict[str, Any]) -> None:
    try:
        engine.core.set_result(await bridge().call(_core.connect, target))
    except BaseException as error:
        with _engines_lock:
            _engines.pop(key, None)
        engine.core.set_exception(error if isinstance(error, Exception) else RpcError(1, "the program ended meanwhile"))
        engine.core.exception()
        raise


async def _opened(key: Any, engine: _Engine) -> None:
    """Waits for another loop, or another task of this one, to open it."""
    try:
        await asyncio.shield(asyncio.wrap_future(engine.core))
    except BaseException:
        await _leave(key, engine)
        raise


async def _leave(key: Any, engine: _Engine) -> None:
    """Closes the engine when nobody uses it any more."""
    with _engines_lock:
        engine.leave()
        if engine.is_used or engine.closing or _engines.get(key) is not engine:
            return
        engine.closing = True
    await _close(key, engine)


async def _close(key: Any, engine: _Engine) -> None:
    try:
        if engine.core.done() and engine.core.exception() is None:
            await bridge().call(engine.core.result().close)
    finally:
        with _engines_lock:
            _engines.pop(key, None)
        engine.closed.set_result(None)


class Connection:
    """An engine, in this process or at an address, as one loop uses it."""

    def __init__(self, key: Any, engine: _Engine, bridge: Bridge, namespace: str, address: str) -> None:
        self._key = key
        self._engine = engine
        self.core: _core.Connection = engine.core.result()
        self.bridge = bridge
        self.namespace = namespace
        self.address = address
        #: The engine's clock skips while a result is awaited.
        self.time_skipping = False
        self._closed = False

    @staticmethod
    async def open(
        address: str | None = None,
        namespace: str | None = None,
        *,
        api_key: str | None = None,
        tls: TLS | bool | None = None,
        time_skipping: bool = False,
        private: bool = False,
    ) -> Connection:
        """The connection to `address` (`OSTRO_ADDRESS`) and `namespace`; close it in the end.

        One address is one engine in this process: `:memory:` too, unless `private`. RpcError where nothing answers, or another process
        has the engine's file; WorkflowsException for a certificate that cannot be read.
        """
        address = config.address if address is None else address
        namespace = namespace or config.namespace
        target = _target(address, namespace, api_key, tls, time_skipping)
        server = _core.is_server(address)
        key: Any = object() if private else _key(address, server, namespace, target)
        engine = await _enter(key, target)
        found = Connection(key, engine, bridge(), namespace, address)
        found.time_skipping = time_skipping
        if not server and not private:
            try:
                await found._make_namespace()
            except BaseException:
                await found.close()
                raise
        return found

    async def _make_namespace(self) -> None:
        """An engine in this process was opened for the first namespace only."""
        made = self._engine.namespaces
        if self.namespace in made:
            return
        try:
            request = {"namespace": self.namespace, "workflowExecutionRetentionPeriod": "259200s"}
            await self.call("RegisterNamespace", request)
        except RpcError as error:
            if error.status != _ALREADY_EXISTS:
                raise
        made.add(self.namespace)

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return bool(self.core.is_embedded())

    async def call(self, method: str, request: dict[str, Any], timeout: float | None = None, service: str = "workflow") -> Any:
        """Calls a method of Temporal's API; messages are its JSON. RpcError where it refuses."""
        answer = await self.bridge.call(self.core.call, service, method, _json(request), timeout)
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
        if not self._closed:
            self._closed = True
            await _leave(self._key, self._engine)


def _key(address: str, server: bool, namespace: str, target: dict[str, Any]) -> Any:
    """What connections of one engine have in common."""
    if server:
        return address.strip(), namespace, *(target[name] for name in _OF_A_SERVER)
    place = address.strip()
    if place == _MEMORY:
        return _MEMORY
    return str(Path((place or _FILE_DEFAULT).removeprefix("file://")).resolve())


_OF_A_SERVER = ("api_key", "tls", "server_root_ca_cert", "client_cert", "client_key", "server_name")


def _json(request: dict[str, Any]) -> bytes:
    try:
        return json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        found = ascii(error.object[max(0, error.start - 20) : error.start + 20])
        raise WorkflowsException(
            f"half a character (a lone surrogate) in {found} cannot be sent as UTF-8", code=ErrorCode.INVALID_ARGUMENTS
        ) from None
