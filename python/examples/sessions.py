"""A model that is loaded once, and used by many activities on the worker that has it."""

from ostro import workflows
from ostro.workflows import activity, run_sticky_worker_session

_model: dict[str, float] | None = None


def load() -> dict[str, float]:
    print("loading the model")
    return {"weight": 2.0}


@activity(sticky_to_worker=True)
async def predict(x: float) -> float:
    global _model
    # The session may have moved to a worker that has not loaded it: `activity.info().cold_start` says so.
    if _model is None:
        _model = load()
    return _model["weight"] * x


@workflows.workflow.define(name="inference")
class Inference:
    @workflows.workflow.entrypoint
    async def execute(self, batch: list[float]) -> list[float]:
        async with run_sticky_worker_session():
            return [await predict(x) for x in batch]


if __name__ == "__main__":
    print(workflows.run(Inference, [1.0, 2.0, 3.0]))
