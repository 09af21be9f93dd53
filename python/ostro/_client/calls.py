"""What every part of `Client` stands on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Calls(ABC):
    """Asks the engine by the protocol's own methods."""

    @abstractmethod
    async def _call(self, method: str, request: dict[str, Any], timeout: float | None = None) -> Any:
        """Calls `method` with `request`, in the client's namespace. The answer is the protocol's JSON."""
