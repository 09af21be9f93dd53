"""A pytest plugin: `mistralai.workflows` is the package `ostro`.

What `ostro` does not have is there as a name that fails when it is used. So a file that imports it is collected, the tests that do
without it run, and each of the others fails with the name that it misses.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Any

import ostro.compat
import ostro.workflows

ORIGINAL = "mistralai.workflows"


class AbsentError(Exception):
    """A test used what `ostro` does not have."""


class _AbsentType(type):
    """Of the names that are absent: whatever is done with one says so."""

    def __call__(cls, *_args: Any, **_keywords: Any) -> Any:
        raise AbsentError(f"ostro has no {cls.__module__}.{cls.__name__}")

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AbsentError(f"ostro has no {cls.__module__}.{cls.__name__}")


def _absent(module: str, name: str) -> type:
    return _AbsentType(name, (), {"__module__": module})


class _AbsentModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(self.__name__, name)


class _LastFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives every module of the original that nobody else has found."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        if name.startswith(f"{ORIGINAL}."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Names(ModuleType):
    """A module of ours, with what it lacks as absent names."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if "__path__" in vars(self) and importlib.util.find_spec(f"{self.__name__}.{name}") is not None:
            return importlib.import_module(f"{self.__name__}.{name}")
        return _absent(self.__name__, name)


class _Watch(importlib.abc.MetaPathFinder):
    """Turns modules of ours into such when tests import them under the original's name."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        for loaded, module in list(sys.modules.items()):
            if (loaded == "ostro.workflows" or loaded.startswith("ostro.workflows.")) and type(module) is ModuleType:
                module.__class__ = _Names
        return None


if ostro.compat.is_original_installed():
    raise SystemExit("the original package is installed here, so that its tests would not test `ostro`")
sys.meta_path.insert(0, _Watch())
sys.meta_path.append(_LastFinder())
