"""A workflow of many API calls behind a rate limiter and a circuit breaker.

What an item of the workflow does is in ``workflow.py``: read that to learn how Tidegate is used. The rest is the stage:
a local server that fails for a while, worker processes, live progress, and a summary that is counted from what
happened.
"""
