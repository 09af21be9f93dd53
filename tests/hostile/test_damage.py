"""Bits that flip on the disk: what is damaged is refused or mended, never served as the truth, and harms nothing else."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import temporalio.api.common.v1 as common
import temporalio.api.workflowservice.v1 as service
from damage import Log, fill, flip, observed
from lab import NAMESPACE, Caller, Server

#: Bits that are flipped, each in a copy of its own.
FLIPS = 8
#: Workflows that are started before the server is killed.
ACKNOWLEDGED = 50


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A data directory with something in it, and what a server without damage answers."""
    directory = tmp_path_factory.mktemp("filled") / "data"
    server = Server(data=directory)
    try:
        fill(server.start())
        server.restart()
        truth = observed(server.caller())
        assert all(answered.ok for answered in truth.values())
        server.stop()
        yield directory, truth
    finally:
        server.remove()


def copied(serve: Any, data: Path) -> Server:
    server: Server = serve(run=False)
    shutil.copytree(data, server.data)
    return server


def starts(server: Server) -> bool:
    """Whether it starts; where it does not, its last line says why."""
    try:
        server.start()
    except RuntimeError:
        assert "error: " in server.log().splitlines()[-1], server.log()
        return False
    return True


def test_no_flipped_bit_of_a_page_is_served_as_the_truth(serve: Any, filled: Any) -> None:
    data, truth = filled
    whole = (data / "ostro.db").read_bytes()
    chosen = random.Random(14)
    used = [at for at in chosen.sample(range(100, len(whole)), 40 * FLIPS) if whole[at]][:FLIPS]
    outcomes = []
    for at in used:
        server = copied(serve, data)
        flip(server.data / "ostro.db", at, 1 << chosen.randrange(8))
        sound = server.tool("doctor", "--data", server.data, ok=False).returncode == 0
        if not starts(server):
            outcomes.append("refused")
            assert not sound, f"byte {at}: doctor says it is sound, and the server refuses it"
            continue
        seen = observed(server.caller())
        lies = [name for name, answered in seen.items() if answered.ok and answered.message != truth[name].message]
        assert not lies, f"byte {at}: {lies}"
        lost = {answered.code for answered in seen.values() if not answered.ok}
        assert lost <= {"DATA_LOSS"}, f"byte {at}: {lost}"
        assert server.lives
        outcomes.append("named" if lost else "as before")
        assert not (lost and sound), f"byte {at}: doctor says it is sound"
        server.stop()
    print(f"{len(used)} flips: {[(each, outcomes.count(each)) for each in sorted(set(outcomes))]}")


def changed(server: Server, sql: str) -> None:
    """Changes the file as no checksum knows of."""
    database = sqlite3.connect(server.data / "ostro.db")
    assert database.execute(sql).rowcount > 0, sql
    database.commit()
    database.close()


OF_W_3 = "WHERE exec = (SELECT id FROM exec WHERE workflow_id = 'w-3')"
#: What is damaged, and the names in `observed` that are refused for it.
ROWS = {
    "state": (f"UPDATE state SET blob = x'ff' {OF_W_3}", "w-3"),
    "item": (f"UPDATE item SET value = x'ff' {OF_W_3}", "w-3"),
    "history": (f"UPDATE history SET blob = x'ff' {OF_W_3}", "history of w-3"),
    "schedule": ("UPDATE record SET value = x'ff' WHERE kind LIKE 'sched%'", "schedule"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_damaged_row_harms_only_its_own(serve: Any, filled: Any, row: str) -> None:
    data, truth = filled
    sql, whose = ROWS[row]
    server = copied(serve, data)
    changed(server, sql)
    named = server.tool("doctor", "--data", server.data, ok=False)
    assert named.returncode == 1, named.stdout
    server.start()
    seen = observed(server.caller())
    lost = {name for name, answered in seen.items() if not answered.ok}
    assert lost and all(whose in name for name in lost), lost
    assert {seen[name].code for name in lost} == {"DATA_LOSS"}
    assert all("ostro doctor --repair" in seen[name].words for name in lost), seen
    if row != "history":
        aside = [line for line in server.http("GET", "/metrics").text.splitlines() if line.startswith("ostro_set_aside_")]
        assert any(line.endswith(" 1") for line in aside), aside
    refused = server.tool("doctor", "--repair", "--data", server.data, ok=False)
    assert refused.returncode != 0, "it is served"
    server.stop()
    mended = server.tool("doctor", "--repair", "--data", server.data, ok=False)
    assert server.tool("doctor", "--data", server.data, ok=False).returncode == 0, mended.stdout
    after = observed(server.start().caller())
    if row in ("state", "item"):
        names = [name for name in truth if name.startswith("history")]
        assert [after[name].message for name in names] == [truth[name].message for name in names], "rebuilt from its history"
    else:
        assert {after[name].code for name in lost} == {"NOT_FOUND"}, "taken out"
        taken = [file.read_text() for file in server.data.glob("*taken-out*/*")]
        assert taken, "to a file"
    assert (server.data / "ostro.db.before-repair-1").exists()


# The write-ahead log.


def killed(serve: Any) -> Server:
    """A server that was killed, with acknowledged commits in its log only."""
    server: Server = serve()
    caller = server.caller()
    for number in range(ACKNOWLEDGED):
        server.run(caller, f"w-{number}")
    server.stop(kill=True)
    return server


def there(caller: Caller) -> int:
    """How many of the acknowledged workflows are there."""
    executions = [common.WorkflowExecution(workflow_id=f"w-{number}") for number in range(ACKNOWLEDGED)]
    requests = [service.DescribeWorkflowExecutionRequest(namespace=NAMESPACE, execution=each) for each in executions]
    return sum(caller.call("DescribeWorkflowExecution", request).ok for request in requests)


def test_a_kill_loses_nothing(serve: Any) -> None:
    assert there(killed(serve).start().caller()) == ACKNOWLEDGED


@pytest.mark.parametrize("hurt", ["flipped", "blank", "two flipped"])
def test_a_hole_in_the_log_is_refused_with_words(serve: Any, hurt: str) -> None:
    server = killed(serve)
    log = Log(server.data / "ostro.db-wal")
    middle = log.frames // 2
    if hurt == "blank":
        log.blank(middle)
    else:
        log.flip(middle)
    if hurt == "two flipped":
        log.flip(middle + 4, byte=77, bit=16)
    before = log.path.read_bytes()
    assert not starts(server)
    said = server.log()
    assert "write-ahead log" in said and "--accept-wal-loss" in said and "ostro doctor --repair" in said, said
    for tool in (["doctor"], ["backup", str(server.directory / "copy.db")], ["compact"]):
        refused = server.tool(*tool, "--data", server.data, ok=False)
        assert refused.returncode != 0 and "write-ahead log" in refused.stdout + refused.stderr, (tool, refused)
    assert log.path.read_bytes() == before, "nothing was changed"
    mended = server.tool("doctor", "--repair", "--data", server.data, ok=False)
    if hurt != "blank":
        assert mended.returncode == 0, mended
        assert there(server.start().caller()) == ACKNOWLEDGED, "the bit is put right"
        return
    assert not starts(server), "what was never written cannot be mended"
    server.arguments.append("--accept-wal-loss")
    found = there(server.start().caller())
    assert 0 < found < ACKNOWLEDGED, found
    assert [file for file in server.data.iterdir() if file.read_bytes() == before], "the log is kept"
    server.arguments.clear()
    assert there(server.restart(kill=True).caller()) == found


@pytest.mark.parametrize("torn", ["half a frame", "rubbish"])
def test_a_torn_end_of_the_log_is_normal(serve: Any, torn: str) -> None:
    """What a loss of power leaves: a frame that was begun."""
    server = killed(serve)
    log = Log(server.data / "ostro.db-wal")
    with log.path.open("ab") as file:
        file.write(
            log.path.read_bytes()[log.HEADER :][: log.frame_bytes // 2] if torn == "half a frame" else b"\xa5" * log.frame_bytes
        )
    assert there(server.start().caller()) == ACKNOWLEDGED


@pytest.mark.parametrize("mended", [True, False])
def test_a_damaged_log_of_records_is_mended_or_kept(serve: Any, mended: bool) -> None:
    server = serve()
    for number in range(20):
        definition = {"name": f"w{number}", "task_queue": "q", "input_schema": {}}
        body = json.dumps({"definitions": [definition], "deployment_name": "d", "worker_name": "w"})
        said = server.http("POST", "/v1/workflows/register", body, {"Content-Type": "application/json"})
        assert said.status == 200, said
    listed = server.http("GET", "/v1/workflows").body
    server.stop(kill=True)
    log = Log(server.data / "workflows-api.db-wal")
    log.flip(log.frames // 2)
    before = log.path.read_bytes()
    for tool in (["doctor"], ["backup", str(server.directory / "copy.db")], ["compact"], ["token", "list"]):
        refused = server.tool(*tool, "--data", server.data, ok=False)
        assert refused.returncode != 0 and "write-ahead log" in refused.stdout + refused.stderr, (tool, refused)
    assert log.path.read_bytes() == before, "nothing was changed"
    if mended:
        server.tool("doctor", "--repair", "--data", server.data)
        assert server.start().http("GET", "/v1/workflows").body == listed
        return
    assert "the write-ahead log of the API's records is damaged" in server.start().log()
    assert [file for file in server.data.iterdir() if file.read_bytes() == before], "the log is kept"


def test_a_damaged_backup_is_not_restored(serve: Any, filled: Any) -> None:
    data, _ = filled
    server = copied(serve, data)
    backup = server.directory / "copy.db"
    server.tool("backup", backup, "--data", server.data)
    database = sqlite3.connect(backup)
    database.execute(f"UPDATE state SET blob = x'ff' {OF_W_3}")
    database.commit()
    database.close()
    refused = server.tool("restore", backup, "--data", server.data, ok=False)
    assert refused.returncode != 0 and "not as they were written" in refused.stderr, refused
    assert server.start().status(server.caller(), "w-3") == "RUNNING", "what was there is as it was"
