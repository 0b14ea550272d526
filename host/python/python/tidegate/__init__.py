"""Resilience policies that decide alike in every language.

One compiled policy, run in Rust, TypeScript and Python workers, on state that they share. `Tidegate` has a store and
a clock; from it, `Tidegate.rate_limiter` and `Tidegate.circuit_breaker` open handles. `tidegate.aio` is the same for
asyncio. Names end in their unit: ``retry_after_ms`` are milliseconds, ``at_us`` microseconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate._config import (
    Algorithm,
    Backoff,
    Delay,
    ErrorPattern,
    FailureCount,
    FixedWindow,
    Gcra,
    HalfOpen,
    Lease,
    Limit,
    Mode,
    OnLimit,
    Others,
    ProbeRate,
    ProbeRatio,
    ProbeRule,
    Queue,
    Reject,
    SampleCalls,
    SampleWindow,
    Share,
    SlidingLog,
    SlidingWindow,
    SlidingWindowCounter,
    SlowRate,
    StoreState,
    StoreWatch,
    Time,
    TokenBucket,
    Trip,
    WhenAway,
    WindowUnit,
)
from tidegate._errors import (
    CallTimeoutError,
    CircuitOpenError,
    ConfigError,
    ContendedError,
    CostNeverFitsError,
    InputError,
    LoadError,
    MisuseError,
    OverloadedError,
    PolicyError,
    Problem,
    RateLimitError,
    StoreError,
    StoreErrorReason,
    TidegateError,
)
from tidegate._failure import Failure, http_failure
from tidegate._flight import remaining_s
from tidegate._node_results import (
    CircuitPassage,
    CircuitResult,
    Guarded,
    NodeOutput,
    NodeStep,
    Passage,
    RateLimiterResult,
    Subject,
)
from tidegate._node_text import NodeConfig, NodeContext
from tidegate._sync import RateLimiter, Tidegate
from tidegate._sync_breaker import CircuitBreaker
from tidegate._sync_nodes import CircuitBreakerNode, RateLimiterNode
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
