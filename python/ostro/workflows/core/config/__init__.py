"""Settings. Under the original's module name."""

from .config import WorkflowsConfig, config

__all__ = ["WorkflowsConfig", "config"]
