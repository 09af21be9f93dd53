"""The shape of JSON: names of keys and kinds of values, wherever they stand."""

from __future__ import annotations

import json
from typing import Any

#: Keys under which users' own names stand: what is below has no shape of its own.
BY_NAME = {
    "indexedFields", "fields", "metadata", "data", "requestIdInfos", "customAttributes", "systemAttributes", "keys",
    "versionsInfo", "typesInfo",
}  # fmt: skip
#: What one server says and the other need not.
NOT_COMPARED = {"header", "autoResetPoints", "stateSizeBytes", "workerVersion", "sdkMetadata", "historySizeBytes"}


def parsed(text: str) -> Any:
    """The JSON that is printed: one value, or one after the other."""
    decoder, values, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            return None
        values.append(value)
        rest = rest[end:].lstrip()
    return values[0] if len(values) == 1 else values


def shape(value: Any, path: str = "") -> set[str]:
    """Every path of keys, with the kind of what stands there. What is empty is as if it were not there."""
    match value:
        case dict():
            found: set[str] = set()
            for key, item in value.items():
                if key not in NOT_COMPARED:
                    found |= {f"{path}.{key}"} if key in BY_NAME and item else shape(item, f"{path}.{key}")
            return found
        case list():
            return set().union(*(shape(item, f"{path}[]") for item in value))
        case None | "" | "0s" | "0001-01-01T00:00:00Z":
            return set()
        case bool() | str():
            return {f"{path}: {type(value).__name__}"}
        case _:
            return {f"{path}: number"}


#: Where the two may differ, with the reason; a part of the line that tells the difference.
EXPLAINED = {
    ".supportedClients.": "the ranges of client versions are Temporal's own; Ostro takes any client",
    ".versionInfo.": "Ostro says its version here too",
    "capabilities.buildIdBasedVersioning": "said only by servers with the versioning of before worker deployments",
    "capabilities.serverScaledDeployments": "Ostro starts no workers",
    "limits.workflowTaskCompletionSizeLimitError": "of a newer protocol than this release's",
    "customSearchAttributeAliases": "the reference keeps custom attributes in columns with names of their own",
    "workerHeartbeat.": "what a worker says changes from one heartbeat to the next",
    "runningWorkflows": "over already",
    "[].address": "there is one cluster, and it calls itself by no address",
    "[].httpAddress": "there is one cluster, and it calls itself by no address",
    "ack_level": "levels of stored tasks are the reference's way of storing queues",
    "read_level": "levels of stored tasks are the reference's way of storing queues",
    ".description": "of the reference's own system namespace",
    ".ownerEmail": "of the reference's own system namespace",
    ".replicationConfig.state": "the one state there is",
    "only there .customAttributes": "OtelTraceId is there from the start",
    "searchAttributes.indexedFields": "the reference keeps BuildIds and divisions there, of unversioned workers too",
    "mostRecentWorkerVersionStamp": "of the versioning of before worker deployments",
    "workerVersionCapabilities": "of the versioning of before worker deployments",
    "worker_version_capabilities": "of the versioning of before worker deployments",
    "inheritBuildId": "of the versioning of before worker deployments",
    "reachability[]": "of the versioning of before worker deployments",
    ".firstRunId": "Ostro says it in lists too",
    "effectiveRateLimit": "the reference shows its own default of 100 000 a second, Ostro has none",
    "ratePerSecond": "the reference shows its own default of 100 000 a second, Ostro has none",
    "rate_per_second": "the reference shows its own default of 100 000 a second, Ostro has none",
    "deploymentOptions.buildId": "Ostro shows what unversioned workers say of themselves",
    "deployment_options.build_id": "Ostro shows what unversioned workers say of themselves",
    "versioningInfo.updateTime": "shown once routing was changed",
    "versioning_info.update_time": "shown once routing was changed",
    "task_id_block": "blocks of task numbers are the reference's way of storing queues",
    "ownerHostName": "a queue has one partition, in this process",
    "[].CreateTime": "points of automatic reset, by build id, are not kept",
    "[].EventId": "points of automatic reset, by build id, are not kept",
    "[].RunId": "points of automatic reset, by build id, are not kept",
    "sdkName": "not kept with an activity", "sdkVersion": "not kept with an activity",
    "drainageInfo.last": "drainage is known at once, not looked at from time to time",
    "lastModifierIdentity": "Ostro says it of versions too",
    "closeTime": "a batch with nothing to do is over at once",
    "createdTime": "kept over updates",
    "workerDeployments[].": "of deployments that others have left on the reference",
    "[].routingConfig.": "of deployments that others have left on the reference",
}  # fmt: skip


def between(reference: Any, other: Any) -> list[str]:
    """What one has and the other has not, and nobody has explained."""
    ours, theirs = shape(reference), shape(other)
    lines = [f"missing {path}" for path in sorted(ours - theirs)]
    lines += [f"only there {path}" for path in sorted(theirs - ours)]
    return [line for line in lines if not any(part in line for part in EXPLAINED)]
