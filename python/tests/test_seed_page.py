"""Every code block of the page that describes the system, as it is written, on each engine, with the same results.

Only what the page leaves undefined is supplied: functions that it calls and does not show, imports that it leaves out, a function
under a decorator that stands alone. One block imports the class `datetime` and means the module; it gets one that is both.
"""

from __future__ import annotations

import builtins
import datetime as real_datetime
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ostro.compat  # noqa: F401
import pytest
from conftest import Program, run_program
from ostro import workflows

PAGE = Path(__file__).parent / "data" / "activities.txt"
_STARTS = ("import ", "from ", "@", "async def ", "def ", "class ", ")", "# ", "_")


def code_blocks() -> list[str]:
    """The page's code: runs of lines that are Python, or are indented under such lines."""
    blocks: list[list[str]] = []
    current: list[str] = []
    for line in PAGE.read_text().splitlines():
        starts = line.startswith(_STARTS)
        inside = bool(current) and (not line.strip() or (line.startswith("  ") and "•" not in line))
        if starts or inside:
            current.append(line)
        elif current:
            blocks.append(current)
            current = []
    if current:
        blocks.append(current)
    return ["\n".join(block).strip() + "\n" for block in blocks]


BLOCKS = code_blocks()


class Datetime(real_datetime.datetime):
    """For the block that imports the class and means the module."""

    timedelta = real_datetime.timedelta


def load(block: str, **supplied: Any) -> types.ModuleType:
    """Runs a block as a module, with what it leaves undefined."""
    module = types.ModuleType(f"seed_block_{BLOCKS.index(block)}")
    sys.modules[module.__name__] = module
    vars(module).update(supplied)
    if block.endswith(")\n"):  # a decorator that stands alone
        block += "async def decorated(text: str) -> str:\n    return text.upper()\n"
    code = compile(block, f"<seed block {module.__name__}>", "exec")
    if "datetime.timedelta" in block:

        def importing(name: str, *rest: Any) -> Any:
            return types.SimpleNamespace(datetime=Datetime) if name == "datetime" else builtins.__import__(name, *rest)

        vars(module)["__builtins__"] = {**vars(builtins), "__import__": importing}
    exec(code, vars(module))
    return module


def find(text: str) -> str:
    """The one block that has `text`."""
    found = [block for block in BLOCKS if text in block]
    assert len(found) == 1, (text, len(found))
    return found[0]


def caller(name: str, activity: Any, *, local: bool = False) -> type:
    """A workflow that calls an activity of the page that no workflow of the page calls."""

    @workflows.workflow.define(name=name)
    class Caller:
        @workflows.workflow.entrypoint
        async def execute(self, args: list) -> Any:  # type: ignore[type-arg]
            if not local:
                return await activity(*args)
            with workflows.run_activities_locally():
                return await activity(*args)

    return Caller


@workflows.activity()
async def quick_lookup(email: str) -> str:
    return email.partition("@")[2]


@workflows.activity()
async def external_api_call(email: str) -> bool:
    return email.endswith(".c")


@workflows.activity(name="process_item_of_batch", sticky_to_worker=True)
async def process_item_of_batch(item: dict) -> dict:  # type: ignore[type-arg]
    return {**item, "done": True}


async def process_item(item: str) -> str:
    return item.upper()


class Model:
    def predict(self, data: dict) -> dict:  # type: ignore[type-arg]
        return {"prediction": data["x"] * 2}


def bare(marker: str, name: str, *, expect: Callable[[Any], bool]) -> tuple[type, list[Any], Any]:
    module = load(find(marker), workflows=workflows)
    definition = module.decorated.__ostro_activity__
    assert expect(definition), definition
    return caller(name, module.decorated), ["abc"], "ABC"


def cases() -> list[tuple[type, list[Any], Any]]:
    """(workflow, input, result) of each block."""
    # Decorators that stand alone all name their function alike here; each is called under its own name.
    made: list[tuple[type, list[Any], Any]] = []

    def alone(marker: str, name: str, expect: Callable[[Any], bool]) -> None:
        workflows_of_page = types.SimpleNamespace(
            **{key: getattr(workflows, key) for key in workflows.__all__ if key != "activity"},
            activity=lambda **options: workflows.activity(**{"name": name, **options}),
        )
        block = find(marker)
        module = load(block, workflows=workflows_of_page)
        definition = module.decorated.__ostro_activity__
        assert expect(definition), definition
        made.append((caller(f"call-{name}", module.decorated), [["abc"]], "ABC"))

    basic = load(find("async def my_activity"))
    made.append((caller("call-basic", basic.my_activity), [["hello"]], {"result": "hello", "processed_count": 1}))
    alone('name="custom_activity_name"', "naming", lambda one: one.name == "custom_activity_name")
    alone("datetime.timedelta(minutes=10)", "timeouts", lambda one: one.start_to_close == 600)
    alone("retry_policy_max_attempts=5", "retries", lambda one: one.attempts == 5 and one.coefficient == 2.0)
    sticky = find("    sticky_to_worker=True\n")
    module = load(sticky, workflows=workflows)
    made.append((_in_session("call-sticky", module.decorated), ["abc"], "ABC"))
    beat = load(find("async def long_running_task"), workflows=workflows, process_item=process_item)
    made.append((caller("call-heartbeat", beat.long_running_task), [[["a", "b"]]], {"results": ["A", "B"]}))
    nested = load(find("async def parent_activity"))
    made.append((caller("call-nested", nested.parent_activity), [["hello"]], {"result_data": "processed_data"}))
    local = load(find("class UserWorkflow"), workflows=workflows)
    made.append((local.UserWorkflow, ["a@b.c"], True))
    mixed = load(
        find("class MixedWorkflow"),
        workflows=workflows,
        run_activities_locally=workflows.run_activities_locally,
        quick_lookup=quick_lookup,
        external_api_call=external_api_call,
    )
    made.append((mixed.MixedWorkflow, ["a@b.c"], {"domain": "b.c", "verified": True}))
    timed = load(find("async def timed_local_activity"), workflows=workflows, timedelta=real_datetime.timedelta)
    made.append((caller("call-timed", timed.timed_local_activity, local=True), [["abc"]], "ABC"))
    model = load(find("class MLInferenceWorkflow"), workflows=workflows, load_expensive_model=Model)
    made.append((model.MLInferenceWorkflow, [[{"x": 1}, {"x": 2}]], [{"prediction": 2}, {"prediction": 4}]))
    batches = load(
        find("class MultiBatchWorkflow"),
        workflows=workflows,
        get_sticky_worker_session=workflows.get_sticky_worker_session,
        run_sticky_worker_session=workflows.run_sticky_worker_session,
        process_item=process_item_of_batch,
    )
    items = [[{"n": 1}, {"n": 2}], [{"n": 3}]]
    done = [[{**item, "done": True} for item in batch] for batch in items]
    made.append((batches.MultiBatchWorkflow, [items], done))
    return made


def _in_session(name: str, activity: Any) -> type:
    @workflows.workflow.define(name=name)
    class InSession:
        @workflows.workflow.entrypoint
        async def execute(self, text: str) -> str:
            async with workflows.run_sticky_worker_session():
                answer: str = await activity(text)
                return answer

    return InSession


CASES = cases()


def test_the_page_has_twelve_blocks() -> None:
    assert len(BLOCKS) == 12 == len(CASES)
    for block in BLOCKS:
        assert block in PAGE.read_text()


def test_every_block_runs_as_it_is_written(engine: str) -> None:
    async def body(program: Program) -> None:
        for workflow, args, expected in CASES:
            result = await program.run(workflow, *args)
            assert result == expected, workflow

    run_program(engine, [workflow for workflow, _args, _expected in CASES], body)


@pytest.mark.parametrize("name", ["basic", "nested", "local"])
def test_activities_of_the_page_run_outside_workflows(name: str) -> None:
    import asyncio

    if name == "basic":
        module = sys.modules[f"seed_block_{BLOCKS.index(find('async def my_activity'))}"]
        assert asyncio.run(module.my_activity("x", count=2)) == {"result": "x", "processed_count": 2}
    elif name == "nested":
        module = sys.modules[f"seed_block_{BLOCKS.index(find('async def parent_activity'))}"]
        assert asyncio.run(module.parent_activity("x")) == {"result_data": "processed_data"}
    else:
        module = sys.modules[f"seed_block_{BLOCKS.index(find('class UserWorkflow'))}"]
        assert asyncio.run(module.validate_email("a@b.c")) is True
