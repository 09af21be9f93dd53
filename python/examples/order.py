"""An order: activities side by side, local ones, a retry, a timer, a signal, a query."""

import asyncio
from dataclasses import dataclass

from ostro import workflows
from ostro.workflows import activity, run_activities_locally, workflow


@dataclass
class Line:
    article: str
    count: int


@activity()
async def price(article: str) -> float:
    return {"tea": 4.5, "cup": 7.0}[article]


@activity()
async def is_valid(line: Line) -> bool:
    return line.count > 0


@activity(retry_policy_max_attempts=5, retry_policy_initial_interval="50ms")
async def charge(amount: float) -> str:
    if activity.info().attempt == 1:
        raise ConnectionError("the bank does not answer")
    return f"charged {amount:.2f}"


@workflow.define(name="order", execution_timeout="1d")
class Order:
    def __init__(self) -> None:
        self.state = "new"
        self.paid_by: str | None = None

    @workflow.entrypoint
    async def execute(self, lines: list[Line]) -> str:
        with run_activities_locally():
            valid = await asyncio.gather(*(is_valid(line) for line in lines))
        if not all(valid):
            raise workflows.WorkflowError("a line without articles", type="InvalidOrder")
        prices = await asyncio.gather(*(price(line.article) for line in lines))
        self.state = "waits for confirmation"
        await workflow.wait_condition(lambda: self.paid_by is not None, timeout="1h")
        receipt = await charge(sum(one * line.count for one, line in zip(prices, lines)))
        await workflow.sleep("100ms")
        self.state = "done"
        return f"{receipt} to {self.paid_by}"

    @workflow.signal
    def confirm(self, customer: str) -> None:
        self.paid_by = customer

    @workflow.query
    def status(self) -> str:
        return self.state


async def main() -> None:
    async with await workflows.Client.connect() as client, workflows.Worker([Order], connection=client.connection):
        order = await client.start(Order, [Line("tea", 2), Line("cup", 1)])
        print("status:", await order.query(Order.status))
        await order.signal(Order.confirm, "Ada")
        print(await order.result())


if __name__ == "__main__":
    asyncio.run(main())
