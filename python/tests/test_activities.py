"""Activities: one call in three places, retries, time-outs, heartbeats, types, errors that fail."""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pydantic
import pytest
from ostro import workflows
from ostro.workflows import activity, run_activities_locally, workflow

calls: dict[str, int] = {}


def count(key: str) -> int:
    calls[key] = calls.get(key, 0) + 1
    return calls[key]


class Color(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    when: datetime | None = None


class Model(pydantic.BaseModel):
    name: str
    color: Color
    point: Point


@activity()
async def echo_types(
    model: Model, point: Point, maybe: int | None, either: int | list[str], data: bytes, when: datetime
) -> tuple[Model, Point, int | None, int | list[str], datetime, int]:
    assert isinstance(model.point, Point) and isinstance(data, bytes)
    return model, point, maybe, either, when, len(data)


@activity(retry_policy_initial_interval="10ms")
async def flaky(key: str, failures: int) -> int:
    number = count(key)
    if number <= failures:
        raise ValueError(f"attempt {number}")
    return activity.info().attempt


@activity(start_to_close_timeout="200ms", retry_policy_max_attempts=1)
async def too_slow() -> None:
    await asyncio.sleep(30)


@activity(heartbeat_timeout="1s", retry_policy_initial_interval="10ms", retry_policy_max_attempts=2)
async def resumes() -> dict[str, int]:
    before = activity.last_heartbeat(int)
    if before is None:
        activity.heartbeat(7)
        raise RuntimeError("after the heartbeat")
    return {"from": before, "attempt": activity.info().attempt}


@activity(heartbeat_timeout="500ms", retry_policy_max_attempts=1)
async def silent() -> None:
    await asyncio.sleep(30)


@activity()
def in_a_thread(x: int) -> bool:
    import threading

    return threading.current_thread() is not threading.main_thread() and x == 1


@activity(retry_policy_initial_interval="10ms")
async def inner(key: str) -> int:
    number = count(key)
    if number == 1:
        raise ValueError("inner")
    return number


@activity(retry_policy_initial_interval="10ms")
async def outer(key: str) -> list[int]:
    count(f"{key}-outer")
    return [await inner(key), calls[f"{key}-outer"]]


@activity()
async def returns_wrong() -> int:
    count("returns_wrong")
    return "no"  # type: ignore[return-value]


@activity(retry_policy_max_attempts=5, retry_policy_initial_interval="10ms")
async def gives_up() -> None:
    count("gives_up")
    raise workflows.WorkflowError("never", {"why": 1}, type="Fatal", non_retryable=True)


@activity(retry_policy_max_attempts=1)
async def exits() -> None:
    raise SystemExit(3)


@activity()
async def keywords(a: int, b: int = 2, **more: int) -> dict[str, int]:
    return {"a": a, "b": b, **more}


@activity()
async def big(size: int) -> str:
    count("big")
    return "x" * size


@activity(rate_limit=workflows.RateLimit(time_window_in_sec=1, max_execution=10), heartbeat_timeout="5s")
async def limited(index: int) -> int:
    return index


@activity()
async def takes_bytes(data: bytes) -> int:
    return len(data)


ACTIVITIES = {
    function.__name__: function
    for function in (
        echo_types, flaky, too_slow, resumes, silent, in_a_thread, outer, returns_wrong, gives_up, exits, keywords, big, limited
    )
}  # fmt: skip


@workflow.define(name="call")
class Call:
    """Calls an activity, and says what it raised."""

    @workflow.entrypoint
    async def execute(self, name: str, args: list[Any], kwargs: dict[str, Any], local: bool = False) -> Any:
        function = ACTIVITIES[name]
        try:
            if local:
                with run_activities_locally():
                    return await function(*args, **kwargs)
            return await function(*args, **kwargs)
        except workflows.Failure as error:
            cause = error.cause
            return {
                "error": type(error).__name__,
                "cause": type(cause).__name__,
                "type": getattr(cause, "type", None),
                "message": str(error),
                "details": list(getattr(cause, "details", ())),
            }


@workflow.define(name="types")
class Types:
    @workflow.entrypoint
    async def execute(self) -> bool:
        when = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
        model = Model(name="m", color=Color.RED, point=Point(1, when))
        given = (model, Point(2), None, ["a"], b"\xff\x00", when)
        for local in (False, True):
            if local:
                with run_activities_locally():
                    found = await echo_types(*given)
            else:
                found = await echo_types(*given)
            assert found == (model, Point(2), None, ["a"], when, 2), found
            assert isinstance(found[0].point, Point) and found[0].color is Color.RED
        return True


@workflow.define(name="raises")
class Raises:
    @workflow.entrypoint
    async def execute(self, how: str) -> int:
        if how == "activity":
            await gives_up()
        if how == "argument":
            await flaky(3, "x")  # type: ignore[arg-type]
        if how == "arity":
            await flaky("a", 1, 2)  # type: ignore[call-arg]
        if how == "result":
            return "text"  # type: ignore[return-value]
        if how == "large":
            await takes_bytes(b"x" * 3_000_000)
        if how == "large-result":
            await big(3_000_000)
        if how == "chain":
            try:
                raise KeyError("deep")
            except KeyError as error:
                raise RuntimeError("shallow") from error
        raise ValueError("plain")


def call(program: Any, name: str, *args: Any, local: bool = False, **kwargs: Any) -> Any:
    async def body(running: Any) -> Any:
        return await running.run(Call, name, list(args), kwargs, local)

    return program([Call], body)


@pytest.mark.parametrize("local", [False, True])
def test_an_activity_is_retried_until_it_works(program: Any, local: bool) -> None:
    assert call(program, "flaky", f"flaky-{local}", 2, local=local) == 3


def test_values_keep_their_types(program: Any) -> None:
    assert program([Types], lambda running: running.run(Types)) is True


@pytest.mark.parametrize("local", [False, True])
def test_an_activity_error_says_what_failed_regular_and_local_alike(program: Any, local: bool) -> None:
    calls.pop("gives_up", None)
    found = call(program, "gives_up", local=local)
    assert found == {
        "error": "ActivityError",
        "cause": "WorkflowError",
        "type": "Fatal",
        "message": 'activity "gives_up" failed: Fatal: never',
        "details": [{"why": 1}],
    }
    assert calls["gives_up"] == 1


@pytest.mark.parametrize("local", [False, True])
def test_a_time_out_is_an_activity_error(program: Any, local: bool) -> None:
    began = time.monotonic()
    found = call(program, "too_slow", local=local)
    assert (found["error"], found["cause"]) == ("ActivityError", "TimeoutFailure")
    assert time.monotonic() - began < 20


def test_a_retry_resumes_from_the_last_heartbeat(program: Any) -> None:
    assert call(program, "resumes") == {"from": 7, "attempt": 2}


def test_a_missed_heartbeat_fails_the_attempt(program: Any) -> None:
    found = call(program, "silent")
    assert (found["error"], found["cause"]) == ("ActivityError", "TimeoutFailure")


def test_a_sync_activity_runs_in_a_thread(program: Any) -> None:
    assert call(program, "in_a_thread", 1) is True
    assert asyncio.run(in_a_thread(1)) is True


def test_a_nested_activity_runs_inline_and_only_its_parent_is_retried(program: Any) -> None:
    assert call(program, "outer", "nested") == [2, 2]


@pytest.mark.parametrize("local", [False, True])
def test_a_wrong_result_fails_the_call_at_once(program: Any, local: bool) -> None:
    calls.pop("returns_wrong", None)
    found = call(program, "returns_wrong", local=local)
    assert found["type"] == "invalid_return_error" and "got 'no'" in found["message"]
    assert calls["returns_wrong"] == 1


@pytest.mark.parametrize("local", [False, True])
def test_an_activity_cannot_take_the_worker_down(program: Any, local: bool) -> None:
    assert call(program, "exits", local=local)["type"] == "SystemExit"


def test_keywords_and_defaults(program: Any) -> None:
    assert call(program, "keywords", 1, c=5) == {"a": 1, "b": 2, "c": 5}
    assert call(program, "keywords", 1, b=9) == {"a": 1, "b": 9}


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("plain", "plain"),
        ("argument", "key: Input should be a valid string, got 3"),
        ("arity", "too many positional arguments"),
        ("result", "what its annotation does not allow"),
        ("activity", 'activity "gives_up" failed: Fatal: never'),
        ("large", "is 2.9 MiB as JSON (3000000 bytes); the limit is 2.0 MiB (2097152 bytes)"),
        ("large-result", "the result of activity \"big\" is 2.9 MiB"),
    ],
)  # fmt: skip
def test_errors_fail_the_execution_and_never_wedge_it(program: Any, how: str, text: str) -> None:
    with pytest.raises(workflows.WorkflowFailedError) as caught:
        program([Raises], lambda running: running.run(Raises, how))
    assert text in str(caught.value)


def test_a_cause_chain_survives(program: Any) -> None:
    with pytest.raises(workflows.WorkflowFailedError) as caught:
        program([Raises], lambda running: running.run(Raises, "chain"))
    failure = caught.value.cause
    assert isinstance(failure, workflows.WorkflowError) and failure.type == "RuntimeError"
    assert isinstance(failure.cause, workflows.WorkflowError) and failure.cause.type == "KeyError"
    assert "test_activities.py" in failure.stack_trace


def test_a_rate_limit_is_kept_and_locally_warned_of_once(program: Any, caplog: pytest.LogCaptureFixture) -> None:
    @workflow.define(name="limited")
    class Limited:
        @workflow.entrypoint
        async def execute(self, local: bool) -> list[int]:
            if local:
                with run_activities_locally():
                    return list(await asyncio.gather(*(limited(index) for index in range(15))))
            return list(await asyncio.gather(*(limited(index) for index in range(15))))

    async def body(running: Any) -> float:
        began = time.monotonic()
        assert await running.run(Limited, False) == list(range(15))
        remote = time.monotonic() - began
        assert await running.run(Limited, True) == list(range(15))
        return remote

    with caplog.at_level(logging.WARNING, "ostro.activity"):
        assert program([Limited], body) >= 0.3
    assert len([line for line in caplog.messages if "rate_limit and heartbeat_timeout" in line]) == 1


# Outside workflows.


def test_outside_a_workflow_an_activity_runs_with_its_retries() -> None:
    @activity(retry_policy_initial_interval="10ms", name="outside")
    async def outside() -> int:
        number = count("outside")
        if number < 3:
            raise ValueError("again")
        activity.heartbeat(number)
        return number

    assert asyncio.run(outside()) == 3


def test_outside_a_workflow_a_time_out_holds() -> None:
    @activity(start_to_close_timeout=timedelta(milliseconds=20), retry_policy_max_attempts=1, name="outside-slow")
    async def slow() -> None:
        await asyncio.sleep(30)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(slow())


def test_a_decorator_without_parentheses_works() -> None:
    @activity
    async def plain(x: int) -> int:
        return x

    assert asyncio.run(plain(4)) == 4


@pytest.mark.parametrize(
    "options", [{"start_to_close_timeout": "soon"}, {"retry_policy_backoff_coefficient": 0.5}, {"retry_policy_max_attempts": -1}]
)
def test_bad_options_are_refused_at_the_definition(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        activity(**options)


def test_heartbeat_outside_an_activity_says_so() -> None:
    with pytest.raises(workflows.NotInTemporalContextError, match="no activity runs here"):
        activity.heartbeat(1)
