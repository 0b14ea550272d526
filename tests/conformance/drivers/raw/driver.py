"""Reads cases as JSON lines, makes their calls on this host and writes the decision log. See tests/conformance/README.md."""

import contextlib
import json
import sys

import nodes
import settings
from component import Policies, Variant, record
from ledger import Contended, Ledger
from store import Distant, Memory, Scripted, StoreAway, field_of

KINDS = {
    "limiter": ("rl", "rate-limiter", "limiter", settings.limiter),
    "breaker": ("cb", "circuit-breaker", "breaker", settings.breaker),
    # A node is opened on text.
    "limiter-node": ("rl", "nodes", "rate-limiter-node", str),
    "breaker-node": ("cb", "nodes", "circuit-breaker-node", str),
}
DECISION = (
    "verdict reason at-us charged-at-us full-at-us binding count limit remaining reset-after-ms retry-after-ms wait-ms position waiting"
    " ticket discarded leased release-after-ms"
).split()
REPORT = (
    "effect state mode generation permit failures consecutive calls failed slow failure-rate slow-rate successes probes"
    " retry-after-ms last-failure-us event discarded"
).split()


def camel(name):
    """`charged-at-us` as `chargedAtUs`."""
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)


def number(value):
    """A rate as JSON writes whole numbers: without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def decision_log(decision, degraded=False):
    return {**{camel(name): decision[name] for name in DECISION}, "degraded": degraded}


def report_log(report, degraded=False):
    logged = {camel(name): number(report[name]) for name in REPORT}
    permit, event = vars(report["permit"]), vars(report["event"])
    logged["permit"] = {camel(k): v for k, v in permit.items()} if report["effect"] == "admitted" else None
    logged["event"] = event if event["cause"] != "none" else None
    return {**logged, "degraded": degraded}


def decision_while_away(when_away):
    """What the settings say to answer while the store is away."""
    words = {"open": ("allowed", "none"), "closed": ("denied", "store-away")}[when_away]
    return decision_log({**dict.fromkeys(DECISION, 0), "leased": False, "verdict": words[0], "reason": words[1]}, True)


def report_while_away(when_away):
    if when_away == "open":
        return blind_report("admitted", "closed", {"generation": 0, "admittedAtUs": 0, "probe": 0})
    return blind_report("refused-away", "open", None)


def blind_report(effect, state, permit):
    """What is answered without looking at anything."""
    empty = {**dict.fromkeys(map(camel, REPORT), 0), "permit": permit, "lastFailureUs": None, "event": None}
    return {**empty, "effect": effect, "state": state, "mode": "normal", "degraded": True}


class Policy:
    """An opened policy with its settings."""

    def __init__(self, policies, described, on_memory):
        self.tag, self.interface, self.kind, convert = KINDS[described["kind"]]
        self.config = described["config"]
        self.policies = policies
        self.resource = policies.open(self.interface, self.kind, convert(self.config))
        leases = self.kind == "limiter" and self.config.get("lease")
        if leases and on_memory and not self.problems():
            # There is no round trip to save.
            policies.close(self.resource)
            self.resource = policies.open(self.interface, self.kind, convert({**self.config, "lease": None}))

    def problems(self):
        return nodes.problems(self.resource) if isinstance(self.resource, list) else []

    def entity(self, step):
        """Which entity a step is about."""
        if self.kind == "rate-limiter-node":
            subject = self.ask("subject", step["context"] or "{}")
            return subject if isinstance(subject, list) else (self.tag, subject.name, subject.key)
        if self.kind == "circuit-breaker-node":
            return self.tag, self.ask("circuit-id"), ""
        return self.tag, self.config["name"], step["key"]

    def ask(self, method, *arguments):
        """A call that decides nothing."""
        return self.policies.call(self.interface, f"[method]{self.kind}.{method}", self.resource, *arguments)

    def call(self, transaction, method, *arguments):
        self.policies.transaction = transaction
        return self.policies.call(self.interface, f"[method]{self.kind}.{method}", self.resource, 0, *arguments)

    def release(self, transaction):
        """Gives back what is left of a lease."""
        return self.call(transaction, "release", True)


class Case:
    """A case in progress."""

    def __init__(self, policies, case, write):
        self.case, self.write = case, write
        self.now_us = case["atUs"]
        self.memory = Memory()
        self.store = self._store()
        self.hosts = []
        for host in case["hosts"]:
            clock = lambda offset_us=host["offsetUs"]: self.now_us + offset_us  # noqa: E731
            self.hosts.append((clock, Ledger(self.store, clock)))
        on_memory = case["store"] == "memory"
        self.opened = {described["id"]: Policy(policies, described, on_memory) for described in case["policies"]}
        self.answers = []
        # When the latest lease of a host's entity ends, and the policy that took it.
        self.leases = {}

    def _store(self):
        def clock():
            return self.now_us

        if self.case["store"] == "scripted":
            scripted = Scripted(self.memory, clock, self.case["replies"])
            scripted.record = lambda commit: self.write({"commit": commit})
            return scripted
        return Distant(self.memory, clock)

    def run(self):
        valid = True
        for name, policy in self.opened.items():
            problems = policy.problems()
            self.write({"open": name, "problems": problems})
            valid = valid and not problems
        for index, step in enumerate(self.case["steps"] if valid else []):
            self.now_us = step["atUs"]
            self._release()
            answer = self._step(step)
            self.answers.append(answer)
            self.write({"step": index, **answer})
        for policy in self.opened.values():
            if not policy.problems():
                policy.policies.close(policy.resource)

    def _step(self, step):
        policy = self.opened[step["policy"]]
        tag = policy.entity(step)
        if isinstance(tag, list):
            return {"problems": nodes.problems(tag)}
        if step["call"] == "write":
            cell = step["write"]
            self.memory.write(tag, field_of(cell["cell"]), cell["text"], self.now_us, cell["ttlMs"])
            return {"done": True}
        made = self._call(policy, step)
        if made is None:
            return {"skipped": True}
        if isinstance(made, dict):
            return made
        method, arguments = made
        try:
            return self._make(step, policy, tag, method, arguments)
        except Contended:
            return {"error": "contended"}
        except StoreAway:
            return self._away(policy, step["call"])

    def _make(self, step, policy, tag, method, arguments):
        clock, ledger = self.hosts[step["host"]]
        outcome = method in ("succeeded", "failed", "cancelled")

        def run(transaction):
            return answer_of(policy.kind, method, policy.call(transaction, method, *arguments))

        if self.case["store"] == "memory":
            made = self.memory.run(tag, clock(), run)
        elif outcome:
            made = ledger.record(tag, run)
            ledger.flush()
        else:
            made = ledger.call(tag, run)
        release_after_ms = made.get("decision", {}).get("releaseAfterMs", 0)
        if release_after_ms:
            self.leases[step["host"], tag] = (clock() + release_after_ms * 1_000, policy)
        return {name: value for name, value in made.items() if name != "settle"}

    def _release(self):
        """Gives back what is left of leases that have ended."""
        for (host, tag), (ends_us, policy) in sorted(self.leases.items(), key=lambda lease: lease[0]):
            clock, ledger = self.hosts[host]
            if ends_us <= clock():
                del self.leases[host, tag]
                with contextlib.suppress(Contended, StoreAway):
                    ledger.call(tag, policy.release)

    def _away(self, policy, call):
        when_away = policy.config.get("whenAway", "error")
        if when_away != "error" and policy.kind == "limiter" and call not in ("cancel", "reset"):
            # What was used already is never refused.
            return {"decision": decision_while_away("open" if call == "charge" else when_away)}
        if when_away != "error" and call == "admit":
            return {"report": report_while_away(when_away)}
        return {"error": "store"}

    def _call(self, policy, step):
        """The method and its arguments; None where the answer that they would come from gave nothing; or the answer."""
        call = step["call"]
        if policy.interface == "nodes":
            token = step["token"] or self._given(step["ticketOf"], "token")
            return nodes.call(policy, step, token, self._given(step["resultOf"], "result"))
        if policy.kind == "breaker":
            return self._breaker_call(call, step)
        cost = step["cost"]
        if call == "acquire":
            return call, [cost, step["priority"], self._given(step["ticketOf"], "ticket") or 0]
        if call == "refund":
            charged_at_us = self._given(step["chargedBy"], "chargedAtUs")
            full_at_us = self._given(step["chargedBy"], "fullAtUs")
            return (call, [cost, charged_at_us, full_at_us]) if charged_at_us else None
        if call == "cancel":
            ticket = self._given(step["ticketOf"], "ticket")
            return (call, [ticket]) if ticket else None
        return call, [] if call == "reset" else [cost]

    def _breaker_call(self, call, step):
        if call == "set-mode":
            return call, [step["mode"]]
        if call not in ("succeeded", "failed", "cancelled"):
            return call, []
        permit = self._given(step["permitOf"], "permit")
        if not permit:
            return None
        if self._given(step["permitOf"], "degraded"):
            # It was admitted without the store, and counts nowhere.
            return {"report": blind_report("ignored", "closed", None)}
        generation, admitted_at_us, probe = permit.values()
        permit = record(generation=generation, admitted_at_us=admitted_at_us, probe=probe)
        arguments = [permit, step["elapsedMs"]]
        if call == "failed":
            arguments.append(nodes.errors(step["error"]))
        return call, arguments

    def _given(self, index, name):
        """What an earlier answer gave."""
        if index is None:
            return None
        answer = self.answers[index]
        given = next((answer[kind] for kind in ("decision", "report", "nodeStep", "circuitStep") if kind in answer), {})
        return given.get(name)


def answer_of(kind, method, answer):
    """An answer of the component as the log writes it, with the `settle` of a report."""
    if kind == "breaker":
        report = vars(answer)
        return {"report": report_log(report), "settle": report["settle"]}
    if kind.endswith("-node"):
        return nodes.answer_of(kind, answer, report_log)
    if method == "cancel":
        return {"wasWaiting": answer}
    if method == "reset":
        return {"done": True}
    if isinstance(answer, Variant):
        if answer.tag == "err":
            return {"fault": vars(answer.payload)}
        answer = answer.payload
    return {"decision": decision_log(vars(answer))}


def main():
    policies = Policies(sys.argv[1])
    out = sys.stdout

    def write(line):
        out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    for line in sys.stdin:
        case = json.loads(line)
        write({"case": case["case"]})
        Case(policies, case, write).run()
        write({"end": case["case"]})
        out.flush()


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    main()
