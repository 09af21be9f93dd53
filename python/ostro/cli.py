"""The command `ostro` of the Python package: programs in Python; everything else goes to the server's binary.

ostro run FILE [ARGUMENTS]      run a program; `import mistralai.workflows` is ours where the original is not installed
ostro dev FILE [ARGUMENTS]      the same, again after each change of a Python file; a file that only defines gets a worker
ostro replay FILE HISTORY...    replay histories (JSON) against the workflows of a program
ostro ...                       the binary `ostro`: serve, dev, workflow, schedule, ...
"""

from __future__ import annotations

import asyncio
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from ._base import frames, printable

#: How often files are looked at, in seconds.
WATCH_INTERVAL = 0.3
#: How long a program has to end before it is killed, in seconds.
STOP_TIMEOUT = 5.0
BINARY_VARIABLE = "OSTRO_BINARY"
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".ostro"}


def main() -> None:
    """Entry of the console script."""
    arguments = sys.argv[1:]
    command = arguments[0] if arguments else ""
    if command == "run" and len(arguments) > 1:
        run_file(arguments[1], arguments[2:])
    elif command == "dev" and len(arguments) > 1 and arguments[1].endswith(".py"):
        develop(arguments[1], arguments[2:])
    elif command == "_develop" and len(arguments) > 1:
        run_file(arguments[1], arguments[2:], worker=True)
    elif command == "replay" and len(arguments) > 2:
        sys.exit(replay_files(arguments[1], arguments[2:]))
    elif command in ("run", "replay", "", "-h", "--help"):
        print(__doc__)
        sys.exit(0 if command in ("-h", "--help", "") else 2)
    else:
        run_binary(arguments)


def run_file(file: str, arguments: list[str], *, worker: bool = False) -> None:
    """Runs a program as `python FILE` does; with `worker`, one that defined workflows and started nothing gets a worker."""
    from . import compat

    compat.install()
    if not Path(file).is_file():
        sys.exit(f"ostro: there is no file {file}")
    sys.argv = [file, *arguments]
    sys.path.insert(0, str(Path(file).resolve().parent))
    try:
        runpy.run_path(file, run_name="__main__")
    except ImportError as error:
        sys.exit(_import_sentence(file, error))
    if worker:
        _run_worker(file)


def _import_sentence(file: str, error: ImportError) -> str:
    """What is wrong with an import of a program, with the program's lines that led to it."""
    found = frames.users_traceback(error.__traceback__)
    lines = [one for one in traceback.extract_tb(found) if not frames.is_ours(one.filename)]
    last = lines[-1] if lines else None
    place = f"{last.filename}:{last.lineno}" if last else file
    text = f"ostro: {place} cannot import {error.name or 'what it names'}: {printable.line(error)}"
    if isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
        text += f". Is it installed for {sys.executable}? `{sys.executable} -m pip install ...`"
    way = "".join(traceback.format_list(lines[:-1]))
    return f"{text}\nimported from:\n{way}" if way else text


def _run_worker(file: str) -> None:
    from ._definition.definition import registered_workflows
    from ._worker import worker

    classes = [one.cls for one in registered_workflows().values() if one.cls.__module__ == "__main__"]
    if not classes or worker.started:
        return
    print(f"ostro: {file} has {', '.join(sorted(cls.__name__ for cls in classes))}; a worker runs them", file=sys.stderr)
    asyncio.run(worker.run_worker(classes))


def develop(file: str, arguments: list[str]) -> None:
    """Runs a program, and again after each change of a Python file beside or under it."""
    # Also where a shell has told it to ignore Ctrl-C, and for who ends it with SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    root = Path(file).resolve().parent
    command = [sys.executable, "-m", "ostro", "_develop", file, *arguments]
    while True:
        seen = _files(root)
        program = subprocess.Popen(command)
        try:
            while _files(root) == seen:
                time.sleep(WATCH_INTERVAL)
        except KeyboardInterrupt:
            _stop(program)
            return
        print("ostro: a file changed, starting again", file=sys.stderr)
        _stop(program)


def _files(root: Path) -> dict[str, int]:
    """Python files with the time of their last change."""
    found: dict[str, int] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                try:
                    found[path] = os.stat(path).st_mtime_ns
                except OSError:
                    continue  # deleted since it was listed
    return found


def _stop(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        program.send_signal(signal.SIGTERM)
    try:
        program.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def replay_files(file: str, histories: list[str]) -> int:
    """Replays histories against the workflows of a program; 1 where one does not fit."""
    from . import compat
    from ._definition.definition import registered_workflows
    from ._worker.replay import replay

    compat.install()
    sys.path.insert(0, str(Path(file).resolve().parent))
    runpy.run_path(file, run_name="__replay__")
    classes = [one.cls for one in registered_workflows().values()]
    failed = 0
    for history in histories:
        try:
            replay(classes, Path(history))
            print(f"{printable.line(history)}: as recorded")
        except Exception as error:
            failed = 1
            print(f"{printable.line(history)}: {printable.lines(error)}")
    return failed


def run_binary(arguments: list[str]) -> NoReturn:
    """Becomes the binary `ostro`: of `OSTRO_BINARY`, else the next one on PATH that is not this script."""
    mine = Path(sys.argv[0]).resolve()
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder).resolve() != mine.parent]
    binary = os.environ.get(BINARY_VARIABLE) or shutil.which("ostro", path=os.pathsep.join(folders))
    if not binary:
        sys.exit(
            f"ostro: `{' '.join(arguments)}` needs the server's binary `ostro`, which is not on PATH: install it, or set "
            f"{BINARY_VARIABLE} to where it is. For Python programs: ostro run FILE, ostro dev FILE.py"
        )
    os.execv(binary, [binary, *arguments])
