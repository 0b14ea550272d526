"""Time is set back an hour. Before: known keys denied, circuits open, waiters waiting for that hour. Run with FAKETIME_TIMESTAMP_FILE=$F FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 LD_PRELOAD=.../libfaketimeMT.so.1 python clock_back.py"""
import os, time, threading, asyncio
from tidegate import *
from tidegate import aio
F=os.environ['FAKETIME_TIMESTAMP_FILE']
g=Tidegate(); algs=[SlidingWindow(),Gcra(),TokenBucket(),FixedWindow(),SlidingWindowCounter(),SlidingLog()]
ls=[g.rate_limiter(type(a).__name__,limit=Limit(5,'second',algorithm=a)) for a in algs]
for l in ls:
    while l.try_acquire('k'): pass
b=g.circuit_breaker('b',consecutive=1,open_ms=500)
try: b.call(lambda: 1/0)
except ZeroDivisionError: pass
q=g.rate_limiter('q',limit=Limit.per_second(1),on_limit=Queue(9,timeout_ms=2000)); q.acquire('k')
open(F,'w').write('-3600s\n'); 
t=time.monotonic()
while time.monotonic()-t<3: __import__("select").select([],[],[],.2)
for l in ls: d=l.try_acquire('k'); print('3 s after the clock was set back an hour, 5 a second:',l.name.ljust(22),d.verdict)
print('circuit opened for 500 ms, 3 s ago:',b.status().state)
def w():
    t=time.monotonic()
    try: q.acquire('k'); print('queue: through within its timeout:',time.monotonic()-t<2.5)
    except RateLimitError as e: print('queue:',e.decision.reason,'after %.1f s'%(time.monotonic()-t))
th=threading.Thread(target=w,daemon=True); th.start(); [__import__("select").select([],[],[],.5) for _ in range(16)]; print('a waiter with timeout_ms=2000 is still waiting after 8 s:', th.is_alive(), 'position', q.peek('k').waiting)
