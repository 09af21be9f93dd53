"""Activities. Under the original's module name."""

from .. import activity, activity_heartbeat

__all__ = ["activity", "activity_heartbeat"]
