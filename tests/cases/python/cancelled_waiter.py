"""The place of a waiter, or of a probe, that has been cancelled. Before: still taken when its task had ended. PORT: a Redis."""
import asyncio, os
from tidegate import CircuitOpenError, Limit, Queue, RateLimitError, Redis, aio
async def run(name, store):
    gate = aio.Tidegate(store); limiter = gate.rate_limiter("cw", limit=Limit.per_minute(1), on_limit=Queue(1, 60_000)); key = os.urandom(4).hex(); await limiter.acquire(key); refused = 0
    for _ in range(40):
        task = asyncio.create_task(limiter.acquire(key)); await asyncio.sleep(.01); task.cancel()
        try: await task
        except asyncio.CancelledError: pass
        except RateLimitError: refused += 1
    breaker = gate.circuit_breaker("cw" + key, consecutive=1, open_ms=30); probes = 0
    async def bad(): raise ValueError
    try: await breaker.call(bad)
    except ValueError: pass
    await asyncio.sleep(.05)
    for _ in range(40):
        try: await asyncio.wait_for(breaker.call(asyncio.sleep, 5), .01)
        except TimeoutError: pass
        except CircuitOpenError: probes += 1
    print(name, "| a queue of 1, 40 callers one after the other, each cancelled and awaited; refused as queue-full:", refused, "| 40 probes cut off, refused-probes:", probes)
asyncio.run(run("memory", None)); asyncio.run(run("redis ", Redis(f"redis://127.0.0.1:{os.environ.get('PORT', 6379)}", timeout_ms=1000)))
