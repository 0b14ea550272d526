"""Reading an error may fail. Before: what that raised replaced the error, counted nothing, and kept a probe's place for permit_ms."""
import os, time
from tidegate import Failure, Tidegate
class Lazy(Exception):
    @property
    def code(self): raise RuntimeError("the session is detached")
def guard(name, make):
    breaker = Tidegate().circuit_breaker(name, consecutive=1, open_ms=30); seen = []
    def work(error): raise error
    try: breaker.call(work, ValueError("opens it"))
    except ValueError: pass
    time.sleep(.05)
    for error in (make(), ValueError("next")):
        try: breaker.call(work, error)
        except Exception as e: seen.append(type(e).__name__)
    print(name.ljust(40), "raised:", seen, "state:", breaker.status().state)
guard("text that is not UTF-8 (os.fsdecode)", lambda: OSError(os.fsdecode(b"bad \xff byte")))
guard("a property that raises", Lazy)
breaker = Tidegate().circuit_breaker("failure_of", consecutive=1)
try:
    with breaker.permit(failure_of=lambda e: Failure(e.missing)): raise ConnectionError("the real one")
except Exception as e: print("failure_of that raises:", repr(e), breaker.status().state)
