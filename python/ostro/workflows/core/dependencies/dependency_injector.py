"""Dependencies of activities. Under the original's module name."""

from ... import DependencyInjector, Depends

__all__ = ["DependencyInjector", "Depends"]
