"""Runs the official worker and client, unmodified, against Ostro.

python tests/official-sdk/run.py --ostro target/debug/ostro              every check
python tests/official-sdk/run.py --ostro target/debug/ostro --quick      the core of them
python tests/official-sdk/run.py --ostro target/debug/ostro --temporal   over the real Temporal server
python tests/official-sdk/run.py --ostro ... --only streaming            one check
python tests/official-sdk/run.py --ostro ... --latency                   how long an activity takes, beside the real server; no checks
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

# The examples are imported for their inputs and results only: nothing of them is to be said here.
os.environ.setdefault("LOG_LEVEL", "ERROR")

from checks import CHECKS, QUICK
from lab import Lab, methods, resources
from latency import measure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ostro", type=Path, required=True, help="the binary")
    parser.add_argument("--temporal", action="store_true", help="serve the API over the real Temporal server")
    parser.add_argument("--quick", action="store_true", help="only the core")
    parser.add_argument("--only", action="append", default=[], help="only this check; may be repeated")
    parser.add_argument("--latency", action="store_true", help="measure instead of checking")
    parser.add_argument("--keep", action="store_true", help="say where the logs are, and leave them")
    arguments = parser.parse_args()
    chosen = QUICK if arguments.quick else CHECKS
    chosen = [check for check in chosen if not arguments.only or check.__name__ in arguments.only]

    directory = Path(tempfile.mkdtemp(prefix="ostro-official-sdk-"))
    if arguments.latency:
        measure(arguments.ostro.resolve(), directory)
        return 0
    lab = Lab(arguments.ostro.resolve(), directory, arguments.temporal, otel=not arguments.quick)
    failed = []
    try:
        lab.start_server()
        lab.start_worker()
        lab.wait_for_worker()
        client = lab.client()
        for check in chosen:
            failed += [] if passes(check, lab, client) else [check.__name__]
        if not arguments.quick and not arguments.only:
            missing = [
                f"{area}.{name}"
                for area, resource in resources(client).items()
                for name in methods(resource)
                if f"{area}.{name}" not in lab.called
            ]
            print(f"client methods called: {len(lab.called)}, not called: {missing}")
            failed += ["every client method"] if missing else []
    except Exception:
        traceback.print_exc()
        failed.append("start")
    finally:
        lab.stop()
    if failed:
        for name in ("ostro", "worker", "sealed", "versioned"):
            print(f"--- the end of {name}.log\n{lab.processes.tail(name, 15)}", file=sys.stderr)
    if arguments.keep or failed:
        print(f"logs: {directory}")
    over = "the real Temporal server" if arguments.temporal else "Ostro"
    print(f"official SDK over {over}: {len(chosen) - len(failed)} of {len(chosen)} checks passed")
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return 1 if failed else 0


def passes(check: Any, lab: Lab, client: Any) -> bool:
    began = time.monotonic()
    try:
        check(lab, client)
    except Exception:
        print(f"FAILED {check.__name__}")
        traceback.print_exc(file=sys.stdout)
        return False
    finally:
        elapsed = time.monotonic() - began
    print(f"ok {check.__name__} ({elapsed:.1f} s)", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
