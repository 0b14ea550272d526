"""What a listener for changes of the store can do wrong."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from tidegate import MisuseError, StoreChange, Tidegate, aio
from tidegate._store_changes import _tell


def change(shard: int) -> StoreChange:
    return StoreChange.from_dict({"shard": shard, "before": "available", "after": "away", "cause": "gone"})


class Changes:
    """The changes of a gate that is gone after three."""

    def __init__(self) -> None:
        self.coming = [change(1), change(2), change(3)]

    def next(self) -> StoreChange | None:
        return self.coming.pop(0) if self.coming else None


@pytest.mark.parametrize("fault", [ValueError, SystemExit])
def test_a_listener_that_raises_is_logged_once_and_told_of_the_next_change(
    fault: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []

    def listener(change: StoreChange) -> None:
        told.append(change.shard)
        if change.shard == 1:
            raise fault

    changes: Any = Changes()
    _tell(changes, listener)
    assert told == [1, 2, 3]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def later(_: StoreChange) -> None:
    sys.exit("nobody awaits it")


@pytest.mark.parametrize("face", [Tidegate, aio.Tidegate])
def test_a_coroutine_function_is_no_listener(face: Any) -> None:
    with pytest.raises(MisuseError, match="later must be a plain function"):
        face(on_store_change=later)
