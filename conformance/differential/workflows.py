"""The few workflows and activities that all scenarios share."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ApplicationError

CUSTOM = SearchAttributeKey.for_keyword("CustomKeywordField")


@workflow.defn
class Wait:
    """Waits for `go`; shows queries, signals and updates."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.gone = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.gone)
        return self.said

    @workflow.signal
    def say(self, word: str) -> None:
        self.said.append(word)

    @workflow.signal
    def go(self) -> None:
        self.gone = True

    @workflow.query
    def words(self) -> list[str]:
        return self.said

    @workflow.query
    def broken(self) -> None:
        raise ApplicationError("no answer to this")

    @workflow.update
    async def add(self, word: str) -> int:
        if word == "fail":
            raise ApplicationError("this word fails", type="BadWord")
        self.said.append(word)
        return len(self.said)

    @add.validator
    def check(self, word: str) -> None:
        if not word:
            raise ApplicationError("an empty word", type="Empty")

    @workflow.update
    async def slow(self) -> str:
        await workflow.wait_condition(lambda: self.gone)
        return "slow"


@workflow.defn
class Act:
    """One activity with the given options (times in seconds)."""

    @workflow.run
    async def run(self, name: str, argument: str, options: dict[str, Any]) -> str:
        times: dict[str, Any] = {key: timedelta(seconds=value) for key, value in options.items() if key.endswith("_timeout")}
        retry = RetryPolicy(
            initial_interval=timedelta(milliseconds=options.get("interval_ms", 50)),
            maximum_attempts=options.get("attempts", 0),
            non_retryable_error_types=options.get("fatal", []),
        )
        queue = options.get("queue")
        answer: str = await workflow.execute_activity(name, argument, **times, retry_policy=retry, task_queue=queue)
        return answer


@workflow.defn
class CancelActivity:
    """Cancels an activity that heartbeats, and waits for its end."""

    @workflow.run
    async def run(self) -> str:
        handle = workflow.start_activity(
            until_cancelled,
            "",
            start_to_close_timeout=timedelta(seconds=20),
            heartbeat_timeout=timedelta(seconds=2),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        await workflow.sleep(0.5)
        handle.cancel()
        try:
            return await handle
        except BaseException as error:
            return type(error).__name__


@workflow.defn
class Timers:
    """One timer fires, one is cancelled."""

    @workflow.run
    async def run(self) -> str:
        long = asyncio.create_task(asyncio.sleep(1000))
        await workflow.sleep(0.1)
        long.cancel()
        return "done"


@workflow.defn
class Fail:
    """Fails at once."""

    @workflow.run
    async def run(self, message: str) -> None:
        raise ApplicationError(message, "detail", 7, type="Planned", non_retryable=message == "fatal")


@workflow.defn
class Parent:
    """Starts a `Wait` child under a policy; ends at once, or waits for the child."""

    @workflow.run
    async def run(self, child_id: str, policy: str, wait: bool) -> str:
        child = await workflow.start_child_workflow(Wait.run, id=child_id, parent_close_policy=workflow.ParentClosePolicy[policy])
        if wait:
            return str(await child)
        return "left"


@workflow.defn
class ParentOfFailing:
    """Its child fails; the failure is its result."""

    @workflow.run
    async def run(self, child_id: str) -> str:
        try:
            await workflow.execute_child_workflow(Fail.run, "fatal", id=child_id)
        except Exception as error:
            return f"{type(error).__name__}: {error.__cause__}"
        return "no failure"


@workflow.defn
class External:
    """Signals another workflow, then asks for its cancellation."""

    @workflow.run
    async def run(self, other: str) -> str:
        handle = workflow.get_external_workflow_handle(other)
        told = []
        for call in (handle.signal("say", "hello"), handle.cancel()):
            try:
                await call
                told.append("ok")
            except Exception as error:
                told.append(f"{type(error).__name__}: {error}")
        return ", ".join(told)


@workflow.defn
class Again:
    """Continues as new until it has counted down."""

    @workflow.run
    async def run(self, left: int) -> str:
        if left:
            workflow.continue_as_new(left - 1, memo={"left": left})
        return "landed"


@workflow.defn
class Attributes:
    """Upserts search attributes and memo, sets details."""

    @workflow.run
    async def run(self) -> None:
        workflow.upsert_search_attributes([CUSTOM.value_set("two")])
        workflow.upsert_memo({"added": 1, "dropped": None})
        if workflow.patched("a-patch"):
            await workflow.execute_local_activity(echo, "local", schedule_to_close_timeout=timedelta(seconds=5))


@workflow.defn
class Scripted:
    """Does what it is told, step by step; see `scenarios/generated.py`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.waits = 0
        self.waiting = 0
        self.gone = 0

    @workflow.run
    async def run(self, steps: list[list[Any]], again: bool) -> str:
        for number, (kind, value) in enumerate(steps):
            if kind == "end":
                return self.end(value, steps, again)
            await getattr(self, kind)(number, value)
        return "done"

    def end(self, how: str, steps: list[list[Any]], again: bool) -> str:
        if how == "fail":
            raise ApplicationError("as told", type="Told")
        if how == "again" and not again:
            workflow.continue_as_new(args=[[["timer", 1], ["end", "again"]], True])
        return "ended"

    async def activity(self, number: int, value: int) -> None:
        await workflow.execute_activity(echo, f"step {number}", start_to_close_timeout=timedelta(seconds=20 + value))

    async def parallel(self, number: int, value: int) -> None:
        timeout = timedelta(seconds=20)
        # One result at a time: which of two comes first is nobody's promise.
        for part in range(value):
            await workflow.execute_activity(echo, f"part {part}", schedule_to_close_timeout=timeout)

    async def failing(self, number: int, value: int) -> None:
        retry = RetryPolicy(initial_interval=timedelta(milliseconds=20), maximum_attempts=2)
        timeout = timedelta(seconds=20)
        try:
            await workflow.execute_activity(fail_until, str(value), start_to_close_timeout=timeout, retry_policy=retry)
        except Exception as error:
            self.said.append(type(error).__name__)

    async def timer(self, number: int, value: int) -> None:
        await workflow.sleep(0.01 * (value + 1))

    async def wait(self, number: int, value: int) -> None:
        self.waits += 1
        self.waiting = self.waits
        await workflow.wait_condition(lambda: self.gone >= self.waits)

    async def memo(self, number: int, value: int) -> None:
        workflow.upsert_memo({f"step-{number}": value})

    async def search(self, number: int, value: int) -> None:
        workflow.upsert_search_attributes([CUSTOM.value_set(f"value-{value}")])

    async def patch(self, number: int, value: int) -> None:
        workflow.patched(f"patch-{value}")

    async def local(self, number: int, value: int) -> None:
        await workflow.execute_local_activity(echo, f"local {value}", schedule_to_close_timeout=timedelta(seconds=5))

    async def child(self, number: int, value: list[list[Any]]) -> None:
        child_id = f"{workflow.info().workflow_id}-child-{number}"
        try:
            await workflow.execute_child_workflow(Scripted.run, args=[value, True], id=child_id)
        except Exception as error:
            self.said.append(type(error).__name__)

    @workflow.signal
    def say(self, word: str) -> None:
        self.said.append(word)

    @workflow.signal
    def go(self) -> None:
        self.gone += 1

    @workflow.query
    def at(self) -> int:
        return self.waiting

    @workflow.query
    def words(self) -> list[str]:
        return self.said

    @workflow.update
    async def add(self, word: str) -> int:
        self.said.append(word)
        return len(self.said)

    @add.validator
    def check(self, word: str) -> None:
        if not word:
            raise ApplicationError("an empty word", type="Empty")


@activity.defn
async def echo(word: str) -> str:
    return word


@activity.defn
async def fail_until(attempts: str) -> str:
    if activity.info().attempt < int(attempts):
        raise ApplicationError(f"attempt {activity.info().attempt}", type="NotYet")
    return "at last"


@activity.defn
async def fail_fatally(word: str) -> str:
    raise ApplicationError(word, type="Fatal", non_retryable=True)


@activity.defn
async def hang(word: str) -> str:
    await asyncio.sleep(3)
    return word


@activity.defn
async def resume(word: str) -> str:
    details = activity.info().heartbeat_details
    if details:
        return f"resumed at {details[0]}"
    activity.heartbeat("half-way")
    raise ApplicationError("interrupted")


@activity.defn
async def until_cancelled(word: str) -> str:
    while True:
        activity.heartbeat("alive")
        await asyncio.sleep(0.1)


@activity.defn
async def later(word: str) -> str:
    activity.raise_complete_async()


WORKFLOWS = [Wait, Act, CancelActivity, Timers, Fail, Parent, ParentOfFailing, External, Again, Attributes, Scripted]
ACTIVITIES = [echo, fail_until, fail_fatally, hang, resume, until_cancelled, later]
