"""The samples of the README run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
SAMPLES = re.findall(
    r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE
)


def test_there_are_samples() -> None:
    assert [title for title, _ in SAMPLES] == [
        "Threads",
        "Charge what was used",
        "asyncio",
        "Guarding HTTP calls",
        "Durable workflows",
        "Workflow nodes",
        "Tests of your own",
    ]


@pytest.mark.parametrize(("title", "sample"), SAMPLES, ids=[title for title, _ in SAMPLES])
def test_a_sample_runs(title: str, sample: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(sample)
    done = subprocess.run([sys.executable, "-W", "error", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{title}: {done.stderr}"


def test_the_samples_pass_mypy(tmp_path: Path) -> None:
    for title, sample in SAMPLES:
        (tmp_path / f"sample_{title.replace(' ', '_')}.py").write_text(sample)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
