"""Kills the server with SIGKILL at random moments under load, and checks that nothing that it acknowledged is lost.

    python3 tests/crash/run.py --binary target/debug/ostro --kills 200 --seed 1
    python3 tests/crash/run.py --server temporal --binary "$(command -v temporal)" --kills 20

Prints counts and exits 0 when nothing is lost, doubled or left open; 1 otherwise (the data is kept then).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from data import Data
from load import Load, connect
from server import Died, Server
from trouble import Trouble
from verify import verify
from workers import TASK_QUEUE, Workers

#: The server lives this long between being ready and being killed. Every so often it lives longer, so that what waits
#: for a time-out (a task whose hand-out was lost, a worker that backs off) gets on and orders end between the kills.
LIFE_SECONDS = (0.010, 0.400)
LONG_LIFE_SECONDS = (0.5, 3.0)
LONG_LIFE_EVERY = 5
#: With --troubles: after so many kills each, something else goes wrong.
TROUBLE_EVERY = 20
#: After so many kills each, `ostro doctor` looks at what the kill left.
DOCTOR_EVERY = 10


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--server", choices=["ostro", "temporal"], default="ostro")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="chosen and printed when not given")
    parser.add_argument("--in-flight", type=int, default=12, help="orders at once")
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument(
        "--troubles", action="store_true", help="also stop the process, fill its disk, make it read-only, set its clock"
    )
    parser.add_argument("--settle-seconds", type=float, default=90.0, help="time for all to finish after the last kill")
    parser.add_argument("--keep", action="store_true", help="keep data and logs even when all is well")
    return parser.parse_args()


async def keep_ordering(load: Load, in_flight: int, enough: asyncio.Event) -> None:
    """`in_flight` orders at a time until there are enough; then waits for those under way."""
    running: set[asyncio.Task[None]] = set()
    number = 0
    while not enough.is_set():
        while len(running) < in_flight:
            running.add(asyncio.create_task(load.order(number)))
            number += 1
        waiting = asyncio.create_task(enough.wait())
        done, _ = await asyncio.wait({*running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for order in done & running:
            order.result()
        running -= done
    await asyncio.gather(*running)


async def keep_killing(
    load: Load, workers: Workers, data: Data, trouble: Trouble | None, kills: int, chance: random.Random, orders: asyncio.Task[None]
) -> None:
    server = load.server
    for number in range(1, kills + 1):
        if orders.done():
            orders.result()  # says why no more orders come
        if trouble is not None and number % TROUBLE_EVERY == 0:
            await trouble.strike(workers)
        long = number % LONG_LIFE_EVERY == 0
        await asyncio.sleep(chance.uniform(*(LONG_LIFE_SECONDS if long else LIFE_SECONDS)))
        if number == kills // 2:
            await data.back_up()
        await server.kill()
        if number % DOCTOR_EVERY == 0:
            await data.check_killed()
        await server.start()
        await workers.tell_restart()
        if number % 20 == 0:
            finished = sum(record.result is not None for record in load.records.values())
            print(f"  {number} kills, {finished} of {len(load.records)} orders finished", flush=True)


async def run(arguments: argparse.Namespace, directory: Path) -> int:
    server = Server(arguments.binary.resolve(), arguments.server, directory, arguments.port)
    trouble = Trouble(server, random.Random(arguments.seed)) if arguments.troubles else None
    try:
        return await run_on(server, trouble, arguments)
    finally:
        if trouble is not None:
            trouble.clean_up()


async def run_on(server: Server, trouble: Trouble | None, arguments: argparse.Namespace) -> int:
    await server.start()
    load = Load(server, await connect(server), TASK_QUEUE, arguments.seed)
    workers = Workers(server, load.on_report)
    data = Data(server)
    enough = asyncio.Event()
    began = time.monotonic()
    try:
        await workers.start("fresh")
        await workers.start("lasting")
        await workers.tell_restart()
        orders = asyncio.create_task(keep_ordering(load, arguments.in_flight, enough))
        await asyncio.sleep(2.0)  # the workers come up
        await keep_killing(load, workers, data, trouble, arguments.kills, random.Random(arguments.seed), orders)
        killed_for = time.monotonic() - began
        enough.set()
        _, unfinished = await asyncio.wait({orders}, timeout=arguments.settle_seconds)
        if not unfinished:
            orders.result()
        server.check_alive()
        wrong = load.errors + await verify(load.client, load)
    finally:
        await workers.stop()
        await server.stop()
    await data.check_killed()
    await data.check_backup()
    wrong += data.errors + (trouble.errors if trouble else [])
    print_counts(server, load, killed_for)
    if trouble is not None:
        trouble.print_counts()
    if server.has_tools:
        print(f"  {data.checks:6} looks of the doctor at the data")
        print(f"  {data.finished:6} open orders of a backup taken under load, restored and served, that finished")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def print_counts(server: Server, load: Load, seconds: float) -> None:
    ready = sorted(server.ready_seconds)
    print(
        f"{server.kills} kills in {seconds:.0f} s; ready again after {ready[len(ready) // 2] * 1000:.0f} ms (median),",
        end=" ",
    )
    print(f"{ready[-1] * 1000:.0f} ms (longest)")
    print(f"{len(load.records)} orders, {sum(r.result is not None for r in load.records.values())} finished")
    for what, number in sorted(load.counts.items()):
        print(f"  {number:6} {what}")


def main() -> int:
    arguments = parse_arguments()
    if arguments.seed is None:
        arguments.seed = random.randrange(1_000_000)
    directory = Path(tempfile.mkdtemp(prefix="ostro-crash-"))
    print(f"seed {arguments.seed}, {arguments.kills} kills, data and logs in {directory}", flush=True)
    try:
        code = asyncio.run(run(arguments, directory))
    except Died as error:
        print(f"WRONG: {error}; see {directory}/server.log")
        code = 1
    if code == 0 and not arguments.keep:
        shutil.rmtree(directory)
    print("nothing lost" if code == 0 else f"FAILED with seed {arguments.seed}; data and logs kept in {directory}")
    return code


def leave(code: int) -> NoReturn:
    """Ends at once: temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
