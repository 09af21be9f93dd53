"""Workflows for what the seed page does not show: interaction, streaming, concurrency, children, search keys, failure."""

import asyncio
import logging
from datetime import timedelta

from mistralai import workflows
from mistralai.workflows import Depends, InteractiveWorkflow, task
from pydantic import BaseModel


class Approval(BaseModel):
    approved: bool
    comment: str = ""


@workflows.workflow.define(name="interactive")
class Interactive(InteractiveWorkflow):
    @workflows.workflow.entrypoint
    async def execute(self, what: str) -> dict:
        approval = await self.wait_for_input(Approval, label="Approve")
        return {"what": what, "approved": approval.approved, "comment": approval.comment}


class Progress(BaseModel):
    text: str = ""
    done: int = 0


@workflows.activity()
async def streaming_activity(words: list[str]) -> str:
    async with task("progress", state=Progress()) as progress:
        text = ""
        for index, word in enumerate(words):
            text += word
            await progress.set_state(Progress(text=text, done=index + 1))
    return text


@workflows.workflow.define(name="streaming")
class Streaming:
    @workflows.workflow.entrypoint
    async def execute(self, words: list[str]) -> str:
        return await streaming_activity(words)


class Number(BaseModel):
    value: int


@workflows.activity()
async def square(number: Number) -> int:
    return number.value**2


@workflows.workflow.define(name="parallel")
class Parallel:
    @workflows.workflow.entrypoint
    async def execute(self, count: int) -> list[int]:
        items = [Number(value=value) for value in range(count)]
        return await workflows.execute_activities_in_parallel(square, items=items)


@workflows.workflow.define(name="child")
class Child:
    @workflows.workflow.entrypoint
    async def execute(self, params: Number) -> int:
        return await square(params)


@workflows.workflow.define(name="parent")
class Parent:
    @workflows.workflow.entrypoint
    async def execute(self, value: int) -> int:
        return await workflows.execute_workflow(Child, Number(value=value))


class Countdown(BaseModel):
    left: int
    runs: int = 1


@workflows.workflow.define(name="countdown")
class CountdownWorkflow:
    @workflows.workflow.entrypoint
    async def execute(self, params: Countdown) -> dict:
        await square(Number(value=params.left))
        if params.left > 0:
            workflows.workflow.continue_as_new(Countdown(left=params.left - 1, runs=params.runs + 1))
        return {"runs": params.runs}


async def greeting() -> str:
    return "hello"


@workflows.activity()
async def greet(name: str, greeting: str = Depends(greeting)) -> str:
    logging.getLogger("lab").warning("greeting %s", name)
    return f"{greeting}, {name}"


@workflows.workflow.define(name="injected")
class Injected:
    @workflows.workflow.entrypoint
    async def execute(self, name: str) -> str:
        return await greet(name)


@workflows.workflow.define(name="searchable", search_keys=["customer"])
class Searchable:
    @workflows.workflow.entrypoint
    async def execute(self, customer: str) -> str:
        await workflows.workflow.add_search_keys({"stage": "done"})
        return customer


@workflows.activity(retry_policy_max_attempts=2)
async def always_fails() -> None:
    raise ValueError("the reason")


@workflows.workflow.define(name="failing")
class Failing:
    @workflows.workflow.entrypoint
    async def execute(self) -> None:
        await always_fails()


@workflows.activity(retry_policy_max_attempts=3)
async def fails_once() -> int:
    from mistralai.workflows import get_execution_id

    key = get_execution_id()
    if key not in _FAILED:
        _FAILED.add(key)
        raise ValueError("once")
    return 1


_FAILED: set = set()


@workflows.workflow.define(name="retrying")
class Retrying:
    @workflows.workflow.entrypoint
    async def execute(self) -> int:
        return await fails_once()


@workflows.workflow.define(name="conversation", execution_timeout=timedelta(minutes=10))
class Conversation:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.over = False

    @workflows.workflow.entrypoint
    async def execute(self) -> dict:
        await workflows.workflow.wait_condition(lambda: self.over)
        return {"heard": self.heard}

    @workflows.workflow.signal(name="say", description="Says something")
    async def say(self, text: str) -> None:
        self.heard.append(text)

    @workflows.workflow.signal(name="leave")
    async def leave(self) -> None:
        self.over = True

    @workflows.workflow.query(name="heard")
    def what_was_heard(self) -> dict:
        return {"heard": self.heard}

    @workflows.workflow.update(name="correct")
    async def correct(self, index: int, text: str) -> dict:
        if index >= len(self.heard):
            raise workflows.WorkflowError(f"nothing was said at {index}")
        self.heard[index] = text
        return {"heard": self.heard}


@workflows.workflow.define(name="short-lived", execution_timeout=timedelta(seconds=2))
class ShortLived:
    @workflows.workflow.entrypoint
    async def execute(self) -> None:
        await asyncio.sleep(3600)


@workflows.activity()
async def noop(value: int) -> int:
    return value


@workflows.workflow.define(name="sequence")
class Sequence:
    @workflows.workflow.entrypoint
    async def execute(self, count: int, local: bool = False) -> int:
        if local:
            with workflows.run_activities_locally():
                for value in range(count):
                    await noop(value)
        else:
            for value in range(count):
                await noop(value)
        return count


WORKFLOWS = [
    Interactive,
    Streaming,
    Parallel,
    Child,
    Parent,
    CountdownWorkflow,
    Injected,
    Searchable,
    Failing,
    Retrying,
    Conversation,
    ShortLived,
    Sequence,
]
