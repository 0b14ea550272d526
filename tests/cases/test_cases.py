"""Runs each case as its user would, and compares what it prints with what is right."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE_PACKAGE = HERE.parent.parent / "host/typescript"
TSC = "--noEmit --strict --module nodenext --moduleResolution nodenext --target es2022 --skipLibCheck".split()
# Debian keeps it in a folder for each kind of machine.
FAKETIME = next(map(str, Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1")), "")

CASES = sorted(path.relative_to(HERE) for folder in ("typescript", "python") for path in (HERE / folder).glob("*.*"))


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert any("Ready to accept connections" in line for line in server.stdout)
    yield port
    server.terminate()
    server.communicate()


@pytest.fixture(scope="session", autouse=True)
def linked_packages() -> None:
    """Node finds a package in a folder of this name only."""
    modules = HERE / "typescript/node_modules"
    modules.mkdir(exist_ok=True)
    packages = {"tidegate": NODE_PACKAGE}
    packages |= {name: NODE_PACKAGE / "node_modules" / name for name in ("ioredis", "redis", "typescript")}
    for name, package in packages.items():
        link = modules / name
        link.unlink(missing_ok=True)
        link.symlink_to(package)


def run(case: Path, port: int, folder: Path) -> str:
    environment = {**os.environ, "PORT": str(port)}
    if case.suffix == ".py":
        command = [sys.executable, case.name]
    elif case.suffix == ".ts":
        command = ["node", "node_modules/typescript/bin/tsc", *TSC, case.name]
    else:
        command = ["node", case.name]
    if case.stem == "clock_back":
        offset = folder / "offset"
        offset.write_text("+0\n")
        environment |= {
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "LD_PRELOAD": FAKETIME,
        }
    ran = subprocess.run(
        command, cwd=(HERE / case).parent, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("case", CASES, ids=str)
def test_prints_what_is_right(case: Path, redis_port: int, tmp_path: Path) -> None:
    printed = [line.rstrip() for line in run(case, redis_port, tmp_path).splitlines()]
    expected = [line.rstrip() for line in (HERE / "expected" / f"{case.stem}.txt").read_text().splitlines()]
    assert printed == expected


def test_every_case_has_something_expected_of_it() -> None:
    assert {case.stem for case in CASES} == {path.stem for path in (HERE / "expected").iterdir()}
