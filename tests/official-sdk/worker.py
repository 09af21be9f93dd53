"""The official worker, as its users start it."""

import asyncio

import mistralai.workflows as workflows
import more_workflows
import seed_workflows

if __name__ == "__main__":
    asyncio.run(workflows.run_worker(seed_workflows.WORKFLOWS + more_workflows.WORKFLOWS))
