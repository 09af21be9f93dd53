"""Local activities. Under the original's module name."""

from ... import run_activities_locally

__all__ = ["run_activities_locally"]
