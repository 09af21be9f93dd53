"""Runs the tests of one file in processes of their own and tells each test's outcome.

A process that dies or hangs costs one test: that one has failed, the rest go on in a new process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

#: A process without news for this long, beyond the longest limit of a test, is killed: its own limit did not work.
SILENCE_SECONDS_MAX = 150.0


@dataclasses.dataclass
class Outcome:
    """How one test ended: `passed`, `failed`, `skipped`; `flaky` is a pass in the second try, alone."""

    id: str
    outcome: str = "failed"
    seconds: float = 0.0
    message: str = ""
    flaky: bool = False


@dataclasses.dataclass(frozen=True)
class Setting:
    """What every pytest process of a run shares."""

    python: Path
    suite: Path
    #: Of the server that all tests share; none where each starts its own.
    address: str | None
    logs: Path
    dev_server: str | None
    test_server: str | None
    patience: float
    #: Normal seconds of slow tests.
    baseline: Path = HERE / "baseline.json"
    #: More pytest plugins, and where Python finds them and what they need.
    plugins: tuple[str, ...] = ()
    python_path: tuple[Path, ...] = ()


class Run:
    """One pytest process over some test ids of one file, and what it told."""

    def __init__(self, setting: Setting, ids: list[str], name: str) -> None:
        self.setting = setting
        self.ids = ids
        self.log = setting.logs / f"{name}.log"
        self.events = setting.logs / f"{name}.events"
        self.outcomes: dict[str, Outcome] = {}
        self.collected: list[str] = []
        self.running: str | None = None
        self.finished = False

    def go(self) -> None:
        self.events.unlink(missing_ok=True)
        self.events.touch()
        arguments = self.log.with_suffix(".args")
        arguments.write_text("\n".join(self.ids) + "\n")
        with self.log.open("w") as log:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=self.setting.suite,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._wait(process)
        for line in self.events.read_text().splitlines():
            self._note(json.loads(line))
        if self.running is not None:
            self._fail(self.running, f"the test process ended in the middle of it (exit code {process.returncode})")

    def _command(self, arguments: Path) -> list[str]:
        plugins = [*self.setting.plugins, "pytest_events", "no:cacheprovider", "no:randomly"]
        server = ["--workflow-environment", self.setting.address] if self.setting.address else []
        return [
            str(self.setting.python), "-m", "pytest", f"@{arguments}", *(word for name in plugins for word in ("-p", name)),
            *server, "-o", "log_level=INFO", "-q", "--continue-on-collection-errors",
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        environment = dict(os.environ)
        # With it the SDK's sandbox compiles the test module anew for every workflow: 2.5 s a test instead of 0.3 s.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPATH"] = os.pathsep.join(map(str, [*self.setting.python_path, HERE]))
        environment["CONFORMANCE_EVENTS"] = str(self.events)
        environment["CONFORMANCE_BASELINE"] = str(self.setting.baseline)
        environment["CONFORMANCE_PATIENCE"] = str(self.setting.patience)
        if self.setting.dev_server:
            environment["CONFORMANCE_DEV_SERVER"] = self.setting.dev_server
        if self.setting.test_server:
            environment["CONFORMANCE_TEST_SERVER"] = self.setting.test_server
        return environment

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            time.sleep(0.2)
            if time.time() - self.events.stat().st_mtime > SILENCE_SECONDS_MAX * self.setting.patience:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a crashed test left behind

    def _note(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "collected":
                self.collected = event["ids"]
            case "not-collected":
                self._fail(event["id"], f"not collected: {event['message']}")
                if "ModuleNotFoundError" in event["message"]:  # a package that only this file needs
                    self.outcomes[event["id"]].outcome = "skipped"
            case "start":
                self.running = event["id"]
            case "report":
                self._note_report(event)
            case "finish":
                self.running = None
                self.finished = True

    def _note_report(self, event: dict[str, Any]) -> None:
        outcome = self.outcomes.setdefault(event["id"], Outcome(event["id"], "passed"))
        outcome.seconds = round(outcome.seconds + event["seconds"], 3)
        if event["outcome"] == "failed" or (event["outcome"] == "skipped" and outcome.outcome == "passed"):
            outcome.outcome = event["outcome"]
            outcome.message = outcome.message or event["message"]
        if event["when"] == "teardown":
            self.running = None

    def _fail(self, test: str, message: str) -> None:
        self.outcomes[test] = Outcome(test, "failed", 0.0, message)

    def left(self) -> list[str]:
        """Tests that were collected and never ran to an end."""
        return [test for test in self.collected if test not in self.outcomes]


def run_all(setting: Setting, ids: list[str], name: str) -> dict[str, Outcome]:
    """Every test under `ids`, in as many processes as it takes."""
    outcomes: dict[str, Outcome] = {}
    attempt = 0
    while ids:
        run = Run(setting, ids, f"{name}-{attempt}" if attempt else name)
        run.go()
        outcomes.update(run.outcomes)
        if not run.outcomes and not run.finished:
            outcomes[ids[0]] = Outcome(ids[0], "failed", 0.0, f"pytest did not start: see {run.log}")
            break
        if not run.outcomes:
            break
        ids = run.left()
        attempt += 1
    return outcomes


def retry_alone(setting: Setting, failed: Outcome, name: str) -> None:
    """One more try of one test in a process of its own: a pass makes it flaky."""
    again = run_all(setting, [failed.id], f"{name}-alone").get(failed.id)
    if again is not None and again.outcome == "passed":
        failed.outcome, failed.flaky, failed.seconds = "passed", True, again.seconds
