"""Dependencies, parallel items, tasks, interactive input, schedules, isolated processes, programs in one call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
from ostro import workflows
from ostro.workflows import (
    Depends,
    InteractiveWorkflow,
    Schedule,
    activity,
    execute_activities_in_parallel,
    run_activities_locally,
    task,
    task_from,
    testing,
    workflow,
)

made: list[str] = []


def plain() -> str:
    made.append("plain")
    return "plain"


async def generator() -> AsyncIterator[str]:
    made.append("open")
    yield "generator"
    made.append("close")


@contextlib.contextmanager
def manager() -> Iterator[str]:
    yield "manager"


@activity()
async def injected(
    x: int,
    # What makes the value stands where the value will be.
    a: str = Depends(plain),  # type: ignore[assignment]
    b: str = Depends(generator),  # type: ignore[assignment]
    c: str = Depends(manager),  # type: ignore[assignment]
) -> tuple[int, str, str, str]:
    return x, a, b, c


@workflow.define(name="injects")
class Injects:
    @workflow.entrypoint
    async def execute(self) -> list[tuple[int, str, str, str]]:
        found = [await injected(1), await injected(2)]
        with run_activities_locally():
            found.append(await injected(3))
        return found


def test_dependencies_are_made_once_for_a_worker(program: Any) -> None:
    made.clear()
    found = program([Injects], lambda running: running.run(Injects))
    assert found == [(n, "plain", "generator", "manager") for n in (1, 2, 3)]
    assert made == ["plain", "open", "close"]


def test_dependencies_are_made_for_each_call_outside() -> None:
    made.clear()
    assert asyncio.run(injected(1)) == (1, "plain", "generator", "manager")
    assert made == ["plain", "open", "close"]


class Item(pydantic.BaseModel):
    number: int


@activity()
async def square(item: Item) -> int:
    if item.number == 13:
        raise workflows.WorkflowError("unlucky", non_retryable=True)
    return item.number**2


@activity()
async def next_item(before: Item | None) -> Item | None:
    number = 0 if before is None else before.number + 1
    return Item(number=number) if number < 4 else None


@activity()
async def item_at(params: workflows.GetItemFromIndexParams) -> Item:
    return Item(number=params.idx)


@activity()
async def nothing(item: Item) -> None: ...


@activity()
async def add(a: int, b: int = 5) -> int:
    return a + b


class WithExtra(workflows.ExtraItemParams):
    number: int


@activity()
async def scaled(item: WithExtra) -> int:
    return item.number * int(item.extra_params["by"])


@workflow.define(name="parallel")
class Parallel:
    @workflow.entrypoint
    async def execute(self, how: str, count: int) -> Any:
        if how == "list":
            items = [Item(number=i) for i in range(count)]
            return await execute_activities_in_parallel(square, items=items, max_concurrent_scheduled_tasks=10)
        if how == "chain":
            return await execute_activities_in_parallel(square, get_item_from_prev_item_activity=next_item)
        if how == "offset":
            return await execute_activities_in_parallel(
                square, get_item_from_index_activity=item_at, n_items=count, max_concurrent_executions_per_worker=4
            )
        if how == "fields":
            return await execute_activities_in_parallel(add, items=[{"a": 1, "b": 2}, {"a": 3}])
        if how == "extra":
            extra = [WithExtra(number=1), WithExtra(number=2)]
            return await execute_activities_in_parallel(scaled, items=extra, extra_params={"by": 10})
        if how == "nothing":
            return await execute_activities_in_parallel(nothing, items=[Item(number=1)])
        return await execute_activities_in_parallel(square)


@pytest.mark.parametrize(
    ("how", "count", "expected"),
    [("list", 12, [i * i for i in range(12)]), ("chain", 0, [0, 1, 4, 9]), ("offset", 10, [i * i for i in range(10)]),
     ("nothing", 1, None), ("list", 0, []), ("fields", 0, [3, 8]), ("extra", 0, [10, 20])],
)  # fmt: skip
def test_one_activity_over_many_items(program: Any, how: str, count: int, expected: Any) -> None:
    assert program([Parallel], lambda running: running.run(Parallel, how, count)) == expected


def test_an_item_that_fails_fails_them_all(program: Any) -> None:
    with pytest.raises(workflows.WorkflowFailedError, match="unlucky"):
        program([Parallel], lambda running: running.run(Parallel, "list", 20))


def test_parallel_without_items_is_refused(program: Any) -> None:
    with pytest.raises(workflows.WorkflowFailedError, match="give `items`"):
        program([Parallel], lambda running: running.run(Parallel, "?", 1))


class Progress(pydantic.BaseModel):
    done: int = 0
    note: str = ""


class Answer(pydantic.BaseModel):
    text: str


@workflow.define(name="asks")
class Asks(InteractiveWorkflow):
    @workflow.entrypoint
    async def execute(self) -> str:
        async with task_from(Progress()) as progress:
            await progress.update_state({"done": 1})
            answer = await self.wait_for_input(Answer, label="Your name?")
            await progress.set_state(Progress(done=2, note=answer.text))
        stateless: contextlib.AbstractAsyncContextManager[workflows.Task[Any]] = task("stateless")
        async with stateless as bare:
            with pytest.raises(workflows.WorkflowsException):
                await bare.set_state(1)
        try:
            await self.wait_for_input(Answer, timeout="10ms")
        except asyncio.TimeoutError:
            return answer.text
        return "?"


def test_interactive_input_and_tasks(program: Any) -> None:
    async def body(running: Any) -> None:
        handle = await running.start(Asks)
        while not (waiting := (await handle.query("__get_pending_inputs"))["pending_inputs"]):
            await asyncio.sleep(0.02)
        assert waiting[0]["label"] == "Your name?" and "text" in waiting[0]["input_schema"]["properties"]
        tasks = {one["type"]: one for one in await handle.query("__tasks")}
        assert tasks["Progress"]["state"] == {"done": 1, "note": ""} and tasks["Progress"]["status"] == "IN_PROGRESS"
        task_id = waiting[0]["task_id"]
        with pytest.raises(workflows.WorkflowError, match="does not fit"):
            await handle.update("__submit_input", {"task_id": task_id, "input": {"text": 3}})
        with pytest.raises(workflows.WorkflowError, match="nothing waits"):
            await handle.update("__submit_input", {"task_id": "?", "input": {}})
        assert await handle.update("__submit_input", {"task_id": task_id, "input": {"text": "Ada"}}) == {"accepted": True}
        assert await handle.result() == "Ada"
        ended = await handle.query("__tasks")
        assert [one["status"] for one in ended] == ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"]

    program([Asks], body)


@workflow.define(name="scheduled", schedules=[Schedule(input={"n": 5}, cron_expressions=["0 0 1 1 *"], schedule_id="every-year")])
class Scheduled:
    @workflow.entrypoint
    async def execute(self, n: int) -> int:
        return n


def test_schedules_are_put_by_the_worker(program: Any) -> None:
    async def body(running: Any) -> None:
        client = running.client
        assert [one.id for one in await client.list_schedules()] == ["every-year"]
        await client.pause_schedule("every-year")
        described = await client.describe_schedule("every-year")
        assert described.paused is True
        await client.unpause_schedule("every-year")
        await client.trigger_schedule("every-year")
        while not (found := [one async for one in client.list('WorkflowType = "scheduled"')]):
            await asyncio.sleep(0.05)
        assert await client.get_handle(found[0].id, workflow=Scheduled).result() == 5
        assert await client.count('WorkflowType = "scheduled"') == 1
        await client.delete_schedule("every-year")
        with pytest.raises(workflows.NotFoundError):
            await client.describe_schedule("every-year")

    program([Scheduled], body)


@activity(isolated=True, retry_policy_max_attempts=1, heartbeat_timeout="30s")
async def in_own_process(how: str) -> int:
    if how == "crash":
        os._exit(9)
    if how == "raise":
        raise ValueError("inside")
    activity.heartbeat(1)
    return os.getpid()


@workflow.define(name="isolates")
class Isolates:
    @workflow.entrypoint
    async def execute(self, how: str) -> Any:
        try:
            return await in_own_process(how)
        except workflows.ActivityError as error:
            return str(error)


def test_isolated_activities_have_processes_of_their_own(program: Any) -> None:
    async def body(running: Any) -> None:
        pid = await running.run(Isolates, "ok")
        assert isinstance(pid, int) and pid != os.getpid()
        assert "exit code 9" in await running.run(Isolates, "crash")
        assert "ValueError: inside" in await running.run(Isolates, "raise")

    program([Isolates], body)


ISOLATED_PROGRAM = """
import os
from dataclasses import dataclass
import mistralai.workflows as workflows

@dataclass
class Found:
    pid: int

@workflows.activity(isolated=True)
def where(found: Found) -> Found:
    return Found(os.getpid())

@workflows.workflow.define(name="isolates-in-a-program")
class Isolates:
    @workflows.workflow.entrypoint
    async def execute(self, found: Found) -> Found:
        return await where(found)

if __name__ == "__main__":
    print(workflows.run(Isolates, Found(os.getpid()), address=":memory:").pid not in (0, os.getpid()))
"""


def test_a_process_of_its_own_has_the_program_with_its_imports(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ISOLATED_PROGRAM)
    assert run_file(tmp_path).communicate(timeout=60)[0] == "True\n"


PROGRAM = """
import asyncio, sys
import mistralai.workflows as workflows

@workflows.activity()
async def step(n: int) -> int:
    with open("log", "a") as log:
        log.write(f"{n}\\n")
    if n == 3 and workflows.activity.info().attempt == 1:
        await asyncio.sleep(3600)  # killed here
    return n

@workflows.workflow.define(name="program")
class Program:
    @workflows.workflow.entrypoint
    async def execute(self, count: int) -> int:
        total = 0
        for n in range(count):
            total += await step(n)
            await workflows.workflow.sleep(0.01)
        return total

if __name__ == "__main__":
    print(workflows.run(Program, int(sys.argv[1]), id="the-run"))
"""


def run_file(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key != "OSTRO_ADDRESS"}
    command = [sys.executable, "-m", "ostro", "run", "app.py", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_program_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    first = run_file(tmp_path, "10")
    log = tmp_path / "log"
    while not log.exists() or len(log.read_text().split()) < 4:
        assert first.poll() is None
        time.sleep(0.02)
    first.kill()
    first.wait()
    output, _ = run_file(tmp_path, "10").communicate(timeout=60)
    assert output == "45\n"
    steps = [int(line) for line in log.read_text().split()]
    # The one that ran when it was killed ran again, at once; none before it.
    assert steps == [0, 1, 2, 3, 3, *range(4, 10)]


# Testing helpers.


@workflow.define(name="sleeps-long", execution_timeout="400d")
class SleepsLong:
    @workflow.entrypoint
    async def execute(self) -> float:
        before = workflow.now()
        await workflow.sleep("90d")
        return (workflow.now() - before).total_seconds()


def test_a_clock_that_skips_lets_months_pass() -> None:
    from ostro.workflows import testing

    async def main() -> float:
        async with testing.environment(time_skipping=True) as env, testing.create_test_worker(env, [SleepsLong]):
            return await asyncio.wait_for(env.execute(SleepsLong), 60)

    assert asyncio.run(main()) >= 90 * 86400


# Reload on save.


def test_dev_starts_again_when_a_file_changes(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("open('log', 'a').write('one ')\n")
    command = [sys.executable, "-m", "ostro", "dev", "app.py"]
    watcher = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    log = tmp_path / "log"

    def wait_for_text(text: str) -> None:
        deadline = time.monotonic() + 60
        while not log.exists() or log.read_text() != text:
            assert time.monotonic() < deadline and watcher.poll() is None
            time.sleep(0.02)

    try:
        wait_for_text("one ")
        app.write_text("open('log', 'a').write('two ')\n")
        wait_for_text("one two ")
    finally:
        watcher.terminate()
        watcher.wait(30)


def test_compat_leaves_the_original_alone_and_stands_in_for_it() -> None:
    code = (
        "import ostro.compat, mistralai.workflows as original, ostro.workflows as ours\n"
        "from mistralai.workflows.exceptions import WorkflowsException\n"
        "assert original is ours and ours.__spec__.name == 'ostro.workflows'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_uvloop_if_the_program_uses_it() -> None:
    import uvloop

    async def main() -> Any:
        async with await workflows.Client.connect(":memory:") as client:
            async with workflows.Worker([Injects], connection=client.connection):
                return type(asyncio.get_running_loop()).__module__, len(await client.execute(Injects))

    assert uvloop.run(main()) == ("uvloop", 3)


# Programs in one call.


@activity()
async def half_a_second() -> str:
    await asyncio.sleep(0.5)
    return "done"


@workflow.define(name="takes-a-while")
class TakesAWhile:
    @workflow.entrypoint
    async def execute(self) -> str:
        return await half_a_second()


def test_a_long_run_says_what_it_waits_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostro._worker.run.PROGRESS_AFTER", 0.1)
    assert workflows.run(TakesAWhile, address=":memory:", progress=True) == "done"
    assert "waits for half_a_second" in capsys.readouterr().err


def test_run_within_a_loop_says_what_to_call() -> None:
    async def main() -> None:
        workflows.run(TakesAWhile)

    with pytest.raises(TypeError, match="run_async"):
        asyncio.run(main())


def test_an_address_where_nothing_answers_says_so() -> None:
    async def main() -> None:
        await workflows.Client.connect("127.0.0.1:1")

    with pytest.raises(workflows.RpcError, match="nothing answers at http://127.0.0.1:1"):
        asyncio.run(main())


def test_an_address_that_accepts_and_says_nothing_says_so() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(workflows.RpcError, match="not within 10 s"):
            asyncio.run(workflows.Client.connect(f"127.0.0.1:{listener.getsockname()[1]}"))


def test_https_is_spoken_to_who_has_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No authority: then it may speak for itself.
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(["openssl", "req", "-x509", *keys, *names], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    context.set_alpn_protocols(["h2"])
    spoken: list[str | None] = []

    def accept_one() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as plain:
            # Who comes again is refused, not left waiting.
            listener.close()
            with context.wrap_socket(plain, server_side=True) as secure:
                spoken.append(secure.selected_alpn_protocol())

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(30)
        port = listener.getsockname()[1]
        thread = threading.Thread(target=accept_one)
        thread.start()
        monkeypatch.setattr(workflows.config, "tls_server_root_ca_cert_path", str(tmp_path / "certificate.pem"))
        # It hangs up after the handshake: to be asked for more it would have to be a server.
        with pytest.raises(workflows.RpcError, match="nothing answers"):
            asyncio.run(workflows.Client.connect(f"https://localhost:{port}"))
        thread.join()
    assert spoken == ["h2"]


def test_an_engine_that_another_process_has_says_so(tmp_path: Path) -> None:
    hold = "import asyncio, ostro.workflows as w\nasync def main():\n    c = await w.Client.connect('e.db'); print(1, flush=True); input()\n"
    command = [sys.executable, "-c", f"{hold}asyncio.run(main())"]
    holder = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "1\n"

        async def main() -> None:
            await workflows.Client.connect(str(tmp_path / "e.db"))

        with pytest.raises(workflows.RpcError, match="OSTRO_ADDRESS"):
            asyncio.run(main())
    finally:
        holder.communicate("\n", timeout=30)


def test_a_namespace_that_is_not_there_says_so(ostro_server: str) -> None:
    async def main() -> None:
        async with workflows.Worker([TakesAWhile], address=ostro_server, namespace="nowhere"):
            pass

    with pytest.raises(workflows.NotFoundError, match="nowhere"):
        asyncio.run(main())


def test_an_interrupted_program_ends_at_once_and_goes_on_later(tmp_path: Path) -> None:
    begun = threading.Event()

    @activity(name="interrupted")
    async def interrupted() -> int:
        if activity.info().attempt == 1:
            begun.set()
            await asyncio.sleep(3600)
        return activity.info().attempt

    @workflow.define(name="interrupted")
    class Interrupted:
        @workflow.entrypoint
        async def execute(self) -> int:
            return await interrupted()

    address = str(tmp_path / "e.db")

    async def interrupt() -> None:
        running = asyncio.ensure_future(workflows.run_async(Interrupted, id="one", address=address))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    workflows.config.worker.graceful_shutdown_timeout = 3600.0
    try:
        asyncio.run(asyncio.wait_for(interrupt(), 60))
    finally:
        workflows.config.worker.graceful_shutdown_timeout = 1.0
    assert workflows.run(Interrupted, id="one", address=address) == 2


def test_one_loop_shares_one_engine(tmp_path: Path) -> None:
    address = str(tmp_path / "e.db")

    async def use() -> bool:
        async with await workflows.Client.connect(address) as client:
            await client.count()
            return client.connection.embedded

    async def main() -> list[bool]:
        return list(await asyncio.gather(*(use() for _ in range(5))))

    assert asyncio.run(main()) == [True] * 5


@workflow.define(name="sleeps-a-month")
class SleepsAMonth:
    @workflow.entrypoint
    async def execute(self) -> str:
        await workflow.sleep("30d")
        return "up"


def test_no_execution_timeout_ends_a_long_sleep() -> None:
    async def main() -> None:
        async with testing.environment(time_skipping=True) as env:
            async with testing.create_test_worker(env, [SleepsAMonth]):
                assert await asyncio.wait_for(env.execute(SleepsAMonth), 30) == "up"

    asyncio.run(main())


def test_the_alias_keeps_the_originals_timeout_and_says_what_it_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workflows.config.worker, "execution_timeout", 3600.0)

    async def main() -> None:
        async with testing.environment(time_skipping=True) as env:
            async with testing.create_test_worker(env, [SleepsAMonth]):
                with pytest.raises(
                    workflows.WorkflowFailedError, match=r"execution timeout of 3600s: .*define\(execution_timeout="
                ):
                    await asyncio.wait_for(env.execute(SleepsAMonth), 30)

    asyncio.run(main())
    assert "sleeps for 2.592e+06 s, and its execution timeout of 3600 s ends it before" in caplog.text
