#!/usr/bin/env python3
"""Runs the test suite of Temporal's Python SDK against a server.

    python3 conformance/run.py --address 127.0.0.1:7233 --default-suite
    python3 conformance/run.py --address 127.0.0.1:7233 --tests tests/test_client.py tests/worker/test_worker.py::test_x
    python3 conformance/run.py --ostro target/debug/ostro --default-suite

Exit code: 0 when every failure is listed in expected-failures.txt, 1 otherwise, 2 when the run could not be made.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import own_server
import suite
from environment import Error
from pytest_file import Outcome, Setting, retry_alone, run_all
from report import baseline_text, conclude, counts_text, expected_failures, reason_of, record_baseline, write_report

HERE = Path(__file__).resolve().parent
DEFAULT_SUITE = [
    "tests/test_client.py",
    "tests/worker/test_activity.py",
    "tests/worker/test_workflow.py",
    "tests/worker/test_worker.py",
    "tests/worker/test_replayer.py",
]
#: Folders that need packages of other vendors, run with --contrib only.
CONTRIB_ONLY = ("aws", "google_adk_agents", "google_genai", "langgraph", "langsmith", "openai_agents", "strands")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--address", help="HOST:PORT of a server's gRPC frontend")
    server.add_argument("--ostro", metavar="BINARY", help="start an Ostro server of its own for the run")
    add = parser.add_argument
    add("--tests", nargs="+", default=[], metavar="TEST", help="files, folders or test ids of the suite (else: all)")
    add("--default-suite", action="store_true", help="the five files of clients and workers")
    add("--jobs", type=int, default=1, help="test files at once (each its own process)")
    add("--keep", action="store_true", help="keep logs of files without failures too")
    add("--no-retry", action="store_true", help="do not try failed tests once more, alone")
    add("--contrib", action="store_true", help="also install and run what tests/contrib needs of other vendors")
    add("--suite", default=os.environ.get("CONFORMANCE_SUITE"), help="a checkout or clone of the SDK")
    add("--optional", action="store_true", help="exit 0 when the suite's sources cannot be brought")
    add("--dev-server", metavar="BINARY", help="for the tests that start a server of their own (else skipped)")
    add("--test-server", metavar="BINARY", help="for those that start one whose time skips (else skipped)")
    add("--patience", type=float, default=1.0, metavar="N", help="N times the time for each test, on a busy machine")
    add("--record-baseline", metavar="SERVER", help="write baseline.json, naming the server it is of")
    return parser.parse_args()


def files_of(sources: Path, tests: list[str], contrib: bool) -> dict[str, list[str]]:
    """The chosen test ids by file; a folder stands for its files."""
    files: dict[str, list[str]] = {}
    for test in tests or ["tests"]:
        path = sources / test.split("::")[0]
        if not path.exists():
            raise Error(f"the suite has no {test}")
        found = [path] if path.is_file() else sorted(path.rglob("test_*.py"))
        for file in found:
            name = str(file.relative_to(sources))
            if path.is_dir() and not contrib and any(f"contrib/{folder}/" in name for folder in CONTRIB_ONLY):
                continue
            files.setdefault(name, []).append(test if path.is_file() else name)
    return files


def clean(setting: Setting) -> str | None:
    """Some tests count all schedules of the namespace, and others leave one behind. Tells why it could not."""
    command = [str(setting.python), str(HERE / "clean.py"), str(setting.address)]
    cleaned = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if cleaned.returncode == 0:
        return None
    last = (cleaned.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"no Temporal server answers at {setting.address}: {last}"


def run_file(setting: Setting, file: str, ids: list[str], expected: dict[str, str], retry: bool) -> list[Outcome]:
    began = time.time()
    name = log_name(file)
    if failure := clean(setting):
        print(f"{file}: not run: {failure}", flush=True)
        return [Outcome(file, message=failure)]
    outcomes = list(run_all(setting, ids, name).values())
    for outcome in outcomes:
        if retry and outcome.outcome == "failed" and reason_of(outcome.id, expected) is None:
            clean(setting)
            retry_alone(setting, outcome, name)
    print(f"{file}: {counts_text(outcomes)} in {time.time() - began:.0f} s{baseline_text(file)}", flush=True)
    for outcome in outcomes:
        if outcome.outcome == "failed":
            reason = reason_of(outcome.id, expected)
            word = "FAILED" if reason is None else "failed, as expected"
            print(f"  {word} {outcome.id}: {reason or outcome.message}", flush=True)
    return outcomes


def log_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def fresh_logs() -> Path:
    logs = suite.CACHE / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    return logs


def drop_logs(logs: Path, results: dict[str, list[Outcome]]) -> None:
    """Those of files in which nothing failed."""
    for file, outcomes in results.items():
        if not any(outcome.outcome == "failed" or outcome.flaky for outcome in outcomes):
            for left in logs.glob(log_name(file) + "*"):
                left.unlink()


def run_files(
    setting: Setting, files: dict[str, list[str]], expected: dict[str, str], arguments: argparse.Namespace
) -> dict[str, list[Outcome]]:
    with ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        runs = {file: pool.submit(run_file, setting, file, ids, expected, not arguments.no_retry) for file, ids in files.items()}
        return {file: run.result() for file, run in runs.items()}


def main() -> int:
    arguments = parse_arguments()
    suite.CACHE.mkdir(parents=True, exist_ok=True)
    python = suite.prepare_python(arguments.contrib)
    try:
        sources = suite.prepare_sources(arguments.suite)
    except Error as error:
        if not arguments.optional:
            raise
        print(f"conformance: NOT RUN: {error}")
        return 0
    tests = arguments.tests + (DEFAULT_SUITE if arguments.default_suite else [])
    files = files_of(sources, tests, arguments.contrib)
    expected = expected_failures()
    logs = fresh_logs()
    dev_server, test_server = (
        binary and str(Path(binary).resolve())
        for binary in (arguments.dev_server or arguments.ostro, arguments.test_server or arguments.ostro)
    )
    with contextlib.ExitStack() as stack:
        address = arguments.address or stack.enter_context(own_server.ostro(arguments.ostro, logs / "server.log"))
        setting = Setting(python, sources, address, logs, dev_server, test_server, arguments.patience)
        if failure := clean(setting):
            raise Error(failure)
        results = run_files(setting, files, expected, arguments)

    if not arguments.keep:
        drop_logs(logs, results)
    if arguments.record_baseline:
        record_baseline(arguments.record_baseline, results)
    outcomes = [outcome for file in results.values() for outcome in file]
    return conclude(outcomes, expected, write_report(address, outcomes, expected))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Error as error:
        print(f"conformance: {error}", file=sys.stderr)
        sys.exit(2)
