"""Reads of one namespace, whatever they ask, hold up nobody else's, nor the log."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import temporalio.api.common.v1 as common
import temporalio.api.workflowservice.v1 as service
from lab import Answer, Caller, Server, start
from starving import size

RUNS = 400
#: Conditions that read the whole text of each run.
SLOW = " OR ".join(f"Txt = 'zebra{number} lion{number} ape{number}'" for number in range(400))
#: An honest read beside it may take this long, in seconds.
READ_SECONDS_MAX = 2.0
#: The log of a store is cut to this once it begins anew.
LOG_MAX = 64 << 20
CONFIG = 'durable = false\nread_timeout = "2s"\nreads_waiting_max = 4\n[search_attributes]\nTxt = "Text"\n'


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two namespaces, one of which has much to read."""
    data = tmp_path_factory.mktemp("reads") / "data"
    server = Server(["--access", "key", "--namespace", "default", "--namespace", "other"], data=data, config=CONFIG)
    try:
        admin = server.caller(server.key("admin", "*"))
        server.start()
        text = json.dumps(" ".join(f"word{number * 7 % 1000}" for number in range(200))).encode()
        attribute = common.Payload(metadata={"encoding": b"json/plain"}, data=text)
        attributes = common.SearchAttributes(indexed_fields={"Txt": attribute})
        with ThreadPoolExecutor(4) as pool:
            begun = pool.map(
                lambda at: admin.call("StartWorkflowExecution", start(f"w-{at}", "other", search_attributes=attributes)),
                range(RUNS),
            )
            assert all(each.ok for each in begun)
        server.run(admin, "mine", "default")
        yield server
    finally:
        server.remove()


def slow_count(caller: Caller, seconds: float) -> Answer:
    request = service.CountWorkflowExecutionsRequest(namespace="other", query=SLOW)
    return caller.call("CountWorkflowExecutions", request, seconds)


def assert_reads(admin: Caller) -> None:
    """What an admin reads of another namespace meanwhile."""
    execution = common.WorkflowExecution(workflow_id="mine")
    for method, request in (
        ("ListWorkflowExecutions", service.ListWorkflowExecutionsRequest(namespace="default")),
        ("GetWorkflowExecutionHistory", service.GetWorkflowExecutionHistoryRequest(namespace="default", execution=execution)),
        ("DescribeWorkflowExecution", service.DescribeWorkflowExecutionRequest(namespace="default", execution=execution)),
    ):
        answered = admin.call(method, request, READ_SECONDS_MAX)
        assert answered.ok, (method, answered)
    began = time.monotonic()
    assert admin.http("GET", "/v1/workflows/runs").status == 200
    assert time.monotonic() - began < READ_SECONDS_MAX


def test_a_read_ends_in_time(busy: Server) -> None:
    reader = busy.caller(busy.key("reader", "other"))
    began = time.monotonic()
    answered = slow_count(reader, 20)
    assert answered.code == "DEADLINE_EXCEEDED" and "read_timeout" in answered.words, answered
    assert time.monotonic() - began < 8


def test_abandoned_reads_hold_up_nobody(busy: Server) -> None:
    admin, secret = busy.caller(busy.key("admin", "*")), busy.key("reader", "other")
    for _ in range(2):
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: slow_count(busy.caller(secret), 0.3), range(20)))
        assert_reads(admin)
    cut = [line for line in admin.http("GET", "/metrics").text.splitlines() if 'reason="caller_gone"' in line]
    assert any(not line.endswith(" 0") for line in cut), cut


def test_waiting_reads_of_a_namespace_are_refused_beyond_their_number(busy: Server) -> None:
    admin, secret = busy.caller(busy.key("admin", "*")), busy.key("reader", "other")
    with ThreadPoolExecutor(16) as pool:
        begun = [pool.submit(slow_count, busy.caller(secret), 10) for _ in range(16)]
        time.sleep(0.5)
        assert_reads(admin)
        answers = [each.result() for each in begun]
    refused = [each.words for each in answers if each.code == "RESOURCE_EXHAUSTED"]
    assert refused and all("reads_waiting_max" in words for words in refused), answers


def test_a_log_that_readers_held_back_is_cut(busy: Server) -> None:
    """70 MB are written while somebody reads, and can leave the log only when nobody does."""
    admin, secret = busy.caller(busy.key("admin", "*")), busy.key("reader", "other")
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            slow_count(busy.caller(secret), 10)

    reader = threading.Thread(target=read)
    reader.start()
    large = common.Payloads(payloads=[common.Payload(data=b"x" * 1_900_000)])
    for number in range(37):
        assert admin.call("StartWorkflowExecution", start(f"large-{number}", input=large), 30).ok
    over.set()
    reader.join()
    # Once a commit finds nobody who reads, it begins the log anew.
    for number in range(20):
        busy.run(admin, f"after-{number}")
    assert size(busy.data / "ostro.db-wal") <= LOG_MAX
