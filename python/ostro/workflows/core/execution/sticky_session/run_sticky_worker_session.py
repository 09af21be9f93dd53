"""Sessions. Under the original's module name."""

from .... import run_sticky_worker_session

__all__ = ["run_sticky_worker_session"]
