"""Rate limiters and their nodes, and their settings from the JSON that all SDKs read, with its defaults."""

from component import record
from log import camel, problems
from nodes import brought, output, result_of
from wasmtime.component import Variant

DECISION = (
    "verdict reason at-us charged-at-us full-at-us binding count limit remaining reset-after-ms retry-after-ms wait-ms position waiting"
    " ticket discarded leased release-after-ms"
).split()


def limiter(config):
    """A rate limiter's."""
    on_limit = config.get("onLimit", {"behavior": "reject"})
    lease = config.get("lease")
    return record(
        limits=[_limit(limit) for limit in config["limits"]],
        on_limit=_on_limit(on_limit),
        lease=lease and record(max_permits=lease["maxPermits"], life_ms=lease["lifeMs"]),
    )


def _limit(limit):
    window = record(unit=limit["window"], count=limit.get("windowCount", 1))
    return record(limit=limit["limit"], window=window, algorithm=_algorithm(limit.get("algorithm")))


def _algorithm(algorithm):
    algorithm = algorithm or {"name": "sliding-window"}
    name = algorithm["name"]
    if name == "sliding-window":
        return Variant(name, record(sub_windows=algorithm.get("subWindows", 64)))
    if name in ("gcra", "token-bucket"):
        return Variant(name, record(burst=algorithm.get("burst")))
    return Variant(name)


def _on_limit(on_limit):
    behavior = on_limit["behavior"]
    if behavior == "delay":
        return Variant(behavior, record(max_wait_ms=on_limit["maxWaitMs"]))
    if behavior == "queue":
        timeout_ms = on_limit["timeoutMs"]
        grace_ms = on_limit.get("graceMs")
        if grace_ms is None:
            grace_ms = min(max(timeout_ms, 1), 1_000)
        return Variant(behavior, record(max_size=on_limit["maxSize"], timeout_ms=timeout_ms, grace_ms=grace_ms))
    return Variant(behavior)


def decision_log(decision, degraded=False):
    return {**{camel(name): decision[name] for name in DECISION}, "degraded": degraded}


def decision_while_away(when_away):
    """What the settings say to answer while the store is away."""
    words = {"open": ("allowed", "none"), "closed": ("denied", "store-away")}[when_away]
    return decision_log({**dict.fromkeys(DECISION, 0), "leased": False, "verdict": words[0], "reason": words[1]}, True)


def acquire(_, args, given):
    return [args["cost"], args["priority"], given(args["ticket"], "ticket") or 0]


def refund(_, args, given):
    charged_at_us, full_at_us = given(args["charged"], "chargedAtUs"), given(args["charged"], "fullAtUs")
    return [args["cost"], charged_at_us, full_at_us] if charged_at_us else None


def cancel(_, args, given):
    ticket = given(args["ticket"], "ticket")
    return [ticket] if ticket else None


def cost(_limiter, args, _given):
    return [args["cost"]]


class Limiter:
    tag, interface, resource = "rl", "rate-limiter", "limiter"
    settings = staticmethod(limiter)
    calls = {
        "acquire": acquire,
        "try-acquire": cost,
        "peek": cost,
        "refund": refund,
        "charge": cost,
        "cancel": cancel,
        "reset": lambda *_: [],
    }

    @staticmethod
    def on_memory(config):
        """Its settings on a memory store, where a lease saves no round trip."""
        return {**config, "lease": None}

    @staticmethod
    def entity(limiter, args):
        return "rl", limiter.config["name"], args["key"]

    @staticmethod
    def answer(method, answer):
        if method == "cancel":
            return {"wasWaiting": answer}
        if method == "reset":
            return {"done": True}
        if isinstance(answer, Variant):
            if answer.tag == "err":
                return {"fault": vars(answer.payload)}
            answer = answer.payload
        return {"decision": decision_log(vars(answer))}

    @staticmethod
    def away(when_away, call):
        if when_away == "error" or call in ("cancel", "reset"):
            return {"error": "store"}
        # What was used already is never refused.
        return {"decision": decision_while_away("open" if call == "charge" else when_away)}


def step(node, args, given):
    subject = node.ask("subject", args["context"])
    return [subject.priority, brought(args, given) or ""]


def abandon(_, args, given):
    token = brought(args, given)
    return None if token is None else [token]


class LimiterNode:
    tag, interface, resource = "rl", "nodes", "rate-limiter-node"
    # A node is opened on text.
    settings = str
    calls = {
        "subject": lambda node, args, _: {"subject": vars(node.ask("subject", args["context"]))},
        "step": step,
        "abandon": abandon,
        "output": output,
    }

    @staticmethod
    def entity(node, args):
        subject = node.ask("subject", args["context"])
        return subject if isinstance(subject, list) else ("rl", subject.name, subject.key)

    @staticmethod
    def answer(_, answer):
        if isinstance(answer, bool):
            return {"held": answer}
        if isinstance(answer, list):
            return {"problems": problems(answer)}
        step = vars(answer)
        logged = {"done": step["done"], "waitMs": step["wait-ms"], "token": step["token"], "result": result_of(step)}
        return {"nodeStep": logged}

    @staticmethod
    def away(_when_away, _call):
        return {"error": "store"}
