"""What is installed is all that the package needs, and all that belongs into it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

IMPORTS = """
import sys
before = set(sys.modules)
import tidegate, tidegate.aio, tidegate.nodes, tidegate.testing
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded - sys.stdlib_module_names))
"""

DECIDES = """
import asyncio, tidegate
assert tidegate.Tidegate().rate_limiter("api", limit="10/second").try_acquire("me").remaining == 9
async def main():
    breaker = tidegate.aio.Tidegate().circuit_breaker("payments", consecutive=1)
    assert (await breaker.status()).state == "closed"
asyncio.run(main())
"""

#: Bytes of the wheel, and of what it installs.
BUDGET, INSTALLED_BUDGET = 9_000_000, 25_000_000


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel that was installed for these tests."""
    name = os.environ.get("TIDEGATE_WHEEL")
    if name is None:
        pytest.skip("TIDEGATE_WHEEL names the wheel where `cargo xtask test-python` runs this")
    return Path(name)


def test_it_imports_nothing_but_pythons_own_modules() -> None:
    output = subprocess.run([sys.executable, "-I", "-c", IMPORTS], check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "['tidegate']"


def test_the_wheel_holds_what_belongs_into_it_and_keeps_its_budget(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        sizes = {info.filename: info.file_size for info in packed.infolist()}
        metadata = packed.read(next(name for name in sizes if name.endswith("/METADATA"))).decode()
    for licence in ("LICENSE-APACHE", "LICENSE-MIT"):
        assert any(name.endswith(f"/licenses/{licence}") for name in sizes)
    assert [name for name in sizes if not name.startswith(("tidegate/", "tidegate-"))] == []
    assert [name for name in sizes if "__pycache__" in name or "sboms" in name] == []
    assert {"tidegate/py.typed", "tidegate/_tidegate.pyi", "tidegate/aio/__init__.py"} <= set(sizes)
    assert "\nProject-URL: Repository, https://" in metadata
    assert "\nRequires-Dist:" not in metadata
    assert "\n# Tidegate\n" in metadata
    print(f"wheel: {wheel.stat().st_size} bytes, installed {sum(sizes.values())}")
    assert wheel.stat().st_size <= BUDGET
    assert sum(sizes.values()) <= INSTALLED_BUDGET


def test_the_wheel_works_in_a_fresh_environment_without_a_home(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "environment"
    venv.create(place, with_pip=False)
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # This environment's pip installs into the other.
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(command, check=True)
    kept = {name: value for name, value in os.environ.items() if name in ("SYSTEMROOT", "PATH")}
    environment = {**kept, "HOME": str(tmp_path / "missing")}
    done = subprocess.run(
        [str(python), "-I", "-c", DECIDES], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
