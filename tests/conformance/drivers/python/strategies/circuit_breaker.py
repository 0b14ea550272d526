"""Circuit breakers and their nodes."""

from log import SKIPPED, brought, camel, number, output, result_log

from tidegate import Failure, Tidegate

REPORT = (
    "effect state mode generation permit failures consecutive calls failed slow failure_rate slow_rate successes probes"
    " retry_after_ms last_failure_us event discarded degraded"
).split()


def report_log(report):
    """A circuit's report; None for what is absent."""
    logged = {camel(name): number(getattr(report, name)) for name in REPORT}
    permit, event = report.permit, report.event
    logged["permit"] = permit and {
        "generation": permit.generation,
        "admittedAtUs": permit.admitted_at_us,
        "probe": permit.probe,
    }
    logged["event"] = event and {"cause": event.cause, "before": event.before, "after": event.after}
    return logged


def failure(error):
    """What a call failed with, and its causes."""
    return Failure(**{**error, "causes": tuple(failure(cause) for cause in error["causes"])})


def outcome(report):
    """A call that brings a permit, if that was given."""

    def call(breaker, args, given):
        permit = getattr(given(args["permit"]), "permit", None)
        return SKIPPED if permit is None else report(breaker.keyed(args["key"]), permit, args)

    return call


class Breaker:
    open = Tidegate.circuit_breaker
    is_node = False
    settles_later = True
    calls = {
        "admit": lambda breaker, args, _: breaker.keyed(args["key"]).admit(),
        "status": lambda breaker, args, _: breaker.keyed(args["key"]).status(),
        "reset": lambda breaker, args, _: breaker.keyed(args["key"]).reset(),
        "set-mode": lambda breaker, args, _: breaker.keyed(args["key"]).set_mode(args["mode"]),
        "succeeded": outcome(lambda breaker, permit, args: breaker.succeeded(permit, elapsed_ms=args["elapsedMs"])),
        "failed": outcome(
            lambda breaker, permit, args: breaker.failed(permit, failure(args["error"]), elapsed_ms=args["elapsedMs"])
        ),
        "cancelled": outcome(lambda breaker, permit, args: breaker.cancelled(permit, elapsed_ms=args["elapsedMs"])),
    }

    @staticmethod
    def entity(breaker, args):
        return "cb", breaker.name, args["key"]

    @staticmethod
    def log(report):
        return {"report": report_log(report)}


class BreakerNode:
    open = Tidegate.circuit_breaker_node
    is_node = True
    settles_later = True
    calls = {
        "admit": lambda node, _args, _: node.admit(),
        "status": lambda node, _args, _: node.status(),
        "succeeded": lambda node, args, given: node.succeeded(brought(args, given)),
        "failed": lambda node, args, given: node.failed(failure(args["error"]), brought(args, given)),
        "cancelled": lambda node, args, given: node.cancelled(brought(args, given)),
        "output": lambda node, args, given: output(node, args["context"], given(args["result"])),
    }

    @staticmethod
    def entity(node, _):
        return "cb", node.circuit_id, ""

    @staticmethod
    def log(given):
        logged = {"token": given.token or "", "result": result_log(given), "report": report_log(given.report)}
        return {"circuitStep": logged}
