"""Results as programs of the original expect them on the wire, and module names as they import them."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from typing import Any

import pytest
from ostro import workflows
from ostro.workflows import client, models, testing, workflow
from pydantic import BaseModel


class Found(BaseModel):
    result: int


@workflow.define(name="wrapped_number")
class Number:
    @workflow.entrypoint
    async def run(self, wanted: int) -> int | None:
        return wanted or None


@workflow.define(name="wrapped_object")
class Object:
    @workflow.entrypoint
    async def run(self) -> dict[str, int]:
        return {"result": 3}


@workflow.define(name="wrapped_model")
class Model:
    @workflow.entrypoint
    async def run(self) -> Found:
        return Found(result=3)


@workflow.define(name="wrapped_bare")
class Bare:
    @workflow.entrypoint
    async def run(self):  # type: ignore[no-untyped-def]
        return 3


@workflow.define(name="wrapped_parent")
class Parent:
    @workflow.entrypoint
    async def run(self) -> list[Any]:
        found = [await workflows.execute_workflow(child, *given) for child, given in CHILDREN]
        return [repr(result) if isinstance(result, Found) else result for result in found]


CHILDREN: list[tuple[type, tuple[Any, ...]]] = [(Number, (3,)), (Number, (0,)), (Object, ()), (Model, ()), (Bare, ())]


@pytest.mark.parametrize("wrapped", [True, False])
def test_what_is_no_model_stands_in_an_object(monkeypatch: pytest.MonkeyPatch, wrapped: bool) -> None:
    monkeypatch.setattr(workflows.config.worker, "wrap_results", wrapped)
    asyncio.run(see_results(wrapped))


async def see_results(wrapped: bool) -> None:
    sent = (
        [{"result": 3}, None, {"result": {"result": 3}}, {"result": 3}, 3]
        if wrapped
        else [3, None, {"result": 3}, {"result": 3}, 3]
    )
    async with testing.environment() as env, testing.create_test_worker(env, [Number, Object, Model, Bare, Parent]):
        for (child, given), seen in zip(CHILDREN, sent):
            handle: workflows.WorkflowHandle[Any] = await env.start(child, *given)
            assert await env.get_handle(handle.id).result() == seen
        assert await env.execute(Parent) == [3, None, {"result": 3}, "Found(result=3)", 3]


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_originals_module_names() -> None:
    run(
        "import ostro.compat\n"
        "from mistralai.workflows.core.task import task\n"
        "from mistralai.workflows.core.task.task import Task\n"
        "import mistralai.workflows.core.task as room, mistralai.workflows as flows\n"
        "from mistralai.workflows.core.config.config import config\n"
        "from mistralai.workflows.core.execution.concurrency import execute_activities_in_parallel\n"
        "import mistralai.workflows.core.execution.concurrency.execute_activities_in_parallel\n"
        "from mistralai.workflows.models import ScheduleDefinition\n"
        "assert room.task is task is flows.task, room.task\n"
        "assert config is flows.config and ScheduleDefinition is flows.Schedule\n"
        "assert config.worker.wrap_results and not config.worker.exact_values\n"
        "from mistralai.workflows.core.execution import concurrency\n"
        "assert concurrency.execute_activities_in_parallel is flows.execute_activities_in_parallel\n"
    )


def test_a_module_that_the_original_has_and_we_do_not_is_not_found() -> None:
    run(
        "import ostro.compat\ntry:\n    import mistralai.workflows.core.storage.blob\nexcept ModuleNotFoundError:\n    pass\nelse:\n    raise SystemExit(1)\n"
    )


def test_a_client_of_a_model_needs_its_package() -> None:
    with pytest.raises(workflows.WorkflowsException, match="executor credentials"):
        client.get_mistral_client(use_executor_credentials=True)
    if importlib.util.find_spec("mistralai") is None:
        with pytest.raises(ImportError, match="pip install mistralai"):
            client.get_mistral_client()


@workflow.define(name="wrapped_described", execution_timeout="2m")
class Described:
    @workflow.entrypoint
    async def run(self, wanted: int, more: str = "") -> str:
        return more

    @workflow.signal(description="says it")
    async def say(self, words: str) -> None: ...

    @workflow.query()
    def heard(self) -> int:
        return 0


def test_a_workflow_is_described() -> None:
    found = models.WorkflowSpec.model_validate(workflows.get_workflow_definition(Described))
    assert found.input_schema["required"] == ["wanted"] and found.output_schema == {"type": "string"}
    assert [(one.name, one.description, one.output_schema) for one in found.signals] == [("say", "says it", None)]
    assert [(one.name, one.output_schema) for one in found.queries] == [("heard", {"type": "integer"})]
    assert (str(found.execution_timeout), found.schedules, found.on_behalf_of) == ("0:02:00", [], False)


def test_only_a_class_becomes_a_workflow() -> None:
    with pytest.raises(workflows.WorkflowsException, match="is no class"):
        workflow.define(name="wrapped_function")(run)  # type: ignore[type-var]
