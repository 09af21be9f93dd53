"""Fixtures for pytest, under the original's module name: import those that a `conftest.py` wants.

They need the packages `pytest-asyncio` and, for `temporal_env`, `temporalio`: tests of programs of the original talk to its client.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from unittest.mock import MagicMock

import pytest
import pytest_asyncio
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment

from .. import DependencyInjector, config
from .constants import TEST_TASK_QUEUE


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One event loop for all tests."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(autouse=True)
def setup_test_config() -> Iterator[None]:
    """Workers poll the queue that tests start workflows on."""
    before, config.task_queue = config.task_queue, TEST_TASK_QUEUE
    yield
    config.task_queue = before


@pytest.fixture(autouse=True)
def clear_dependency_cache() -> Iterator[None]:
    """What one test has resolved is not there in the next."""
    yield
    DependencyInjector.clear_resolved_dependencies()


@pytest.fixture(autouse=True)
def disable_otel_export() -> None:
    """Nothing is exported from here."""


@pytest.fixture(autouse=True)
def mock_upsert_search_attributes() -> MagicMock:
    """A mock that nobody calls: workers set no search attributes of their own."""
    return MagicMock()


@pytest_asyncio.fixture
async def temporal_env() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own whose time skips, with the client of `temporalio`."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env


@pytest_asyncio.fixture
async def temporal_env_with_converter() -> AsyncIterator[WorkflowEnvironment]:
    """The same: payloads are JSON here as they are there."""
    async with await WorkflowEnvironment.start_time_skipping(data_converter=DataConverter.default) as env:
        yield env


__all__ = [
    "clear_dependency_cache",
    "disable_otel_export",
    "event_loop",
    "mock_upsert_search_attributes",
    "setup_test_config",
    "temporal_env",
    "temporal_env_with_converter",
]
