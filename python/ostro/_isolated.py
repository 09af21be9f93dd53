"""`@activity(isolated=True)`: each attempt in a process of its own.

What it leaks goes with it, what crashes it fails the attempt, and it can be stopped at any time. It imports the program anew, so a
program's start belongs under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import multiprocessing
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ._activity_context import ActivityContext
from ._context import current_activity
from ._errors import WorkflowError
from ._later import CompletesLater

if TYPE_CHECKING:
    from ._activity import ActivityDefinition

_RESULT, _ERROR, _BEAT, _LATER = 0, 1, 2, 3


async def run_isolated(
    definition: ActivityDefinition, args: Sequence[Any], kwargs: Mapping[str, Any], _dependencies: Mapping[str, Any]
) -> Any:
    """Runs an attempt in a new process and gives its result; cancelling it kills the process."""
    context = current_activity.get()
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    module = inspect.unwrap(definition.function).__module__
    beat = context.beat if context is not None else None
    about = (definition.name, module, args, dict(kwargs), context.info if context else None, _details(context))
    process = spawn.Process(target=_child, args=(theirs, about), daemon=True)
    await asyncio.to_thread(process.start)
    theirs.close()
    try:
        while True:
            try:
                kind, value = await asyncio.to_thread(mine.recv)
            except EOFError:
                await asyncio.to_thread(process.join)
                raise WorkflowError(
                    f'the process of activity "{definition.name}" ended with exit code {process.exitcode}', type="ProcessLost"
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
        if process.is_alive():
            process.kill()
        mine.close()


def _details(context: ActivityContext | None) -> list[Any]:
    return [detail for detail in context.last_details if isinstance(detail, bytes)] if context is not None else []


def _child(pipe: Any, about: tuple[Any, ...]) -> None:
    """What the process does."""
    name, module, args, kwargs, info, details = about
    try:
        importlib.import_module(module if module != "__main__" else "__mp_main__")
        from ._activity import registered_activities

        definition = registered_activities()[name]
        definition.isolated = False
        beat = lambda found: pipe.send((_BEAT, [one for one in found if isinstance(one, bytes)]))  # noqa: E731
        current_activity.set(ActivityContext(info=info, beat=beat, last_details=details))
        answer: tuple[int, Any] = (_RESULT, asyncio.run(definition.run(args, kwargs)))
    except CompletesLater:
        answer = (_LATER, None)
    except BaseException as error:  # noqa: BLE001
        answer = (_ERROR, _portable(error))
    try:
        pipe.send(answer)
    except Exception as error:
        pipe.send((_ERROR, WorkflowError(f'the result of activity "{name}" cannot leave its process: {error}', type="NotPortable")))


def _portable(error: BaseException) -> Exception:
    """The error, as one that both processes know."""
    if isinstance(error, WorkflowError):
        return WorkflowError(error.message, *error.details, type=error.type, non_retryable=error.non_retryable)
    return WorkflowError(str(error), type=type(error).__name__)
