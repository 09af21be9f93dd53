"""Workflows that ask. Under the original's module name."""

from .. import InteractiveWorkflow

__all__ = ["InteractiveWorkflow"]
