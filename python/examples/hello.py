"""One activity, one workflow, one file."""

from ostro import workflows


@workflows.activity(start_to_close_timeout="30s", retry_policy_max_attempts=5)
async def greet(name: str) -> str:
    return f"Hello, {name}"


@workflows.workflow.define(name="hello")
class Hello:
    @workflows.workflow.entrypoint
    async def execute(self, name: str) -> str:
        return await greet(name)


if __name__ == "__main__":
    print(workflows.run(Hello, "Ada"))
