"""What a summary must say of any run in which the store and all workers stayed."""

from typing import Any

Json = dict[str, Any]


def adds_up(summary: Json) -> None:
    """Check that the numbers agree with each other, and that the limit was kept."""
    items, limiter, server = summary["items"], summary["limiter"], summary["server"]
    assert items["passed"] + items["failed"] + items["failed_fast"] + items["denied"] == items["asked"], summary
    assert (items["undecided"], items["lost"]) == (0, 0), summary
    assert sum(items["failures"].values()) == items["failed"], summary
    assert sum(summary["fallback"].values()) == items["failed_fast"], summary
    assert (server["answered_well"], server["answered_503"]) == (items["passed"], items["failed"]), summary
    assert sum(sum(second.values()) for second in server["per_second"]) == server["seen"], summary
    assert limiter["let_go"] == items["asked"] - items["denied"], summary
    assert limiter["most_in_any_second"] <= limiter["limit"], summary
    assert server["most_in_promised_span"] <= limiter["limit"], summary


def opened_and_closed(transitions: list[Json]) -> None:
    """Check that the circuit opened, was probed and closed, each state following from the one before."""
    states = ["closed", *(change["after"] for change in transitions)]
    assert [change["before"] for change in transitions] == states[:-1], transitions
    assert [change["at_ms"] for change in transitions] == sorted(change["at_ms"] for change in transitions)
    changes = {(change["before"], change["after"]) for change in transitions}
    assert {("closed", "open"), ("open", "half-open"), ("half-open", "closed")} <= changes, transitions
    assert states[-1] == "closed", transitions
