"""``muniment lineage``."""

from __future__ import annotations

import click

from muniment.cli.graph import Told, dot, mermaid, tree
from muniment.cli.invocation import Invocation
from muniment.cli.output import note, one, say
from muniment.cli.parameters import to_number, to_text
from muniment.cli.text import short
from muniment.cli.verb import verb
from muniment.values import Lineage, LineageEdge, LineageNode
from muniment.values.lineage import Direction

_DRAWINGS = {"dot": dot, "mermaid": mermaid}


@verb("lineage")
@click.argument("selector", required=False, type=to_text)
@click.option("--dataset", type=to_text, metavar="NAME", help="Begin at data sets of this name.")
@click.option("--dataset-version", type=to_text, metavar="TEXT", help="And of this version.")
@click.option("--digest", type=to_text, metavar="DIGEST", help="Begin at data sets of this digest.")
@click.option("--commit", type=to_text, metavar="ID", help="Begin at code of this commit.")
@click.option("--repository", type=to_text, metavar="URL", help="And of this repository.")
@click.option("--upstream", "direction", flag_value="upstream", help="What it was made from.")
@click.option("--downstream", "direction", flag_value="downstream", help="What was made from it.")
@click.option("--both", "direction", flag_value="both", help="Both ways.")
@click.option(
    "--depth", default="0", type=to_number, metavar="NUMBER", help="How many steps to go; 10 at first."
)
@click.option(
    "--nodes", default="0", type=to_number, metavar="NUMBER", help="How many nodes at most; 500 at first."
)
@click.option("--dot", "drawing", flag_value="dot", help="Print the graph for Graphviz.")
@click.option("--mermaid", "drawing", flag_value="mermaid", help="Print the graph for Mermaid.")
def lineage(
    invocation: Invocation,
    selector: str | None,
    dataset: str | None,
    dataset_version: str | None,
    digest: str | None,
    commit: str | None,
    repository: str | None,
    direction: Direction | None,
    depth: int,
    nodes: int,
    drawing: str | None,
) -> None:
    """Draw where a version came from, or what came of it.

    Begins at the version SELECTOR names, or at data sets or code given by options: then at once with the versions
    that used them. Goes upstream from a version and downstream from data sets and code unless told otherwise.
    """
    roots = (selector, dataset or dataset_version or digest, commit or repository)
    if sum(map(bool, roots)) != 1:
        raise click.UsageError("Give one thing to begin at: SELECTOR, or --dataset or --digest, or --commit.")
    with invocation.connect() as registry:
        found = registry.lineage(
            selector,
            dataset=dataset or "",
            dataset_version=dataset_version or "",
            digest=digest or "",
            commit=commit or "",
            repository=repository or "",
            direction=direction,
            depth=depth,
            max_nodes=nodes,
        )
    told = Told(node=lambda node: _node(invocation, node), edge=_edge)

    def tell(graph: Lineage) -> None:
        if not graph.nodes and not drawing:
            note("No version names such a data set or code.")
            return
        for line in _DRAWINGS[drawing](graph, told) if drawing else tree(graph, told):
            say(line)
        if graph.truncated:
            note("There is more than this; --depth and --nodes show more of it.")

    one(found, json=invocation.json, human=tell)


def _node(invocation: Invocation, node: LineageNode) -> str:
    match node.kind:
        case "version":
            state = "" if node.state == "READY" else node.state.lower()
            return _words(invocation.version(node.name), _listed((*node.stages, state), "[{}]"))
        case "dataset":
            return _words("data set", node.name, node.version, short(node.digest))
        case "code":
            return _words("code", node.name, node.commit[:12])
        case "run":
            return _words("run", node.name)
        case _:
            return "a version in a project you may not read"


def _edge(edge: LineageEdge) -> str:
    return (edge.relation or edge.role).lower()


def _words(*words: str) -> str:
    return " ".join(filter(None, words))


def _listed(words: tuple[str, ...], form: str) -> str:
    listed = ", ".join(filter(None, words))
    return form.format(listed) if listed else ""
