"""The workflow: measure, reserve, count, rank."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    import activities


@dataclass
class Report:
    """What the workflow found; `reserve_attempt` and the count's fields tell how it got there."""

    lines: int
    chunks: int
    words: int
    top: list[tuple[str, int]]
    reserve_attempt: int
    count_attempt: int
    count_resumed_at_chunk: int


@workflow.defn
class CountWords:
    @workflow.run
    async def run(self, path: str, chunk_lines: int) -> Report:
        text = await workflow.execute_activity(
            activities.measure, args=[path, chunk_lines], start_to_close_timeout=timedelta(seconds=10)
        )
        reserve_attempt = await workflow.execute_activity(
            activities.reserve,
            text,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=300), backoff_coefficient=2.0),
        )
        counted = await workflow.execute_activity(
            activities.count,
            text,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3),
        )
        best = await workflow.execute_local_activity(
            activities.top, args=[counted.words, 5], start_to_close_timeout=timedelta(seconds=5)
        )
        return Report(
            lines=text.lines,
            chunks=-(-text.lines // text.chunk_lines),
            words=sum(counted.words.values()),
            top=best,
            reserve_attempt=reserve_attempt,
            count_attempt=counted.attempt,
            count_resumed_at_chunk=counted.resumed_at_chunk,
        )
