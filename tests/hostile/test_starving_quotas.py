"""Quotas: what a namespace may have, by an error that names the quota; and the others have theirs."""

from __future__ import annotations

import json
import time
from typing import Any

import temporalio.api.common.v1 as common
import temporalio.api.workflowservice.v1 as service
from lab import Answer, Caller, Server, start

NAMESPACES = ("--namespace", "a", "--namespace", "b")


def assert_names(refused: Answer, *words: str) -> None:
    assert refused.code == "RESOURCE_EXHAUSTED", refused
    assert all(word in refused.words for word in words), refused


def ended(caller: Caller, workflow_id: str, namespace: str) -> None:
    execution = common.WorkflowExecution(workflow_id=workflow_id)
    request = service.TerminateWorkflowExecutionRequest(namespace=namespace, workflow_execution=execution)
    assert caller.call("TerminateWorkflowExecution", request).ok


def test_open_executions(serve: Any) -> None:
    server = serve(*NAMESPACES, config="[quotas.a]\nexecutions_open_max = 3\n")
    caller = server.caller()
    for number in range(3):
        server.run(caller, f"w{number}", "a")
    assert_names(caller.call("StartWorkflowExecution", start("w3", "a")), "executions_open_max", "3", '[quotas."a"]')
    server.run(caller, "w3", "b")
    server.restart(kill=True)
    caller = server.caller()
    assert_names(caller.call("StartWorkflowExecution", start("w3", "a")), "executions_open_max")
    ended(caller, "w0", "a")
    server.run(caller, "w3", "a")


def test_bytes_of_histories(serve: Any) -> None:
    server = serve(*NAMESPACES, config='[quotas."*"]\nhistory_bytes_max = "1MiB"\n')
    caller = server.caller()
    large = common.Payloads(payloads=[common.Payload(data=b"x" * 300_000)])
    answers = [caller.call("StartWorkflowExecution", start(f"w{number}", "a", input=large)) for number in range(6)]
    assert [answered.ok for answered in answers[:3]] == [True] * 3, answers
    assert_names(answers[-1], "history_bytes_max", "quotas")
    server.run(caller, "w", "b")


def test_requests_in_a_second(serve: Any) -> None:
    """By gRPC and by HTTP together."""
    server = serve(*NAMESPACES, config='[quotas."*"]\nrequests_per_second = 1\n')
    caller = server.caller()
    request = service.DescribeNamespaceRequest(namespace="default")
    answers = [caller.call("DescribeNamespace", request) for _ in range(12)]
    assert any(each.ok for each in answers)
    refused = [each for each in answers if not each.ok]
    assert len(refused) >= 8
    assert_names(refused[0], "requests_per_second", '[quotas."*"]')
    by_http = [server.http("GET", "/v1/workflows/runs") for _ in range(6)]
    assert by_http[-1].status == 429 and "requests_per_second" in by_http[-1].text, by_http[-1]
    assert caller.call("DescribeNamespace", service.DescribeNamespaceRequest(namespace="b")).ok


def logs(server: Server) -> int:
    """Sends 100 logs of no execution, 1 KB each; the status of the answer."""
    # The same log twice is one.
    now = time.time_ns()
    texts = [f"{now + number} {'x' * 1000}" for number in range(100)]
    records = [{"timeUnixNano": str(now), "severityText": "INFO", "body": {"stringValue": text}} for text in texts]
    name = {"key": "deploymentName", "value": {"stringValue": "d"}}
    sent = {"resourceLogs": [{"resource": {"attributes": [name]}, "scopeLogs": [{"logRecords": records}]}]}
    return server.http("POST", "/telemetry/v1/logs", json.dumps(sent), {"Content-Type": "application/json"}).status


def test_bytes_of_records(serve: Any) -> None:
    """Telemetry fills the disk no further than its namespace may; the engine does not notice."""
    server = serve(config='[quotas."*"]\nrecords_bytes_max = "1MiB"\n')
    statuses = [logs(server) for _ in range(15)]
    assert statuses[:3] == [200] * 3 and statuses[-1] == 507, statuses
    server.run(server.caller(), "w")
    assert server.status(server.caller(), "w") == "RUNNING"
    server.restart(kill=True)
    assert logs(server) == 507, "what there is was counted at the start"
