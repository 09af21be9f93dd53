"""Runs the same small programs against two servers and compares what they saw.

    python3 conformance/differential/run.py --addresses 127.0.0.1:7233 127.0.0.1:7234 [--only activity]

The first address is the reference (the real server, started by conformance/start-temporal.sh). Histories and answers
are compared without ids, times and sizes; errors by code and type of their details. Exit code 1 when they differ.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections import Counter
from typing import Any, NoReturn

import difference
import scenarios  # noqa: F401 - registers them
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from tracing import SCENARIOS, Scenario, Trace
from workflows import CUSTOM

SCENARIO_SECONDS_MAX = 60
STOPPED = "the scenario stopped"
LINE_LENGTH_MAX = 400
FREQUENT_MAX = 20


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", nargs=2, required=True, metavar=("REFERENCE", "OTHER"))
    parser.add_argument("--only", default="", help="only scenarios whose name contains this")
    parser.add_argument("--texts", action="store_true", help="compare the texts of errors too")
    parser.add_argument("--show", action="store_true", help="print what the reference said, and compare nothing")
    return parser.parse_args()


async def prepare(client: Client) -> None:
    """The one custom search attribute that the scenarios use."""
    request = AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes={CUSTOM.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


async def seen_by(client: Client, scenario: Scenario) -> list[tuple[str, Any]]:
    trace = Trace(client)
    try:
        await asyncio.wait_for(scenario(trace), SCENARIO_SECONDS_MAX)
    except Exception as error:  # the scenario could not go on: that is what was seen
        trace.note(STOPPED, f"{type(error).__name__}: {error}")
    return trace.seen


async def compare(clients: list[Client], name: str, arguments: argparse.Namespace) -> list[str]:
    """The differences, printed and returned."""
    reference = await seen_by(clients[0], SCENARIOS[name])
    if arguments.show:
        print(f"== {name}", *(f"{label}: {json.dumps(value, indent=1)}" for label, value in reference), sep="\n")
        return []
    stopped = [f"{value} on the reference itself" for label, value in reference if label == STOPPED]
    lines = stopped or difference.between(reference, await seen_by(clients[1], SCENARIOS[name]), arguments.texts)
    print(f"{'DIFFERENT' if lines else 'equal    '} {name}", flush=True)
    for line in lines:
        print(f"    {line[:LINE_LENGTH_MAX]}", flush=True)
    return lines


def print_frequent(lines: list[str]) -> None:
    """The same difference tends to be in many histories."""
    counted = Counter(line.split(": ", 1)[-1] for line in lines)
    print("most frequent:")
    for line, times in counted.most_common(FREQUENT_MAX):
        if times > 1:
            print(f"    {times:4} x {line[:LINE_LENGTH_MAX]}")


async def main() -> int:
    arguments = parse_arguments()
    logging.disable(logging.CRITICAL)  # failures are what many scenarios are about
    runtime = Runtime(telemetry=TelemetryConfig(logging=None))
    clients = [await Client.connect(address, runtime=runtime) for address in arguments.addresses]
    for client in clients:
        await prepare(client)
    names = [name for name in SCENARIOS if arguments.only in name]
    differences = [await compare(clients, name, arguments) for name in names]
    print_frequent([line for lines in differences for line in lines])
    different = sum(bool(lines) for lines in differences)
    print(f"{len(names) - different} equal, {different} different")
    return 1 if different or not names else 0


def leave(code: int) -> NoReturn:
    """Ends at once: temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(asyncio.run(main()))
