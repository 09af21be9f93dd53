"""Runs every command of the `temporal` command line on a reference server and on another one.

Compared are exit codes and what is printed as JSON by its shape: names of keys and kinds of values, wherever they stand.
Refusals by their exit code. Exit code 1 when they differ.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shlex
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "differential")]

import tables
from commands import LEFT_OUT, STEPS, Step
from scenarios.nexus import Behind, Shop
from shapes import between, parsed
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from workflows import Wait

SECONDS_MAX = 30.0


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: Any) -> Any:
        return value


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("it fails", type="Mine", non_retryable=True)


@workflow.defn
class Slow:
    """Waits for an activity that nobody serves: it is completed from outside."""

    @workflow.run
    async def run(self) -> str:
        answer: str = await workflow.execute_activity(
            "nobody", task_queue="nobody", activity_id="one", start_to_close_timeout=timedelta(minutes=1)
        )
        return answer


@activity.defn
async def echo(value: str = "") -> str:
    return value


@activity.defn
async def fail(value: str) -> None:
    raise ApplicationError("it fails", type="Mine", non_retryable=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", nargs=2, required=True, metavar=("REFERENCE", "OTHER"))
    parser.add_argument("--temporal", default="temporal", help="the command line's binary")
    parser.add_argument("--only", default="", help="only commands whose line contains this (and what they need before)")
    parser.add_argument("--show", action="store_true", help="print what both say where they differ")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write a table of what was tried into this page")
    return parser.parse_args()


class Server:
    """One of the two, with a prefix and the values that commands have told."""

    def __init__(self, address: str, binary: str) -> None:
        self.address, self.binary = address, binary
        self.prefix = f"cli-{uuid.uuid4().hex[:8]}"
        self.values = {"p": self.prefix, "q": f"{self.prefix}-q", "u": f"U{uuid.uuid4().hex[:8]}"}

    async def run(self, step: Step) -> tuple[int, str, str]:
        if step.after:
            await asyncio.sleep(step.after)
        line = step.line.format_map(_Missing(self.values))
        output = [] if line.startswith("workflow trace") else ["-o", "json"]
        command = [self.binary, *shlex.split(line), "--address", self.address, *output]
        process = await asyncio.create_subprocess_exec(
            *command, "--command-timeout", "20s", stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "HOME": "/nonexistent"},
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
        except TimeoutError:
            process.kill()
            await process.wait()
            return -1, "", f"no end after {SECONDS_MAX:.0f} s"
        text = out.decode()
        self._take(step, text)
        return process.returncode or 0, text, err.decode()

    def _take(self, step: Step, text: str) -> None:
        for name, path in step.take.items():
            value: Any = parsed(text)
            for key in path.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            self.values[name] = str(value)


class _Missing(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"missing-{key}"


def differences(step: Step, ours: tuple[int, str, str], theirs: tuple[int, str, str]) -> list[str]:
    (code, out, _), (other_code, other_out, other_err) = ours, theirs
    if code != other_code:
        known = any("exit code" in part for part in step.but)
        return [] if known else [f"exit code {code} and {other_code}: {other_err.strip()[:200]}"]
    if code != 0:
        return []
    lines = between(parsed(out), parsed(other_out))
    return [line for line in lines if not any(part in line for part in step.but)]


async def main() -> int:
    logging.disable(logging.CRITICAL)  # failures are what some commands are about
    arguments = parse_arguments()
    servers = [Server(address, arguments.temporal) for address in arguments.addresses]
    table, different = [], 0
    workers = []
    for server in servers:
        client = await Client.connect(server.address)
        worker = Worker(
            client,
            task_queue=server.values["q"],
            workflows=[Wait, Echo, Fails, Slow, Behind],
            activities=[echo, fail],
            nexus_service_handlers=[Shop()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        workers.append(asyncio.create_task(worker.run()))
    for step in STEPS:
        if arguments.only and arguments.only not in step.line and not step.take:
            continue
        reference, other = await asyncio.gather(*(server.run(step) for server in servers))
        lines = differences(step, reference, other)
        different += bool(lines)
        outcome = "refused by both" if reference[0] else "answered by both"
        known = "; ".join(step.but.values()) if step.but and reference[0] != other[0] else outcome
        table.append((step.line, "; ".join(lines) if lines else known))
        print(f"{'DIFFERENT' if lines else 'equal    '} {step.line}", flush=True)
        for line in lines:
            print(f"    {line}", flush=True)
        if lines and arguments.show:
            print("--", reference, "--", other, sep="\n", flush=True)
    print(f"{len(table) - different} equal, {different} different")
    if arguments.write:
        tables.write(arguments.write, "cli", rows(table))
    return 1 if different else 0


def rows(table: list[tuple[str, str]]) -> list[str]:
    lines = ["| command of `temporal` | seen |", "|---|---|"]
    for line, outcome in table:
        named = line.replace("{p}", "P").replace("{q}", "Q").replace("{u}", "U").replace("|", "\\|")
        lines.append(f"| `{named}` | {outcome} |")
    return [*lines, *(f"| {line} | not compared: {reason} |" for line, reason in LEFT_OUT.items())]


def leave(code: int) -> NoReturn:
    """Ends at once: the workers' polls need no goodbye."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    began = time.time()
    code = asyncio.run(main())
    print(f"{time.time() - began:.0f} s")
    leave(code)
