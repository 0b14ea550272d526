"""Stores: cells in memory, directly or behind the commit protocol, and a store that answers by script."""

from transaction import MAX_NUMBER, Cells, Direct

MAX_LAG_US = 1_000_000


class StoreAway(Exception):
    """The store did not answer."""


class Entity:
    """The cells of an entity, and the time of its last run: no run is ever given an earlier one."""

    def __init__(self):
        self.shared, self.local, self.seen_us = Cells(), Cells(), 0

    def is_over(self, now_us):
        return max(self.shared.last_expiry_us(), self.local.last_expiry_us()) <= now_us


class Memory:
    """The embedded store: policies run on the true cells."""

    def __init__(self):
        self.entities = {}

    def run(self, tag, now_us, run):
        """Does `run` with a transaction on the true cells of an entity."""
        entity = self.entities.get(tag) or Entity()
        entity.seen_us = max(entity.seen_us, now_us)
        answer = run(Direct(entity.seen_us, entity.shared, entity.local))
        self.keep(tag, entity)
        return answer

    def keep(self, tag, entity):
        if entity.is_over(entity.seen_us):
            self.entities.pop(tag, None)
        else:
            self.entities[tag] = entity

    def write(self, tag, field, text, now_us, ttl_ms):
        """A stranger writes a cell."""
        entity = self.entities.get(tag) or Entity()
        entity.seen_us = now_us
        Direct(now_us, entity.shared, entity.local).put((0, field, True), text, ttl_ms)
        self.keep(tag, entity)


class Reply:
    """What became of a commit: `applied` with what was seen, `refused` with the true values, or `untimely`."""

    def __init__(self, outcome, clock_us, values=()):
        self.outcome, self.clock_us, self.values = outcome, clock_us, values


class Distant:
    """The memory store behind the commit protocol: a log is applied whole or not at all."""

    def __init__(self, memory, clock):
        self.memory, self.clock = memory, clock

    def time_us(self):
        return self.clock()

    def commit(self, tag, at_us, fields, ops):
        clock_us = self.clock()
        if at_us > clock_us or at_us + MAX_LAG_US < clock_us:
            return Reply("untimely", clock_us)
        entity = self.memory.entities.get(tag) or Entity()
        before = dict(entity.shared.held)
        cells = Direct(clock_us, entity.shared, entity.local)
        seen = []
        for op in ops:
            holds, known = _apply(cells, op)
            if not holds:
                entity.shared.held = before
                return Reply("refused", clock_us, [cells.get((0, field, True)) for field in fields])
            seen.append(known)
        entity.seen_us = clock_us
        self.memory.keep(tag, entity)
        return Reply("applied", clock_us, seen)


def _apply(cells, op):
    """Applies an operation: whether what the run was told still holds, and what the store knew."""
    at = (0, op.field, True)
    if op.kind == "get":
        return cells.get(at) == op.arguments[0], None
    if op.kind == "observe":
        return True, cells.observe(at)
    if op.kind == "put":
        cells.put(at, *op.arguments)
        return True, None
    if op.kind == "retreat":
        step, floor = op.arguments
        return True, cells.retreat(at, min(step, MAX_NUMBER), min(floor, MAX_NUMBER))
    if op.kind == "raise":
        to, ttl_ms = op.arguments
        return True, cells.raise_(at, min(to, MAX_NUMBER), ttl_ms)
    step, floor, ceiling, ttl_ms = op.arguments
    step, floor = min(step, MAX_NUMBER), min(floor, MAX_NUMBER)
    base = max(cells.number(at) or 0, floor)
    fits, _ = cells.advance(at, step * op.repeat if op.fits else step, floor, ceiling, ttl_ms)
    return fits == op.fits, base


class Scripted(Distant):
    """Answers commits by a script, and as the memory store once that is used up. Records what was sent."""

    def __init__(self, memory, clock, replies):
        super().__init__(memory, clock)
        self.replies = list(replies)
        self.record = lambda commit: None

    def commit(self, tag, at_us, fields, ops):
        self.record({"atUs": at_us, "ops": [op.canonical() for op in ops]})
        reply = self.replies.pop(0) if self.replies else {}
        if "away" in reply:
            raise StoreAway(reply["away"])
        if "untimely" in reply:
            return Reply("untimely", at_us - reply["untimely"]["aheadUs"])
        if "refuse" in reply:
            return Reply("refused", self.clock(), reply["refuse"])
        for cell in reply.get("before", []):
            self.memory.write(tag, field_of(cell["cell"]), cell["text"], self.clock(), cell["ttlMs"])
        return super().commit(tag, at_us, fields, ops)


def field_of(name):
    """The number of a cell from its name in Redis."""
    geometry, role = name.split(".")
    return int(geometry, 16) << 8 | int(role, 16)


