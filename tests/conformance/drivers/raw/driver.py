"""Reads cases as JSON lines, makes their calls on this host and writes the decision log. See tests/conformance/README.md."""

import contextlib
import json
import sys

from component import Policies
from ledger import Contended, Ledger
from log import problems
from store import Distant, Memory, Scripted, StoreAway, field_of
from strategies import KINDS


class Policy:
    """An opened policy with its settings."""

    def __init__(self, policies, described, on_memory):
        self.kind = KINDS[described["kind"]]
        self.config = described["config"]
        self.policies = policies
        self.resource = self._open(self.config)
        if on_memory and hasattr(self.kind, "on_memory") and not self.problems():
            policies.close(self.resource)
            self.resource = self._open(self.kind.on_memory(self.config))

    def _open(self, config):
        return self.policies.open(self.kind.interface, self.kind.resource, self.kind.settings(config))

    def problems(self):
        return problems(self.resource) if isinstance(self.resource, list) else []

    def ask(self, method, *arguments):
        """A call that decides nothing."""
        return self.policies.call(self.kind.interface, f"[method]{self.kind.resource}.{method}", self.resource, *arguments)

    def call(self, transaction, method, *arguments):
        self.policies.transaction = transaction
        return self.policies.call(self.kind.interface, f"[method]{self.kind.resource}.{method}", self.resource, 0, *arguments)

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
        tag = policy.kind.entity(policy, {"context": "{}", **step["args"]})
        if isinstance(tag, list):
            return {"problems": problems(tag)}
        if step["call"] == "write":
            cell = step["args"]
            self.memory.write(tag, field_of(cell["cell"]), cell["text"], self.now_us, cell["ttlMs"])
            return {"done": True}
        brings = policy.kind.calls[step["call"]](policy, step["args"], self._given)
        if brings is None:
            return {"skipped": True}
        if isinstance(brings, dict):
            return brings
        try:
            return self._make(step, policy, tag, step["call"], brings)
        except Contended:
            return {"error": "contended"}
        except StoreAway:
            when_away = policy.config.get("whenAway", "error") if isinstance(policy.config, dict) else "error"
            return policy.kind.away(when_away, step["call"])

    def _make(self, step, policy, tag, method, arguments):
        clock, ledger = self.hosts[step["host"]]
        outcome = method in ("succeeded", "failed", "cancelled")

        def run(transaction):
            return policy.kind.answer(method, policy.call(transaction, method, *arguments))

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

    def _given(self, index, name):
        """What an earlier answer gave."""
        if index is None:
            return None
        answer = self.answers[index]
        given = next((answer[kind] for kind in ("decision", "report", "nodeStep", "circuitStep") if kind in answer), {})
        return given.get(name)


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
