"""Drives the conformance cases on the Python package: cases as JSON lines in, decision logs out.

See tests/conformance/README.md.
"""

import json
import sys

from log import DONE, contract_problems, problems_of
from strategies import KINDS
from tidegate import ConfigError, ContendedError, CostNeverFitsError, InputError, ManualClock, Memory, StoreError, Tidegate
from tidegate.testing import ScriptedStore

FAULT = ("cost", "binding", "limit", "count", "remaining")


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
        self.kinds = {policy["id"]: KINDS[policy["kind"]] for policy in run["policies"]}
        # What each step gave that a later one may bring back.
        self.given = []

    def open(self, policy):
        """Opens a policy in every host; the problems of its settings."""
        kind = KINDS[policy["kind"]]
        try:
            for gate, _, _, policies in self.hosts:
                policies[policy["id"]] = kind.open(gate, policy["config"])
        except ConfigError as error:
            return problems_of(error) if kind.is_node else contract_problems(error)
        return []

    def make(self, step):
        """Makes the call of a step; the answer as the log has it."""
        self.clock.set_us(step["atUs"])
        for _, clock, offset_us, _ in self.hosts:
            clock.set_us(step["atUs"] + offset_us)
        self.release(step["atUs"])
        gate, _, _, policies = self.hosts[step["host"]]
        policy, kind = policies[step["policy"]], self.kinds[step["policy"]]
        given = None
        try:
            if step["call"] == "write":
                answer = self.write(policy, kind, step)
            else:
                given = kind.calls[step["call"]](policy, step["args"], self.earlier)
                answer = given if isinstance(given, dict) else kind.log(given)
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
        if kind.settles_later:
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
        args = step["args"]
        self.scripted.write(kind.entity(policy, args), args["cell"], args["text"], args["ttlMs"])
        return DONE

    def earlier(self, index):
        """What an earlier step gave."""
        return None if index is None else self.given[index]


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
