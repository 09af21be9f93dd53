"""Sessions. Under the original's module name."""

from .... import StickyWorkerSession

__all__ = ["StickyWorkerSession"]
