"""Rate limiters and their nodes."""

from log import DONE, SKIPPED, brought, camel, output, result_log

from tidegate import Tidegate

DECISION = (
    "verdict reason at_us charged_at_us full_at_us binding count limit remaining reset_after_ms retry_after_ms wait_ms position waiting"
    " ticket discarded leased release_after_ms degraded"
).split()


def cancel(limiter, args, given):
    ticket = getattr(given(args["ticket"]), "ticket", None)
    return SKIPPED if ticket is None else {"wasWaiting": limiter.cancel(args["key"], ticket)}


def acquire(limiter, args, given):
    ticket = getattr(given(args["ticket"]), "ticket", None)
    return limiter.decide(args["key"], ticket, cost=args["cost"], priority=args["priority"])


def refund(limiter, args, given):
    charged = given(args["charged"])
    if not getattr(charged, "charged_at_us", None):
        return SKIPPED
    return limiter.refund(args["key"], charged, cost=args["cost"])


def reset(limiter, args, _):
    limiter.reset(args["key"])
    return DONE


class Limiter:
    open = Tidegate.rate_limiter
    is_node = False
    settles_later = False
    calls = {
        "acquire": acquire,
        "try-acquire": lambda limiter, args, _: limiter.try_acquire(args["key"], cost=args["cost"]),
        "peek": lambda limiter, args, _: limiter.peek(args["key"], cost=args["cost"]),
        "refund": refund,
        "charge": lambda limiter, args, _: limiter.charge(args["key"], args["cost"]),
        "cancel": cancel,
        "reset": reset,
    }

    @staticmethod
    def entity(limiter, args):
        return "rl", limiter.name, args["key"]

    @staticmethod
    def log(decision):
        """A decision; 0 for what is absent."""
        fields = {camel(name): getattr(decision, name) for name in DECISION}
        return {"decision": {name: 0 if value is None else value for name, value in fields.items()}}


def subject(node, args, _):
    found = node.subject(args["context"])
    return {"subject": {"name": found.name, "key": found.key, "priority": found.priority}}


def step(node, args, given):
    token = brought(args, given)
    return node.begin(args["context"]) if token is None else node.step(args["context"], token)


def abandon(node, args, given):
    token = brought(args, given)
    return SKIPPED if token is None else {"held": node.abandon(args["context"], token)}


class LimiterNode:
    open = Tidegate.rate_limiter_node
    is_node = True
    settles_later = False
    calls = {
        "subject": subject,
        "step": step,
        "abandon": abandon,
        "output": lambda node, args, given: output(node, args["context"], given(args["result"])),
    }

    @staticmethod
    def entity(node, args):
        found = node.subject(args["context"])
        return "rl", found.name, found.key

    @staticmethod
    def log(given):
        logged = {"done": given.done, "waitMs": given.wait_ms, "token": given.token or "", "result": result_log(given)}
        return {"nodeStep": logged}
