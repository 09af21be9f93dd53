"""One run of the suites, held against the baseline."""

from __future__ import annotations

import argparse
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from baseline import Baseline
from environment import CACHE
from pytest_file import Outcome, Setting, retry_alone, run_all
from suites import Suite

HERE = Path(__file__).resolve().parent


class Trial:
    """What is run, on which server, with which package."""

    def __init__(self, arguments: argparse.Namespace, python: Path) -> None:
        self.arguments = arguments
        self.python = python
        self.logs = CACHE / "official-tests" / ("logs-ostro" if arguments.package else "logs")

    def judge(self, suites: list[Suite], kept: Baseline) -> int:
        """Runs and compares. Returns the exit code."""
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        outcomes: dict[str, Outcome] = {}
        for suite in suites:
            if tests := self._chosen(suite):
                found = self._run(suite, tests, kept)
                outcomes.update({f"{suite.name}:{test}": outcome for test, outcome in found.items()})
        if self.arguments.record:
            kept.record(outcomes)
            kept = kept.again()
        whole = not self.arguments.quick and not self.arguments.tests
        return kept.conclude(outcomes, whole, self.logs)

    def _chosen(self, suite: Suite) -> list[str]:
        """The files, or tests, of a suite that this run is of."""
        wanted: list[str] = self.arguments.tests
        if self.arguments.quick:
            wanted = [line for line in (HERE / "quick.txt").read_text().split("\n") if line and line[0] != "#"]
        if not wanted:
            return suite.files()
        return [test.partition(":")[2] for test in wanted if test.startswith(f"{suite.name}:")]

    def _run(self, suite: Suite, tests: list[str], kept: Baseline) -> dict[str, Outcome]:
        jobs = max(1, min(self.arguments.jobs, len(tests)))
        with ThreadPoolExecutor(jobs) as pool:
            parts = [pool.submit(self._run_part, suite, tests[job::jobs], job, kept) for job in range(jobs)]
            return {test: outcome for part in parts for test, outcome in part.result().items()}

    def _run_part(self, suite: Suite, tests: list[str], job: int, kept: Baseline) -> dict[str, Outcome]:
        setting, name = self._setting(suite), f"{suite.name}-{job}"
        outcomes: dict[str, Outcome] = {}
        for number, ids in enumerate(self._together(tests)):
            outcomes |= run_all(setting, ids, f"{name}-{number}")
        for test, outcome in outcomes.items():
            if outcome.message.startswith("not collected"):
                outcome.outcome = "failed"
            elif outcome.outcome == "failed" and not self.arguments.record and kept.passes(f"{suite.name}:{test}"):
                retry_alone(setting, outcome, name)
        return outcomes

    def _together(self, tests: list[str]) -> list[list[str]]:
        """What runs in one process. A worker of `ostro` has all activities that its process has defined, so there it is one file."""
        return [[test] for test in tests] if self.arguments.package else [tests]

    def _setting(self, suite: Suite) -> Setting:
        package = self.arguments.package
        return Setting(
            python=self.python,
            suite=suite.root,
            address=None,
            logs=self.logs,
            dev_server=str(Path(self.arguments.dev_server).resolve()),
            test_server=str(Path(self.arguments.test_server).resolve()),
            patience=self.arguments.patience,
            baseline=HERE / "no-normal-times.json",
            plugins=("pytest_alias",) if package else (),
            python_path=(package.resolve(), HERE) if package else (),
        )
