"""Rate limits of activities, kept by the engine over all workers."""

from __future__ import annotations

import uuid
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class RateLimit(BaseModel):
    """At most `max_execution` starts in `time_window_in_sec` seconds, over all workers; activities with one `key` share it.

    The rate is even: 10 in 60 s is one every 6 s.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    time_window_in_sec: int = Field(ge=1, le=3600)
    max_execution: int = Field(ge=1, le=100_000)
    key: str | None = None

    @property
    def per_second(self) -> float:
        """Starts per second."""
        return self.max_execution / self.time_window_in_sec

    def queue(self, task_queue: str, activity: str) -> str:
        """The task queue that carries this limit."""
        key = uuid.uuid5(uuid.NAMESPACE_DNS, self.key or activity).hex
        return f"{task_queue}::rate::{key}"
