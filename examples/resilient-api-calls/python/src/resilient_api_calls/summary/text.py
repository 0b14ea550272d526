"""The summary for a person."""

from collections.abc import Iterator

from resilient_api_calls.event import Change
from resilient_api_calls.summary import Circuit, Fallbacks, Items, Limiter, Requests, Second, Summary, Transition
from resilient_api_calls.time import seconds

_BAR_CELLS = 40
"""How long the longest bar is."""


def text_of(summary: Summary) -> str:
    """The summary as text."""
    return "\n".join(_lines(summary))


def _lines(summary: Summary) -> Iterator[str]:
    yield f"{summary.items.asked} items in {seconds(summary.took_ms)}: {_workers(summary)}, state in {summary.store}"
    yield ""
    yield from _item_lines(summary.items)
    yield _fallback_line(summary.fallback)
    yield ""
    yield from _limiter_lines(summary.limiter)
    yield ""
    yield from _circuit_lines(summary.circuit)
    yield ""
    yield from _server_lines(summary.server, summary.limiter.limit)


def _workers(summary: Summary) -> str:
    if summary.workers == 1:
        return f"1 worker process with {summary.concurrency} tasks"
    return f"{summary.workers} worker processes with {summary.concurrency} tasks each"


def _item_lines(items: Items) -> Iterator[str]:
    yield _row("passed", items.passed, "answered by the server")
    yield _row("failed", items.failed, ", ".join(f"{count} with {what}" for what, count in items.failures.items()))
    yield _row("failed fast", items.failed_fast, "refused by the circuit, not sent")
    if items.denied > 0:
        yield _row("denied", items.denied, "not let go by the rate limiter in time, not sent")
    if items.undecided > 0:
        yield _row("undecided", items.undecided, "the store did not answer, not sent")
    if items.lost > 0:
        yield _row("lost", items.lost, "their worker ended before it told of them")


def _fallback_line(fallback: Fallbacks) -> str:
    last_answer, default = fallback.last_answer, fallback.default
    what = f"for those that failed fast: {last_answer} the last good answer, {default} a fixed one"
    return _row("fallback", last_answer + default, what)


def _row(name: str, count: int, meaning: str) -> str:
    return f"  {name:<12}{count:>6}   {meaning}".rstrip()


def _limiter_lines(limiter: Limiter) -> Iterator[str]:
    yield f"the rate limiter, {limiter.limit} a second"
    yield f"  let {limiter.let_go} go, at most {limiter.most_in_any_second} in any one second"
    waits = (limiter.waited_p50_us, limiter.waited_p99_us, limiter.waited_most_us)
    p50, p99, most = (None if us is None else seconds(us // 1_000) for us in waits)
    if p50 is not None:
        yield f"  waited: p50 {p50}, p99 {p99}, longest {most}"


def _circuit_lines(circuit: Circuit) -> Iterator[str]:
    yield f"the circuit, opened by {circuit.failures} failures within 10 s, for {seconds(circuit.open_ms)}"
    if not circuit.transitions:
        yield "  stayed closed"
    yield from map(_transition_line, circuit.transitions)


def _transition_line(transition: Transition) -> str:
    change = Change(transition.at_us, transition.before, transition.after, transition.cause)
    states = f"{change.before} -> {change.after}"
    return f"{seconds(transition.at_ms):>10}  {states:<22}{change.why}"


def _server_lines(server: Requests, limit: int) -> Iterator[str]:
    yield "requests that the server saw (# answered, x refused with 503)"
    if server.failing_ms is not None:
        from_ms, until_ms = server.failing_ms
        yield f"  it failed from {seconds(from_ms)} to {seconds(until_ms)}"
    busiest = max((second.answered_well + second.answered_503 for second in server.per_second), default=0)
    each = max(1, _ceil_div(busiest, _BAR_CELLS))
    for at, second in enumerate(server.per_second):
        yield _second_line(second, at, each)
    yield f"  {server.seen} in all: {server.answered_well} answered, {server.answered_503} refused"
    yield f"  at most {server.most_in_any_second} in any one second{_promised(server, limit)}"


def _promised(server: Requests, limit: int) -> str:
    """More than the limit may arrive in a second, where the requests took their time to come."""
    if server.most_in_any_second <= limit:
        return ""
    latest_ms = _ceil_div(server.latest_us, 1_000)
    span_ms = max(0, 1_000 - latest_ms)
    return (
        f": they came up to {latest_ms} ms after the limiter let them go, so {limit} are promised in "
        f"any {span_ms} ms, where at most {server.most_in_promised_span} came"
    )


def _second_line(second: Second, at: int, each: int) -> str:
    count = second.answered_well + second.answered_503
    bar = "#" * _ceil_div(second.answered_well, each) + "x" * _ceil_div(second.answered_503, each)
    return f"{at:>6} s  {count:>5}  {bar}".rstrip()


def _ceil_div(value: int, by: int) -> int:
    return -(-value // by)
