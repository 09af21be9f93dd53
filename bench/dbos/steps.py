"""The work of DBOS: python steps.py DIRECTORY SCALE. Prints a line of JSON for each row."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

if sqlite3.sqlite_version_info < (3, 42):
    import pysqlite3

    sys.modules["sqlite3"] = pysqlite3

from dbos import DBOS, SetWorkflowID


@DBOS.step()
def double(number: int) -> int:
    return 2 * number


@DBOS.workflow()
def sequence(count: int) -> int:
    return sum(double(index) for index in range(count))


def execute(count: int) -> None:
    with SetWorkflowID(str(uuid.uuid4())):
        sequence(count)


def report(row: str, count: int, began: float, cpu: float) -> None:
    seconds = time.perf_counter() - began
    line = {"row": row, "ms": 1e3 * seconds / count, "per_second": count / seconds, "count": count}
    line["worker_cpu_us"] = 1e6 * (time.process_time() - cpu) / count
    print(json.dumps(line), flush=True)


def main() -> None:
    directory, scale = sys.argv[1], float(sys.argv[2])
    began = time.perf_counter()
    database = f"sqlite:///{directory}/dbos.sqlite"
    DBOS(config={"name": "bench", "system_database_url": database, "run_admin_server": False, "log_level": "ERROR"})
    DBOS.launch()
    execute(2)
    print(json.dumps({"row": "start", "start_ms": 1e3 * (time.perf_counter() - began)}), flush=True)
    count = max(1, round(200 * scale))
    began, cpu = time.perf_counter(), time.process_time()
    execute(count)
    report("regular", count, began, cpu)
    for in_flight, count in ((1, 50), (16, 200), (256, 512)):
        count = max(1, round(count * scale))
        with ThreadPoolExecutor(in_flight) as threads:
            began, cpu = time.perf_counter(), time.process_time()
            for done in [threads.submit(execute, 1) for _ in range(count)]:
                done.result()
            report(f"workflows-{in_flight}", count, began, cpu)
    DBOS.destroy()


main()
