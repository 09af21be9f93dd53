"""Replay of many histories: those of a folder, or of the executions that a filter selects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .replay import replay

if TYPE_CHECKING:
    from .._client.client import Client


@dataclass
class Replayed:
    """What became of one history."""

    #: The file, or the workflow id.
    name: str
    #: `None` where the code does what the history says.
    error: Exception | None


def replay_folder(workflows: Iterable[type], folder: str | Path) -> list[Replayed]:
    """Replays every history (`*.json`) in a folder and in those under it. FileNotFoundError where it has none."""
    files = sorted(Path(folder).rglob("*.json"))
    if not files:
        raise FileNotFoundError(f"{folder} has no histories (*.json): WorkflowHandle.history() writes one")
    classes = list(workflows)
    return [Replayed(str(file), _error(lambda file=file: replay(classes, file))) for file in files]


async def replay_executions(workflows: Iterable[type], client: Client, query: str = "", limit: int = 1000) -> list[Replayed]:
    """Replays the executions that a filter selects, such as `ExecutionStatus = "Running"`: before a change of code is rolled out, all
    that are open."""
    classes = list(workflows)
    found = []
    async for execution in client.list(query, limit):
        history = await client.get_handle(execution.id, execution.run_id).history()
        run = lambda history=history, id=execution.id: replay(classes, history, id)
        found.append(Replayed(execution.id, await asyncio.to_thread(_error, run)))
    return found


def _error(run: object) -> Exception | None:
    try:
        run()  # type: ignore[operator]
    except Exception as error:
        return error
    return None
