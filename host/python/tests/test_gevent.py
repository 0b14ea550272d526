"""The way under gevent that the README names: a wait in the pool of threads stops no other greenlet."""

from __future__ import annotations

import subprocess
import sys

WAIT_IN_THE_POOL = """
import gevent
from tidegate import Limit, ManualClock, Queue, Tidegate

clock = ManualClock()
queue = Queue(9, 60_000, grace_ms=60_000)
limiter = Tidegate(clock=clock).rate_limiter("api", limit=Limit.per_second(1), on_limit=queue)
limiter.acquire("user-42")
waiting = gevent.spawn(lambda: gevent.get_hub().threadpool.apply(limiter.acquire, ("user-42",)))
while not waiting.ready():
    clock.advance_ms(10)  # in another greenlet, without which the wait would have no end
    gevent.sleep(0)
assert waiting.get().decision.is_allowed
"""


def test_a_wait_in_the_pool_stops_no_other_greenlet() -> None:
    subprocess.run([sys.executable, "-c", WAIT_IN_THE_POOL], check=True, timeout=600)
