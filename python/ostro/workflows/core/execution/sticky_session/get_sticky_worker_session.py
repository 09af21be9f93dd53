"""Sessions. Under the original's module name."""

from .... import get_sticky_worker_session

__all__ = ["get_sticky_worker_session"]
