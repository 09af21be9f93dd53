"""Worker deployments: their life, and what they do to executions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio.api.workflowservice import v1
from temporalio.client import WorkflowHandle
from temporalio.common import PinnedVersioningOverride, VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig
from tracing import Trace, scenario
from workflows import Act, Parent, Scripted, Wait

NAMESPACE = "default"
DRAINING = 4
PINNED, AUTO = VersioningBehavior.PINNED, VersioningBehavior.AUTO_UPGRADE


def name(trace: Trace) -> str:
    return trace.id("deployment")


def version(trace: Trace, build: str) -> WorkerDeploymentVersion:
    return WorkerDeploymentVersion(deployment_name=name(trace), build_id=build)


@asynccontextmanager
async def worker(trace: Trace, build: str, behavior: VersioningBehavior) -> AsyncIterator[None]:
    """A worker of a build, known to the server."""
    config = WorkerDeploymentConfig(version=version(trace, build), use_worker_versioning=True, default_versioning_behavior=behavior)
    async with trace.worker(deployment_config=config):
        for _ in range(200):
            try:
                info = (await describe(trace)).worker_deployment_info
                if any(found.deployment_version.build_id == build for found in info.version_summaries):
                    break
            except Exception:
                pass
            await asyncio.sleep(0.1)
        yield


async def describe(trace: Trace) -> v1.DescribeWorkerDeploymentResponse:
    return await trace.client.workflow_service.describe_worker_deployment(
        v1.DescribeWorkerDeploymentRequest(namespace=NAMESPACE, deployment_name=name(trace))
    )


async def note(trace: Trace, label: str) -> None:
    info = (await describe(trace)).worker_deployment_info
    routing = info.routing_config
    # The reference server looks after some minutes whether a version has drained; Ostro knows at once.
    versions = {found.deployment_version.build_id: min(found.status, DRAINING) for found in info.version_summaries}
    ramp = [routing.ramping_deployment_version.build_id, routing.ramping_version_percentage]
    who = [info.last_modifier_identity, info.manager_identity]
    trace.note(label, [routing.current_deployment_version.build_id, ramp, sorted(versions.items()), *who])


async def set_current(trace: Trace, build: str, **more: Any) -> None:
    await trace.client.workflow_service.set_worker_deployment_current_version(
        v1.SetWorkerDeploymentCurrentVersionRequest(
            namespace=NAMESPACE, deployment_name=name(trace), build_id=build, identity="me", **more
        )
    )
    await propagated(trace)


async def set_ramping(trace: Trace, build: str, percentage: float, **more: Any) -> None:
    await trace.client.workflow_service.set_worker_deployment_ramping_version(
        v1.SetWorkerDeploymentRampingVersionRequest(
            namespace=NAMESPACE, deployment_name=name(trace), build_id=build, percentage=percentage, identity="me", **more
        )
    )
    await propagated(trace)


async def propagated(trace: Trace) -> None:
    """The reference server tells its task queues of it one by one."""
    for _ in range(200):
        info = (await describe(trace)).worker_deployment_info
        if info.routing_config_update_state != 1:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)


async def versioning(trace: Trace, label: str, handle: WorkflowHandle[Any, Any]) -> None:
    described = (await handle.describe()).raw_description
    info = described.workflow_execution_info.versioning_info
    trace.note(label, [info.behavior, info.deployment_version.build_id, info.HasField("version_transition")])


@scenario
async def deployment_life(trace: Trace) -> None:
    async with worker(trace, "1", PINNED), worker(trace, "2", PINNED):
        await note(trace, "registered")
        await set_current(trace, "1")
        await note(trace, "current 1")
        await set_ramping(trace, "2", 30)
        await note(trace, "ramping 2")
        await trace.refusal("ramp the current one", set_ramping(trace, "1", 10))
        await set_ramping(trace, "2", 60)
        await note(trace, "ramping 2 more")
        await set_current(trace, "2")
        await note(trace, "current 2")
        await trace.refusal("unknown build", set_current(trace, "9"))
        await trace.refusal("stale token", set_current(trace, "1", conflict_token=b"stale"))
        await trace.refusal("delete the current one", delete(trace, "2"))


async def delete(trace: Trace, build: str) -> None:
    await trace.client.workflow_service.delete_worker_deployment_version(
        v1.DeleteWorkerDeploymentVersionRequest(
            namespace=NAMESPACE,
            deployment_version={"deployment_name": name(trace), "build_id": build},
            identity="me",
        )
    )


@scenario
async def deployment_refusals(trace: Trace) -> None:
    service = trace.client.workflow_service
    await trace.refusal("describe unknown", describe(trace))
    await trace.refusal("set current of unknown", set_current(trace, "1"))
    await trace.refusal("ramp of unknown", set_ramping(trace, "1", 10))
    await trace.refusal("share over 100", set_ramping(trace, "1", 101))
    await trace.refusal("share below 0", set_ramping(trace, "1", -1))
    for label, request in {
        "no name": v1.DescribeWorkerDeploymentRequest(namespace=NAMESPACE),
        "dotted name": v1.DescribeWorkerDeploymentRequest(namespace=NAMESPACE, deployment_name="a.b"),
        "name with a colon": v1.DescribeWorkerDeploymentRequest(namespace=NAMESPACE, deployment_name="a:b"),
    }.items():
        await trace.refusal(label, service.describe_worker_deployment(request))
    unknown = {"deployment_name": name(trace), "build_id": "1"}
    describe_version = v1.DescribeWorkerDeploymentVersionRequest(namespace=NAMESPACE, deployment_version=unknown)
    await trace.refusal("describe unknown version", service.describe_worker_deployment_version(describe_version))
    metadata = v1.UpdateWorkerDeploymentVersionMetadataRequest(namespace=NAMESPACE, deployment_version=unknown)
    await trace.refusal("no metadata", service.update_worker_deployment_version_metadata(metadata))


@scenario
async def deployment_created(trace: Trace) -> None:
    service = trace.client.workflow_service
    request = v1.CreateWorkerDeploymentRequest(namespace=NAMESPACE, deployment_name=name(trace), identity="me", request_id="one")
    await trace.refusal("create", service.create_worker_deployment(request))
    await note(trace, "created")
    await trace.refusal("same request", service.create_worker_deployment(request))
    request.request_id = "two"
    await trace.refusal("another request", service.create_worker_deployment(request))
    manager = v1.SetWorkerDeploymentManagerRequest(
        namespace=NAMESPACE, deployment_name=name(trace), manager_identity="boss", identity="me"
    )
    await trace.refusal("set manager", service.set_worker_deployment_manager(manager))
    await note(trace, "managed")
    delete_request = v1.DeleteWorkerDeploymentRequest(namespace=NAMESPACE, deployment_name=name(trace), identity="me")
    await trace.refusal("delete", service.delete_worker_deployment(delete_request))


@scenario
async def pinned_run_stays(trace: Trace) -> None:
    async with worker(trace, "1", PINNED), worker(trace, "2", PINNED):
        await set_current(trace, "1")
        handle = await trace.start(Wait.run)
        await trace.until_event(handle, "workflow_task_completed")
        await versioning(trace, "on 1", handle)
        await set_current(trace, "2")
        await handle.signal(Wait.go)
        await trace.outcome("result", handle.result())
        await versioning(trace, "still on 1", handle)
        await trace.history("history", handle)


@scenario
async def auto_upgraded_run_moves(trace: Trace) -> None:
    async with worker(trace, "1", AUTO), worker(trace, "2", AUTO):
        await set_current(trace, "1")
        handle = await trace.start(Wait.run)
        await trace.until_event(handle, "workflow_task_completed")
        await versioning(trace, "on 1", handle)
        await set_current(trace, "2")
        await handle.signal(Wait.go)
        await trace.outcome("result", handle.result())
        await versioning(trace, "on 2", handle)
        await trace.history("history", handle)


@scenario
async def pinned_by_override(trace: Trace) -> None:
    async with worker(trace, "1", AUTO), worker(trace, "2", AUTO):
        await set_current(trace, "1")
        override = PinnedVersioningOverride(version(trace, "2"))
        handle = await trace.start(Wait.run, versioning_override=override)
        await trace.until_event(handle, "workflow_task_completed")
        await handle.signal(Wait.go)
        await trace.outcome("result", handle.result())
        await versioning(trace, "where", handle)
        await trace.history("history", handle)
        unknown = PinnedVersioningOverride(version(trace, "9"))
        await trace.refusal("unknown", trace.start(Wait.run, id=trace.id("unknown"), versioning_override=unknown))


@scenario
async def child_and_next_run_of_pinned(trace: Trace) -> None:
    async with worker(trace, "1", PINNED):
        await set_current(trace, "1")
        parent = await trace.start(Parent.run, trace.id("child"), "ABANDON", False)
        await trace.outcome("parent", parent.result())
        child = trace.client.get_workflow_handle(trace.id("child"))
        await trace.until_event(child, "workflow_task_completed")
        await child.signal(Wait.go)
        await trace.outcome("child", child.result())
        await trace.history("child's history", child)
        # The reference server lets runs of less than a second wait for the rest of it.
        steps = [["timer", 150], ["end", "again"]]
        again = await trace.start(Scripted.run, steps, False, id=trace.id("again"))
        await trace.outcome("landed", again.result())
        await trace.history("last run", trace.client.get_workflow_handle(again.id))


@scenario
async def activities_of_versions(trace: Trace) -> None:
    async with worker(trace, "1", PINNED), worker(trace, "2", PINNED):
        await set_current(trace, "1")
        handle = await trace.start(Act.run, "echo", "word", {"start_to_close_timeout": 10})
        await trace.outcome("result", handle.result())
        await trace.history("history", handle)


@scenario
async def compute_configs(trace: Trace) -> None:
    """Neither server starts workers: no configuration is valid."""
    service = trace.client.workflow_service
    update, validate = (
        service.update_worker_deployment_version_compute_config,
        service.validate_worker_deployment_version_compute_config,
    )
    fields: dict[str, Any] = {"namespace": NAMESPACE, "identity": "me"}
    nameless = v1.UpdateWorkerDeploymentVersionComputeConfigRequest
    await trace.refusal("no namespace", update(nameless()))
    await trace.refusal("no name", update(nameless(**fields)))
    known = {"deployment_name": name(trace), "build_id": "1"}
    await trace.refusal("no build", update(nameless(**fields, deployment_version={"deployment_name": name(trace)})))
    await trace.refusal("unknown version", update(nameless(**fields, deployment_version=known)))
    empty = v1.ValidateWorkerDeploymentVersionComputeConfigRequest
    await trace.refusal("nothing to validate", validate(empty(**fields, deployment_version=known)))
    await trace.refusal("no namespace to validate in", validate(empty()))
    created = v1.CreateWorkerDeploymentRequest(namespace=NAMESPACE, deployment_name=name(trace), request_id="r")
    await service.create_worker_deployment(created)
    version_request = v1.CreateWorkerDeploymentVersionRequest(namespace=NAMESPACE, deployment_version=known)
    await service.create_worker_deployment_version(version_request)
    for provider in ("", "nonsense", "subprocess"):
        group = {"scaling_group": {"provider": {"type": provider}}}
        request = nameless(**fields, deployment_version=known, compute_config_scaling_groups={"g": group})
        await trace.refusal(f"update with {provider!r}", update(request))
        with_config = v1.CreateWorkerDeploymentVersionRequest(
            namespace=NAMESPACE,
            deployment_version={"deployment_name": name(trace), "build_id": f"with {provider}"},
            compute_config={"scaling_groups": {"g": group["scaling_group"]}},
        )
        await trace.refusal(f"create with {provider!r}", service.create_worker_deployment_version(with_config))
