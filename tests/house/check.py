"""Fails on an import by which the modules of a crate, or the rooms of the Python package, would have no order, unless
known_cycles.txt has it.

    python3 tests/house/check.py

A crate's top-level modules import downwards only (docs: ARCHITECTURE.md). What known_cycles.txt lists is still to be
untied; an entry that is no longer needed fails too, so that the list only gets shorter.
"""

from __future__ import annotations

import sys
from pathlib import Path

import graph
import rust

import python

KNOWN = Path(__file__).with_name("known_cycles.txt")


def known() -> dict[str, set[graph.Edge]]:
    """The imports that are let through, by crate."""
    edges: dict[str, set[graph.Edge]] = {}
    for line in KNOWN.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            crate, edge = line.split(": ")
            start, end = edge.split(" -> ")
            edges.setdefault(crate, set()).add((start, end))
    return edges


def problems(crate: str, modules: graph.Graph, listed: set[graph.Edge]) -> list[str]:
    """What is wrong with a crate's modules."""
    found = []
    rest = graph.without(modules, listed)
    for group in graph.cycles(rest):
        for start, end in sorted(graph.cuts({node: rest[node] & group for node in group})):
            way = " -> ".join([start, *graph.way_back(rest, (start, end))])
            found.append(f"{crate}: `{start}` imports `{end}`, and so they go round: {way}; cut one of these imports")
    if found:
        return found
    for start, end in sorted(listed):
        if end not in modules.get(start, set()) or not graph.cycles(graph.without(modules, listed - {(start, end)})):
            found.append(f"{crate}: `{start} -> {end}` is untied: strike it out of {KNOWN.name}")
    return found


def main() -> int:
    """Looks at every crate and at the Python package."""
    listed = known()
    crates: list[rust.Crate | python.Package] = [*rust.crates(), *python.packages()]
    found = [line for crate in crates for line in problems(crate.name, crate.modules(), listed.pop(crate.name, set()))]
    found += [f"{KNOWN.name} names {crate}, which is no crate here" for crate in listed]
    print("\n".join(found) or f"{len(crates)} crates and packages: no new cycle")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
