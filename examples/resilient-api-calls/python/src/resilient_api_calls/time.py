"""The time, as all processes of this machine see it."""

import time


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


def ms_since(start_us: int, at_us: int) -> int:
    """Milliseconds from one time to another; 0 where that is earlier."""
    return max(0, at_us - start_us) // 1_000


def seconds(ms: int) -> str:
    """Milliseconds as seconds with two decimals."""
    return f"{ms // 1_000}.{ms % 1_000 // 10:02} s"
