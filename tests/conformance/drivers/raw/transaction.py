"""What a run sees and changes: a time and the cells of one entity; and the log of what it asked.

Values are text; canonical decimal text up to 2^53 is kept as an `int`. See `wit/kv.wit` for what each operation means.
"""

import copy
import re

MAX_NUMBER = 2**53
FOREVER = 2**64 - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


def value_of(text):
    """A value in its one form: a number where the text is one as a store writes it."""
    if text is not None and _NUMBER.fullmatch(text) and int(text) <= MAX_NUMBER:
        return int(text)
    return text


def text_of(value):
    """A value as text."""
    return str(value) if isinstance(value, int) else value


class Cells:
    """Cells by field: a value and when it expires."""

    def __init__(self):
        self.held = {}

    def get(self, field, now_us):
        value, expires_us = self.held.get(field, (None, 0))
        return value if expires_us > now_us else None

    def expires_us(self, field, now_us):
        """When a cell expires, or None where there is none."""
        expires_us = self.held.get(field, (None, 0))[1]
        return expires_us if expires_us > now_us else None

    def set(self, field, value, expires_us):
        self.held.pop(field, None)
        if value is not None:
            self.held[field] = (value, expires_us)

    def prune(self, now_us):
        self.held = {field: held for field, held in self.held.items() if held[1] > now_us}

    def last_expiry_us(self):
        return max((expires_us for _, expires_us in self.held.values()), default=0)


class Direct:
    """Runs on true cells: what it changes is changed."""

    def __init__(self, now_us, shared, local):
        self.now_us = now_us
        self.refused_ms = 0
        self.shared = shared
        self.local = local

    def cells(self, at):
        return self.shared if at[2] else self.local

    def read(self, at):
        return self.cells(at).get(at[1], self.now_us)

    def number(self, at):
        value = self.read(at)
        return value if isinstance(value, int) else None

    def write(self, at, value, expires_us):
        self.cells(at).set(at[1], value, expires_us)

    def get(self, at):
        return text_of(self.read(at))

    observe = get

    def put(self, at, text, ttl_ms):
        self.write(at, value_of(text), self.now_us + ttl_ms * 1_000)

    def advance(self, at, step, floor, ceiling, ttl_ms):
        base = max(self.number(at) or 0, floor)
        fits = base + step <= min(ceiling, MAX_NUMBER)
        if fits and step > 0:
            self.write(at, base + step, self.now_us + ttl_ms * 1_000)
        return fits, base + step if fits else base

    def retreat(self, at, step, floor):
        number = self.number(at)
        if number is None:
            return floor
        moved = max(number - step, min(floor, number))
        if moved != number:
            self.write(at, moved, self.cells(at).expires_us(at[1], self.now_us))
        return moved

    def raise_(self, at, to, ttl_ms):
        number = self.number(at) or 0
        if number < to:
            self.write(at, to, self.now_us + ttl_ms * 1_000)
        return max(number, to)


class Op:
    """An operation of a log: what was asked, the verdict of an advance, how often in a row, and what the run was told."""

    def __init__(self, kind, field, *arguments, fits=None, told=None):
        self.kind, self.field, self.arguments = kind, field, arguments
        self.fits, self.told, self.repeat = fits, told, 1

    def canonical(self):
        """The operation as the cases write it."""
        place = cell_name(self.field)
        if self.kind == "advance":
            return [self.kind, place, *self.arguments, self.fits, self.repeat]
        return [self.kind, place, *self.arguments]


def cell_name(field):
    """A field as it stands in a key in Redis."""
    return f"{field >> 8:x}.{field & 0xff:x}"


class Logged(Direct):
    """Runs on what is known of a distant store's cells, and writes down what it was asked, shortened where the answer to one
    operation follows from another."""

    def __init__(self, now_us, shared, local):
        super().__init__(now_us, copy.deepcopy(shared), copy.deepcopy(local))
        self.fields = []
        self.ops = []
        self.last = {}
        self.known = set()
        self.observed = set()

    def changes(self):
        """Whether the store would be changed."""
        moves = {"put", "retreat", "raise"}
        return any(op.kind in moves or (op.kind == "advance" and op.fits and op.arguments[0] > 0) for op in self.ops)

    def _log(self, op):
        self.last[op.field] = op
        self.ops.append(op)

    def _is_last(self, kind, field, arguments):
        last = self.last.get(field)
        return last is not None and (last.kind, last.arguments) == (kind, arguments)

    def _touch(self, field):
        if field not in self.fields:
            self.fields.append(field)

    def _learn(self, field):
        self.known.add(field)
        self.observed.add(field)

    def _forget(self, field):
        self.known.discard(field)
        self.observed.discard(field)

    def get(self, at):
        text = super().get(at)
        if at[2]:
            self._touch(at[1])
            if at[1] not in self.known:
                self._log(Op("get", at[1], text))
            self._learn(at[1])
        return text

    def observe(self, at):
        text = Direct.get(self, at)
        if at[2]:
            self._touch(at[1])
            if at[1] not in self.observed:
                self._log(Op("observe", at[1], told=text))
            self.observed.add(at[1])
        return text

    def put(self, at, text, ttl_ms):
        if at[2]:
            self._touch(at[1])
            self._log(Op("put", at[1], text, ttl_ms))
            self._learn(at[1])
        super().put(at, text, ttl_ms)

    def advance(self, at, step, floor, ceiling, ttl_ms):
        ceiling = min(ceiling, MAX_NUMBER)
        base = max(self.number(at) or 0, floor)
        fits, number = super().advance(at, step, floor, ceiling, ttl_ms)
        if at[2]:
            self._touch(at[1])
            last, asked = self.last.get(at[1]), (step, floor, ceiling, ttl_ms)
            if last and last.kind == "advance" and (last.arguments, last.fits) == (asked, fits):
                last.repeat += 1
            else:
                self._log(Op("advance", at[1], *asked, fits=fits, told=base))
            if fits and step > 0:
                self._forget(at[1])
        return fits, number

    def retreat(self, at, step, floor):
        moved = super().retreat(at, step, floor)
        if at[2]:
            self._touch(at[1])
            self._log(Op("retreat", at[1], step, floor, told=moved))
            self._forget(at[1])
        return moved

    def raise_(self, at, to, ttl_ms):
        moved = super().raise_(at, to, ttl_ms)
        if at[2]:
            self._touch(at[1])
            # The same again changes nothing, so it is not written down.
            if not self._is_last("raise", at[1], (to, ttl_ms)):
                self._log(Op("raise", at[1], to, ttl_ms, told=moved))
            self._forget(at[1])
        return moved


class Diverged(Exception):
    """A policy did something else on the store's numbers than on the known ones: a defect in the policy."""


class Pinned(Direct):
    """Repeats the runs of an applied log on what the store knew. They must ask the very same."""

    def __init__(self, logged, shared, local, seen):
        super().__init__(logged.now_us, copy.deepcopy(shared), copy.deepcopy(local))
        self.refused_ms = logged.refused_ms
        self.queues = {field: [] for field in logged.fields}
        self.last = {}
        for op, number in zip(logged.ops, seen, strict=True):
            self.queues[op.field].append([op, number, op.repeat])
        self.known = set()
        self.observed = set()

    def _next(self, kind, field, arguments):
        queue = self.queues.get(field)
        if not queue or queue[0][0].kind != kind or queue[0][0].arguments != arguments:
            raise Diverged(kind)
        self.last[field] = (kind, arguments)
        return queue.pop(0)

    def _set_right(self, at, value):
        if self.read(at) != value:
            expires_us = self.shared.expires_us(at[1], self.now_us) or FOREVER
            self.write(at, value, expires_us)

    def get(self, at):
        if at[2] and at[1] not in self.known:
            queue = self.queues.get(at[1])
            op, _, _ = self._next("get", at[1], queue[0][0].arguments if queue else ())
            self._set_right(at, value_of(op.arguments[0]))
            self.known.add(at[1])
            self.observed.add(at[1])
        return super().get(at)

    def observe(self, at):
        if at[2] and at[1] not in self.observed:
            _, text, _ = self._next("observe", at[1], ())
            self._set_right(at, value_of(text))
            self.observed.add(at[1])
        return Direct.get(self, at)

    def put(self, at, text, ttl_ms):
        if at[2]:
            self._next("put", at[1], (text, ttl_ms))
            self.known.add(at[1])
            self.observed.add(at[1])
        super().put(at, text, ttl_ms)

    def advance(self, at, step, floor, ceiling, ttl_ms):
        if not at[2]:
            return super().advance(at, step, floor, ceiling, ttl_ms)
        entry = self._next("advance", at[1], (step, floor, min(ceiling, MAX_NUMBER), ttl_ms))
        op, base, left = entry
        if left == op.repeat and max(self.number(at) or 0, floor) != base:
            # A base at the floor says only that the number is no higher than that.
            self._set_right(at, base if base > floor else None)
        if left > 1:
            entry[2] = left - 1
            self.queues[at[1]].insert(0, entry)
        fits, number = super().advance(at, step, floor, ceiling, ttl_ms)
        if fits != op.fits:
            raise Diverged("advance")
        if fits and step > 0:
            self.known.discard(at[1])
            self.observed.discard(at[1])
        return fits, number

    def retreat(self, at, step, floor):
        if not at[2]:
            return super().retreat(at, step, floor)
        _, moved, _ = self._next("retreat", at[1], (step, floor))
        if moved != floor or self.number(at) is not None:
            self._set_right(at, moved + step if moved > floor else moved)
        self.known.discard(at[1])
        self.observed.discard(at[1])
        return super().retreat(at, step, floor)

    def raise_(self, at, to, ttl_ms):
        if at[2] and self.last.get(at[1]) != ("raise", (to, ttl_ms)):
            _, moved, _ = self._next("raise", at[1], (to, ttl_ms))
            if max(self.number(at) or 0, to) != moved:
                # Where it came to be `to`, it was no more than that.
                self._set_right(at, moved if moved > to else None)
            self.known.discard(at[1])
            self.observed.discard(at[1])
        return super().raise_(at, to, ttl_ms)

    def check_spent(self):
        """Holds the runs to have asked all of the log."""
        if any(self.queues.values()):
            raise Diverged("the end")
