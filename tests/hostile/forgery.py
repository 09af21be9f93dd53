"""What attacks on tokens share: bytes that nobody gave out, and something that waits for an answer."""

from __future__ import annotations

import temporalio.api.command.v1 as commands
import temporalio.api.nexus.v1 as nexus
import temporalio.api.operatorservice.v1 as operator
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflowservice.v1 as service
from google.protobuf.duration_pb2 import Duration
from lab import Answer, Caller, Server, command

#: A token begins with so many bytes of its seal.
SEAL = 16


def forgeries(token: bytes) -> list[bytes]:
    """Bytes of which the server gave out none."""
    flipped = [token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :] for at in (0, SEAL - 1, SEAL, len(token) // 2, len(token) - 1)]
    return [*flipped, token[SEAL:], token[:-1], token + b"\0", b"\0" * SEAL + token[SEAL:], token[:SEAL], b"x"]


def assert_refused(what: str, refused: Answer) -> None:
    assert refused.code == "INVALID_ARGUMENT", (what, refused)


def decide(server: Server, worker: Caller, namespace: str, *decided: commands.Command) -> None:
    request = service.RespondWorkflowTaskCompletedRequest(
        namespace=namespace, task_token=server.task(worker, namespace).task_token, commands=decided
    )
    done = worker.call("RespondWorkflowTaskCompleted", request)
    assert done.ok, done


def operation(server: Server, worker: Caller, namespace: str, handler: str) -> None:
    """A workflow of `namespace` waits for an operation that workers of `handler` handle."""
    target = nexus.EndpointTarget(worker=nexus.EndpointTarget.Worker(namespace=handler, task_queue="nexus"))
    spec = nexus.EndpointSpec(name="pay", target=target)
    made = worker.call("CreateNexusEndpoint", operator.CreateNexusEndpointRequest(spec=spec))
    assert made.ok, made
    server.run(worker, "w", namespace)
    wanted = commands.ScheduleNexusOperationCommandAttributes(
        endpoint="pay", service="bank", operation="transfer", schedule_to_close_timeout=Duration(seconds=600)
    )
    decide(server, worker, namespace, command("schedule_nexus_operation", schedule_nexus_operation_command_attributes=wanted))


def poll_nexus(worker: Caller, namespace: str) -> service.PollNexusTaskQueueResponse:
    request = service.PollNexusTaskQueueRequest(namespace=namespace, task_queue=taskqueue.TaskQueue(name="nexus"))
    polled = worker.call("PollNexusTaskQueue", request)
    assert polled.ok and polled.message.task_token, polled
    task: service.PollNexusTaskQueueResponse = polled.message
    return task
