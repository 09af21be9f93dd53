"""The examples of the seed page, for the official package.

Adapted only where the page itself is broken, each place marked ADAPTED: the `datetime` import, `activity.heartbeat`
(the package exports `activity_heartbeat`), missing imports and undefined helpers. Drivers call what the page defines
and no workflow of it calls.
"""

import datetime  # ADAPTED: the page writes `from datetime import datetime` and uses `datetime.timedelta`
from datetime import timedelta

from mistralai import workflows
from mistralai.workflows import (
    activity_heartbeat,  # ADAPTED: the page writes `activity.heartbeat`
    get_sticky_worker_session,  # ADAPTED: not imported on the page
    run_activities_locally,
    run_sticky_worker_session,
)


@workflows.activity()
async def my_activity(input_data: str, count: int = 1) -> dict:
    """Activity implementation"""
    return {"result": input_data, "processed_count": count}


@workflows.activity(
    name="custom_activity_name",  # Used for registration, execution, and observability
)
async def named_activity(value: int) -> int:  # ADAPTED: the page has only the decorator
    return value


@workflows.activity(start_to_close_timeout=datetime.timedelta(minutes=10))
async def with_timeout(value: int) -> int:  # ADAPTED: the page has only the decorator
    return value


@workflows.activity(retry_policy_max_attempts=5, retry_policy_backoff_coefficient=2.0)
async def with_retries(value: int) -> int:  # ADAPTED: the page has only the decorator
    return value


async def process_item(item: str) -> str:  # ADAPTED: undefined on the page
    return item.upper()


@workflows.activity(start_to_close_timeout=timedelta(minutes=30), heartbeat_timeout=timedelta(seconds=30))
async def long_running_task(items: list[str]) -> dict:
    results = []
    for i, item in enumerate(items):
        result = await process_item(item)
        results.append(result)
        # Report progress to prevent timeout
        activity_heartbeat({"processed": i + 1, "total": len(items)})  # ADAPTED: see above
    return {"results": results}


@workflows.activity()
async def parent_activity(input_data: str) -> dict:
    """Parent activity that encapsulates a nested activity."""
    nested_result = await nested_activity(input_data)
    return {"result_data": nested_result["result_data"]}


@workflows.activity()
async def nested_activity(input_data: str) -> dict:
    """Nested activity."""
    return {"result_data": "processed_data"}


@workflows.activity()
async def validate_email(email: str) -> bool:
    return "@" in email


@workflows.workflow.define(name="user-workflow")
class UserWorkflow:
    @workflows.workflow.entrypoint
    async def execute(self, email: str) -> bool:
        with run_activities_locally():
            result = await validate_email(email)
        return result


@workflows.activity()
async def quick_lookup(email: str) -> str:  # ADAPTED: undefined on the page
    return email.split("@")[1]


@workflows.activity()
async def external_api_call(email: str) -> bool:  # ADAPTED: undefined on the page
    return True


@workflows.workflow.define(name="mixed-workflow")
class MixedWorkflow:
    @workflows.workflow.entrypoint
    async def execute(self, email: str) -> dict:
        # Fast lookup runs locally
        with run_activities_locally():
            domain = await quick_lookup(email)

        # Slow operation runs as regular activity
        verified = await external_api_call(email)

        return {"domain": domain, "verified": verified}


@workflows.activity(start_to_close_timeout=timedelta(seconds=5), retry_policy_max_attempts=3)
async def timed_local_activity(data: str) -> str:
    # Timeouts and retry policies apply even when running locally
    return data.upper()


class ExpensiveModel:  # ADAPTED: `load_expensive_model` is undefined on the page
    def predict(self, data: dict) -> dict:
        return {"prediction": data["x"] * 2}


_loaded_model = None


@workflows.activity(sticky_to_worker=True)
async def load_model() -> None:
    global _loaded_model
    if _loaded_model is None:
        _loaded_model = ExpensiveModel()


@workflows.activity(sticky_to_worker=True)
async def predict(data: dict) -> dict:
    return _loaded_model.predict(data)


@workflows.workflow.define(name="ml-inference")
class MLInferenceWorkflow:
    @workflows.workflow.entrypoint
    async def execute(self, batch: list[dict]) -> list[dict]:
        # All activities run on same worker
        async with run_sticky_worker_session():
            await load_model()  # Load once
            results = [await predict(item) for item in batch]
        return results


@workflows.activity(sticky_to_worker=True)
async def process_batch_item(item: int) -> dict:  # ADAPTED: the page's second `process_item`, which must be an activity
    return {"item": item, "done": True}


@workflows.workflow.define(name="multi-batch")
class MultiBatchWorkflow:
    @workflows.workflow.entrypoint
    async def execute(self, batches: list[list[int]]) -> list[list[dict]]:
        # Capture worker once
        session = await get_sticky_worker_session()

        all_results = []
        for batch in batches:
            async with run_sticky_worker_session(session):
                results = [await process_batch_item(item) for item in batch]
                all_results.append(results)
        return all_results


@workflows.workflow.define(name="regular-driver")
class RegularDriver:
    @workflows.workflow.entrypoint
    async def execute(self, text: str) -> dict:
        return {
            "my": await my_activity(text),
            "my_kw": await my_activity(text, count=7),
            "renamed": await named_activity(2),
            "timeout": await with_timeout(3),
            "retries": await with_retries(4),
        }


@workflows.workflow.define(name="heartbeat-driver")
class HeartbeatDriver:
    @workflows.workflow.entrypoint
    async def execute(self, items: list[str]) -> dict:
        return await long_running_task(items)


@workflows.workflow.define(name="nested-driver")
class NestedDriver:
    @workflows.workflow.entrypoint
    async def execute(self, text: str) -> dict:
        return await parent_activity(text)


@workflows.workflow.define(name="timed-local-driver")
class TimedLocalDriver:
    @workflows.workflow.entrypoint
    async def execute(self, text: str) -> str:
        with run_activities_locally():
            return await timed_local_activity(text)


WORKFLOWS = [
    UserWorkflow,
    MixedWorkflow,
    MLInferenceWorkflow,
    MultiBatchWorkflow,
    RegularDriver,
    HeartbeatDriver,
    NestedDriver,
    TimedLocalDriver,
]

# Workflow, input, result.
EXAMPLES = [
    ("user-workflow", {"email": "a@b.c"}, True),
    ("mixed-workflow", {"email": "a@b.c"}, {"domain": "b.c", "verified": True}),
    ("ml-inference", {"batch": [{"x": 1}, {"x": 2}]}, [{"prediction": 2}, {"prediction": 4}]),
    (
        "multi-batch",
        {"batches": [[1, 2], [3]]},
        [[{"item": 1, "done": True}, {"item": 2, "done": True}], [{"item": 3, "done": True}]],
    ),
    (
        "regular-driver",
        {"text": "hello"},
        {
            "my": {"result": "hello", "processed_count": 1},
            "my_kw": {"result": "hello", "processed_count": 7},
            "renamed": 2,
            "timeout": 3,
            "retries": 4,
        },
    ),
    ("heartbeat-driver", {"items": ["a", "b", "c"]}, {"results": ["A", "B", "C"]}),
    ("nested-driver", {"text": "hello"}, {"result_data": "processed_data"}),
    ("timed-local-driver", {"text": "abc"}, "ABC"),
]
