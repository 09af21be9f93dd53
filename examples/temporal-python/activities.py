"""The four activities: one of each kind that the demo shows."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

FAILURES_OF_RESERVE = 2


@dataclass
class Text:
    """A text file as a sequence of lines, counted in chunks of `chunk_lines`."""

    path: str
    lines: int
    chunk_lines: int

    @property
    def chunks(self) -> int:
        return -(-self.lines // self.chunk_lines)


@dataclass
class Count:
    """Words by number, and from where the attempt that finished went on."""

    words: dict[str, int]
    resumed_at_chunk: int
    attempt: int


def planned_failure(message: str, type: str) -> ApplicationError:
    """A failure that belongs to the demo: retried like any other, and not logged as an error."""
    return ApplicationError(message, type=type, category=ApplicationErrorCategory.BENIGN)


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@activity.defn
async def measure(path: str, chunk_lines: int) -> Text:
    """A regular activity: looks at the real file."""
    return Text(path, len(Path(path).read_text().splitlines()), chunk_lines)


@activity.defn
async def reserve(text: Text) -> int:
    """A retried activity: fails twice, tells which attempt succeeded."""
    attempt = activity.info().attempt
    if attempt <= FAILURES_OF_RESERVE:
        raise planned_failure(f"{Path(text.path).name} is reserved by another reader", "Busy")
    return attempt


@activity.defn
async def count(text: Text) -> Count:
    """A heartbeating activity: its first attempt fails half-way, the next one goes on from the last heartbeat."""
    details = activity.info().heartbeat_details
    next_chunk, words = (details[0], Counter(details[1])) if details else (0, Counter())
    resumed_at = next_chunk
    lines = Path(text.path).read_text().splitlines()
    while next_chunk < text.chunks:
        if activity.info().attempt == 1 and next_chunk == text.chunks // 2:
            raise planned_failure("the reading glasses fell into the water", "Interrupted")
        start = next_chunk * text.chunk_lines
        words.update(words_of("\n".join(lines[start : start + text.chunk_lines])))
        next_chunk += 1
        activity.heartbeat(next_chunk, dict(words))
        await asyncio.sleep(0.01)
    return Count(dict(words), resumed_at, activity.info().attempt)


@activity.defn
async def top(words: dict[str, int], number: int) -> list[tuple[str, int]]:
    """A local activity: quick and pure, so it needs no task of its own."""
    return sorted(words.items(), key=lambda item: (-item[1], item[0]))[:number]
