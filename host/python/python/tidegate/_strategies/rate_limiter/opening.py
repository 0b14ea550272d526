"""Opens rate limiters by the settings as both faces are given them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from tidegate._config import Json, WhenAway
from tidegate._settings import opened, refuse_settings
from tidegate._strategies.rate_limiter.config import Lease, Limit, OnLimit
from tidegate._tidegate import Decision, Gate, RateLimiter


def charge_of(
    decision: Decision | None, charged_at_us: int | None, full_at_us: int | None
) -> tuple[int | None, int | None, bool]:
    """When permits were charged, when the bucket was due to be full, and whether they were let go without the store."""
    if (decision is None) == (charged_at_us is None):
        message = "give either a decision or its charged_at_us"
        raise TypeError(message)
    if decision is None:
        return charged_at_us, full_at_us, False
    return decision.charged_at_us, decision.full_at_us, decision.degraded and decision.is_allowed


def asks_of(asks: Iterable[str | tuple[str, int]]) -> list[tuple[str, int]]:
    """Keys, each with its cost."""
    return [(ask, 1) if isinstance(ask, str) else ask for ask in asks]


def open_limiter(
    gate: Gate,
    config: Json | str,
    limit: Limit | str | None,
    limits: Sequence[Limit | str] | None,
    on_limit: OnLimit | None,
    lease: Lease | None,
    when_away: WhenAway | None,
) -> RateLimiter:
    """Opens a limiter by the settings as they were given."""
    if not isinstance(config, str):
        refuse_settings(
            config, {"limit": limit, "limits": limits, "on_limit": on_limit, "lease": lease, "when_away": when_away}
        )
        return opened(gate.rate_limiter, config, {}, {})
    renamed: dict[str, str] = {}
    # Whatever it is: what is no list is told along with all else.
    given = cast("object", limits)
    listed = cast("Sequence[object]", given if isinstance(given, Sequence) else ())
    if limit is not None and (given is None or isinstance(given, Sequence)):
        renamed["limits[0]"] = "limit"
        renamed |= {f"limits[{index + 1}]": f"limits[{index}]" for index in range(len(listed))}
        given = [limit, *listed]
    settings: dict[str, Any] = {"limits": [] if given is None else given, "on_limit": on_limit, "lease": lease}
    settings["when_away"] = when_away
    return opened(gate.rate_limiter, config, settings, renamed)
