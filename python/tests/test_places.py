"""Failures show their place: whose line, in which execution, on what input."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import traceback
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows
from ostro.workflows import activity, workflow


@activity(retry_policy_max_attempts=1)
async def breaks(name: str) -> str:
    return _deeper(name)


@activity(retry_policy_max_attempts=1)
def breaks_in_a_thread(name: str) -> str:
    return _deeper(name)


def _deeper(name: str) -> str:
    raise LookupError(f"nobody called {name}")


@workflow.define(name="breaking")
class Breaking:
    @workflow.entrypoint
    async def execute(self, threaded: bool) -> str:
        return await (breaks_in_a_thread("Ada") if threaded else breaks("Ada"))


def _line_of(text: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(at for at, line in enumerate(lines, 1) if line.strip().startswith(text))


@pytest.mark.parametrize("threaded", [False, True])
def test_a_failed_activity_is_logged_with_its_place(program: Any, caplog: pytest.LogCaptureFixture, threaded: bool) -> None:
    ids: list[str] = []

    async def body(running: Any) -> None:
        handle = await running.start(Breaking, threaded)
        ids.extend([handle.id, handle.run_id])
        with pytest.raises(workflows.WorkflowFailedError):
            await handle.result()

    with caplog.at_level(logging.WARNING, "ostro.activity"):
        program([Breaking], body)
    said = next(record for record in caplog.records if record.name == "ostro.activity")
    for part in (*ids, "attempt 1", 'input ("Ada")', "LookupError: nobody called Ada", "activity breaks"):
        assert part in said.getMessage(), part
    assert said.exc_info is not None


def test_the_input_stays_out_of_the_log_where_it_is_told_to(
    program: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows.config.worker, "log_activity_input", False)

    async def body(running: Any) -> None:
        with pytest.raises(workflows.WorkflowFailedError):
            await running.run(Breaking, False)

    with caplog.at_level(logging.WARNING, "ostro.activity"):
        program([Breaking], body)
    assert not any("input (" in record.getMessage() for record in caplog.records)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes there")
@pytest.mark.parametrize("threaded", [False, True])
def test_a_result_that_fails_shows_the_programs_own_frames(program: Any, threaded: bool) -> None:
    async def body(running: Any) -> str:
        handle = await running.start(Breaking, threaded)
        try:
            await handle.result()
        except workflows.WorkflowFailedError as error:
            return "".join(traceback.format_exception(error))
        return ""

    shown = program([Breaking], body)
    where = f'"{__file__}", line {_line_of("raise LookupError")}, in _deeper'
    assert where in shown
    # What called the activity is ours, and says nothing.
    note = shown[shown.index("where it ran") : shown.index(where)]
    assert "_worker" not in note
    assert "site-packages" not in note


def test_run_shows_the_programs_line(tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        "import ostro.workflows as workflows\n"
        "@workflows.workflow.define(name='w')\n"
        "class W:\n"
        "    @workflows.workflow.entrypoint\n"
        "    async def execute(self) -> int:\n"
        "        raise ValueError('broken here')\n"
        "print(workflows.run(W, address=':memory:'))\n"
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
    last = done.stderr[done.stderr.rindex("Traceback") :]
    assert f'"{program}", line 7, in <module>' in last
    assert "asyncio" not in last
    assert last.count("File ") <= 2
    assert f'"{program}", line 6, in execute' in done.stderr


@workflow.define(name="fetches")
class Fetches:
    @workflow.entrypoint
    async def execute(self, how: str) -> str:
        if how == "urllib":
            urllib.request.urlopen("http://127.0.0.1:9/")  # noqa: ASYNC210
        elif how == "asyncio":
            await asyncio.open_connection("127.0.0.1", 9)  # b
        else:
            import httpx

            async with httpx.AsyncClient() as client:
                await client.get("http://127.0.0.1:9/")  # c
        return "fetched"


@pytest.mark.parametrize(("how", "line"), [("urllib", "urllib.request.urlopen"), ("asyncio", "await asyncio.open_connection")])
def test_network_in_workflow_code_is_named_with_the_line(program: Any, how: str, line: str) -> None:
    async def body(running: Any) -> None:
        with pytest.raises(workflows.WorkflowFailedError, match="network in workflow code") as caught:
            await running.run(Fetches, how)
        assert f"network in workflow code at {__file__}:{_line_of(line)}: call it in an activity" in str(caught.value)

    program([Fetches], body)


@activity()
async def ping() -> int:
    return 1


@workflow.define(name="forgets")
class Forgets:
    @workflow.entrypoint
    async def execute(self) -> int:
        ping()  # type: ignore[unused-coroutine]
        await asyncio.sleep(0)
        return 2


@workflow.define(name="returns-a-call")
class ReturnsACall:
    @workflow.entrypoint
    async def execute(self) -> Any:
        return ping()


def test_a_forgotten_await_is_named_with_its_line(program: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def body(running: Any) -> None:
        assert await running.run(Forgets) == 2

    with caplog.at_level(logging.ERROR, "ostro.workflow"):
        program([Forgets], body)
    said = next(record.getMessage() for record in caplog.records if "is not awaited" in record.getMessage())
    assert f"ping() at {__file__}:{_line_of('ping()  # type')} is not awaited" in said
    assert 'workflow "forgets"' in said


def test_a_call_that_is_returned_without_await_is_named(program: Any) -> None:
    async def body(running: Any) -> None:
        with pytest.raises(workflows.WorkflowFailedError, match=r"ping\(\) is not awaited"):
            await running.run(ReturnsACall)

    program([ReturnsACall], body)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("import nothing_like_it\n", "cannot import nothing_like_it"), ("from json import nothing_like_it\n", "cannot import json")],
)
def test_a_bad_import_is_one_sentence(tmp_path: Path, source: str, expected: str) -> None:
    (tmp_path / "flows.py").write_text(f"\n{source}")
    program = tmp_path / "app.py"
    program.write_text("import flows\n")
    done = subprocess.run([sys.executable, "-m", "ostro", "run", str(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path / 'flows.py'}:2 {expected}" in done.stderr
    assert f'"{program}", line 1' in done.stderr


@activity(retry_policy_max_attempts=5)
async def too_much() -> str:
    return "x" * (3 * 1024 * 1024)


@workflow.define(name="too-much")
class TooMuch:
    @workflow.entrypoint
    async def execute(self) -> str:
        return await too_much()


def test_an_oversized_result_says_its_size_the_limit_and_what_to_do(program: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def body(running: Any) -> None:
        with pytest.raises(workflows.WorkflowFailedError) as caught:
            await running.run(TooMuch)
        text = str(caught.value)
        for part in ('activity "too_much"', "3145730", "2097152"):
            assert part in text, text

    program([TooMuch], body)
    assert sum("activity too_much failed" in record.getMessage() for record in caplog.records) == 1
