"""A pytest plugin: writes each test's outcome as one JSON line, and gives each test its time limit.

The environment says where: CONFORMANCE_EVENTS (the file to append to), CONFORMANCE_BASELINE (normal seconds of slow
tests), CONFORMANCE_DEV_SERVER (the binary for tests that start a server of their own) and CONFORMANCE_TEST_SERVER (the
same for those that want time to skip); without these such tests are skipped, since the SDK would download one. CONFORMANCE_PATIENCE multiplies the limits.
"""

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

LIMIT_SECONDS_MIN = 15.0
LIMIT_FACTOR = 3.0
#: Read at once: some tests put another environment in its place.
EVENTS = os.environ["CONFORMANCE_EVENTS"]


def _write(**event: object) -> None:
    with open(EVENTS, "a", encoding="utf-8") as events:
        events.write(json.dumps(event) + "\n")


def _normal_seconds() -> dict[str, float]:
    try:
        with open(os.environ["CONFORMANCE_BASELINE"], encoding="utf-8") as baseline:
            seconds: dict[str, float] = json.load(baseline)["slow_tests"]
            return seconds
    except FileNotFoundError:
        return {}


def pytest_configure(config: pytest.Config) -> None:
    binary = os.environ.get("CONFORMANCE_DEV_SERVER")
    skipper = os.environ.get("CONFORMANCE_TEST_SERVER")
    from temporalio.testing import WorkflowEnvironment

    # What the class has under a name, without binding it: type checkers only know the bound method.
    start: Callable[..., Awaitable[object]] = vars(WorkflowEnvironment)["start_local"].__func__
    start_skipping: Callable[..., Awaitable[object]] = vars(WorkflowEnvironment)["start_time_skipping"].__func__

    async def start_local(cls: type[Any], /, **options: object) -> object:
        if not binary:
            pytest.skip("starts a server of its own: needs --dev-server")
        options.pop("dev_server_download_version", None)
        return await start(cls, **{**options, "dev_server_existing_path": binary})

    async def start_time_skipping(cls: type[Any], /, **options: object) -> object:
        if not skipper:
            pytest.skip("starts a time-skipping server of its own: needs --test-server")
        return await start_skipping(cls, **{**options, "test_server_existing_path": skipper})

    for replacement in (start_local, start_time_skipping):
        setattr(WorkflowEnvironment, replacement.__name__, classmethod(replacement))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    normal = _normal_seconds()
    patience = float(os.environ.get("CONFORMANCE_PATIENCE", "1"))
    for item in items:
        limit = patience * max(LIMIT_SECONDS_MIN, LIMIT_FACTOR * normal.get(item.nodeid, 0.0))
        item.add_marker(pytest.mark.timeout(limit, func_only=True), append=False)
    _write(event="collected", ids=[item.nodeid for item in items])


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _write(event="not-collected", id=report.nodeid, message=_last_line(report.longreprtext))


def pytest_runtest_logstart(nodeid: str) -> None:
    _write(event="start", id=nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    message = ""
    if report.failed:
        message = _crash_line(report)
    elif report.skipped and isinstance(report.longrepr, tuple):
        message = str(report.longrepr[2])
    _write(
        event="report",
        id=report.nodeid,
        when=report.when,
        outcome=report.outcome,
        seconds=round(report.duration, 3),
        message=message,
    )


def pytest_sessionfinish(exitstatus: int) -> None:
    _write(event="finish", exitstatus=int(exitstatus))


def _crash_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else _last_line(report.longreprtext)
    return " ".join(text.split())[:300]


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
