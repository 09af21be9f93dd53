"""What befalls a server beside kills: it stands still, its disk fills up or cannot be written, its clock is set.

A server that cannot write must stop, say why, refuse to start as long as that lasts, and go on afterwards with all that
it acknowledged. What this machine does not allow is left out, and said.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from server import Died, Server
from workers import Workers

#: The data's own disk, in memory.
DISK_MIB = 2048
PAUSE_SECONDS = (0.2, 4.0)
#: Forward, so that every time-out of the load is over.
CLOCK_SECONDS = 3600
FAKETIME = "**/libfaketime.so.1"


class Disk:
    """A file system for the data alone, so that it can be full."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        run("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", path)

    def fill(self) -> None:
        """Hardly more room than is used now; the server writes meanwhile."""
        for margin_kib in (64, 512, 4096):
            used = int(run("df", "--output=used", "--block-size=1K", self.path).splitlines()[1])
            try:
                run("mount", "-o", f"remount,size={used + margin_kib}k", self.path)
                return
            except subprocess.CalledProcessError:
                continue  # it is larger than that by now
        raise Died("the disk cannot be made full")

    def free(self) -> None:
        run("mount", "-o", f"remount,size={DISK_MIB}m", self.path)

    def protect(self, *, on: bool) -> None:
        run("mount", "-o", "remount,ro" if on else "remount,rw", self.path)

    def unmount(self) -> None:
        run("umount", "--lazy", self.path)


class Trouble:
    """The troubles of one run, one after the other; what is wrong gathers in `errors`."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.server = server
        self.errors: list[str] = []
        self.counts: Counter[str] = Counter()
        self._chance = chance
        self._disk = self._make_disk() if server.has_tools else None
        self._clock = self._make_clock() if server.has_tools else None
        self._kinds: list[Callable[[Workers], Awaitable[None]]] = [self._pause]
        if self._disk is not None:
            self._kinds += [partial(self._full, self._disk), partial(self._read_only, self._disk)]
        if self._clock is not None:
            self._kinds.append(partial(self._clock_set, self._clock))
        self._next = 0

    def _make_disk(self) -> Disk | None:
        try:
            disk = Disk(self.server.directory / "disk")
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"NOT RUN: full and read-only disks; nothing can be mounted here ({error})")
            return None
        self.server.use_data(disk.path / "data", {})
        return disk

    def _make_clock(self) -> Path | None:
        found = next((path for path in Path("/usr/lib").glob(FAKETIME)), None)
        if found is None:
            print("NOT RUN: a clock that is set; libfaketime is not installed")
            return None
        clock = self.server.directory / "clock"
        clock.write_text("+0\n")
        environment = {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.server.use_data(self.server.data, environment)
        return clock

    async def strike(self, workers: Workers) -> None:
        """The next trouble in turn; afterwards the server is up."""
        kind = self._kinds[self._next % len(self._kinds)]
        self._next += 1
        await kind(workers)

    async def _pause(self, _: Workers) -> None:
        self.counts["times stopped and continued"] += 1
        await self.server.pause(self._chance.uniform(*PAUSE_SECONDS))

    async def _full(self, disk: Disk, workers: Workers) -> None:
        self.counts["times the disk was full"] += 1
        begin = len(self.server.log().encode())
        disk.fill()
        try:
            await self.server.end()
            self._expect(self.server.log(begin), "full", "on a full disk")
            self._expect(await self.server.refuse(may_idle=True), "full", "at its start on a full disk")
        finally:
            disk.free()
        await self._back(workers)

    async def _read_only(self, disk: Disk, workers: Workers) -> None:
        self.counts["times the disk was read-only"] += 1
        await self.server.kill()
        disk.protect(on=True)
        try:
            self._expect(await self.server.refuse(), "ead-only", "at its start on a read-only disk")
        finally:
            disk.protect(on=False)
        await self._back(workers)

    async def _clock_set(self, clock: Path, _: Workers) -> None:
        """Far forward, and at the next turn a little back."""
        self.counts["times the clock was set"] += 1
        ahead = int(clock.read_text())
        forward = self.counts["times the clock was set"] % 2 == 1
        clock.write_text(f"+{ahead + CLOCK_SECONDS if forward else ahead - 1}\n")
        self.server.disturb()

    async def _back(self, workers: Workers) -> None:
        await self.server.start()
        await workers.tell_restart()

    def _expect(self, said: str, word: str, when: str) -> None:
        if word not in said:
            self.errors.append(f"{when} the server did not say why it ended; it said: {said[-600:]!r}")

    def print_counts(self) -> None:
        for what, number in sorted(self.counts.items()):
            print(f"  {number:6} {what}")

    def clean_up(self) -> None:
        if self._disk is not None:
            try:
                self._disk.unmount()
            except subprocess.CalledProcessError as error:
                print(f"cannot unmount {self._disk.path}: {error}")


def run(*command: str | Path) -> str:
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout
