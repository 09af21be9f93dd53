"""The token with which a Nexus handler ends its operation is all that it needs: nobody else may have or make one."""

from __future__ import annotations

import uuid
from typing import Any

import temporalio.api.common.v1 as common
import temporalio.api.workflowservice.v1 as service
from forgery import SEAL, forgeries, operation, poll_nexus
from lab import NAMESPACE, Server, start


def varint(number: int) -> bytes:
    bytes_ = b""
    while True:
        bytes_ += bytes([number & 127 | (128 if number > 127 else 0)])
        number >>= 7
        if not number:
            return bytes_


def address(namespace: int, execution: int, workflow_id: str, run_id: str, event: int, request_id: str) -> bytes:
    """What a callback token says, in protobuf."""
    fields: list[int | bytes] = [namespace, execution, workflow_id.encode(), run_id.encode(), event, request_id.encode()]
    encoded = b""
    for at, value in enumerate(fields, 1):
        if value in (0, b""):
            continue
        if isinstance(value, int):
            encoded += varint(at << 3) + varint(value)
        else:
            encoded += varint(at << 3 | 2) + varint(len(value)) + value
    return encoded


def call_back(server: Server, token: str, path: str = "/nexus/callback") -> int:
    headers = {"Temporal-Callback-Token": token, "Nexus-Operation-State": "succeeded", "Content-Type": "application/json"}
    return server.http("POST", path, '"forged: paid in full"', headers).status


def test_an_operation_is_ended_by_its_own_token_only(serve: Any) -> None:
    """Who reads what is public of an operation, its run id and even its request id, cannot end it."""
    server = serve("--namespace", "victim")
    worker = server.caller()
    operation(server, worker, "victim", "victim")
    request = poll_nexus(worker, "victim").request.start_operation
    token = next(value for name, value in request.callback_header.items() if name.lower() == "temporal-callback-token")
    execution = common.WorkflowExecution(workflow_id="w")
    described = worker.call(
        "DescribeWorkflowExecution", service.DescribeWorkflowExecutionRequest(namespace="victim", execution=execution)
    )
    run_id = described.message.workflow_execution_info.execution.run_id
    before = server.history(worker, "w", "victim")
    genuine = bytes.fromhex(token)
    made_up = [address(namespace, 1, "w", run, 5, request.request_id) for namespace in range(1, 5) for run in (run_id, "")]
    forged = [*made_up, *(b"\0" * SEAL + each for each in made_up), *(genuine[:SEAL] + each for each in made_up[:4])]
    forged = [each for each in [*forged, *forgeries(genuine)] if each != genuine]
    for each in forged:
        assert call_back(server, each.hex()) == 400, each
    assert call_back(server, "") == 400
    assert call_back(server, "not hexadecimal") == 400
    assert call_back(server, token, "/namespaces/default/nexus/callback") == 400
    assert server.history(worker, "w", "victim") == before
    assert call_back(server, token) == 200
    assert "NEXUS_OPERATION_COMPLETED" in server.history(worker, "w", "victim")


def test_a_workflow_cannot_answer_for_an_operation_that_is_not_its_own(server: Server) -> None:
    """A client may register callbacks: to this server only with a token that a handler was given."""
    anyone = server.caller()
    forged = address(1, 1, "w", str(uuid.uuid4()), 5, str(uuid.uuid4())).hex()
    for url_header in ({"Temporal-Callback-Token": forged}, {"temporal-callback-token": "00" * 40}, {}):
        callback = common.Callback(nexus=common.Callback.Nexus(url="temporal://system", header=url_header))
        refused = anyone.call("StartWorkflowExecution", start("forger", completion_callbacks=[callback]))
        assert refused.code == "INVALID_ARGUMENT", refused
    execution = common.WorkflowExecution(workflow_id="forger")
    missing = anyone.call(
        "DescribeWorkflowExecution", service.DescribeWorkflowExecutionRequest(namespace=NAMESPACE, execution=execution)
    )
    assert missing.code == "NOT_FOUND"
