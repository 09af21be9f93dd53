"""Histories replay in a process that has not seen them, and changed code is told where."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows
from ostro.workflows import testing

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

PROGRAM = """
import asyncio
import ostro.workflows as workflows

@workflows.activity()
async def first(x: int) -> int:
    return x

@workflows.activity()
async def second(x: int) -> int:
    return x

@workflows.workflow.define(name="changes")
class Changes:
    @workflows.workflow.entrypoint
    async def execute(self, x: int) -> int:
        found = await first(x)
{body}
        with workflows.run_activities_locally():
            return await second(found)
"""
RECORDED = "        await asyncio.sleep(0.01)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the program is, whichever form it has: what is loaded again from there is the same program."""
    return tmp_path_factory.mktemp("changes")


def load(folder: Path, body: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "changes"}
    file = folder / "changes.py"
    file.write_text(PROGRAM.format(body=body))
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    return namespace["Changes"]


@pytest.fixture
def history(folder: Path, program: Any) -> dict[str, Any]:
    changes = load(folder, RECORDED)

    async def body(running: Any) -> Any:
        handle = await running.start(changes, 1)
        await handle.result()
        return await handle.history()

    recorded: dict[str, Any] = program([changes], body)
    return recorded


def test_the_same_code_replays(folder: Path, history: dict[str, Any]) -> None:
    testing.replay([load(folder, RECORDED)], history)


@pytest.mark.parametrize(
    ("body", "event", "line", "code"),
    [
        ("        await second(2)", 11, 18, 'schedule activity "second"'),
        ("        pass", 11, 20, 'schedule local activity "second"'),
        ("        await asyncio.sleep(0.01); await first(2)", 16, 18, 'schedule activity "first"'),
    ],
)
def test_a_change_is_told_at_its_event_with_the_line(
    folder: Path, history: dict[str, Any], body: str, event: int, line: int, code: str
) -> None:
    with pytest.raises(testing.NonDeterminismError) as caught:
        testing.replay([load(folder, body)], history)
    assert caught.value.event_id == event
    assert f"changes.py:{line} in execute" in caught.value.line, caught.value
    assert code in str(caught.value)


def test_what_is_no_history_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="not a history"):
        testing.replay([load(folder, RECORDED)], "{}")


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_each_example_runs_and_replays_in_a_fresh_process(example: Path, tmp_path: Path) -> None:
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), "OSTRO_ADDRESS": str(tmp_path / "engine.db")}
    ran = subprocess.run([sys.executable, str(example)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    files = asyncio.run(export(tmp_path / "engine.db", tmp_path))
    assert files
    command = [sys.executable, "-m", "ostro", "replay", str(example), *map(str, files)]
    replayed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert replayed.stdout.count("as recorded") == len(files)


def test_every_shape_of_asyncio_replays_in_another_process(tmp_path: Path) -> None:
    from conftest import run_program
    from test_workflows import Child as ChildWorkflow
    from test_workflows import Continues, Counter, Parent, Shapes

    engine = tmp_path / "engine.db"

    async def body(running: Any) -> None:
        for _ in range(3):
            await running.run(Shapes)
        await running.run(Parent, "signal")
        await running.run(Continues, 3)
        handle = await running.start(Counter, 3)
        await handle.update(Counter.add_and_get, 3)
        await handle.result()

    run_program(str(engine), [Shapes, Parent, ChildWorkflow, Continues, Counter], body)
    files = asyncio.run(export(engine, tmp_path))
    assert len(files) == 3 + 2 + 3 + 1
    program = Path(__file__).with_name("test_workflows.py")
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "ostro", "replay", str(program), *map(str, files)]
    replayed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert replayed.stdout.count("as recorded") == len(files), replayed.stdout + replayed.stderr


async def export(engine: Path, folder: Path) -> list[Path]:
    """The histories in an engine's file."""
    files = []
    async with await workflows.Client.connect(str(engine)) as client:
        async for execution in client.list():
            history = await client.get_handle(execution.id, execution.run_id).history()
            file = folder / f"{execution.id}-{execution.run_id}.json"
            file.write_text(json.dumps(history))
            files.append(file)
    return files
