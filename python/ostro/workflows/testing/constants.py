"""Names that tests share. Under the original's module name."""

TEST_TASK_QUEUE = "test-task-queue"
DEFAULT_TEST_TASK_QUEUE = TEST_TASK_QUEUE

__all__ = ["DEFAULT_TEST_TASK_QUEUE", "TEST_TASK_QUEUE"]
