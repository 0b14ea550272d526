"""How the Python package makes the calls of each strategy.

The rest of the driver asks the list here and names no strategy. A kind has the function that opens it, whether it is a
node, the entity that a stranger writes to, whether its calls leave something that settles later, `log`, which says what
the log has of an answer, and its calls: each is given the policy, the arguments, and a way to what an earlier step gave.
It gives an answer, or a dictionary where the log has no more of it.
"""

from strategies.circuit_breaker import Breaker, BreakerNode
from strategies.rate_limiter import Limiter, LimiterNode

KINDS = {"limiter": Limiter, "breaker": Breaker, "limiter-node": LimiterNode, "breaker-node": BreakerNode}
