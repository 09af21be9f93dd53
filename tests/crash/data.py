"""What `ostro doctor`, `backup` and `restore` must say of the data: of what a kill leaves, and of a copy taken under load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finish import finish_all
from server import Server


class Data:
    """The checks of one run; what is wrong gathers in `errors`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.errors: list[str] = []
        self.checks = 0
        #: Open orders of the backup that finished on the copy.
        self.finished = 0
        self.backup_file = server.directory / "backup.db"

    async def check_killed(self) -> None:
        """The server is dead: its data must be whole, and each open execution must have something that wakes it."""
        if self.server.has_tools:
            await self._doctor(self.server.data, f"after {self.server.kills} kills")

    async def back_up(self) -> None:
        """The server is alive and under load."""
        if self.server.has_tools:
            code, answer = await self.server.tool("backup", self.backup_file, "--data", self.server.data)
            if code:
                self.errors.append(f"the backup under load failed: {answer}")

    async def check_backup(self) -> None:
        """The copy must be sound, must be served again with as many executions as it has, and these must finish."""
        if not self.backup_file.exists():
            return
        report = await self._doctor(self.backup_file, "in the backup")
        restored = self.server.directory / "restored"
        code, answer = await self.server.tool("restore", self.backup_file, "--data", restored)
        if code:
            self.errors.append(f"the backup cannot be restored: {answer}")
            return
        again = await self._doctor(restored, "in the restored backup")
        if counts(report) != counts(again):
            self.errors.append(f"the backup has {counts(report)}, what was restored from it {counts(again)}")
        await self._serve(restored, again)

    async def _serve(self, restored: Path, report: dict[str, Any]) -> None:
        copy = self.server.on(restored)
        await copy.start()
        try:
            listed = await copy.count()
            self.finished, left = await finish_all(copy)
            self.errors += [f"the restored backup: {line}" for line in left]
        finally:
            await copy.stop()
        if listed != sum(counts(report)):
            self.errors.append(f"the restored backup has {sum(counts(report))} executions, its server lists {listed}")

    async def _doctor(self, data: Path, when: str) -> dict[str, Any]:
        self.checks += 1
        code, report = await self.server.tool("doctor", "--data", data)
        if code:
            self.errors.append(f"doctor, {when}: {report}")
        return report


def counts(report: dict[str, Any]) -> tuple[int, int]:
    """Open and closed executions."""
    return sum(report["open"].values()), report["closed"]
