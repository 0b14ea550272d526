"""Drives the conformance cases on the Python package: cases as JSON lines in, decision logs out.

See tests/conformance/README.md.
"""

import json
import sys

from tidegate import (
    ConfigError,
    ContendedError,
    CostNeverFitsError,
    Failure,
    ManualClock,
    Memory,
    Permit,
    StoreError,
    Tidegate,
)
from tidegate.testing import ScriptedStore

KINDS = {"limiter": "rl", "breaker": "cb"}
DECISION = (
    "verdict reason at_us charged_at_us binding count limit remaining reset_after_ms retry_after_ms wait_ms position waiting"
    " ticket discarded degraded"
).split()
REPORT = (
    "effect state mode generation permit failures consecutive calls failed slow failure_rate slow_rate successes probes"
    " retry_after_ms last_failure_us event discarded degraded"
).split()


def camel(name):
    """`charged_at_us` as `chargedAtUs`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def decision_log(decision):
    """A decision; 0 where there is none of something."""
    fields = {camel(name): getattr(decision, name) for name in DECISION}
    return {name: 0 if value is None else value for name, value in fields.items()}


def report_log(report):
    """A circuit's report; None where there is none of something."""
    logged = {camel(name): number(getattr(report, name)) for name in REPORT}
    permit, event = report.permit, report.event
    logged["permit"] = permit and {
        "generation": permit.generation,
        "admittedAtUs": permit.admitted_at_us,
        "probe": permit.probe,
    }
    logged["event"] = event and {"cause": event.cause, "before": event.before, "after": event.after}
    return logged


def number(value):
    """A rate as JSON writes whole numbers: without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Stage:
    """A run in progress: hosts on their store and clocks."""

    def __init__(self, run):
        self.run = run
        self.clock = ManualClock(run["atUs"])
        memory = Memory()
        self.scripted = ScriptedStore(memory, self.clock, json.dumps(run["replies"]))
        store = memory if run["store"] == "memory" else self.scripted
        self.hosts = []
        for host in run["hosts"]:
            clock = ManualClock(run["atUs"] + host["offsetUs"])
            # No refusal from memory: this suite compares what is committed, and asks the store each time.
            gate = Tidegate(store, clock, max_staleness_ms=0)
            self.hosts.append((gate, clock, host["offsetUs"], {}))
        self.kinds = {policy["id"]: policy for policy in run["policies"]}
        # What each step gave that a later one may bring back: a decision or a report.
        self.given = []

    def open(self, policy):
        """Opens a policy in every host; the problems of its settings."""
        try:
            for gate, _, _, policies in self.hosts:
                make = gate.rate_limiter if policy["kind"] == "limiter" else gate.circuit_breaker
                policies[policy["id"]] = make(policy["config"])
        except ConfigError as error:
            return [{"path": p.path, "value": p.value, "allowed": p.allowed} for p in error.problems]
        return []

    def make(self, step):
        """Makes the call of a step; the answer as the log has it."""
        self.clock.set_us(step["atUs"])
        for _, clock, offset_us, _ in self.hosts:
            clock.set_us(step["atUs"] + offset_us)
        gate, _, _, policies = self.hosts[step["host"]]
        policy, kind = policies[step["policy"]], self.kinds[step["policy"]]["kind"]
        given = None
        try:
            if step["call"] == "write":
                answer = self.write(policy, kind, step)
            elif kind == "limiter":
                given = self.limit(policy, step)
                answer = given if isinstance(given, dict) else {"decision": decision_log(given)}
            else:
                given = self.guard(policy.keyed(step["key"]), step)
                answer = given if isinstance(given, dict) else {"report": report_log(given)}
        except CostNeverFitsError:
            answer = {"fault": "cost-never-fits"}
        except ContendedError:
            answer = {"error": "contended"}
        except StoreError:
            answer = {"error": "store"}
        if kind == "breaker":
            # What settles in the background settles before the next step.
            gate.flush()
        self.given.append(given)
        return answer

    def commits(self):
        """What a scripted store was sent since this was last asked."""
        commits = self.scripted.take_commits()
        return [json.loads(commit) for commit in commits] if self.run["store"] == "scripted" else []

    def write(self, policy, kind, step):
        cell = step["write"]
        entity = (KINDS[kind], policy.name, step["key"])
        self.scripted.write(entity, cell["cell"], cell["text"], cell["ttlMs"])
        return {"done": True}

    def earlier(self, index, name):
        return None if index is None else getattr(self.given[index], name, None)

    def limit(self, limiter, step):
        call, key, cost = step["call"], step["key"], step["cost"]
        ticket = self.earlier(step["ticketOf"], "ticket")
        if call == "acquire":
            return limiter.decide(key, ticket, cost=cost, priority=step["priority"])
        if call == "try-acquire":
            return limiter.try_acquire(key, cost=cost)
        if call == "peek":
            return limiter.peek(key, cost=cost)
        if call == "refund":
            charged = self.earlier(step["chargedBy"], "charged_at_us")
            return limiter.refund(key, self.given[step["chargedBy"]], cost=cost) if charged else {"skipped": True}
        if call == "cancel":
            return {"skipped": True} if ticket is None else {"wasWaiting": limiter.cancel(key, ticket)}
        limiter.reset(key)
        return {"done": True}

    def guard(self, breaker, step):
        call = step["call"]
        if call in ("admit", "status", "reset"):
            return getattr(breaker, call)()
        if call == "set-mode":
            return breaker.set_mode(step["mode"])
        permit: Permit | None = self.earlier(step["permitOf"], "permit")
        if permit is None:
            return {"skipped": True}
        if call == "cancelled":
            return breaker.cancelled(permit)
        if call == "succeeded":
            return breaker.succeeded(permit, elapsed_ms=step["elapsedMs"])
        return breaker.failed(permit, Failure(**step["error"]), elapsed_ms=step["elapsedMs"])


def play(run, write):
    """Plays a run and writes its log."""
    write({"case": run["case"]})
    stage, valid = Stage(run), True
    for policy in run["policies"]:
        problems = stage.open(policy)
        write({"open": policy["id"], "problems": problems})
        valid = valid and not problems
    for index, step in enumerate(run["steps"] if valid else []):
        answer = stage.make(step)
        for commit in stage.commits():
            write({"commit": commit})
        write({"step": index, **answer})
    write({"end": run["case"]})


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    out = sys.stdout

    def write(line):
        out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    for line in sys.stdin:
        play(json.loads(line), write)
        out.flush()


if __name__ == "__main__":
    main()
