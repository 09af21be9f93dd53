"""What others have written, brought once into .cache: the Temporal server, Restate, DBOS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from results import Results

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache"

sys.path.append(str(HERE.parent / "conformance"))


class Brought:
    """Each method returns where the thing is, or `None` with the reason in the results."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def temporal(self) -> Path | None:
        """The real server: of this environment, else the one on the path."""
        own = Path(sys.executable).with_name("temporal")
        found = own if own.exists() else shutil.which("temporal")
        return Path(found).resolve() if found else self._absent("Temporal", "no `temporal` in the environment")

    def restate(self) -> Path | None:
        place = CACHE / "restate"
        if not shutil.which("npm"):
            return self._absent("Restate", "npm is not installed")
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "worker.js", "client.js"):
            shutil.copy(HERE / "restate" / name, place / name)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return self._absent("Restate", f"npm install failed: {done.stderr.strip()[-200:]}")
        if not list(place.glob("node_modules/@restatedev/restate-server-*/bin/restate-server")):
            return self._absent("Restate", "its npm package has no binary for this machine")
        return place

    def dbos(self) -> Path | None:
        import environment

        try:
            return environment.prepare(HERE / "dbos" / "requirements.txt")
        except environment.Error as error:
            return self._absent("DBOS", str(error))

    def _absent(self, name: str, reason: str) -> Path | None:
        print(f"{name} is not measured: {reason}", file=sys.stderr)
        self._results.absent[name] = reason.replace(os.path.expanduser("~"), "~")
        return None
