"""Fixtures for pytest: `ostro_env`, an engine of the test's own with a clock that skips.

Installed with the package; `-p ostro.pytest_plugin` loads it where the package is not installed.

async def test_order(ostro_env):
    ostro_env.mock("charge", 5)
    async with ostro_env.worker([Order]):
        assert await ostro_env.execute(Order, "book") == 5
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ._worker.environment import Environment


@pytest.fixture
def ostro_env() -> Iterator[Environment]:
    """An engine that keeps nothing and skips time; opened by its first use in the test's event loop, closed after the test."""
    env = Environment()
    yield env
    asyncio.run(env.close())


__all__ = ["ostro_env"]
