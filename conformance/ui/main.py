"""Drives the RPCs that each page of Temporal's web UI calls, on a reference server and on another one.

    python3 conformance/ui/run.py --addresses 127.0.0.1:7250 127.0.0.1:7251 [--only WORD]

Answers are compared by their shape, refusals by their code. Exit code 1 when they differ.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "differential")]

import tables
from google.protobuf.json_format import MessageToDict, ParseDict
from pages import PAGES
from scenarios.nexus import Shop
from shapes import between
from temporalio import activity, workflow
from temporalio.api.operatorservice import v1 as operator
from temporalio.api.workflowservice import v1 as service
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from workflows import Wait

#: Ostro starts no workers, and says so.
DECLINED = {"UpdateWorkerDeploymentVersionComputeConfig", "ValidateWorkerDeploymentVersionComputeConfig"}


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: Any = None) -> Any:
        return value


@workflow.defn
class Busy:
    """Waits for an activity that fails, again and again, and has a child."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow(Echo.run, 1, id=f"{workflow.info().workflow_id}-child")
        await workflow.execute_activity("fails", activity_id="one", start_to_close_timeout=timedelta(seconds=20))


@activity.defn
async def fails() -> None:
    raise ValueError("not yet")


@activity.defn
async def echo() -> None:
    pass


class Server:
    """One of the two, with what was made on it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.prefix = f"ui-{uuid.uuid4().hex[:8]}"
        self.values = {"ns": client.namespace, "p": self.prefix, "q": f"{self.prefix}-q"}

    def worker(self) -> Worker:
        return Worker(
            self.client,
            task_queue=self.values["q"],
            workflows=[Wait, Echo, Busy],
            activities=[echo, fails],
            nexus_service_handlers=[Shop()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )

    async def prepare(self) -> None:
        options: dict[str, Any] = {"task_queue": self.values["q"]}
        await self.client.execute_workflow(Echo.run, 1, id=f"{self.prefix}-echo", **options)
        await self.client.start_workflow(Wait.run, id=f"{self.prefix}-wait", **options)
        busy = await self.client.start_workflow(Busy.run, id=f"{self.prefix}-busy", **options)
        self.values |= {"wid": busy.id, "run": busy.first_execution_run_id or ""}
        await asyncio.sleep(2.5)
        listed = await self.client.workflow_service.list_workers(service.ListWorkersRequest(namespace="default"))
        mine = [w for w in listed.workers_info if w.worker_heartbeat.task_queue == self.values["q"]]
        self.values["worker"] = mine[0].worker_heartbeat.worker_instance_key if mine else "nobody"

    async def call(self, name: str, request: dict[str, Any]) -> tuple[str, Any]:
        """The code and the answer."""
        module: ModuleType = service
        rpcs: object = self.client.workflow_service
        if name.startswith("operator."):
            module, rpcs, name = operator, self.client.operator_service, name.removeprefix("operator.")
        kind = getattr(module, f"{name}Request", None)
        if kind is None:
            return "not in this SDK", None
        message = ParseDict(self.filled(request), kind())
        method = getattr(rpcs, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
        try:
            answer = MessageToDict(await method(message, timeout=timedelta(seconds=15)))
        except RPCError as error:
            return error.status.name, None
        if name == "CreateNexusEndpoint":
            self.values["endpoint"] = answer["endpoint"]["id"]
        return "OK", answer

    def filled(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self.filled(item) for key, item in value.items()}
            case list():
                return [self.filled(item) for item in value]
            case str():
                return re.sub(r"\{(\w+)\}", lambda name: self.values.get(name[1], ""), value)
        return value


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", nargs=2, required=True, metavar=("REFERENCE", "OTHER"))
    parser.add_argument("--only", default="", help="only pages whose name contains this")
    parser.add_argument("--show", action="store_true", help="print both answers where they differ")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write a table of what was tried into this page")
    return parser.parse_args()


async def main() -> int:
    arguments = parse_arguments()
    logging.disable(logging.CRITICAL)  # an activity fails on purpose
    servers = [Server(await Client.connect(address)) for address in arguments.addresses]
    running = [asyncio.create_task(server.worker().run()) for server in servers]
    await asyncio.gather(*(server.prepare() for server in servers))
    different, calls, table = 0, 0, []
    for page, wanted in PAGES.items():
        if arguments.only not in page:
            continue
        for name, request in wanted:
            await asyncio.sleep(0.3)  # the reference lists what is new a moment later
            (code, answer), (other_code, other) = await asyncio.gather(*(s.call(name, request) for s in servers))
            lines = [f"{code} and {other_code}"] if code != other_code else between(answer, other)
            if name in DECLINED and other_code == "UNIMPLEMENTED":
                lines = []
            calls, different = calls + 1, different + bool(lines)
            outcome = "; ".join(lines) if lines else code
            table.append((page, name.removeprefix("operator."), outcome))
            print(f"{'DIFFERENT' if lines else 'equal    '} {page}: {name} {code}", flush=True)
            for line in lines:
                print(f"    {line}", flush=True)
            if lines and arguments.show:
                print("--", answer, "--", other, sep="\n", flush=True)
    print(f"{len(PAGES)} pages, {calls} calls: {calls - different} equal, {different} different")
    if arguments.write:
        lines = ["| page | calls, with what both answered |", "|---|---|"]
        for page in PAGES:
            calls_of_page = [f"{name} {outcome}" for of, name, outcome in table if of == page]
            lines.append(f"| {page} | {', '.join(calls_of_page)} |")
        tables.write(arguments.write, "ui", lines)
    del running
    return 1 if different else 0


def leave(code: int) -> NoReturn:
    """Ends at once: the workers' polls need no goodbye."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(asyncio.run(main()))
