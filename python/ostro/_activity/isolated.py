"""`@activity(isolated=True)`: each attempt in a process of its own.

What it leaks goes with it, what crashes it fails the attempt, and it can be stopped at any time. It imports the program anew, so a
program's start belongs under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import Pipe, spawn
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from .._base import error_text
from .._base.context import current_activity
from .._base.errors import WorkflowError
from .activity_context import ActivityContext
from .later import CompletesLater

if TYPE_CHECKING:
    from .activity import ActivityDefinition

_RESULT, _ERROR, _BEAT, _LATER = 0, 1, 2, 3
#: What the process begins with; the number of its end of the pipe follows.
_CODE = "import sys; from ostro._activity.isolated import main; main(int(sys.argv[1]))"


async def run_isolated(
    definition: ActivityDefinition, args: Sequence[Any], kwargs: Mapping[str, Any], _dependencies: Mapping[str, Any]
) -> Any:
    """Runs an attempt in a new process and gives its result; cancelling it kills the process."""
    context = current_activity.get()
    mine, theirs = Pipe()
    module = inspect.unwrap(definition.function).__module__
    beat = context.beat if context is not None else None
    about = (definition.name, module, args, dict(kwargs), context.info if context else None, _details(context))
    process = await asyncio.to_thread(_start, theirs)
    try:
        told = iter((_preparation(), about))
        while True:
            try:
                for message in told:
                    await asyncio.to_thread(mine.send, message)
                kind, value = await asyncio.to_thread(mine.recv)
            except (EOFError, OSError):
                code = await asyncio.to_thread(process.wait)
                raise WorkflowError(
                    f'the process of activity "{definition.name}" ended with exit code {code}', type="ProcessLost"
                ) from None
            if kind == _RESULT:
                return value
            if kind == _ERROR:
                raise value
            if kind == _LATER:
                raise CompletesLater()
            if beat is not None:
                beat(value)
    finally:
        process.kill()
        mine.close()
        await asyncio.shield(asyncio.to_thread(process.wait))


def _start(pipe: Connection) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(part for part in sys.path if part)
    command = [sys.executable, "-c", _CODE, str(pipe.fileno())]
    process = subprocess.Popen(command, pass_fds=[pipe.fileno()], env={**os.environ, "PYTHONPATH": path})
    pipe.close()
    return process


def _preparation() -> tuple[dict[str, Any], bool]:
    """What the process needs to have this program's modules; whether `mistralai.workflows` is ours."""
    compat = sys.modules.get("ostro.compat")
    data: dict[str, Any] = spawn.get_preparation_data("isolated")
    del data["authkey"]
    return data, compat is not None


def main(file: int) -> None:
    """What the process does."""
    pipe = Connection(file)
    preparation, compat = pipe.recv()
    if compat:
        importlib.import_module("ostro.compat")
    spawn.prepare(preparation)
    _child(pipe, pipe.recv())


def _details(context: ActivityContext | None) -> list[Any]:
    return [detail for detail in context.last_details if isinstance(detail, bytes)] if context is not None else []


def _child(pipe: Connection, about: tuple[Any, ...]) -> None:
    """Runs the attempt, and says what became of it."""
    name, module, args, kwargs, info, details = about
    try:
        importlib.import_module(module if module != "__main__" else "__mp_main__")
        from .activity import registered_activities

        definition = registered_activities()[name]
        definition.isolated = False
        beat = lambda found: pipe.send((_BEAT, [one for one in found if isinstance(one, bytes)]))
        current_activity.set(ActivityContext(info=info, beat=beat, last_details=details))
        answer: tuple[int, Any] = (_RESULT, asyncio.run(definition.run(args, kwargs)))
    except CompletesLater:
        answer = (_LATER, None)
    except BaseException as error:
        answer = (_ERROR, _portable(error))
    try:
        pipe.send(answer)
    except Exception as error:
        pipe.send((_ERROR, WorkflowError(f'the result of activity "{name}" cannot leave its process: {error}', type="NotPortable")))


def _portable(error: BaseException) -> Exception:
    """The error, as one that both processes know."""
    text = error_text.message(error)
    final = error_text.is_final(error)
    if not isinstance(error, WorkflowError):
        return WorkflowError(text, type=error_text.type_name(error), non_retryable=final)
    made = WorkflowError(text, *error.details, type=error.type, non_retryable=final, next_retry_delay=error.next_retry_delay)
    try:
        pickle.dumps(made)
    except Exception:
        return WorkflowError(text, type=error_text.plain(error.type or "WorkflowError"), non_retryable=final)
    return made
