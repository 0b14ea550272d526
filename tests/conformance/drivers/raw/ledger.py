"""The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs again where the store knew
better. One caller at a time, so the only calls that go out together are outcomes that may settle later."""

from transaction import FOREVER, Cells, Logged, Pinned, value_of

MAX_ATTEMPTS = 64
MAX_BEHIND_US = 100_000
BEHIND_KEEP = 1_024
BEHIND_SLACK_US = 1_000


class Contended(Exception):
    """Others changed the same entity again and again."""


class Offset:
    """How far the store's clock is ahead of ours: a lower bound, the best of the replies of the last one to two seconds."""

    def __init__(self):
        self.best = self.before = None
        self.since_us = 0

    def store_us(self, local_us):
        known = [offset for offset in (self.best, self.before) if offset is not None]
        return local_us + max(known) if known else None

    def learn(self, store_us, local_us):
        if abs(local_us - self.since_us) > 1_000_000:
            self.before, self.best, self.since_us = self.best, None, local_us
        offset = store_us - local_us
        self.best = offset if self.best is None else max(self.best, offset)

    def correct(self, store_us, local_us):
        self.best, self.before, self.since_us = store_us - local_us, None, local_us


class Known:
    """What a host knows of an entity: its cells, the time of the last commit, how far the entity's clock is behind."""

    def __init__(self):
        self.shared, self.local = Cells(), Cells()
        self.seen_us = self.behind_us = 0

    def mistimed(self, at_us, clock_us):
        ahead_us = max(at_us - clock_us, 0)
        self.seen_us = min(self.seen_us, clock_us)
        if 1 <= ahead_us <= MAX_BEHIND_US:
            self.behind_us = min(self.behind_us + ahead_us + BEHIND_SLACK_US, MAX_BEHIND_US)
        else:
            self.behind_us = 0

    def take(self, done):
        self.shared, self.local = done.shared, done.local
        self.shared.prune(self.seen_us)
        self.local.prune(self.seen_us)

    def timed(self, at_us):
        self.seen_us = at_us
        self.behind_us -= -(-self.behind_us // BEHIND_KEEP)


class Ledger:
    """One host's. `run` is a function that makes a call with a transaction."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.offset = Offset()
        self.known = {}
        self.deferred = {}
        # The runs of a commit that has not been answered.
        self.ran = None

    def call(self, tag, run):
        """Makes a call, and what was kept back before it; answers when the store has confirmed it."""
        runs = [*self.deferred.pop(tag, []), run]
        known = self.known.setdefault(tag, Known())
        self.ran = None
        try:
            return self._commit(tag, known, runs)[-1]
        except Exception:
            known.shared = Cells()
            if self.ran is not None and self.ran.local.held != known.local.held:
                known.local = Cells()
            raise

    def record(self, tag, run):
        """Takes an outcome in. Where the policy lets it settle later the answer is what this host knows."""
        known = self.known.setdefault(tag, Known())
        now_us = self.offset.store_us(self.clock())
        if now_us is not None:
            logged = Logged(max(now_us, known.seen_us), known.shared, known.local)
            answer = run(logged)
            if answer.get("settle") == "later":
                self.deferred.setdefault(tag, []).append(run)
                return answer
        return self.call(tag, run)

    def flush(self):
        """Sends all that was kept back."""
        for tag in list(self.deferred):
            self.call(tag, lambda _: None)

    def _commit(self, tag, known, runs):
        began_us = self.clock()
        for attempt in range(MAX_ATTEMPTS):
            now_us = max(self._store_us() - known.behind_us, known.seen_us)
            logged = Logged(now_us, known.shared, known.local)
            logged.refused_ms = max(self.clock() - began_us, 0) // 1_000 if attempt > 0 else 0
            answers = [run(logged) for run in runs]
            if not logged.ops:
                known.local = logged.local
                return answers
            self.ran = logged
            reply = self.store.commit(tag, now_us, logged.fields, logged.ops)
            if reply.outcome == "applied":
                return self._applied(known, logged, runs, answers, reply)
            self.ran = None
            if reply.outcome == "refused":
                self._refused(known, logged, reply)
                answers = self._on_truth(known, runs, logged.fields, reply.clock_us)
                if answers is not None:
                    return answers
            else:
                self.offset.correct(reply.clock_us, self.clock())
                known.mistimed(now_us, reply.clock_us)
        raise Contended

    def _applied(self, known, logged, runs, answers, reply):
        self.offset.learn(reply.clock_us, self.clock())
        known.timed(logged.now_us)
        if [op.told for op in logged.ops] == reply.values:
            done = logged
        else:
            done = Pinned(logged, known.shared, known.local, reply.values)
            answers = [run(done) for run in runs]
            done.check_spent()
        known.take(done)
        return answers

    def _on_truth(self, known, runs, told, clock_us):
        """Runs once more at the time of the refusal. What reads only what the store told then, and changes nothing, needs no commit."""
        if clock_us < known.seen_us:
            return None
        logged = Logged(clock_us, known.shared, known.local)
        answers = [run(logged) for run in runs]
        if logged.changes() or not set(logged.fields) <= set(told):
            return None
        known.timed(clock_us)
        known.take(logged)
        return answers

    def _refused(self, known, logged, reply):
        """Takes the true values over; the expiry of one that is another than was known is not known."""
        self.offset.learn(reply.clock_us, self.clock())
        for field, text in zip(logged.fields, reply.values):
            if known.shared.get(field, reply.clock_us) != value_of(text):
                known.shared.set(field, value_of(text), FOREVER)

    def _store_us(self):
        now_us = self.offset.store_us(self.clock())
        if now_us is None:
            now_us = self.store.time_us()
            self.offset.learn(now_us, self.clock())
        return now_us
