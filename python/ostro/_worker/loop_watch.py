"""Blocking calls in `async def` activities: they hold the event loop, and with it every other activity. Each is logged once, with its line."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Mapping
from time import monotonic
from types import CodeType, FrameType

from .._activity.activity import ActivityDefinition
from .._base import frames
from .._base.log import log

_log = log("ostro.activity")

# `time.monotonic` itself is looked at by the guard, whose Rust frames a thread must not be in when the process ends.
#: A loop that an activity holds for this long is told of, in seconds.
BLOCKED_AFTER = 1.0
_TICK = 0.25


class LoopWatch:
    """Looks from a thread of its own, while activities run, whether their event loop goes round."""

    def __init__(self, loop: asyncio.AbstractEventLoop, activities: Mapping[str, ActivityDefinition]) -> None:
        self._loop = loop
        self._activities = activities
        self._thread = threading.get_ident()
        self._running = 0
        self._busy = threading.Event()
        self._stopped = threading.Event()
        self._heard = monotonic()
        self._told: set[tuple[str, int]] = set()
        self._started = False

    def enter(self) -> None:
        """An activity begins."""
        self._running += 1
        if self._running == 1:
            self._heard = monotonic()
            self._busy.set()
            if not self._started:
                self._started = True
                threading.Thread(target=self._look_on, name="ostro-blocking-calls", daemon=True).start()

    def leave(self) -> None:
        """An activity has ended."""
        self._running -= 1
        if self._running == 0:
            self._busy.clear()

    def stop(self) -> None:
        """Nothing will run any more."""
        self._stopped.set()
        self._busy.set()

    def _hear(self) -> None:
        self._heard = monotonic()

    def _look_on(self) -> None:
        asked = 0.0
        while True:
            self._busy.wait()
            if self._stopped.is_set():
                return
            if asked <= self._heard:
                asked = monotonic()
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._hear)
            elif monotonic() - asked >= BLOCKED_AFTER:
                self._say(monotonic() - asked)
            self._stopped.wait(_TICK)

    def _say(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._thread)
        name, place = self._activity(frame), frames.users_frame(frame)
        if name is None or place is None or (place.f_code.co_filename, place.f_lineno) in self._told:
            return
        self._told.add((place.f_code.co_filename, place.f_lineno))
        _log.warning(
            "activity %s has held the event loop for %.1f s at %s: no other activity goes on meanwhile. Make it a `def` activity, which "
            "runs in a thread, or put the call into `await asyncio.to_thread(...)`\n%s",
            name,
            seconds,
            frames.place(place),
            frames.stack(frame),
        )

    def _activity(self, frame: FrameType | None) -> str | None:
        """The activity whose code is on the stack."""
        codes: dict[CodeType, str] = {one.function.__code__: one.name for one in list(self._activities.values())}
        while frame is not None:
            if frame.f_code in codes:
                return codes[frame.f_code]
            frame = frame.f_back
        return None
