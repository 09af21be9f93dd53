"""Cycles of what imports what."""

from __future__ import annotations

import itertools

Graph = dict[str, set[str]]
Edge = tuple[str, str]


def cycles(graph: Graph) -> list[set[str]]:
    """The groups of modules that reach each other, largest first (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for following in sorted(graph[node]):
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            group = set()
            while node not in group:
                group.add(stack.pop())
            if len(group) > 1:
                groups.append(group)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(groups, key=len, reverse=True)


def without(graph: Graph, edges: set[Edge]) -> Graph:
    """The graph with these edges cut."""
    return {node: {other for other in following if (node, other) not in edges} for node, following in graph.items()}


def way_back(graph: Graph, edge: Edge) -> list[str]:
    """The shortest way from an edge's end to its beginning, with both."""
    ways = [[edge[1]]]
    seen = {edge[1]}
    while ways:
        way = ways.pop(0)
        if way[-1] == edge[0]:
            return way
        for following in sorted(graph[way[-1]] - seen):
            seen.add(following)
            ways.append([*way, following])
    return []


def cuts(graph: Graph) -> set[Edge]:
    """Few edges without which there is no cycle: greedily, those that lie on most shortest ways back."""
    cut: set[Edge] = set()
    while groups := cycles(without(graph, cut)):
        rest = without(graph, cut)
        counts: dict[Edge, int] = {}
        for group in groups:
            for node in group:
                for following in rest[node] & group:
                    way = [node, *way_back(rest, (node, following))]
                    for pair in itertools.pairwise(way):
                        counts[pair] = counts.get(pair, 0) + 1
        cut.add(max(sorted(counts), key=lambda edge: counts[edge]))
    # What was cut before better ones were found may be superfluous.
    for edge in sorted(cut):
        if not cycles(without(graph, cut - {edge})):
            cut.discard(edge)
    return cut
