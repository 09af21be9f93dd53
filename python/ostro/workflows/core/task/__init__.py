"""Tasks that others can watch. Under the original's module name."""

from .task import Task, task, task_from

__all__ = ["Task", "task", "task_from"]
