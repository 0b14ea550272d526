"""How the component makes the calls of each strategy.

The rest of the driver asks the list here and names no strategy. A kind has its tag in keys, the interface and the
resource of the component, and `settings`, which makes a record of them; `entity`, which names what a step is about;
`calls`, each of which gives the arguments of the method, or None where what it would bring was not given, or the answer;
`answer`, which says what the log has of what the component answers; and `away`, for a store that does not answer.
"""

from strategies.circuit_breaker import Breaker, BreakerNode
from strategies.rate_limiter import Limiter, LimiterNode

KINDS = {"limiter": Limiter, "breaker": Breaker, "limiter-node": LimiterNode, "breaker-node": BreakerNode}
