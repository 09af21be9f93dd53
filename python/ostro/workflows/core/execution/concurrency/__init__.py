"""Many activities at once. Under the original's module name."""

from .... import ExtraItemParams, GetItemFromIndexParams
from .execute_activities_in_parallel import execute_activities_in_parallel

__all__ = ["ExtraItemParams", "GetItemFromIndexParams", "execute_activities_in_parallel"]
