"""Wrong uses: each line that ends in `# wrong: NAME` must be refused by the checkers that the name's entry has, and no other line."""

from __future__ import annotations

from ostro import workflows
from ostro.workflows import Client, activity, workflow


@activity
def in_a_thread(number: int) -> str:
    return str(number)


@activity(start_to_close_timeout="10s")
async def charge(amount: int, note: str = "") -> int:
    return amount


@workflow.define(name="typed")
class Typed:
    @workflow.entrypoint
    async def execute(self, number: int) -> int:
        await charge("five")  # wrong: argument
        await charge(1, notes="")  # wrong: keyword
        text: int = await in_a_thread(1)  # wrong: result
        await in_a_thread.with_options(start_to_close="5s")(1)  # wrong: keyword
        await charge.with_options(task_queue=5)(1)  # wrong: argument
        await charge.with_options(task_queue="q")("x")  # wrong: argument
        named: str = await activity.named("charge", int)(1)  # wrong: result
        print(text, named)
        if number:
            workflow.continue_as_new(number)
        return 1

    @workflow.query
    def state(self) -> str:
        return ""

    @workflow.update
    async def change(self, to: int) -> bool:
        return True


async def client() -> None:
    connected = await Client.connect()
    await connected.start(Typed, 1, identifier="a")  # wrong: keyword
    good = await connected.start(Typed, 1, id="a", task_queue="q")
    result: str = await good.result()  # wrong: result
    state: int = await good.query(Typed.state)  # wrong: result
    changed: str = await good.update(Typed.change, 1)  # wrong: result
    update = await good.start_update(Typed.change, 1)
    later: str = await update.result()  # wrong: result
    print(result, state, changed, later)


whole: str = workflows.run(Typed, 1)  # wrong: result


@workflow.define("positional", execution_timeout=[])  # wrong: argument
class Positional:
    @workflow.entrypoint
    async def execute(self) -> None:
        workflow.continue_as_new()
