"""Settings. Under the original's module name."""

from ... import WorkflowsConfig, config

AppConfig = WorkflowsConfig

__all__ = ["AppConfig", "WorkflowsConfig", "config"]
