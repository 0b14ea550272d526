"""Counting, on numbers that are easy to check."""

from resilient_api_calls.server import Seen
from resilient_api_calls.summary import SECOND_US, Second, most_in_any, per_second, percentile


def test_counts_the_busiest_second_wherever_it_begins() -> None:
    assert most_in_any(SECOND_US, [2_400_000, 900_000, 1_000_000, 1_899_999, 1_900_000]) == 3
    assert most_in_any(0, [7, 7, 8]) == 2
    assert most_in_any(SECOND_US, []) == 0


def test_percentiles_are_values_that_happened() -> None:
    waits = range(1, 201)
    assert [percentile(waits, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert percentile([7], 99) == 7
    assert percentile([], 50) is None


def test_seconds_without_requests_are_kept() -> None:
    requests = [Seen(10, None, True), Seen(2_500_000, None, False), Seen(2_600_000, None, True)]
    assert per_second(requests, 10) == [Second(1, 0), Second(0, 0), Second(1, 1)]
