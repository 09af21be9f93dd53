"""What attacks on the data itself share: something to lose, and all that clients may read of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import temporalio.api.common.v1 as common
import temporalio.api.schedule.v1 as schedules
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflow.v1 as workflows
import temporalio.api.workflowservice.v1 as service
from google.protobuf.duration_pb2 import Duration
from lab import NAMESPACE, QUEUE, Answer, Caller, Server, command, start

#: Workflows that there are, of which each third waits for a timer.
RUNS = 12
QUERIES = ("", "ExecutionStatus = 'Running'", "WorkflowId = 'w-3'")


@dataclass
class Log:
    """A write-ahead log of SQLite, by its frames."""

    path: Path

    HEADER = 32
    FRAME_HEADER = 24

    @property
    def frame_bytes(self) -> int:
        page = int.from_bytes(self.path.read_bytes()[8:12], "big")
        return self.FRAME_HEADER + (65536 if page == 1 else page)

    @property
    def frames(self) -> int:
        return (self.path.stat().st_size - self.HEADER) // self.frame_bytes

    def flip(self, frame: int, byte: int = 300, bit: int = 1) -> None:
        """Flips a bit of a frame's page, counted from 0."""
        flip(self.path, self.HEADER + frame * self.frame_bytes + self.FRAME_HEADER + byte, bit)

    def blank(self, frame: int) -> None:
        """A frame that was never written, as a disk loses it."""
        with self.path.open("r+b") as file:
            file.seek(self.HEADER + frame * self.frame_bytes)
            file.write(b"\0" * self.frame_bytes)


def flip(path: Path, at: int, bit: int = 1) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ bit]))


def fill(server: Server) -> None:
    """Workflows with inputs, signals and timers, and a schedule."""
    caller = server.caller()
    for number in range(RUNS):
        given = common.Payloads(payloads=[common.Payload(data=b'{"amount": %d}' % (1000 * number) * 40)])
        assert caller.call("StartWorkflowExecution", start(f"w-{number}", input=given)).ok
        if number % 3 == 0:
            task = server.task(caller)
            timer = {"timer_id": "t", "start_to_fire_timeout": Duration(seconds=86400)}
            commands = [command("start_timer", start_timer_command_attributes=timer)]
            request = service.RespondWorkflowTaskCompletedRequest(
                namespace=NAMESPACE, task_token=task.task_token, commands=commands
            )
            assert caller.call("RespondWorkflowTaskCompleted", request).ok
    assert caller.call("CreateSchedule", schedule()).ok


def schedule() -> service.CreateScheduleRequest:
    spec = schedules.ScheduleSpec(interval=[schedules.IntervalSpec(interval=Duration(seconds=864000))])
    runs = workflows.NewWorkflowExecutionInfo(
        workflow_id="of-schedule",
        workflow_type=common.WorkflowType(name="W"),
        task_queue=taskqueue.TaskQueue(name=QUEUE),
    )
    action = schedules.ScheduleAction(start_workflow=runs)
    return service.CreateScheduleRequest(
        namespace=NAMESPACE, schedule_id="s", request_id="r", schedule=schedules.Schedule(spec=spec, action=action)
    )


def observed(caller: Caller) -> dict[str, Answer]:
    """Everything of it that a client may read. Two servers that have the same answer the same."""
    seen = {}
    for number in range(RUNS):
        execution = common.WorkflowExecution(workflow_id=f"w-{number}")
        history = service.GetWorkflowExecutionHistoryRequest(namespace=NAMESPACE, execution=execution)
        seen[f"history of w-{number}"] = caller.call("GetWorkflowExecutionHistory", history)
        description = service.DescribeWorkflowExecutionRequest(namespace=NAMESPACE, execution=execution)
        seen[f"description of w-{number}"] = caller.call("DescribeWorkflowExecution", description)
    for query in QUERIES:
        request = service.ListWorkflowExecutionsRequest(namespace=NAMESPACE, query=query)
        seen[f"list {query!r}"] = caller.call("ListWorkflowExecutions", request)
    described = caller.call("DescribeSchedule", service.DescribeScheduleRequest(namespace=NAMESPACE, schedule_id="s"))
    if described.ok:
        described.message.info.ClearField("future_action_times")
    seen["schedule"] = described
    return seen
