"""A lineage graph as a tree for terminals, and in the languages of Graphviz and Mermaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from muniment.cli.text import neutral
from muniment.values import Lineage, LineageEdge, LineageNode


@dataclass(frozen=True, slots=True)
class Told:
    """How nodes and edges are told of."""

    node: Callable[[LineageNode], str]
    edge: Callable[[LineageEdge], str]


def tree(graph: Lineage, told: Told) -> Iterator[str]:
    """A tree for each root, upstream first.

    A node that several ways lead to is drawn where the first of them ends, and named at the end of the others.
    """
    up: dict[int, list[LineageEdge]] = defaultdict(list)
    down: dict[int, list[LineageEdge]] = defaultdict(list)
    for edge in graph.edges:
        up[edge.source].append(edge)
        down[edge.target].append(edge)
    for root, node in enumerate(graph.nodes):
        if node.distance > 0:
            return
        ways = [way for way in ((up, True), (down, False)) if way[0].get(root)]
        yield told.node(node)
        for edges, is_up in ways:
            if len(ways) > 1:
                yield "made from" if is_up else "made into"
            yield from _branches(graph, told, root, edges, is_up=is_up)


def _branches(
    graph: Lineage, told: Told, root: int, edges: Mapping[int, Sequence[LineageEdge]], *, is_up: bool
) -> Iterator[str]:
    drawn = {root}
    # One entry for each open branch: what stands before it, and what is still to be drawn of it.
    waiting: list[tuple[str, list[LineageEdge]]] = [("", list(edges[root]))]
    while waiting:
        before, rest = waiting[-1]
        if not rest:
            waiting.pop()
            continue
        edge = rest.pop(0)
        position = edge.target if is_up else edge.source
        how = told.edge(edge)
        beyond = edges.get(position, ())
        again = position in drawn and bool(beyond)
        words = [told.node(graph.nodes[position]), f"({how})" if how else "", "as above" if again else ""]
        yield f"{before}{'├── ' if rest else '└── '}{' '.join(filter(None, words))}"
        if not again:
            drawn.add(position)
            waiting.append((before + ("│   " if rest else "    "), list(beyond)))


def dot(graph: Lineage, told: Told) -> Iterator[str]:
    """The graph for Graphviz (https://graphviz.org/doc/info/lang.html)."""
    shapes = {"version": "box", "dataset": "cylinder", "code": "note", "run": "component", "hidden": "box"}
    yield "digraph lineage {"
    yield "  rankdir=BT;"
    for position, node in enumerate(graph.nodes):
        style = ", style=dashed" if node.kind == "hidden" else ", style=bold" if node.distance == 0 else ""
        shape = shapes.get(node.kind, "box")
        yield f"  n{position} [label={_dot_text(told.node(node))}, shape={shape}{style}];"
    for edge in graph.edges:
        how = told.edge(edge)
        label = f" [label={_dot_text(how)}]" if how else ""
        yield f"  n{edge.source} -> n{edge.target}{label};"
    yield "}"


def mermaid(graph: Lineage, told: Told) -> Iterator[str]:
    """The graph for Mermaid (https://mermaid.js.org/syntax/flowchart.html)."""
    forms = {"dataset": ("[(", ")]"), "code": ("[[", "]]"), "run": ("([", "])")}
    yield "flowchart BT"
    for position, node in enumerate(graph.nodes):
        opening, closing = forms.get(node.kind, ("[", "]"))
        yield f"  n{position}{opening}{_mermaid_text(told.node(node))}{closing}"
    for edge in graph.edges:
        how = told.edge(edge)
        yield f"  n{edge.source} -->{f'|{_mermaid_text(how)}|' if how else ''} n{edge.target}"


def _dot_text(text: str) -> str:
    return '"' + neutral(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mermaid_text(text: str) -> str:
    """Text in quotes, in which everything but letters, digits, blanks and a few signs is a numbered entity."""
    return (
        '"'
        + "".join(
            character if character.isalnum() or character in " @./-_:,()" else f"#{ord(character)};"
            for character in neutral(text)
        )
        + '"'
    )
