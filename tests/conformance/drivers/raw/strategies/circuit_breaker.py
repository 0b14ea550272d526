"""Circuit breakers and their nodes, and their settings from the JSON that all SDKs read, with its defaults."""

from component import record
from log import camel, number, problems
from nodes import brought, output, result_of
from wasmtime.component import Variant

REPORT = (
    "effect state mode generation permit failures consecutive calls failed slow failure-rate slow-rate successes probes"
    " retry-after-ms last-failure-us event discarded"
).split()



def breaker(config):
    """A circuit breaker's."""
    half_open = config.get("halfOpen", {})
    backoff = config.get("backoff")
    return record(
        trip=_trip(config["trip"]),
        open_ms=config.get("openMs", 30_000),
        backoff=backoff and record(factor=float(backoff["factor"]), cap_ms=backoff["capMs"]),
        half_open=record(
            probes=half_open.get("probes", 1),
            successes=half_open.get("successes", 1),
            permit_ms=half_open.get("permitMs", 60_000),
            rule=_probe_rule(half_open.get("rule", "first-failure")),
        ),
        monitored=_patterns(config.get("monitored", [])),
        others=config.get("others", "ignored"),
        ignored=_patterns(config.get("ignored", [])),
        mode=config.get("mode", "normal"),
    )


def _probe_rule(rule):
    # Payloads of which each has a type of its own are given without their variant: nothing, a
    # number, a record.
    if rule == "first-failure":
        return None
    if "ratio" in rule:
        return rule["ratio"]["of"]
    rate = rule["rate"]
    return record(percent=float(rate["percent"]), of=rate["of"])


def _trip(trip):
    failures, rate, slow = trip.get("failures"), trip.get("failureRatePercent"), trip.get("slowRate")
    sample = trip.get("sample", {"windowMs": 60_000})
    by_time = "windowMs" in sample
    return record(
        failures=failures and record(count=failures["count"], within_ms=failures["withinMs"]),
        consecutive=trip.get("consecutive"),
        failure_rate=None if rate is None else record(percent=float(rate)),
        slow_rate=slow and record(percent=float(slow["percent"]), slower_than_ms=slow["slowerThanMs"]),
        sample=Variant("window-ms" if by_time else "calls", sample["windowMs"] if by_time else sample["calls"]),
        minimum_calls=trip.get("minimumCalls", 10),
    )


def _patterns(patterns):
    return [record(part=pattern.get("part", "any"), pattern=pattern["pattern"]) for pattern in patterns]


def report_log(report, degraded=False):
    logged = {camel(name): number(report[name]) for name in REPORT}
    permit, event = vars(report["permit"]), vars(report["event"])
    logged["permit"] = {camel(k): v for k, v in permit.items()} if report["effect"] == "admitted" else None
    logged["event"] = event if event["cause"] != "none" else None
    return {**logged, "degraded": degraded}


def report_while_away(when_away):
    if when_away == "open":
        return blind_report("admitted", "closed", {"generation": 0, "admittedAtUs": 0, "probe": 0})
    return blind_report("refused-away", "open", None)


def blind_report(effect, state, permit):
    """What is answered without looking at anything."""
    empty = {**dict.fromkeys(map(camel, REPORT), 0), "permit": permit, "lastFailureUs": None, "event": None}
    return {**empty, "effect": effect, "state": state, "mode": "normal", "degraded": True}


def errors(error):
    """An error and its causes, each before its own, as records of the contract."""
    texts = {name: text for name, text in error.items() if name != "causes"}
    return [record(**texts)] + [each for cause in error["causes"] for each in errors(cause)]


def outcome(_, args, given):
    permit = given(args["permit"], "permit")
    if not permit:
        return None
    if given(args["permit"], "degraded"):
        # It was admitted without the store, and counts nowhere.
        return {"report": blind_report("ignored", "closed", None)}
    generation, admitted_at_us, probe = permit.values()
    permit = record(generation=generation, admitted_at_us=admitted_at_us, probe=probe)
    return [permit, args["elapsedMs"]]


def failed(breaker, args, given):
    brings = outcome(breaker, args, given)
    return [*brings, errors(args["error"])] if isinstance(brings, list) else brings


class Breaker:
    tag, interface, resource = "cb", "circuit-breaker", "breaker"
    settings = staticmethod(breaker)
    calls = {
        "admit": lambda *_: [],
        "succeeded": outcome,
        "failed": failed,
        "cancelled": outcome,
        "status": lambda *_: [],
        "set-mode": lambda _breaker, args, _: [args["mode"]],
        "reset": lambda *_: [],
    }

    @staticmethod
    def entity(breaker, args):
        return "cb", breaker.config["name"], args["key"]

    @staticmethod
    def answer(_, answer):
        report = vars(answer)
        return {"report": report_log(report), "settle": report["settle"]}

    @staticmethod
    def away(when_away, call):
        return {"report": report_while_away(when_away)} if when_away != "error" and call == "admit" else {"error": "store"}


def token(_, args, given):
    return [brought(args, given) or ""]


class BreakerNode:
    tag, interface, resource = "cb", "nodes", "circuit-breaker-node"
    # A node is opened on text.
    settings = str
    calls = {
        "admit": lambda *_: [],
        "succeeded": token,
        "failed": lambda _node, args, given: [brought(args, given) or "", errors(args["error"])],
        "cancelled": token,
        "status": lambda *_: [],
        "output": output,
    }

    @staticmethod
    def entity(node, _):
        return "cb", node.ask("circuit-id"), ""

    @staticmethod
    def answer(_, answer):
        if isinstance(answer, list):
            return {"problems": problems(answer)}
        step = vars(answer)
        report = vars(step["report"])
        logged = {"token": step["token"], "result": result_of(step), "report": report_log(report)}
        return {"circuitStep": logged, "settle": report["settle"]}

    @staticmethod
    def away(_when_away, _call):
        return {"error": "store"}
