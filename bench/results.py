"""What was seen, as it is kept: every figure of every round of every contestant in every row."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from contestants import Seen
from rows import Figures


@dataclass
class Results:
    scale: float
    rounds: int
    machine: dict[str, Any]
    date: str = field(default_factory=lambda: time.strftime("%Y-%m-%d"))
    seconds: int = 0
    #: row -> contestant -> its rounds.
    seen: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)
    #: row -> contestant -> why it was not measured.
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Whole systems that were not there, with the reason.
    absent: dict[str, str] = field(default_factory=dict)

    def add(self, contestant: str, seen: Seen) -> None:
        for row, figures in seen.figures.items():
            self.seen.setdefault(row, {}).setdefault(contestant, []).append(figures)
        for row, error in seen.errors.items():
            self.errors.setdefault(row, {})[contestant] = error

    def has_errors(self) -> bool:
        return bool(self.errors)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        return cls(**json.loads(path.read_text()))
