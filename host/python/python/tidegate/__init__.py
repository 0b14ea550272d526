"""Resilience policies that decide alike in every language.

One compiled policy, run in Rust, TypeScript and Python workers, on state that they share. `Tidegate` has a store and
a clock; from it, `Tidegate.rate_limiter` and `Tidegate.circuit_breaker` open handles. `tidegate.aio` is the same for
asyncio. Names end in their unit: ``retry_after_ms`` are milliseconds, ``at_us`` microseconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate._config import Share, StoreState, StoreWatch, Time, WhenAway
from tidegate._errors import (
    ConfigError,
    ContendedError,
    InputError,
    LoadError,
    MisuseError,
    OverloadedError,
    PolicyError,
    Problem,
    StoreError,
    StoreErrorReason,
    TidegateError,
)
from tidegate._node_results import NodeOutput
from tidegate._node_text import NodeConfig, NodeContext
from tidegate._strategies.circuit_breaker.config import (
    Backoff,
    ErrorPattern,
    FailureCount,
    HalfOpen,
    Mode,
    Others,
    ProbeRate,
    ProbeRatio,
    ProbeRule,
    SampleCalls,
    SampleWindow,
    SlowRate,
    Trip,
)
from tidegate._strategies.circuit_breaker.errors import CallTimeoutError, CircuitOpenError
from tidegate._strategies.circuit_breaker.failure import Failure, http_failure
from tidegate._strategies.circuit_breaker.flight import remaining_s
from tidegate._strategies.circuit_breaker.node.results import CircuitPassage, CircuitResult, Guarded
from tidegate._strategies.circuit_breaker.node.sync_node import CircuitBreakerNode
from tidegate._strategies.circuit_breaker.sync_handle import CircuitBreaker
from tidegate._strategies.rate_limiter.config import (
    Algorithm,
    Delay,
    FixedWindow,
    Gcra,
    Lease,
    Limit,
    OnLimit,
    Queue,
    Reject,
    SlidingLog,
    SlidingWindow,
    SlidingWindowCounter,
    TokenBucket,
    WindowUnit,
)
from tidegate._strategies.rate_limiter.errors import CostNeverFitsError, RateLimitError
from tidegate._strategies.rate_limiter.node.results import NodeStep, Passage, RateLimiterResult, Subject
from tidegate._strategies.rate_limiter.node.sync_node import RateLimiterNode
from tidegate._strategies.rate_limiter.sync_handle import RateLimiter
from tidegate._sync import Tidegate
from tidegate._tidegate import (
    Admission,
    CircuitReport,
    Decision,
    Forgotten,
    ManualClock,
    Memory,
    Permit,
    Redis,
    Stats,
    StoreChange,
    Transition,
)

if TYPE_CHECKING:
    from types import ModuleType

    from tidegate import aio, nodes

__all__ = [
    "Admission",
    "Algorithm",
    "Backoff",
    "CallTimeoutError",
    "CircuitBreaker",
    "CircuitBreakerNode",
    "CircuitOpenError",
    "CircuitPassage",
    "CircuitReport",
    "CircuitResult",
    "ConfigError",
    "ContendedError",
    "CostNeverFitsError",
    "Decision",
    "Delay",
    "ErrorPattern",
    "Failure",
    "FailureCount",
    "FixedWindow",
    "Forgotten",
    "Gcra",
    "Guarded",
    "HalfOpen",
    "InputError",
    "Lease",
    "Limit",
    "LoadError",
    "ManualClock",
    "Memory",
    "MisuseError",
    "Mode",
    "NodeConfig",
    "NodeContext",
    "NodeOutput",
    "NodeStep",
    "OnLimit",
    "Others",
    "OverloadedError",
    "Passage",
    "Permit",
    "PolicyError",
    "ProbeRate",
    "ProbeRatio",
    "ProbeRule",
    "Problem",
    "Queue",
    "RateLimitError",
    "RateLimiter",
    "RateLimiterNode",
    "RateLimiterResult",
    "Redis",
    "Reject",
    "SampleCalls",
    "SampleWindow",
    "Share",
    "SlidingLog",
    "SlidingWindow",
    "SlidingWindowCounter",
    "SlowRate",
    "Stats",
    "StoreChange",
    "StoreError",
    "StoreErrorReason",
    "StoreState",
    "StoreWatch",
    "Subject",
    "Tidegate",
    "TidegateError",
    "Time",
    "TokenBucket",
    "Transition",
    "Trip",
    "WhenAway",
    "WindowUnit",
    "aio",
    "http_failure",
    "nodes",
    "remaining_s",
]


def __getattr__(name: str) -> ModuleType:
    # What is for asyncio brings asyncio along, which takes longer to import than all the rest.
    if name in ("aio", "nodes"):
        from importlib import import_module

        return import_module(f"tidegate.{name}")
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
