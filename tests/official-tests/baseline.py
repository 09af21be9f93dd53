"""What is kept of an earlier run: every test that did not pass, with the reason, and how many did."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_file import Outcome

HERE = Path(__file__).resolve().parent
#: So many are named one by one; the report has all.
NAMED_MAX = 40


def of(alias: bool) -> Baseline:
    """The one of the package `ostro`, or of the official packages."""
    return Baseline.read(HERE / ("baseline-ostro.json" if alias else "baseline.json"))


@dataclass(frozen=True)
class Baseline:
    """`others` has the outcome and the reason of what did not pass; `passed` the number of tests by file that did."""

    path: Path
    passed: dict[str, int]
    others: dict[str, tuple[str, str]]

    @staticmethod
    def read(path: Path) -> Baseline:
        kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"passed": {}, "others": {}}
        return Baseline(path, kept["passed"], {test: (found, why) for test, (found, why) in kept["others"].items()})

    def again(self) -> Baseline:
        return Baseline.read(self.path)

    def passes(self, test: str) -> bool:
        """Whether it passed then, or is new. A file that could not be collected stands for all its tests."""
        return test not in self.others and test.partition("::")[0] not in self.others

    def record(self, outcomes: dict[str, Outcome]) -> None:
        """Replaces what is kept of the files of these tests. A reason that was written by hand stays while the test fails."""
        files = {_file_of(test) for test in outcomes}
        passed = {file: number for file, number in self.passed.items() if file not in files}
        others = {test: kept for test, kept in self.others.items() if _file_of(test) not in files}
        passed |= Counter(_file_of(test) for test, outcome in outcomes.items() if outcome.outcome == "passed")
        for test, outcome in outcomes.items():
            if outcome.outcome != "passed":
                was = self.others.get(test)
                why = was[1] if was and was[0] == outcome.outcome else _first_words(outcome.message)
                others[test] = (outcome.outcome, why)
        kept = {"passed": dict(sorted(passed.items())), "others": dict(sorted(others.items()))}
        self.path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")

    def conclude(self, outcomes: dict[str, Outcome], whole: bool, logs: Path) -> int:
        """Prints what differs from what is kept, and the numbers. Returns the exit code."""
        worse = [test for test, outcome in outcomes.items() if outcome.outcome == "failed" and self.passes(test)]
        better = [test for test, outcome in outcomes.items() if outcome.outcome == "passed" and self._failed(test)]
        vanished = self._vanished(outcomes) if whole else []
        for test in worse[:NAMED_MAX]:
            print(f"FAILED {test}: {outcomes[test].message}")
        for test in better[:NAMED_MAX]:
            print(f"passes now: {test}")
        for line in vanished:
            print(line)
        for test, outcome in outcomes.items():
            if outcome.flaky:
                print(f"flaky (passed alone, in the second try): {test}: {outcome.message}")
        if better:
            print(f"{len(better)} pass that did not: keep them with --record")
        report = logs / "report.json"
        report.write_text(json.dumps([vars(outcome) | {"id": test} for test, outcome in outcomes.items()], indent=1) + "\n")
        print(f"report: {os.path.relpath(report)}")
        counts = Counter(outcome.outcome for outcome in outcomes.values())
        numbers = ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))
        print(f"official tests: {numbers}; of the failures {counts['failed'] - len(worse)} as kept, {len(worse)} new")
        return 1 if worse or vanished or not outcomes else 0

    def _failed(self, test: str) -> bool:
        """Whether this very test, or its file as a whole, failed then."""
        return any(self.others.get(name, ("", ""))[0] == "failed" for name in (test, test.partition("::")[0]))

    def _vanished(self, outcomes: dict[str, Outcome]) -> list[str]:
        """Files of which fewer tests ran to an end than passed then: what is not run cannot fail."""
        ran = Counter(map(_file_of, outcomes))
        return [f"FAILED {file}: {ran[file]} of {number} tests ran" for file, number in self.passed.items() if ran[file] < number]


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def _first_words(message: str) -> str:
    return message[:160]
