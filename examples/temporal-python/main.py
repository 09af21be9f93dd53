"""Counts the words of a text file with Temporal's official Python SDK, and checks that everything went as it must.

    python main.py [--address 127.0.0.1:7233] [FILE]

One workflow runs a regular, a retried, a heartbeating and a local activity. The program is worker and client at once.
It prints the result and the history, and exits 1 when the result, the retries or the history are not as expected.
"""

import argparse
import asyncio
import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from activities import FAILURES_OF_RESERVE, count, measure, reserve, top, words_of
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.worker import Worker
from workflows import CountWords, Report

CHUNK_LINES = 4
#: The back-off of `reserve`: 300 ms, then 600 ms.
RESERVE_BACKOFF = timedelta(milliseconds=900)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).with_name("loomings.txt"))
    parser.add_argument("--address", default="127.0.0.1:7233", help="HOST:PORT of the server")
    parser.add_argument("--namespace", default="default")
    return parser.parse_args()


def name_of(event: HistoryEvent) -> str:
    return EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")


def attributes_of(event: HistoryEvent) -> Any:
    """What is particular to its type, as the protocol calls it."""
    return getattr(event, event.WhichOneof("attributes") or "")


def detail_of(event: HistoryEvent) -> str:
    """What a reader wants to know of an event, on one line."""
    attributes = attributes_of(event)
    match name_of(event):
        case "WORKFLOW_EXECUTION_STARTED":
            return f"{attributes.workflow_type.name} on {attributes.task_queue.name}"
        case "ACTIVITY_TASK_SCHEDULED":
            return f"activity {attributes.activity_id}: {attributes.activity_type.name}"
        case "ACTIVITY_TASK_STARTED":
            failure = attributes.last_failure.message
            return f"attempt {attributes.attempt}" + (f", after: {failure}" if failure else "")
        case "ACTIVITY_TASK_COMPLETED":
            return f"of event {attributes.scheduled_event_id}"
        case "MARKER_RECORDED":
            return str(attributes.marker_name)
        case _:
            return ""


def print_history(events: list[HistoryEvent]) -> None:
    start = events[0].event_time.ToDatetime()
    print(f"{'id':>4}  {'ms':>6}  {'event':<30}  detail")
    for event in events:
        elapsed_ms = (event.event_time.ToDatetime() - start).total_seconds() * 1000
        print(f"{event.event_id:>4}  {elapsed_ms:>6.0f}  {name_of(event):<30}  {detail_of(event)}")


def wrong_in_report(report: Report, text: str) -> Iterator[str]:
    """Compares with a count made here, in one go, without a workflow."""
    words = Counter(words_of(text))
    expected = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:5]
    if report.words != words.total():
        yield f"{report.words} words counted, {words.total()} expected"
    if [tuple(item) for item in report.top] != expected:
        yield f"most frequent {report.top}, {expected} expected"
    if report.reserve_attempt != FAILURES_OF_RESERVE + 1:
        yield f"`reserve` succeeded in attempt {report.reserve_attempt}"
    if report.count_attempt != 2 or report.count_resumed_at_chunk != report.chunks // 2:
        yield f"`count` ended in attempt {report.count_attempt}, resumed at chunk {report.count_resumed_at_chunk}"


def wrong_in_history(events: list[HistoryEvent]) -> Iterator[str]:
    if [event.event_id for event in events] != list(range(1, len(events) + 1)):
        yield "event ids have a gap"
    by_id = {event.event_id: event for event in events}
    attempts = {}
    for event in events:
        if name_of(event) == "ACTIVITY_TASK_STARTED":
            scheduled = by_id[attributes_of(event).scheduled_event_id]
            activity = attributes_of(scheduled).activity_type.name
            attempts[activity] = attributes_of(event).attempt
            waited = event.event_time.ToDatetime() - scheduled.event_time.ToDatetime()
            if activity == "reserve" and waited < RESERVE_BACKOFF:
                yield f"`reserve` had its last attempt after {waited}, before its back-off of {RESERVE_BACKOFF}"
    if attempts != {"measure": 1, "reserve": FAILURES_OF_RESERVE + 1, "count": 2}:
        yield f"activities and attempts in the history: {attempts}"
    if sum(name_of(event) == "MARKER_RECORDED" for event in events) != 1:
        yield "the local activity left no marker"
    if name_of(events[-1]) != "WORKFLOW_EXECUTION_COMPLETED":
        yield f"the history ends with {name_of(events[-1])}"


async def main() -> int:
    arguments = parse_arguments()
    try:
        client = await Client.connect(arguments.address, namespace=arguments.namespace)
    except RuntimeError as error:
        print(f"no server answers at {arguments.address} (start one with `ostro dev`): {error}", file=sys.stderr)
        return 1
    task_queue = f"count-words-{uuid.uuid4()}"
    async with Worker(client, task_queue=task_queue, workflows=[CountWords], activities=[measure, reserve, count, top]):
        handle = await client.start_workflow(
            CountWords.run,
            args=[str(arguments.file.resolve()), CHUNK_LINES],
            id=f"count-words-{uuid.uuid4()}",
            task_queue=task_queue,
            execution_timeout=timedelta(minutes=1),
        )
        report = await handle.result()

    events = list((await handle.fetch_history()).events)
    print(f"workflow {handle.id}, run {handle.result_run_id}")
    print(f"{report.words} words on {report.lines} lines; most frequent: {report.top}")
    print(f"`count` went on at chunk {report.count_resumed_at_chunk} of {report.chunks} (attempt {report.count_attempt})")
    print_history(events)
    wrong = [*wrong_in_report(report, arguments.file.read_text()), *wrong_in_history(events)]
    for line in wrong:
        print(f"WRONG: {line}")
    if not wrong:
        print("ok: regular, retried, heartbeating and local activities all did what they must")
    return 1 if wrong else 0


def leave(code: int) -> NoReturn:
    """Ends at once: temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(asyncio.run(main()))
