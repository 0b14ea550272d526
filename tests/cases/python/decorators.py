"""Decorators on functions whose work happens later. Before: nothing was counted, nothing was said."""
import asyncio, time
from tidegate import CircuitOpenError, Limit, Queue, Tidegate, aio
gate = Tidegate()
b1, b2 = gate.circuit_breaker("coroutine", consecutive=2), gate.circuit_breaker("generator", consecutive=2)
@b1
async def fetch(): raise ConnectionError
@b2
def rows():
    yield 1
    raise ConnectionError
async def main():
    for _ in range(4):
        try: await fetch()
        except (ConnectionError, CircuitOpenError): pass
asyncio.run(main())
for _ in range(4):
    try: list(rows())
    except (ConnectionError, CircuitOpenError): pass
print("4 failures in a row, consecutive=2; async def:", b1.status().state, "generator:", b2.status().state)
limiter = gate.rate_limiter("l", limit=Limit.per_second(1), on_limit=Queue(9, 9_000))
@limiter.limit("k")
async def call(): return 1
async def blocked():
    ticks = 0
    async def ticker():
        nonlocal ticks
        while True: await asyncio.sleep(0.02); ticks += 1
    task = asyncio.create_task(ticker()); await asyncio.sleep(0); await call(); await call(); task.cancel()
    print("sync limiter on async def: the loop turned meanwhile:", ticks > 5)
asyncio.run(blocked())
ag = aio.Tidegate(); ab = ag.circuit_breaker("a", consecutive=2)
@ab
async def stream(): yield 1
@ab
def plain(): return 5
async def rest():
    try:
        async for _ in stream(): pass
    except TypeError as e: print("aio breaker on an async generator:", e)
    for _ in range(3):
        try: await plain()
        except Exception as e: print("aio breaker on a plain def:", type(e).__name__)
    print("the circuit, after mistakes of its caller:", (await ab.status()).state)
asyncio.run(rest())
