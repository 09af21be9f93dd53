"""What a run found, held against the expected failures and the baseline."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import suite
from pytest_file import Outcome

HERE = Path(__file__).resolve().parent

#: A test that takes this long on the baseline has its normal time written down.
SLOW_SECONDS = 5.0


def expected_failures() -> dict[str, str]:
    """Reason by test id. An id without [parameters] stands for all of that test."""
    expected = {}
    for line in (HERE / "expected-failures.txt").read_text().splitlines():
        test, _, reason = line.partition("  # ")
        if test.strip() and not line.startswith("#"):
            expected[test.strip()] = reason.strip()
    return expected


def reason_of(test: str, expected: dict[str, str]) -> str | None:
    return expected.get(test, expected.get(test.split("[")[0]))


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    return {word: sum(o.outcome == word for o in outcomes) for word in ("passed", "failed", "skipped")}


def counts_text(outcomes: list[Outcome]) -> str:
    text = ", ".join(f"{number} {word}" for word, number in counts(outcomes).items())
    flaky = sum(o.flaky for o in outcomes)
    return f"{text} ({flaky} flaky)" if flaky else text


def read_baseline() -> dict[str, Any]:
    path = HERE / "baseline.json"
    nothing: dict[str, Any] = {"files": {}, "slow_tests": {}}
    return {**nothing, **json.loads(path.read_text())} if path.exists() else nothing


def baseline_text(file: str) -> str:
    normal = read_baseline()["files"].get(file)
    return f" (real server: {normal['passed']} passed, {normal['failed']} failed)" if normal else ""


def record_baseline(server: str, files: dict[str, list[Outcome]]) -> None:
    """Counts by file and the normal time of slow tests; files that were not run stay as they were."""
    baseline = read_baseline()
    baseline["server"] = server
    for file, outcomes in sorted(files.items()):
        baseline["files"][file] = counts(outcomes)
        for outcome in outcomes:
            if outcome.outcome == "passed" and outcome.seconds >= SLOW_SECONDS:
                baseline["slow_tests"][outcome.id] = round(outcome.seconds, 1)
    (HERE / "baseline.json").write_text(json.dumps(baseline, indent=1, sort_keys=True) + "\n")


def write_report(address: str, outcomes: list[Outcome], expected: dict[str, str]) -> Path:
    path = suite.CACHE / "report.json"
    report = {
        "address": address,
        "suite": f"temporalio {suite.VERSION}",
        "counts": counts(outcomes),
        "tests": [{**vars(o), "expected_failure": reason_of(o.id, expected)} for o in outcomes],
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    return path


def conclude(outcomes: list[Outcome], expected: dict[str, str], report: Path) -> int:
    unexpected = [o for o in outcomes if o.outcome == "failed" and reason_of(o.id, expected) is None]
    foreseen = sum(o.outcome == "failed" for o in outcomes) - len(unexpected)
    better = [o for o in outcomes if o.outcome == "passed" and reason_of(o.id, expected) is not None]
    for outcome in better:
        print(f"passes now, though listed in expected-failures.txt: {outcome.id}")
    for outcome in outcomes:
        if outcome.flaky:
            print(f"flaky (passed alone, in the second try): {outcome.id}: {outcome.message}")
    print(f"report: {os.path.relpath(report)}")
    print(f"{counts_text(outcomes)}; of the failures {foreseen} expected, {len(unexpected)} not")
    return 1 if unexpected or not outcomes else 0
