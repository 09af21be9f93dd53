"""Workflows. Under the original's module name."""

from .. import ParentClosePolicy, workflow

__all__ = ["ParentClosePolicy", "workflow"]
