"""Drives the conformance cases on the Python package: cases as JSON lines in, decision logs out.

See tests/conformance/README.md.
"""

import json
import re
import sys

from tidegate import (
    CircuitReport,
    ConfigError,
    ContendedError,
    CostNeverFitsError,
    Decision,
    Failure,
    InputError,
    ManualClock,
    Memory,
    NodeStep,
    Permit,
    StoreError,
    Tidegate,
)
from tidegate.testing import ScriptedStore

OPENERS = {
    "limiter": Tidegate.rate_limiter,
    "breaker": Tidegate.circuit_breaker,
    "limiter-node": Tidegate.rate_limiter_node,
    "breaker-node": Tidegate.circuit_breaker_node,
}
FAULT = ("cost", "binding", "limit", "count", "remaining")
DECISION = (
    "verdict reason at_us charged_at_us full_at_us binding count limit remaining reset_after_ms retry_after_ms wait_ms position waiting"
    " ticket discarded leased release_after_ms degraded"
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


def log_of(given):
    """An answer as the log has it."""
    if isinstance(given, Decision):
        return {"decision": decision_log(given)}
    if isinstance(given, CircuitReport):
        return {"report": report_log(given)}
    result = given.result and given.result.to_dict()
    if isinstance(given, NodeStep):
        step = {"done": given.done, "waitMs": given.wait_ms, "token": given.token or "", "result": result}
        return {"nodeStep": step}
    return {"circuitStep": {"token": given.token or "", "result": result, "report": report_log(given.report)}}


def contract_problems(error):
    """Problems of settings as the contract spells them; the host spells them as the caller wrote the settings."""

    def kebab(name):
        return re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name)

    def phrase(allowed):
        return re.sub("`[^`]*`", lambda name: kebab(name[0]), allowed)

    return [{"path": kebab(p.path), "value": p.value, "allowed": phrase(p.allowed)} for p in error.problems]


def problems_of(error):
    """Problems as the log has them."""
    return [{"path": p.path, "value": p.value, "allowed": p.allowed} for p in error.problems]


def limit_node(node, step, context, token):
    """A call of a rate limiter node."""
    if step["call"] == "subject":
        subject = node.subject(context)
        return {"subject": {"name": subject.name, "key": subject.key, "priority": subject.priority}}
    if step["call"] == "abandon":
        return {"skipped": True} if token is None else {"held": node.abandon(context, token)}
    return node.begin(context) if token is None else node.step(context, token)


def failure(error):
    """What a call failed with, and its causes."""
    return Failure(**{**error, "causes": tuple(failure(cause) for cause in error["causes"])})


def guard_node(node, step, token):
    """A call of a circuit breaker node."""
    if step["call"] == "failed":
        return node.failed(failure(step["error"]), token)
    if step["call"] in ("succeeded", "cancelled"):
        return getattr(node, step["call"])(token)
    return getattr(node, step["call"])()


class Stage:
    """A run in progress: hosts on their store and clocks."""

    def __init__(self, run):
        self.run = run
        self.clock = ManualClock(run["atUs"])
        # When the latest lease of each host ends.
        self.leases = {}
        memory = Memory()
        self.scripted = ScriptedStore(memory, self.clock, json.dumps(run["replies"]))
        store = memory if run["store"] == "memory" else self.scripted
        self.hosts = []
        for host in run["hosts"]:
            clock = ManualClock(run["atUs"] + host["offsetUs"])
            # No refusal from memory: this suite compares what is committed, and asks the store each
            # time. Every call is to reach the script, however often the store was away.
            gate = Tidegate(store, clock, max_staleness_ms=0, store_watch=None)
            self.hosts.append((gate, clock, host["offsetUs"], {}))
        self.kinds = {policy["id"]: policy for policy in run["policies"]}
        # What each step gave that a later one may bring back: a decision or a report.
        self.given = []

    def open(self, policy):
        """Opens a policy in every host; the problems of its settings."""
        try:
            for gate, _, _, policies in self.hosts:
                policies[policy["id"]] = OPENERS[policy["kind"]](gate, policy["config"])
        except ConfigError as error:
            return problems_of(error) if policy["kind"].endswith("-node") else contract_problems(error)
        return []

    def make(self, step):
        """Makes the call of a step; the answer as the log has it."""
        self.clock.set_us(step["atUs"])
        for _, clock, offset_us, _ in self.hosts:
            clock.set_us(step["atUs"] + offset_us)
        self.release(step["atUs"])
        gate, _, _, policies = self.hosts[step["host"]]
        policy, kind = policies[step["policy"]], self.kinds[step["policy"]]["kind"]
        given = None
        try:
            if step["call"] == "write":
                answer = self.write(policy, kind, step)
            else:
                given = self.call(policy, kind, step)
                answer = given if isinstance(given, dict) else log_of(given)
        except CostNeverFitsError as never:
            answer = {"fault": {name: getattr(never, name) for name in FAULT}}
        except ContendedError:
            answer = {"error": "contended"}
        except StoreError:
            answer = {"error": "store"}
        except InputError as error:
            answer = {"problems": problems_of(error)}
        release_after_ms = answer.get("decision", {}).get("releaseAfterMs", 0)
        if release_after_ms:
            self.leases[step["host"]] = step["atUs"] + release_after_ms * 1_000
        if kind.startswith("breaker"):
            # What settles in the background settles before the next step.
            gate.flush()
        self.given.append(given)
        return answer

    def release(self, now_us):
        """Waits until what is left of leases that have ended is given back."""
        for host, ends_us in list(self.leases.items()):
            if ends_us <= now_us:
                del self.leases[host]
                self.hosts[host][0].flush()

    def commits(self):
        """What a scripted store was sent since this was last asked."""
        commits = self.scripted.take_commits()
        return [json.loads(commit) for commit in commits] if self.run["store"] == "scripted" else []

    def write(self, policy, kind, step):
        cell = step["write"]
        if kind == "limiter-node":
            subject = policy.subject(step["context"])
            entity = ("rl", subject.name, subject.key)
        elif kind == "breaker-node":
            entity = ("cb", policy.circuit_id, "")
        else:
            entity = ("rl" if kind == "limiter" else "cb", policy.name, step["key"])
        self.scripted.write(entity, cell["cell"], cell["text"], cell["ttlMs"])
        return {"done": True}

    def call(self, policy, kind, step):
        """What a call answers, or what the log says where there is no answer."""
        if kind == "limiter":
            return self.limit(policy, step)
        if kind == "breaker":
            return self.guard(policy.keyed(step["key"]), step)
        token = step["token"] or self.earlier(step["ticketOf"], "token")
        result = self.earlier(step["resultOf"], "result")
        context = step["context"] or "{}"
        if step["call"] == "output":
            return {"skipped": True} if result is None else {"output": policy.output(context, result)}
        return limit_node(policy, step, context, token) if kind == "limiter-node" else guard_node(policy, step, token)

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
        if call == "charge":
            return limiter.charge(key, cost)
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
            return breaker.cancelled(permit, elapsed_ms=step["elapsedMs"])
        if call == "succeeded":
            return breaker.succeeded(permit, elapsed_ms=step["elapsedMs"])
        return breaker.failed(permit, failure(step["error"]), elapsed_ms=step["elapsedMs"])


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
