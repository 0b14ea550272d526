"""The summary: every number in it is counted from what happened.

The fields are named as in its JSON, which is the same in every language.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from resilient_api_calls.args import Settings, without_password
from resilient_api_calls.event import Change
from resilient_api_calls.server import Log, Seen
from resilient_api_calls.tally import Tally
from resilient_api_calls.time import ms_since

SECOND_US = 1_000_000


@dataclass
class Items:
    """What became of the items. ``asked`` is the sum of the others, unless a worker was lost."""

    asked: int
    passed: int
    failed: int
    failed_fast: int
    denied: int
    undecided: int
    lost: int
    failures: dict[str, int]
    """What came instead of a good answer, and how often."""


@dataclass
class Fallbacks:
    """What the items that failed fast made do with."""

    last_answer: int
    default: int


@dataclass
class Limiter:
    """What the rate limiter did."""

    limit: int
    let_go: int
    most_in_any_second: int
    """By the times of the decisions, on the store's clock."""
    waited_p50_us: int | None
    waited_p99_us: int | None
    waited_most_us: int | None


@dataclass
class Transition:
    """A state change of the circuit, and when since the start."""

    at_ms: int
    at_us: int
    before: str
    after: str
    cause: str


@dataclass
class Circuit:
    """What the circuit did."""

    failures: int
    """This many failures within ten seconds open it."""
    open_ms: int
    transitions: list[Transition]


@dataclass
class Second:
    """A second of the server."""

    answered_well: int
    answered_503: int


@dataclass
class Requests:
    """What the server saw."""

    seen: int
    answered_well: int
    answered_503: int
    failing_ms: tuple[int, int] | None
    """From when until when it failed, in milliseconds since the start."""
    per_second: list[Second]
    """For each second since the start."""
    most_in_any_second: int
    latest_us: int
    """The longest time between the decision of the limiter and the arrival of the request."""
    most_in_promised_span: int
    """In any span of a second less ``latest_us``: what the limiter's promise comes to where the requests arrive."""


@dataclass
class Summary:
    """The summary of a run."""

    store: str
    workers: int
    concurrency: int
    took_ms: int
    items: Items
    fallback: Fallbacks
    limiter: Limiter
    circuit: Circuit
    server: Requests


def summarize(settings: Settings, tally: Tally, log: Log, started_us: int, ended_us: int) -> Summary:
    """Sum up a run."""
    return Summary(
        store="memory" if settings.redis is None else without_password(settings.redis),
        workers=settings.workers,
        concurrency=settings.concurrency,
        took_ms=ms_since(started_us, ended_us),
        items=_items(settings.items, tally),
        fallback=Fallbacks(last_answer=tally.fell_back_on_last_answer, default=tally.fell_back_on_default),
        limiter=_limiter(settings.rate, tally),
        circuit=_circuit(settings, tally, started_us),
        server=_requests(tally, log, started_us),
    )


def _items(asked: int, tally: Tally) -> Items:
    return Items(
        asked=asked,
        passed=tally.passed,
        failed=tally.failed,
        failed_fast=tally.failed_fast,
        denied=tally.denied,
        undecided=tally.undecided,
        lost=max(0, asked - tally.done),
        failures=dict(sorted(tally.failures.items())),
    )


def _limiter(limit: int, tally: Tally) -> Limiter:
    waits_us = sorted(permit.waited_us for permit in tally.permits.values())
    return Limiter(
        limit=limit,
        let_go=len(waits_us),
        most_in_any_second=most_in_any(SECOND_US, (permit.at_us for permit in tally.permits.values())),
        waited_p50_us=percentile(waits_us, 50),
        waited_p99_us=percentile(waits_us, 99),
        waited_most_us=percentile(waits_us, 100),
    )


def _circuit(settings: Settings, tally: Tally, started_us: int) -> Circuit:
    def transition(change: Change) -> Transition:
        at_ms = ms_since(started_us, change.at_us)
        return Transition(at_ms, change.at_us, change.before, change.after, change.cause)

    return Circuit(settings.failures, settings.open_ms, [transition(change) for change in tally.changes])


def _requests(tally: Tally, log: Log, started_us: int) -> Requests:
    times_us = [seen.at_us for seen in log.requests]
    answered_well = sum(seen.is_good for seen in log.requests)
    latest_us = max((_late_us(seen, tally) for seen in log.requests), default=0)
    failing = log.failing_us
    return Requests(
        seen=len(times_us),
        answered_well=answered_well,
        answered_503=len(times_us) - answered_well,
        failing_ms=None if failing is None else (ms_since(started_us, failing[0]), ms_since(started_us, failing[1])),
        per_second=per_second(log.requests, started_us),
        most_in_any_second=most_in_any(SECOND_US, times_us),
        latest_us=latest_us,
        most_in_promised_span=most_in_any(SECOND_US - latest_us, times_us),
    )


def _late_us(seen: Seen, tally: Tally) -> int:
    """How long after the limiter's decision a request came."""
    permit = None if seen.item is None else tally.permits.get(seen.item)
    return 0 if permit is None else max(0, seen.at_us - permit.at_us)


def per_second(requests: Iterable[Seen], started_us: int) -> list[Second]:
    """What came in each second since the start, those in which nothing came included."""
    seconds: list[Second] = []
    for seen in requests:
        index = max(0, seen.at_us - started_us) // SECOND_US
        while len(seconds) <= index:
            seconds.append(Second(0, 0))
        if seen.is_good:
            seconds[index].answered_well += 1
        else:
            seconds[index].answered_503 += 1
    return seconds


def most_in_any(span_us: int, times_us: Iterable[int]) -> int:
    """The most of these times that lie in one such span, wherever it begins."""
    ordered = sorted(times_us)
    span_us = max(span_us, 1)
    return max((bisect_left(ordered, at_us + span_us) - first for first, at_us in enumerate(ordered)), default=0)


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The least of the sorted values that this many percent are not above; None of none."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1] if ordered else None
