"""Workflows of a package. Under the original's module name."""

from .. import discover_all_workflows_in_package

__all__ = ["discover_all_workflows_in_package"]
