#!/usr/bin/env python3
"""Where the CPU of an activity goes with `ostro`: microseconds and waits of each thread for one activity.

python3 bench/python/threads.py [ADDRESS] [--local 3000] [--regular 500]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from ostro import workflows
from ostro_worker import Local, Regular

TASKS = Path("/proc/self/task")


def used() -> tuple[Counter[str], Counter[str]]:
    """Nanoseconds on a processor, and waits, by the threads' names."""
    time: Counter[str] = Counter()
    waits: Counter[str] = Counter()
    for task in TASKS.iterdir():
        name = (task / "comm").read_text().strip()
        time[name] += int((task / "schedstat").read_text().split()[0])
        status = (task / "status").read_text()
        waits[name] += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return time, waits


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--local", type=int, default=3000)
    parser.add_argument("--regular", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with await workflows.Client.connect(arguments.address or f"{folder}/engine.db") as client:
            async with workflows.Worker([Regular, Local], connection=client.connection):
                for workflow, count in ((Local, arguments.local), (Regular, arguments.regular)):
                    await client.execute(workflow, 20)
                    before = used()
                    await client.execute(workflow, count)
                    time, waits = (now - then for now, then in zip(used(), before))
                    print(
                        f"{workflow.__name__}: {sum(time.values()) / count / 1000:.1f} µs, {sum(waits.values()) / count:.1f} waits"
                    )
                    for name, spent in time.most_common():
                        print(f"    {name:<20} {spent / count / 1000:7.1f} µs {waits[name] / count:6.2f} waits")


asyncio.run(main())
