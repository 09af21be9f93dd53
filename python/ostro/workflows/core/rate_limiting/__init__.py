"""Rate limits. Under the original's module name."""

from ... import RateLimit

__all__ = ["RateLimit"]
