"""Dependency injection: `Depends(function)` as a parameter's default.

In a worker each dependency is made once, when it starts, and lives as long as the worker; outside it is made for each call. A
function, a generator or a context manager, sync or async; what follows its `yield` runs at the end.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar


class Depends:
    """Gives an activity's parameter the value that `dependency` makes; it is not part of the activity's input."""

    def __init__(self, dependency: Callable[[], Any]) -> None:
        if not callable(dependency):
            raise TypeError(f"Depends({dependency!r}): give the function that makes the dependency, not what it makes")
        self.dependency = dependency

    def __repr__(self) -> str:
        return f"Depends({getattr(self.dependency, '__qualname__', self.dependency)})"


async def enter(stack: contextlib.AsyncExitStack, dependency: Callable[[], Any]) -> Any:
    """Makes a dependency whose end is the stack's."""
    if inspect.isasyncgenfunction(dependency):
        return await stack.enter_async_context(contextlib.asynccontextmanager(dependency)())
    if inspect.isgeneratorfunction(dependency):
        return stack.enter_context(contextlib.contextmanager(dependency)())
    value = dependency()
    if inspect.isawaitable(value):
        value = await value
    if hasattr(value, "__aenter__") and hasattr(value, "__aexit__"):
        return await stack.enter_async_context(value)
    if isinstance(value, contextlib.AbstractContextManager) and _made_by_decorator(dependency):
        return stack.enter_context(value)
    return value


def _made_by_decorator(dependency: Callable[[], Any]) -> bool:
    """Whether it is a `@contextmanager`; other objects with `__enter__` (files, locks, connections) are values."""
    return inspect.isgeneratorfunction(inspect.unwrap(dependency)) and inspect.unwrap(dependency) is not dependency


class DependencyInjector:
    """The dependencies that a worker has made."""

    _made: ClassVar[dict[Callable[[], Any], Any]] = {}
    _depth = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def with_dependencies(cls, found: Iterable[Callable[[], Any]]) -> Any:
        """Makes each dependency once and keeps it while the scope is open."""
        async with contextlib.AsyncExitStack() as stack:
            mine = [dependency for dependency in dict.fromkeys(found) if dependency not in cls._made]
            cls._depth += 1
            try:
                for dependency in mine:
                    cls._made[dependency] = await enter(stack, dependency)
                yield
            finally:
                cls._depth -= 1
                for dependency in mine:
                    cls._made.pop(dependency, None)

    @classmethod
    @contextlib.asynccontextmanager
    async def resolve(cls, wanted: Mapping[str, Depends]) -> Any:
        """The values of parameters: the worker's, or new ones for this scope."""
        if all(wish.dependency in cls._made for wish in wanted.values()):
            yield {name: cls._made[wish.dependency] for name, wish in wanted.items()}
            return
        async with contextlib.AsyncExitStack() as stack:
            values: dict[str, Any] = {}
            for name, wish in wanted.items():
                made = cls._made.get(wish.dependency)
                values[name] = made if wish.dependency in cls._made else await enter(stack, wish.dependency)
            yield values

    @classmethod
    def get_singleton_instance(cls, dependency: Callable[[], Any]) -> Any:
        """What the worker made of `dependency`. KeyError where it has not."""
        return cls._made[dependency]

    @classmethod
    def clear_singleton_cache(cls) -> None:
        """Forgets what was made, without ending it."""
        cls._made.clear()

    clear_resolved_dependencies = clear_singleton_cache

    @classmethod
    def snapshot_dependencies(cls) -> dict[Callable[[], Any], Any]:
        """What is made, to be put back with `restore_dependencies`."""
        return dict(cls._made)

    @classmethod
    def restore_dependencies(cls, snapshot: Mapping[Callable[[], Any], Any]) -> None:
        """Puts a snapshot back."""
        cls._made = dict(snapshot)

    @classmethod
    def is_inside_dependencies_context(cls) -> bool:
        """Whether a worker's dependencies are made."""
        return cls._depth > 0
