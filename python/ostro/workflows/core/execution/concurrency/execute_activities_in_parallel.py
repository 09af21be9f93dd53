"""Many activities at once. Under the original's module name."""

from .... import execute_activities_in_parallel

__all__ = ["execute_activities_in_parallel"]
