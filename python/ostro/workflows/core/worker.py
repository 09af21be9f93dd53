"""Workers. Under the original's module name."""

from .. import run_worker

__all__ = ["run_worker"]
