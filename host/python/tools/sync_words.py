"""What the synchronous face says in words of its own, where those of the asyncio face are about tasks.

By module and name. `tools.sync_face` puts them in the place of the docstring there, and refuses what has no such place.
"""

from __future__ import annotations

WORDS = {
    "_sync.py": {
        "": "Gates, limiters and breakers for threads.",
        "Tidegate": """
Resilience policies on a store, for threads. `tidegate.aio.Tidegate` is the same for asyncio.

``store`` is a `Memory`, which gates of this process may share, or a `Redis` or its URL, which processes share; by
default a memory of its own. ``clock`` is the system's unless a `ManualClock` is given. A `Redis` connects in the
background; until it has, calls wait for it as long as for an answer.

In a forked child a gate starts anew: with a connection of its own, and an empty memory.
""",
        "Tidegate.__init__": """
Opens a gate.

``component_file`` runs another component of the same world, which is compiled at the first start, for half a
second. Its code is kept in ``code_cache``, the absolute path of a folder in which only this user may write,
in the user's cache folder unless set; False: nowhere. The built-in component needs none of that.

With a shared store, ``max_known`` is of how many entities to remember what was last seen (65,536),
``max_batch`` how many calls on one go out together (256), ``max_waiting`` how many calls may wait for the store
in this process before one more ends in `OverloadedError` (1,000,000), ``max_attempts`` how often a call is
committed before it ends in `ContendedError` (64), and ``flush_delay_ms`` how long successes of a closed circuit
are kept back to be recorded together (20). What the store has refused is refused again without asking it for
``max_staleness_ms`` (at most 100, as by default).

``store_watch`` says when a shared store counts as away, so that calls are answered at once instead of waiting
for it; None: it is asked every time. ``on_store_change`` is called when a shared store goes away, is tried
again or comes back: in the order of the changes, one at a time, in any thread. It must return at once; for
asyncio, let it hand over by ``loop.call_soon_threadsafe``.

With ``require_shared``, or unless that is said where the environment has ``TIDEGATE_ENV=production``, a gate in
memory is a `ConfigError`: what is counted there is counted in each process.
""",
        "Tidegate.rate_limiter": """
Opens a rate limiter, by its name and settings or by a mapping with all of them as JSON has them.

Limiters of the same name on the same store share the state of their keys. A call needs room in all ``limits``
(``limit`` is one of them) and is charged in all or none. By default a call over a limit is denied, every call
is charged by itself, without a ``lease``, and a store that is away is an error. Raises `ConfigError` with all
problems.
""",
        "Tidegate.circuit_breaker": """
Opens a circuit breaker, by its name and settings or by a mapping with all of them as JSON has them.

Circuits of the same name on the same store are one circuit. ``trip`` says when it opens, ``consecutive=5`` is
short for ``trip=Trip(consecutive=5)``; it stays open for ``open_ms`` (30,000). Errors that match one of
``ignored`` (none) are neither failure nor success, nor are those that match none of ``monitored`` (all), unless
``others`` is ``success``; both take exception classes too, each with its subclasses. How its calls
go say ``count_refusals`` and, for this handle alone, the last three: see `CircuitBreaker.__call__`. Raises
`ConfigError`.
""",
        "Tidegate.ready": """
Waits until a shared store does what a call asks of it, for ``timeout_ms`` milliseconds at most.

For when a service starts; no call needs it. A memory is always ready; of a cluster it is one of the nodes.
Raises `StoreError` when the time is over, with what the store last failed with.
""",
    },
    "nodes.py": {
        "": """
The functions of workflow engines, on a gate of this process that nobody has to open.

Configurations come with every call and are checked once; the last 256 of them stay open. The default gate keeps its
state in memory, one for `tidegate.nodes` and `tidegate.aio.nodes`, unless `set_default_gate` gives another.
""",
    },
    "_sync_nodes.py": {
        "": "Workflow nodes for threads: the part of a gate that has to do with them.",
    },
    "_strategies/circuit_breaker/sync_circuit.py": {
        "": "What circuit breakers ask their circuits and tell them, for threads.",
    },
    "_strategies/circuit_breaker/node/sync_node.py": {
        "": "Circuit breaker nodes for threads: the JSON configurations and contexts that workflow engines send.",
        "CircuitBreakerNode": """
A handle on a circuit breaker node, to be shared between threads. It holds no state of the circuit.
""",
        "CircuitBreakerNode.call": """
Makes a call through the circuit and records its outcome, or applies the fallback where it is refused.

An `Exception` counts as a failure and goes on to the caller; any other way out, such as Ctrl-C, gives the
admission back. For the rules of the call see `CircuitBreaker.__call__`. Raises `CircuitOpenError` where the
fallback is ``error``.
""",
    },
    "_strategies/rate_limiter/sync_handle.py": {
        "": "A handle on a rate limiter, for threads.",
        "RateLimiter": "A handle on a rate limiter, to be shared between threads. It holds no state of any key.",
        "RateLimiter.acquire": """
Asks for permits and waits for them, as the settings say; `RateLimitError` where they are denied.

Whoever stops waiting, such as by Ctrl-C, leaves the queue or gives the reserved place back.
""",
    },
    "_strategies/rate_limiter/node/sync_node.py": {
        "": "Rate limiter nodes for threads: the JSON configurations and contexts that workflow engines send.",
        "RateLimiterNode": """
A handle on a rate limiter node, to be shared between threads. It holds no state of any key.
""",
        "RateLimiterNode.execute": """
Asks for a permit and waits for it as the configuration says. A call that does not pass is a result as well.

Whoever stops waiting, such as by Ctrl-C, leaves the queue or gives the reserved place back.
Raises `InputError`, which names the field where the context has no key; `StoreError` and `ContendedError` with
a shared store.
""",
    },
}
