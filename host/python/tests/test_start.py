"""How a process starts: what it imports, what its first decision costs, and what it does without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broken_component import built
from tidegate import Tidegate

DECIDES = "from tidegate import Tidegate; assert Tidegate().rate_limiter('api', limit='10/second').try_acquire('me')"

#: Processor time from nothing to the first decision, Python's own start included, as a multiple of
#: that of a process that imports asyncio and does no more: 60 ms where the latter takes 30.
BUDGET = 2


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_who_does_not_use_asyncio_does_not_import_it() -> None:
    absent = {"asyncio", "concurrent.futures", "decimal", "logging", "uuid"}
    run(f"import sys; {DECIDES}; assert not {absent} & set(sys.modules)")


def test_both_faces_are_there_without_an_import_of_their_own() -> None:
    run("import tidegate; tidegate.aio.Tidegate; tidegate.nodes.default_gate; tidegate.aio.nodes.default_gate")
    run("from tidegate import *; assert aio.Tidegate and nodes.default_gate and Tidegate")
    run("import tidegate\ntry: tidegate.absent\nexcept AttributeError as error: assert 'absent' in str(error)")


def test_the_first_decision_keeps_its_budget_without_a_home(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    code = f"import time; {DECIDES}; print(time.process_time() * 1_000)"
    decides_ms: list[float] = []
    floor_ms: list[float] = []
    for _ in range(10):
        decides_ms.append(float(run(code, HOME=missing, XDG_CACHE_HOME=missing)))
        floor_ms.append(float(run("import asyncio, time; print(time.process_time() * 1_000)")))
    best_ms, ratio = min(decides_ms), min(decides_ms) / min(floor_ms)
    print(f"first decision: {best_ms:.0f} ms of processor time, {ratio:.2f} x the import of asyncio")
    assert ratio <= BUDGET


@pytest.mark.skipif(sys.platform != "linux", reason="where address space can be limited")
def test_it_decides_where_address_space_is_short() -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2_000_000 << 10,) * 2)"
    run(f"{limit}; {DECIDES}")


def test_nothing_is_written_for_the_component_that_is_built_in(tmp_path: Path) -> None:
    run(DECIDES, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert files(tmp_path) == []


def test_the_code_of_another_component_is_kept_where_it_is_to_be(tmp_path: Path) -> None:
    component, cache, home = tmp_path / "policy.wasm", tmp_path / "cache", tmp_path / "home"
    component.write_bytes(built())
    for folder in (cache, home):
        folder.mkdir()
    code = "from pathlib import Path; from tidegate import Tidegate; Tidegate(component_file=Path({!r}), code_cache={})"
    run(code.format(str(component), False), HOME=str(home), XDG_CACHE_HOME=str(home))
    assert files(home) == []
    run(code.format(str(component), f"Path({str(cache)!r})"), HOME=str(home), XDG_CACHE_HOME=str(home))
    assert files(cache) != []
    assert files(home) == []


def test_a_cache_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    component = tmp_path / "policy.wasm"
    component.write_bytes(built())
    gate = Tidegate(component_file=component, code_cache=component / "below")
    assert gate.rate_limiter("api", limit="1/second").try_acquire("me")
