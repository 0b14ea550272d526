"""Settings from the JSON that all SDKs read, with its defaults, as records of the contract."""

from component import record
from wasmtime.component import Variant


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
