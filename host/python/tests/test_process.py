"""What has to do with a whole process: forks, signals, exits."""

from __future__ import annotations

import _thread
import asyncio
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable

import pytest

from tidegate import Limit, ManualClock, Memory, Queue, Redis, Tidegate, aio


def in_child(check: Callable[[], bool]) -> bool:
    """What a check says in a forked child."""
    child = os.fork()
    if child == 0:
        # Nothing of pytest's may run on in the child.
        status = 1
        try:
            status = 0 if check() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def test_a_forked_child_decides_on_redis_with_the_limiter_of_its_parent(redis_url: str) -> None:
    gate = Tidegate(Redis(redis_url, prefix=f"test-{uuid.uuid4()}", timeout_ms=10_000))
    limiter = gate.rate_limiter("api", limit=Limit.per_day(3))
    assert limiter.try_acquire("me").remaining == 2
    assert in_child(lambda: limiter.try_acquire("me").remaining == 1)
    assert in_child(lambda: in_child(lambda: limiter.try_acquire("me").remaining == 0))
    assert not limiter.try_acquire("me")


def test_a_forked_child_can_run_a_loop_of_its_own(redis_url: str) -> None:
    gate = aio.Tidegate(Redis(redis_url, prefix=f"test-{uuid.uuid4()}", timeout_ms=10_000))
    limiter = gate.rate_limiter("api", limit=Limit.per_day(3))

    async def remaining() -> int:
        return (await limiter.try_acquire("me")).remaining

    assert asyncio.run(remaining()) == 2
    assert in_child(lambda: asyncio.run(remaining()) == 1)
    assert asyncio.run(remaining()) == 0


def test_a_forked_child_has_a_memory_of_its_own_and_waits_on_its_clock() -> None:
    memory, clock = Memory(), ManualClock()
    limiter = Tidegate(memory, clock).rate_limiter("api", limit=Limit.per_second(1), on_limit=Queue(9, 86_400_000))
    assert limiter.try_acquire("me")

    def check() -> bool:
        other = Tidegate(memory, clock).rate_limiter("api", limit=Limit.per_second(1))
        assert limiter.try_acquire("me")
        assert not other.try_acquire("me")
        thread = threading.Thread(target=limiter.acquire, args=("me",))
        thread.start()
        while limiter.peek("me").waiting != 1:
            pass
        # In steps: it may be between its place in the queue and its sleep.
        while thread.is_alive():
            clock.advance_ms(10)
        return True

    assert in_child(check)
    assert not limiter.try_acquire("me")


def test_ctrl_c_ends_a_wait_and_leaves_the_queue() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter(
        "api", limit=Limit.per_second(1), on_limit=Queue(9, 86_400_000)
    )
    limiter.acquire("me")

    def interrupt() -> None:
        while limiter.peek("me").waiting != 1:
            pass
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire("me")
    thread.join()
    assert limiter.peek("me").waiting == 0


OPENED = """
import asyncio, threading
from tidegate import Limit, Queue, Tidegate, aio
settings = dict(limit=Limit.per_hour(1), on_limit=Queue(9, 3_600_000))
limiter = Tidegate().rate_limiter("api", **settings)
later = aio.Tidegate().rate_limiter("api", **settings)
limiter.acquire("me")
asyncio.run(later.acquire("me"))
"""

WAITING_THREAD = """
threading.Thread(target=limiter.acquire, args=("me",), daemon=True).start()
while limiter.peek("me").waiting != 1:
    pass
"""

ABANDONED_LOOP = """
loop = asyncio.new_event_loop()
task = loop.create_task(later.acquire("me"))
loop.run_until_complete(asyncio.sleep(0))
"""


@pytest.mark.parametrize("left", [WAITING_THREAD, ABANDONED_LOOP], ids=["a waiting thread", "an abandoned loop"])
def test_a_process_ends_whatever_it_leaves_waiting(left: str) -> None:
    script = OPENED + left + "print('bye')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "bye\n"), done.stderr
