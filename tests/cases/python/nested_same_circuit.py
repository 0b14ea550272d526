"""A function guarded by a circuit calls another of the same circuit: before, with one probe it never closed again."""
import time
from tidegate import Tidegate
breaker = Tidegate().circuit_breaker("db", consecutive=1, open_ms=50)
@breaker
def get(): return 1
@breaker
def get_all(): return [get()]
print(get_all())
try: breaker.call(lambda: 1 / 0)
except ZeroDivisionError: pass
for _ in range(5):
    time.sleep(.06)
    try: print(get_all())
    except Exception as e: print(e)
