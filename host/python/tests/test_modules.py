"""No module of the package imports itself by way of others, and no strategy imports another."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp

PACKAGE = "tidegate"
STRATEGIES = f"{PACKAGE}._strategies"

#: The extension has no source in Python, so an import of it seems to be one of the whole package.
EXTENSION = f"from {PACKAGE} import _tidegate as _core"


def imports() -> dict[str, set[str]]:
    """What each module imports, for types alone too."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found = {name: set(graph.find_modules_directly_imported_by(name)) for name in graph.modules}
    for name, imported in found.items():
        if PACKAGE in imported:
            details = graph.get_import_details(importer=name, imported=PACKAGE)
            if all(detail["line_contents"] == EXTENSION for detail in details):
                imported.discard(PACKAGE)
    return found


def strategy(module: str) -> str | None:
    """The strategy whose folder a module lies in."""
    return module.removeprefix(f"{STRATEGIES}.").partition(".")[0] if module.startswith(f"{STRATEGIES}.") else None


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = imports()
    assert len(found) > 50
    circle: list[str] = []
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_no_strategy_imports_another() -> None:
    found = imports()
    of_strategies = {name: imported for name, imported in found.items() if strategy(name) is not None}
    assert {strategy(name) for name in of_strategies} == {"rate_limiter", "circuit_breaker"}
    crossings = [
        (name, other)
        for name, imported in of_strategies.items()
        for other in imported
        if strategy(other) not in {None, strategy(name)}
    ]
    assert crossings == []
