"""Turns what a server said into what must be equal on another server: no ids, times, sizes or names of machines."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from temporalio.service import RPCError

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

#: Fields that differ from run to run, or that say how a server works inside.
DROPPED = {
    "eventTime",
    "taskId",
    "version",
    "identity",
    "historySizeBytes",
    "requestId",
    "workerVersion",
    "buildIds",
    "sdkMetadata",
    "meteringMetadata",
    "binaryChecksum",
    "stackTrace",
    "workflowExecutionExpirationTime",
    "inheritBuildId",
    "inheritedBuildId",
    "deploymentVersion",
    "workerDeploymentName",
    "cronSchedule",
    "eventGroupMarkers",
    "prevAutoResetPoints",
    "complete_time",
    "original_schedule_time",
    "workerInstanceKey",
    "operationId",
    "operationToken",
    "nexus-operation-token",
    "temporal-callback-token",
    "endpointId",
}


#: Set to nothing and not set at all mean the same to every SDK; the last is Go's time that is not set.
UNSET: tuple[object, ...] = ({}, "0s", "0001-01-01T00:00:00Z")

#: A time-out that was counted from a clock: a few nanoseconds beside a whole number of seconds.
NEARLY = re.compile(r"(\d+)\.00000\d+s")


class Normaliser:
    """Keeps one numbering of ids for one trace: the first id seen is `$1` wherever it comes again."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._ids: dict[str, str] = {}

    def message(self, message: Message) -> Any:
        return self.value(MessageToDict(message))

    def value(self, value: Any) -> Any:
        match value:
            case {"kind": "TASK_QUEUE_KIND_STICKY", "normalName": normal_name}:
                return {"sticky": self.text(normal_name)}
            case {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": data}:  # a payload of json/plain
                return {"json": self.value(json.loads(base64.b64decode(data)))}
            case {"firstWorkflowTaskBackoff": str() as backoff} if "." in backoff:
                seconds = round(float(backoff.removesuffix("s")))
                return self.value({**value, "firstWorkflowTaskBackoff": f"about {seconds}s"})
            case {"message": str(), "serverFailureInfo": info, **rest}:
                # The server's own words, as for an answer that it refused: a better text is welcome.
                return self.value({**rest, "serverFailureInfo": info})
            case dict():
                entries = list(value.items())
                if any(UUID.search(key) for key in value):
                    # A map by id has no order: its ids are numbered by what they stand for.
                    entries.sort(key=lambda entry: json.dumps(entry[1], sort_keys=True))
                return {self.text(key): self.value(item) for key, item in entries if key not in DROPPED and item not in UNSET}
            case list() | tuple():
                return [self.value(item) for item in value]
            case str():
                return self.text(value)
        return value

    def text(self, text: str) -> str:
        text = NEARLY.sub(r"\1s", TIME.sub("$time", text.replace(self.prefix, "$test")))
        return UUID.sub(lambda found: self._ids.setdefault(found[0], f"${len(self._ids) + 1}"), text)

    def history(self, events: Any) -> list[Any]:
        """Type and attributes of each event; its number is its place."""
        normalised = []
        for event in events:
            fields = MessageToDict(event)
            attributes: dict[str, Any] = next((value for key, value in fields.items() if key.endswith("Attributes")), {})
            kind = fields["eventType"].removeprefix("EVENT_TYPE_")
            normalised.append({kind: self.value(attributes)})
        return normalised

    def error(self, error: RPCError) -> dict[str, Any]:
        """Code and types of the details; the text is kept apart, since a better one is welcome."""
        details = [any_.type_url.rsplit("/", 1)[-1] for any_ in error.grpc_status.details]
        return {"code": error.status.name, "details": details, "text": self.text(error.message)}
