"""A policy component that misbehaves is contained, replaced and reported; what is no policy is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.broken_component import EMPTY, GROWS, LOOPS, TRAPS, built, with_code
from tidegate import Limit, LoadError, PolicyError, Tidegate, Trip

#: An empty component that imports a function `dial`: its type, and the import.
DIALS = (
    EMPTY + bytes.fromhex("07 05 01 40 00 01 00") + bytes.fromhex("0a 09 01 00 04") + b"dial" + bytes.fromhex("01 00")
)


def gate_of(component: bytes, folder: Path) -> Tidegate:
    file = folder / "policy.wasm"
    file.write_bytes(component)
    return Tidegate(component_file=str(file))


@pytest.mark.parametrize(
    ("code", "reason", "timeouts"),
    [
        (TRAPS, r"trapped twice: (.|\n)*unreachable", 0),
        (LOOPS, "ran for more than 100 ms and was stopped, twice", 2),
        (GROWS, r"trapped twice: (.|\n)*growing memory", 0),
    ],
    ids=["traps", "loops", "grows"],
)
def test_a_call_that_misbehaves_charges_nothing_and_the_next_one_runs(
    code: bytes, reason: str, timeouts: int, tmp_path: Path
) -> None:
    with gate_of(with_code(code), tmp_path) as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_minute(5))
        for failures in (1, 2):
            with pytest.raises(PolicyError, match=reason):
                limiter.try_acquire("me")
            assert limiter.peek("me").count == 0
            assert gate.circuit_breaker("payments", trip=Trip(consecutive=1)).admit().is_admitted
            stats = gate.stats()
            assert (stats.failures, stats.retries) == (failures, failures)
            assert (stats.traps, stats.timeouts) == (2 * failures, timeouts * failures)
            assert stats.instantiated > stats.traps


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        (b"", "not a usable WebAssembly component"),
        (b"\0asm\x01\0\0\0", "not a usable WebAssembly component"),
        (EMPTY, "does not export tidegate:policy/rate-limiter"),
        (DIALS, "imports dial, and a policy may import only wasi:clocks/wall-clock and tidegate:policy/kv"),
    ],
    ids=["nothing", "a core module", "an empty component", "one that dials"],
)
def test_a_file_that_is_no_policy_is_refused_by_name(component: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=re.escape(reason)):
        gate_of(component, tmp_path)


def test_half_a_policy_is_refused(tmp_path: Path) -> None:
    component = built()
    with pytest.raises(LoadError, match="not a usable WebAssembly component"):
        gate_of(component[: len(component) // 2], tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"nowhere\.wasm cannot be read"):
        Tidegate(component_file=str(tmp_path / "nowhere.wasm"))
