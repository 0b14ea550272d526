"""The same for asyncio: gates, limiters and breakers with the same names, whose methods are coroutines.

On the memory store they are answered at once, without a thread in between. With a shared store, calls of one loop that
finish together wake it once. A task that is cancelled leaves the queue, and gives back what it was given without
hearing of it.
"""

from __future__ import annotations

from tidegate._aio import Tidegate
from tidegate._strategies.circuit_breaker.aio_handle import CircuitBreaker
from tidegate._strategies.circuit_breaker.node.aio_node import CircuitBreakerNode
from tidegate._strategies.rate_limiter.aio_handle import RateLimiter
from tidegate._strategies.rate_limiter.node.aio_node import RateLimiterNode
from tidegate.aio import nodes as nodes

__all__ = ["CircuitBreaker", "CircuitBreakerNode", "RateLimiter", "RateLimiterNode", "Tidegate"]
