"""What breaks determinism, refused in workflow code by name, with what to use instead.

Functions are replaced when a worker starts: in the modules that have them, and in the program's own modules that imported them by
name. No module is imported again. Outside workflow code they do what they did. Calls from the standard library, from logging and from a few
libraries that only observe go through.
"""

from __future__ import annotations

import asyncio
import builtins
import ctypes
import datetime
import gc
import multiprocessing.process
import os
import pathlib
import random
import secrets
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from .. import _core
from .._base import frames
from .._base.errors import DeterminismError
from .._definition.definition import WorkflowDefinition
from . import forgotten

_NOW = "workflow.now()"
_SLEEP = "await workflow.sleep(...)"
_RANDOM = "workflow.random()"
_UUID = "workflow.uuid4()"
_ACTIVITY = "an activity"

_FUNCTIONS: list[tuple[Any, str, str]] = [
    *((time, name, "workflow.time()") for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")),
    (time, "perf_counter_ns", "workflow.time()"),
    *((time, name, _NOW) for name in ("localtime", "gmtime", "ctime")),
    (time, "sleep", _SLEEP),
    *(
        (random, name, _RANDOM)
        for name in [
            "random",
            "uniform",
            "randint",
            "randrange",
            "choice",
            "choices",
            "shuffle",
            "sample",
            "gauss",
            "normalvariate",
            "betavariate",
            "expovariate",
            "gammavariate",
            "lognormvariate",
            "triangular",
            "vonmisesvariate",
            "paretovariate",
            "weibullvariate",
            "getrandbits",
            "randbytes",
            "seed",
        ]
    ),
    (uuid, "uuid1", _UUID),
    (uuid, "uuid4", _UUID),
    (os, "urandom", _RANDOM),
    *((secrets, name, _RANDOM) for name in ("token_bytes", "token_hex", "token_urlsafe", "randbelow", "choice", "randbits")),
    *((os, name, _ACTIVITY) for name in ("system", "popen", "fork", "listdir", "scandir", "remove", "rename", "mkdir")),
    (subprocess, "run", _ACTIVITY),
    (subprocess, "Popen", _ACTIVITY),
    (subprocess, "check_output", _ACTIVITY),
    (subprocess, "check_call", _ACTIVITY),
    *((socket, name, _ACTIVITY) for name in ("getaddrinfo", "gethostbyname", "create_connection")),
    (builtins, "open", _ACTIVITY),
    (builtins, "input", "an update or InteractiveWorkflow.wait_for_input()"),
]
#: Methods of types: patched in the type, so every reference to it is covered.
_METHODS: list[tuple[type, str, str]] = [
    (datetime.datetime, "now", _NOW),
    (datetime.datetime, "utcnow", _NOW),
    (datetime.date, "today", f"{_NOW}.date()"),
]
_PLAIN_METHODS: list[tuple[type, str, str, str]] = [
    (threading.Thread, "start", "threading.Thread.start", "asyncio.create_task(...), or an activity"),
    (multiprocessing.process.BaseProcess, "start", "multiprocessing.Process.start", _ACTIVITY),
    (socket.socket, "__init__", "socket.socket", _ACTIVITY),
    *(
        (pathlib.Path, name, f"Path.{name}", _ACTIVITY)
        for name in [
            "open",
            "read_text",
            "read_bytes",
            "write_text",
            "write_bytes",
            "iterdir",
            "exists",
            "stat",
            "mkdir",
            "unlink",
            "rename",
        ]
    ),
]
#: Classes stay what they are: only calls are looked at.
_CLASSES = {(subprocess, "Popen")}

#: Libraries whose use of clocks and files does not change what a workflow does.
_OBSERVERS = frozenset(
    [
        "ostro",
        "pydantic",
        "pydantic_core",
        "typing_extensions",
        "structlog",
        "loguru",
        "opentelemetry",
        "sentry_sdk",
        "rich",
        "coverage",
        "_pytest",
        "pytest",
        "pluggy",
        "debugpy",
        "pydevd",
        "_pydevd_bundle",
    ]
)
_instead: dict[str, str] = {}
_replaced: dict[int, Any] = {}
_installed = False


def install(definitions: Iterable[WorkflowDefinition]) -> None:
    """Replaces the functions, and what the workflows' modules imported of them by name."""
    global _installed
    if not _installed:
        _installed = True
        for module, name, instead in _FUNCTIONS:
            if hasattr(module, name) and (module, name) not in _CLASSES:
                _replace(module, name, instead)
        _replace_init(subprocess.Popen, "subprocess.Popen", _ACTIVITY)
        for cls, name, instead in _METHODS:
            _replace_class_method(cls, name, instead)
        for cls, name, label, instead in _PLAIN_METHODS:
            _replace_method(cls, name, label, instead)
        _refuse_unseeded()
        _order_of_sets()
        forgotten.install()
    for module in {*_own_modules(), *(definition.cls.__module__ for definition in definitions)}:
        _replace_imported(sys.modules.get(module))


def _own_modules() -> list[str]:
    """The program's modules: what is neither of the standard library nor installed."""
    folders = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        own = file is not None and not file.startswith(folders) and not name.partition(".")[0] in _OBSERVERS
        if own and name.partition(".")[0] not in sys.stdlib_module_names - {"__main__"}:
            found.append(name)
    return found


def _replace(module: Any, name: str, instead: str) -> None:
    original = getattr(module, name)
    label = name if module is builtins else f"{module.__name__}.{name}"
    _instead[label] = instead
    guarded = _core.Guarded(original, label, _refuse)
    _replaced[id(original)] = (original, guarded)
    setattr(module, name, guarded)


def _replace_imported(module: Any) -> None:
    if module is None:
        return
    for name, value in list(vars(module).items()):
        found = _replaced.get(id(value))
        if found is not None and found[0] is value:
            setattr(module, name, found[1])


def _replace_class_method(cls: type, name: str, instead: str) -> None:
    label = f"{cls.__name__}.{name}"
    _instead[label] = instead
    original = vars(cls)[name]

    def guarded(owner: type, *args: Any, **kwargs: Any) -> Any:
        if _core.in_workflow():
            _refuse(label)
        return original.__get__(None, owner)(*args, **kwargs)

    guarded.__name__ = name
    # The type is C's and does not let itself be changed; its dictionary does.
    gc.get_referents(cls.__dict__)[0][name] = classmethod(guarded)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


def _replace_method(cls: type, name: str, label: str, instead: str) -> None:
    _instead[label] = instead
    original: Callable[..., Any] = getattr(cls, name)

    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _core.in_workflow():
            _refuse(label)
        return original(self, *args, **kwargs)

    guarded.__name__, guarded.__wrapped__ = name, original  # type: ignore[attr-defined]
    setattr(cls, name, guarded)


def _replace_init(cls: type, label: str, instead: str) -> None:
    _replace_method(cls, "__init__", label, instead)


def _refuse_unseeded() -> None:
    """`random.Random()` takes its seed from the machine; one with a seed is welcome."""
    label = "random.Random"
    _instead[label] = f"{_RANDOM}, or random.Random(seed)"
    original = random.Random.__init__

    def guarded(self: random.Random, x: Any = None) -> None:
        if x is None and _core.in_workflow():
            _refuse(label)
        original(self, x)

    random.Random.__init__ = guarded  # type: ignore[method-assign]


def _order_of_sets() -> None:
    """`as_completed` puts what it is given into a set: coroutines become tasks first, whose order does not change."""
    original = asyncio.as_completed

    def as_completed(fs: Any, *, timeout: Any = None) -> Any:
        if _core.in_workflow():
            fs = [asyncio.ensure_future(one) for one in fs]
        return original(fs, timeout=timeout)

    as_completed.__doc__ = original.__doc__
    asyncio.as_completed = as_completed


def _refuse(label: str) -> None:
    """Raises where workflow code, or a library that it uses, calls what breaks determinism."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back  # type: ignore[assignment]
    caller = str(frame.f_globals.get("__name__", "")).partition(".")[0] if frame is not None else ""
    if caller in _OBSERVERS:
        return
    if caller in sys.stdlib_module_names and caller != "__main__" and not _always(label, frame):
        return
    place = frames.place(frames.users_frame(frame))
    if _is_network(label, frame):
        raise DeterminismError(f"network in workflow code at {place}: call it in an activity ({label}())")
    raise DeterminismError(
        f"{label}() in workflow code ({place}): a replay would get another answer. Use {_instead[label]} instead, or "
        f"workflow.unsafe.skip_determinism_enforcement() where it does not matter"
    )


#: What talks to other machines: a clock that it reads on its way there is not what is wrong.
_NETWORK = frozenset(
    [
        "aiohttp",
        "anyio",
        "boto3",
        "botocore",
        "grpc",
        "h11",
        "http",
        "httpcore",
        "httpx",
        "requests",
        "ssl",
        "urllib",
        "urllib3",
        "websockets",
    ]
)


def _is_network(label: str, frame: Any) -> bool:
    """Whether it is, or is done for, a connection: by itself, or by a library between it and the program's code."""
    if label.startswith("socket."):
        return True
    while frame is not None and frames.is_library(frame.f_code.co_filename):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _NETWORK:
            return True
        frame = frame.f_back
    return False


def _always(label: str, frame: Any) -> bool:
    """Whether it is refused from the standard library too: a socket under a library's call, unless a log line needs it."""
    if not label.startswith("socket.") and label not in ("threading.Thread.start", "subprocess.Popen"):
        return False
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("logging", *_OBSERVERS):
            return "ostro" == str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back
    return True
