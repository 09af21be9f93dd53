"""The official worker, as its users start it."""

import asyncio

import more_workflows
import seed_workflows
from mistralai import workflows

if __name__ == "__main__":
    asyncio.run(workflows.run_worker(seed_workflows.WORKFLOWS + more_workflows.WORKFLOWS))
