"""The files under a server: who may read them, who serves them, and what is not taken for a beginning."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import temporalio.api.common.v1 as common
import temporalio.api.workflowservice.v1 as service
from lab import NAMESPACE, Server, start

SECRET = b"a-secret-that-is-gone"


def modes(directory: Path) -> dict[str, int]:
    """Of a directory and of each file in it."""
    found = {each.name: each.stat().st_mode & 0o777 for each in directory.iterdir()}
    return {".": directory.stat().st_mode & 0o777, **found}


def refusal(server: Server) -> str:
    """What a server says that must refuse to start."""
    server.spawn()
    assert server.process.wait(20) != 0, "it started"
    return server.log()


def stopped(serve: Any) -> Server:
    """A server that has run one workflow and has ended in peace."""
    server: Server = serve()
    server.run(server.caller(), "w")
    assert server.stop() == 0
    return server


# Who reads them.


def test_only_the_owner_reads_any_file(serve: Any) -> None:
    server = serve(run=False, prefix=["sh", "-c", 'umask 0; exec "$0" "$@"'])
    server.start()
    server.key("reader", "default")
    server.run(server.caller(server.key("operator", "default")), "w")
    copies = server.directory / "copies"
    copies.mkdir(mode=0o755)
    server.tool("backup", copies / "copy.db", "--data", server.data)
    found = modes(server.data)
    assert {"ostro.db", "workflows-api.db"} <= found.keys()
    assert found.pop(".") == 0o700
    assert set(found.values()) == {0o600}, found
    copied = modes(copies)
    copied.pop(".")
    assert set(copied.values()) == {0o600} and "copy.db" in copied, copied
    server.stop()
    server.tool("doctor", "--repair", "--data", server.data)
    server.tool("compact", "--data", server.data)
    assert set(modes(server.data).values()) == {0o700, 0o600}, modes(server.data)


def test_what_is_open_to_others_is_closed_at_the_start(serve: Any) -> None:
    server = stopped(serve)
    for path in [server.data, *server.data.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    server.start()
    assert set(modes(server.data).values()) == {0o700, 0o600}, modes(server.data)
    assert "for its owner only now (600)" in server.log(), server.log()


# Who serves them.


def by_symbolic_link(served: Path, elsewhere: Path) -> Path:
    elsewhere.symlink_to(served)
    return elsewhere


def by_link_to_the_file(served: Path, elsewhere: Path) -> Path:
    elsewhere.mkdir()
    (elsewhere / "ostro.db").symlink_to(served / "ostro.db")
    return elsewhere


def by_hard_link(served: Path, elsewhere: Path) -> Path:
    elsewhere.mkdir()
    os.link(served / "ostro.db", elsewhere / "ostro.db")
    return elsewhere


def by_a_removed_lock(served: Path, _elsewhere: Path) -> Path:
    for lock in served.glob("*.lock"):
        lock.unlink()
    return served


def by_its_own_name(served: Path, _elsewhere: Path) -> Path:
    return served


WAYS = [by_its_own_name, by_symbolic_link, by_link_to_the_file, by_hard_link, by_a_removed_lock]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_second_server_is_refused(serve: Any, way: Any) -> None:
    first = serve()
    first.run(first.caller(), "before")
    second = serve(run=False, data=way(first.data, first.directory / "elsewhere"))
    said = refusal(second)
    assert "is served by another process" in said or "hard links" in said, said
    first.run(first.caller(), "after")
    for tool in ("doctor --repair", "compact"):
        done = first.tool(*tool.split(), "--data", second.data, ok=False)
        assert done.returncode != 0, (tool, done.stdout)
    assert first.status(first.caller(), "after") == "RUNNING"
    if way is by_hard_link:
        (second.data / "ostro.db").unlink()
    first.restart(kill=True)
    assert [first.status(first.caller(), each) for each in ("before", "after")] == ["RUNNING"] * 2


# What is no beginning.


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_where_there_was_data_nothing_begins_anew(serve: Any, what: str) -> None:
    server = stopped(serve)
    database = server.data / "ostro.db"
    kept = database.read_bytes()
    database.unlink()
    if what == "empty":
        database.touch()
    said = refusal(server)
    assert what in said and "--new" in said, said
    assert not database.exists() or database.stat().st_size == 0, "nothing was begun"
    database.write_bytes(kept)
    assert server.start().status(server.caller(), "w") == "RUNNING"


def test_a_beginning_that_is_wanted_is_made(serve: Any) -> None:
    server = stopped(serve)
    (server.data / "ostro.db").unlink()
    anew = serve("--new", data=server.data)
    assert anew.run(anew.caller(), "w")


def test_a_service_that_has_data_never_begins_with_nothing(serve: Any) -> None:
    """As where its file system is not mounted: the directory is there, and empty."""
    server = serve("--data-exists", run=False)
    server.data.mkdir()
    assert "--data-exists" in refusal(server) or "data_exists" in server.log(), server.log()
    assert not (server.data / "ostro.db").exists()


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TRIGGER own AFTER INSERT ON exec BEGIN DELETE FROM exec; END",
        "CREATE TABLE own (a)",
        "CREATE VIEW own AS SELECT 1",
        "DROP INDEX {index}",
    ],
)
def test_a_schema_that_is_not_ostro_s_is_refused(serve: Any, schema: str) -> None:
    server = stopped(serve)
    with sqlite3.connect(server.data / "ostro.db") as database:
        (index,) = database.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL LIMIT 1").fetchone()
        database.execute(schema.format(index=index))
    database.close()
    said = refusal(server)
    assert "which no release of Ostro puts there" in said, said
    assert server.tool("doctor", "--data", server.data, ok=False).returncode != 0


# What is deleted.


def test_what_is_deleted_leaves_the_files(serve: Any) -> None:
    server = serve()
    caller = server.caller()
    secret = common.Payloads(payloads=[common.Payload(data=SECRET)])
    assert caller.call("StartWorkflowExecution", start("secret", input=secret)).ok
    server.run(caller, "kept")
    execution = common.WorkflowExecution(workflow_id="secret")
    gone = service.DeleteWorkflowExecutionRequest(namespace=NAMESPACE, workflow_execution=execution)
    assert caller.call("DeleteWorkflowExecution", gone).ok
    refused = server.tool("compact", "--data", server.data, ok=False)
    assert refused.returncode != 0 and "is served by another process" in refused.stderr, refused
    server.stop()
    server.tool("compact", "--data", server.data)
    assert not [each.name for each in server.data.iterdir() if SECRET in each.read_bytes()]
    assert server.start().status(server.caller(), "kept") == "RUNNING"


def test_a_copy_of_the_files_is_served_beside_the_original(serve: Any) -> None:
    first = stopped(serve)
    copy = first.directory / "copy"
    shutil.copytree(first.data, copy)
    second = serve(data=copy)
    assert first.start().status(first.caller(), "w") == second.status(second.caller(), "w") == "RUNNING"
