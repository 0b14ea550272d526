"""The component in wasmtime-py: its imports answered by the transaction of the run, its exports as plain calls."""

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker, Record, ResourceAny, Variant

PACKAGE = "tidegate:policy"
CONTRACT = "0.1.0"


def record(**fields):
    """A record of the contract. Underscores stand for the hyphens of its names."""
    made = Record()
    vars(made).update({name.replace("_", "-"): value for name, value in fields.items()})
    return made


class Policies:
    """One instance of the component. It answers imports from `transaction`, which is set for each run."""

    def __init__(self, file):
        config = Config()
        config.cache = True
        engine = Engine(config)
        component = Component.from_file(engine, file)
        self.transaction = None
        self._store = Store(engine)
        linker = Linker(engine)
        self._link(linker)
        self._instance = linker.instantiate(self._store, component)
        self._functions = {}

    def _link(self, linker):
        with linker.root() as root:
            with root.add_instance("wasi:clocks/wall-clock@0.2.4") as clock:
                clock.add_func("now", self._now)
                clock.add_func("resolution", lambda _: record(seconds=0, nanoseconds=1_000))
            with root.add_instance(f"{PACKAGE}/kv@{CONTRACT}") as kv:
                kv.add_func("get", lambda _, at: self.transaction.get(_place(at)))
                kv.add_func("observe", lambda _, at: self.transaction.observe(_place(at)))
                kv.add_func("put", lambda _, at, value, ttl_ms: self.transaction.put(_place(at), value, ttl_ms))
                kv.add_func("advance", self._advance)
                kv.add_func("retreat", lambda _, at, step, floor: self.transaction.retreat(_place(at), step, floor))
                kv.add_func("raise", lambda _, at, to, ttl_ms: self.transaction.raise_(_place(at), to, ttl_ms))
                kv.add_func("refused-ms", lambda _: self.transaction.refused_ms)

    def _now(self, _):
        seconds, us = divmod(self.transaction.now_us, 1_000_000)
        return record(seconds=seconds, nanoseconds=us * 1_000)

    def _advance(self, _, at, step, floor, ceiling, ttl_ms):
        fits, number = self.transaction.advance(_place(at), step, floor, ceiling, ttl_ms)
        return Variant("ok" if fits else "err", number)

    def call(self, interface, function, *arguments):
        """Calls a function of an interface."""
        found = self._functions.get((interface, function))
        if found is None:
            path = self._instance.get_export_index(self._store, f"{PACKAGE}/{interface}@{CONTRACT}")
            found = self._instance.get_func(
                self._store, self._instance.get_export_index(self._store, function, path)
            )
            self._functions[interface, function] = found
        return found(self._store, *arguments)

    def open(self, interface, resource, config):
        """Opens a policy: the resource, or the list of the configuration's problems."""
        return self.call(interface, f"[static]{resource}.open", config)

    def close(self, resource: ResourceAny):
        """Closes a policy."""
        resource.drop(self._store)


def _place(at):
    """A cell as a transaction names it: (entity, field, whether it is shared)."""
    at = vars(at)
    return at["entity"], at["field"], at["scope"] == "shared"
