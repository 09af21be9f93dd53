"""Calls: with options, by name, on objects; workers of a part; dynamic handlers; interceptors; children; what a client can ask for."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from conftest import Program, wait_until
from ostro import workflows
from ostro.workflows import Client, IdConflictPolicy, IdReusePolicy, Interceptor, Worker, activity, workflow

_numbers = iter(range(10_000))


def own_queue() -> str:
    """A queue that no other test has."""
    return f"calls-{os.getpid()}-{next(_numbers)}"


@activity(retry_policy_max_attempts=1)
async def double(number: int) -> int:
    return number * 2


@activity(retry_policy_max_attempts=3, retry_policy_initial_interval=0.01)
async def attempts() -> int:
    if activity.info().attempt < 3:
        raise ValueError("again")
    return activity.info().attempt


@activity()
async def times() -> list[float]:
    info = activity.info()
    assert info.start_to_close_timeout is not None
    return [info.start_to_close_timeout.total_seconds(), info.heartbeat_timeout.total_seconds() if info.heartbeat_timeout else 0.0]


class Payments:
    """Activities with state."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    @activity()
    async def charge(self, amount: int) -> int:
        return amount * self.rate

    @activity(name="refund-it")
    def refund(self, amount: int) -> int:
        return -amount * self.rate


PAYMENTS = Payments(10)


@activity(dynamic=True, _skip_registering=True)
async def anything(name: str, args: list[Any]) -> str:
    return f"{name}{args}"


@workflow.define(name="calls-options")
class Options:
    @workflow.entrypoint
    async def execute(self) -> list[Any]:
        with pytest.raises(workflows.ActivityError):
            await attempts.with_options(retry_policy_max_attempts=1)()
        changed = times.with_options(start_to_close_timeout="7s", heartbeat_timeout="3s", summary="how long")
        return [
            await attempts(),
            await changed(),
            await times(),
            await changed.with_options(local=True)(),
            await workflow.execute_activity(times, start_to_close_timeout=9),
        ]


def test_options_of_one_call(program: Any) -> None:
    async def body(running: Program) -> None:
        handle = await running.start(Options)
        assert await handle.result() == [3, [7.0, 3.0], [300.0, 0.0], [7.0, 0.0], [9.0, 0.0]]
        scheduled = [e for e in (await handle.history())["events"] if e["eventType"].endswith("ACTIVITY_TASK_SCHEDULED")]
        assert any("userMetadata" in event for event in scheduled)

    program([Options], body)


def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="no option 'timeout'.*start_to_close_timeout"):
        double.with_options(timeout=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="retry_policy_max_attempts=-1"):
        double.with_options(retry_policy_max_attempts=-1)


@workflow.define(name="calls-elsewhere")
class Elsewhere:
    @workflow.entrypoint
    async def execute(self, queue: str) -> list[int]:
        far = double.with_options(task_queue=queue, start_to_close_timeout="20s")
        named = activity.named("double", int, task_queue=queue)
        return [await far(1), await named(2), await workflow.execute_activity("double", 3, returns=int, task_queue=queue)]


@pytest.mark.parametrize("address", ["embedded", "temporal"])
def test_workers_of_activities_only_and_of_workflows_only(request: pytest.FixtureRequest, address: str) -> None:
    where = ":memory:" if address == "embedded" else request.getfixturevalue("temporal_server")

    async def main() -> None:
        near, far = own_queue(), own_queue()
        async with await Client.connect(where, task_queue=near) as client:
            flows = Worker([Elsewhere], activities=(), connection=client.connection, task_queue=near)
            hands = Worker(
                activities=[double], connection=client.connection, task_queue=far, max_concurrent_activities=2, identity="hands"
            )
            async with flows, hands:
                handle = await client.start(Elsewhere, far)
                assert await asyncio.wait_for(handle.result(), 60) == [2, 4, 6]
                started = [e for e in (await handle.history())["events"] if e["eventType"].endswith("ACTIVITY_TASK_STARTED")]
                assert {e["activityTaskStartedEventAttributes"]["identity"] for e in started} == {"hands"}

    asyncio.run(main())


@workflow.define(name="calls-local")
class Local:
    @workflow.entrypoint
    async def execute(self) -> int:
        return await double.with_options(local=True)(1)


def test_a_worker_without_activities_says_so_of_local_ones() -> None:
    async def main() -> None:
        queue = own_queue()
        async with (
            await Client.connect(":memory:", task_queue=queue) as client,
            Worker([Local], activities=(), connection=client.connection, task_queue=queue),
        ):
            with pytest.raises(workflows.WorkflowFailedError, match="cannot run locally: its worker was made with activities="):
                await asyncio.wait_for(client.execute(Local), 30)

    asyncio.run(main())


def test_a_worker_of_nothing_and_wrong_limits_are_refused() -> None:
    with pytest.raises(workflows.WorkflowsException, match="a worker of nothing"):
        Worker(activities=())
    with pytest.raises(ValueError, match="max_concurrent_activities=0"):
        Worker([Local], max_concurrent_activities=0)
    with pytest.raises(workflows.WorkflowsException, match="is no activity"):
        Worker(activities=[object()])


@workflow.define(name="calls-methods")
class Methods:
    @workflow.entrypoint
    async def execute(self) -> list[int]:
        return [await PAYMENTS.charge(2), await Payments.charge(3), await PAYMENTS.refund(4)]


@pytest.mark.parametrize("given", ["object", "methods"])
def test_methods_with_state_are_activities(given: str) -> None:
    async def main() -> None:
        queue = own_queue()
        activities = [PAYMENTS] if given == "object" else [PAYMENTS.charge, PAYMENTS.refund]
        async with (
            await Client.connect(":memory:", task_queue=queue) as client,
            Worker([Methods], activities=activities, connection=client.connection, task_queue=queue),
        ):
            assert await asyncio.wait_for(client.execute(Methods), 30) == [20, 30, -40]

    asyncio.run(main())
    assert asyncio.run(PAYMENTS.charge(5)) == 50
    with pytest.raises(workflows.WorkflowsException, match=r"method of Payments.*activities=\[Payments\(...\).charge\]"):
        asyncio.run(Payments.charge(5))


@workflow.define(name="calls-dynamic")
class Dynamic:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    @workflow.entrypoint
    async def execute(self) -> list[Any]:
        await workflow.wait_condition(lambda: len(self.heard) == 3)
        return [*self.heard, await activity.named("whatever", str)(1, "a")]

    @workflow.signal
    def known(self, value: int) -> None:
        self.heard.append(value)

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, args: list[Any]) -> None:
        self.heard.append([name, args])

    @workflow.query(dynamic=True)
    def on_query(self, name: str, args: list[Any]) -> str:
        return f"{name}?{args}"

    @workflow.update(dynamic=True)
    async def on_update(self, name: str, args: list[Any]) -> str:
        self.heard.append(name)
        return f"{name}!{args}"


def test_dynamic_handlers_and_activities_take_what_has_no_name() -> None:
    async def body(client: Client) -> None:
        handle = await client.start(Dynamic)
        await handle.signal("known", 1)
        await handle.signal("unheard", 2, {"a": 3})
        assert await handle.query("state", 4) == "state?[4]"
        assert await handle.update("change", 5) == "change![5]"
        assert await handle.result() == [1, ["unheard", [2, {"a": 3}]], "change", "whatever[1, 'a']"]

    async def main() -> None:
        queue = own_queue()
        async with (
            await Client.connect(":memory:", task_queue=queue) as client,
            Worker([Dynamic], activities=[anything], connection=client.connection, task_queue=queue),
        ):
            await asyncio.wait_for(body(client), 60)

    asyncio.run(main())


class Trace(Interceptor):
    """Notes what goes by, and carries a name."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def start_workflow(self, call: Any, next: Any) -> Any:
        self.seen.append(f"start {call.name}")
        call.headers["who"] = "Ada"
        return await next(call)

    async def execute_workflow(self, call: Any, next: Any) -> Any:
        self.seen.append(f"run for {call.headers['who']}")
        return await next(call)

    async def start_activity(self, call: Any, next: Any) -> Any:
        call.headers["who"] = "Bob"
        return await next(call) + 100

    async def execute_activity(self, call: Any, next: Any) -> Any:
        self.seen.append(f"{call.name}({call.args}) for {call.headers['who']}")
        call.args = [call.args[0] + 1]
        return await next(call)

    async def handle_signal(self, call: Any, next: Any) -> Any:
        self.seen.append(f"signal {call.name}")
        return await next(call)

    async def handle_update(self, call: Any, next: Any) -> Any:
        return f"<{await next(call)}>"

    def handle_query(self, call: Any, next: Any) -> Any:
        return next(call).upper()


@workflow.define(name="calls-intercepted")
class Intercepted:
    def __init__(self) -> None:
        self.over = False

    @workflow.entrypoint
    async def execute(self, number: int) -> int:
        found = await double(number)
        await workflow.wait_condition(lambda: self.over)
        return found

    @workflow.signal
    def finish(self) -> None:
        self.over = True

    @workflow.query
    def state(self) -> str:
        return "fine"

    @workflow.update
    def name(self) -> str:
        return "x"


def test_interceptors_are_around_everything() -> None:
    trace = Trace()

    async def main() -> None:
        queue = own_queue()
        async with (
            await Client.connect(":memory:", task_queue=queue, interceptors=[trace]) as client,
            Worker([Intercepted], connection=client.connection, task_queue=queue, interceptors=[trace]),
        ):
            handle = await client.start(Intercepted, 1)
            assert await handle.query(Intercepted.state) == "FINE"
            assert await handle.update(Intercepted.name) == "<x>"
            await handle.signal(Intercepted.finish)
            assert await asyncio.wait_for(handle.result(), 30) == 104

    asyncio.run(main())
    assert trace.seen == ["start calls-intercepted", "run for Ada", "double([1]) for Bob", "signal finish"]


@workflow.define(name="calls-child")
class Child:
    def __init__(self) -> None:
        self.got = 0

    @workflow.entrypoint
    async def execute(self, number: int) -> int:
        await workflow.wait_condition(lambda: self.got > 0)
        return number + self.got

    @workflow.signal
    def give(self, number: int) -> None:
        self.got = number


@workflow.define(name="calls-parent")
class Parent:
    @workflow.entrypoint
    async def execute(self) -> list[Any]:
        first = await workflow.start_child(Child, 1, id=f"{workflow.info().workflow_id}-1", memo={"of": "parent"})
        second = await workflow.start_child("calls-child", {"number": 2}, returns=int)
        await first.signal(Child.give, 10)
        await second.signal("give", 20)
        short = await workflow.start_child(Child, 3, run_timeout="1s")
        found: list[Any] = [await first, await second]
        try:
            await short
        except workflows.ChildWorkflowError as error:
            found.append(type(error.cause).__name__)
        return found


def test_children_have_handles_options_and_names(program: Any) -> None:
    async def body(running: Program) -> None:
        assert await running.run(Parent) == [11, 22, "TimeoutFailure"]

    program([Parent, Child], body)


@workflow.define(name="calls-counter")
class Counter:
    def __init__(self) -> None:
        self.total = 0
        self.gate = False

    @workflow.entrypoint
    async def execute(self, until: int) -> int:
        await workflow.wait_condition(lambda: self.total >= until and workflow.all_handlers_finished())
        return self.total

    @workflow.signal
    def add(self, number: int) -> None:
        self.total += number

    @workflow.signal
    def open(self) -> None:
        self.gate = True

    @workflow.update
    async def add_slowly(self, number: int) -> int:
        await workflow.wait_condition(lambda: self.gate)
        self.total += number
        return self.total


def _program(engine: str, body: Any) -> None:
    from conftest import run_program

    run_program(engine, [Counter], body)


def test_signal_and_update_with_start(engine: str) -> None:
    async def body(running: Program) -> None:
        client, name = running.client, own_queue()
        first = await client.signal_with_start(Counter, 5, signal=Counter.add, signal_args=[2], id=name)
        again = await client.signal_with_start(Counter, 5, signal="add", signal_args=[1], id=name)
        assert first.run_id == again.run_id
        update = await client.start_update_with_start(Counter, 5, update=Counter.add_slowly, update_args=[2], id=name)
        await first.signal(Counter.open)
        assert await update.result() == 5
        assert await asyncio.wait_for(first.result(), 60) == 5
        with pytest.raises(TypeError, match="give the `id`"):
            await client.update_with_start(Counter, 5, update=Counter.add_slowly, update_args=[2])

    _program(engine, body)


def test_an_update_without_waiting_for_it(engine: str) -> None:
    async def body(running: Program) -> None:
        handle = await running.start(Counter, 3)
        update = await handle.start_update(Counter.add_slowly, 3, id="one")
        assert update.id == "one"
        await handle.signal(Counter.open)
        assert await handle.get_update_handle("one", Counter.add_slowly).result() == 3
        assert await update.result() == 3

    _program(engine, body)


def test_policies_of_ids(engine: str) -> None:
    async def body(running: Program) -> None:
        client, name = running.client, own_queue()
        first = await client.start(Counter, 1, id=name)
        with pytest.raises(workflows.AlreadyStartedError):
            await client.start(Counter, 1, id=name)
        same = await client.start(Counter, 1, id=name, id_conflict_policy=IdConflictPolicy.USE_EXISTING)
        assert same.run_id == first.run_id
        other = await client.start(Counter, 1, id=name, id_conflict_policy=IdConflictPolicy.TERMINATE_EXISTING)
        assert other.run_id != first.run_id
        await other.signal(Counter.add, 1)
        await asyncio.wait_for(other.result(), 60)
        for policy in (IdReusePolicy.REJECT_DUPLICATE, IdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY):
            with pytest.raises(workflows.AlreadyStartedError):
                await client.start(Counter, 1, id=name, id_reuse_policy=policy)

    _program(engine, body)


def test_reset_delete_counts_and_batches(engine: str) -> None:
    async def body(running: Program) -> None:
        client, name = running.client, own_queue()
        handle = await client.start(Counter, 2, id=name)
        await handle.signal(Counter.add, 2)
        assert await asyncio.wait_for(handle.result(), 60) == 2
        again = await handle.reset(4, "once more")
        assert again.run_id != handle.run_id
        assert await asyncio.wait_for(again.result(), 60) == 2
        more = [await client.start(Counter, 100, id=f"{name}-{at}") for at in range(3)]
        query = f'TaskQueue = "{client.task_queue}" AND ExecutionStatus = "Running"'

        async def three() -> bool:
            return (await client.count_by("ExecutionStatus", query)) == {"Running": 3}

        await wait_until(three, 30)
        found = await client.wait_for_batch(await client.batch_signal(query, "add", 100))
        assert (found.state, found.total, found.failed) == ("COMPLETED", 3, 0)
        assert [await asyncio.wait_for(one.result(), 60) for one in more] == [100] * 3
        await more[0].delete()

        async def gone() -> bool:
            try:
                await more[0].describe()
            except workflows.NotFoundError:
                return True
            return False

        await wait_until(gone, 30)

    _program(engine, body)


def test_pause_holds_an_execution(ostro_server: str) -> None:
    async def body(running: Program) -> None:
        handle = await running.start(Counter, 1)
        await handle.pause("look")
        await handle.signal(Counter.add, 1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(handle.result(), 1)
        await handle.unpause("go")
        assert await asyncio.wait_for(handle.result(), 60) == 1

    _program(ostro_server, body)
