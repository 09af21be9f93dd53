"""The Python package as far as it must be read to be measured: its rooms, and what imports what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The functions of a file of tests or of a program are not those of the package.
PACKAGES = [("ostro (Python)", ROOT / "python" / "ostro")]


def _is_for_types(node: ast.AST) -> bool:
    """Whether it is `if TYPE_CHECKING:`, whose imports a program never does."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imports(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """The relative imports in a file, those in functions too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and child.level:
            yield child
        elif not _is_for_types(child):
            yield from _imports(child)


@dataclass
class Package:
    """A package whose top-level modules and folders are its rooms."""

    name: str
    root: Path

    def modules(self) -> dict[str, set[str]]:
        """Its rooms, each with those that it imports. The package itself (`__init__`) is above all of them."""
        files = sorted(self.root.rglob("*.py"))
        rooms = {self._place(file)[0] for file in files} - {"__init__"}
        imports: dict[str, set[str]] = {room: set() for room in rooms}
        for file in files:
            room = self._place(file)[0]
            if room in rooms:
                found = {name for node in _imports(ast.parse(file.read_text("utf-8"))) for name in self._targets(file, node)}
                imports[room] |= (found & rooms) - {room}
        return imports

    def _place(self, file: Path) -> tuple[str, ...]:
        return file.relative_to(self.root).with_suffix("").parts

    def _targets(self, file: Path, node: ast.ImportFrom) -> Iterator[str]:
        """The rooms that one import statement names."""
        place = self._place(file)
        base = place[: len(place) - node.level]
        if base:
            yield base[0]
        elif node.module:
            yield node.module.split(".")[0]
        else:
            yield from (name.name for name in node.names)


def packages() -> list[Package]:
    """The Python packages of the repository."""
    return [Package(name, root) for name, root in PACKAGES]
