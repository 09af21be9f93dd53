"""Settings of task queues, and what is superseded or switched off."""

from __future__ import annotations

from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue
from temporalio.api.workflowservice import v1
from tracing import Trace, scenario

NAMESPACE = "default"
ACTIVITY = 2
WORKFLOW = 1


@scenario
async def task_queue_config(trace: Trace) -> None:
    service = trace.client.workflow_service
    update = v1.UpdateTaskQueueConfigRequest.RateLimitUpdate

    async def change(label: str, kind: int = ACTIVITY, **fields: object) -> None:
        request = v1.UpdateTaskQueueConfigRequest(
            namespace=NAMESPACE, task_queue=trace.queue, task_queue_type=kind, identity="me", **fields
        )
        try:
            answer = await service.update_task_queue_config(request)
        except Exception:
            await trace.refusal(label, service.update_task_queue_config(request))
            return
        config = answer.config
        rate = config.queue_rate_limit
        weights = sorted((key, round(weight, 3)) for key, weight in config.fairness_weight_overrides.items())
        trace.note(label, [rate.rate_limit.requests_per_second, rate.metadata.reason, weights])

    await change("limit", update_queue_rate_limit=update(rate_limit=RateLimit(requests_per_second=5), reason="why"))
    await change("weights", set_fairness_weight_overrides={"a": 2.0, "b": 0.5})
    await change("unset", unset_fairness_weight_overrides=["a"])
    await change("lift", update_queue_rate_limit=update(reason="enough"))
    await change("workflows", WORKFLOW, update_queue_rate_limit=update(rate_limit=RateLimit(requests_per_second=5)))
    await change("negative", update_queue_rate_limit=update(rate_limit=RateLimit(requests_per_second=-1)))
    await change("set and unset", set_fairness_weight_overrides={"a": 2.0}, unset_fairness_weight_overrides=["a"])


@scenario
async def build_id_sets(trace: Trace) -> None:
    service = trace.client.workflow_service

    async def change(label: str, **operation: object) -> None:
        request = v1.UpdateWorkerBuildIdCompatibilityRequest(namespace=NAMESPACE, task_queue=trace.queue, **operation)
        await trace.refusal(label, service.update_worker_build_id_compatibility(request))
        sets = await service.get_worker_build_id_compatibility(
            v1.GetWorkerBuildIdCompatibilityRequest(namespace=NAMESPACE, task_queue=trace.queue)
        )
        trace.note(f"{label}, sets", [list(found.build_ids) for found in sets.major_version_sets])

    compatible = v1.UpdateWorkerBuildIdCompatibilityRequest.AddNewCompatibleVersion
    merge = v1.UpdateWorkerBuildIdCompatibilityRequest.MergeSets
    await change("first", add_new_build_id_in_new_default_set="1.0")
    await change("compatible", add_new_compatible_build_id=compatible(new_build_id="1.1", existing_compatible_build_id="1.0"))
    await change("with an unknown one", add_new_compatible_build_id=compatible(new_build_id="9", existing_compatible_build_id="8"))
    await change("within the set", promote_build_id_within_set="1.0")
    await change("second", add_new_build_id_in_new_default_set="2.0")
    await change("second again", add_new_build_id_in_new_default_set="2.0")
    await change("first again", add_new_build_id_in_new_default_set="1.0")
    await change("promote", promote_set_by_build_id="1.0")
    await change("promote an unknown one", promote_set_by_build_id="7")
    await change("merge", merge_sets=merge(primary_set_build_id="2.0", secondary_set_build_id="1.0"))
    await change("nothing")


@scenario
async def declined_methods(trace: Trace) -> None:
    service, queue = trace.client.workflow_service, TaskQueue(name=trace.queue)
    for name, request in {
        "describe_deployment": v1.DescribeDeploymentRequest(namespace=NAMESPACE),
        "list_deployments": v1.ListDeploymentsRequest(namespace=NAMESPACE),
        "get_current_deployment": v1.GetCurrentDeploymentRequest(namespace=NAMESPACE, series_name="x"),
        "set_current_deployment": v1.SetCurrentDeploymentRequest(namespace=NAMESPACE),
        "get_deployment_reachability": v1.GetDeploymentReachabilityRequest(namespace=NAMESPACE),
        "get_worker_versioning_rules": v1.GetWorkerVersioningRulesRequest(namespace=NAMESPACE, task_queue=queue.name),
        "list_workflow_rules": v1.ListWorkflowRulesRequest(namespace=NAMESPACE),
        "fetch_worker_config": v1.FetchWorkerConfigRequest(namespace=NAMESPACE),
        "update_worker_config": v1.UpdateWorkerConfigRequest(namespace=NAMESPACE),
    }.items():
        await trace.refusal(name, getattr(service, name)(request))
