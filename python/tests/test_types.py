"""The package and a program that uses it, to a type checker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ostro
import pytest

PROGRAM = Path(__file__).parent / "data" / "typed_program.py"


def test_a_strict_checker_finds_nothing(tmp_path: Path) -> None:
    package = Path(ostro.__file__).parent
    assert (package / "py.typed").exists()
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path)]
    # One run for both is not to be had: a package and a file exclude each other.
    for wanted in (["-p", "ostro"], [str(PROGRAM)]):
        done = subprocess.run([*command, *wanted], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


WRONG = Path(__file__).parent / "data" / "wrong_uses.py"
MARKED = {at for at, line in enumerate(WRONG.read_text().splitlines(), 1) if re.search(r"  # wrong: \w+$", line)}
#: What a checker calls each kind.
MYPY = {
    "argument": {"arg-type", "typeddict-item"},
    "keyword": {"call-arg", "call-overload"},
    "result": {"assignment", "arg-type"},
}
#: Share of the package's public names whose types a checker knows, in per cent.
KNOWN_MIN = 99.0


def _kind(line: int) -> str:
    return WRONG.read_text().splitlines()[line - 1].rpartition("# wrong: ")[2].strip()


def test_mypy_refuses_each_wrong_use_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "--no-error-summary", str(WRONG)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.findall(r"wrong_uses\.py:(\d+): error: .*\[([a-z-]+)\]", done.stdout)
    assert {int(line) for line, _code in found} == MARKED, done.stdout
    for line, code in found:
        assert code in MYPY[_kind(int(line))], (line, code)


def _pyright(*arguments: str) -> dict[str, object]:
    if shutil.which("pyright", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])) is None:
        pytest.skip("pyright is not installed")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_pyright_refuses_each_wrong_use_and_nothing_else(tmp_path: Path) -> None:
    for file in (WRONG, PROGRAM):
        shutil.copy(file, tmp_path)
    settings = tmp_path / "pyrightconfig.json"
    settings.write_text(json.dumps({"typeCheckingMode": "strict"}))
    found = _pyright("--project", str(settings))
    diagnostics = found["generalDiagnostics"]
    assert isinstance(diagnostics, list)
    lines = {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in diagnostics if one["severity"] == "error"}
    assert lines == {(WRONG.name, line) for line in MARKED}, diagnostics


def test_pyright_knows_the_types_of_the_package() -> None:
    found = _pyright("--verifytypes", "ostro", "--ignoreexternal")["typeCompleteness"]
    assert isinstance(found, dict)
    assert found["completenessScore"] * 100 >= KNOWN_MIN
