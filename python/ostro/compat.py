"""`import mistralai.workflows` gives `ostro.workflows`, where the original is not installed.

`import ostro.compat` first, or run the program with `ostro run FILE`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_PACKAGE = "mistralai"
_ORIGINAL = "mistralai.workflows"
_OURS = "ostro.workflows"
#: Of the original, in seconds.
_EXECUTION_TIMEOUT = 3600.0


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `mistralai.workflows...` in `ostro.workflows...`."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if name == _PACKAGE and importlib.machinery.PathFinder.find_spec(name, path) is None:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        if f"{name}.".startswith(f"{_ORIGINAL}.") and _is_ours(_OURS + name.removeprefix(_ORIGINAL)):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> ModuleType:
        if spec.name == _PACKAGE:
            return ModuleType(spec.name)
        ours = importlib.import_module(_OURS + spec.name.removeprefix(_ORIGINAL))
        self._specs[ours.__name__] = ours.__spec__
        return ours

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == _PACKAGE:
            module.__path__ = []
        else:
            # A module of ours has run already; it keeps its own name and place.
            module.__spec__ = self._specs.pop(module.__name__)
            _name_loaded_parts(module.__name__)


def _is_ours(name: str) -> bool:
    """Whether there is such a module here. What contains it may be another package's: a plugin's."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _name_loaded_parts(ours: str) -> None:
    """Gives what a module of ours has imported of its own parts the original's names too.

    Else an import of such a part by that name would put the part in the place of what the module calls the same: `core.task.task` is
    a module, and a function in `core.task`.
    """
    for name in [name for name in sys.modules if name.startswith(f"{ours}.")]:
        sys.modules.setdefault(_ORIGINAL + name.removeprefix(_OURS), sys.modules[name])


def is_original_installed() -> bool:
    """Whether the original package is here: then it is left alone."""
    for finder in sys.meta_path:
        if isinstance(finder, _Finder) or not hasattr(finder, "find_spec"):
            continue
        package = finder.find_spec(_PACKAGE, None)
        if package is not None:
            places = package.submodule_search_locations
            found = [other.find_spec(_ORIGINAL, places) for other in sys.meta_path if not isinstance(other, _Finder)]
            return any(spec is not None for spec in found)
    return False


def _keep_defaults() -> None:
    """The original's, where programs of the original would notice ours."""
    from ._base.config import EXACT_VALUES, EXECUTION_TIMEOUT, WRAP_RESULTS, config

    if not os.environ.get(EXACT_VALUES):
        config.worker.exact_values = False
    if not os.environ.get(WRAP_RESULTS):
        config.worker.wrap_results = True
    if not os.environ.get(EXECUTION_TIMEOUT):
        config.worker.execution_timeout = _EXECUTION_TIMEOUT


def install() -> None:
    """Makes `import mistralai.workflows` work, with the original's defaults. Does nothing where the original is installed."""
    if not is_original_installed() and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # First: the finder of files would load our submodules a second time under the other name.
        sys.meta_path.insert(0, _Finder())
        _keep_defaults()


install()
