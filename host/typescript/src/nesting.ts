/**
 * Guarded calls within guarded calls of the same circuit.
 *
 * A probe's place is the one that the half-open circuit has: a call that is made within the probe, on the same circuit, would wait for
 * itself. So it goes with the probe's permit. Which call is made within which is known by Node's `AsyncLocalStorage`; elsewhere,
 * as in a browser, only before the first `await` of the outer one.
 *
 * While a storage is in use, Node 20 and 22 take three times as long for every promise of the process. So it is used only while a
 * probe is in flight.
 */

/** Where circuits are: one memory or one ledger. */
type Place = object;

/** A probe in flight. */
interface Frame {
  readonly place: Place;
  readonly circuit: string;
  readonly outer: Frame | undefined;
  isOpen: boolean;
}

/** What of `AsyncLocalStorage` is used. */
interface Storage {
  getStore(): Frame | undefined;
  run<R>(frame: Frame, work: () => R): R;
  disable(): void;
}

interface Process {
  getBuiltinModule?(name: string): { AsyncLocalStorage: new () => Storage } | undefined;
}

/** What does for a storage where there is none. */
class UntilAwait implements Storage {
  #frame: Frame | undefined;

  getStore(): Frame | undefined {
    return this.#frame;
  }

  run<R>(frame: Frame, work: () => R): R {
    const outer = this.#frame;
    this.#frame = frame;
    try {
      return work();
    } finally {
      this.#frame = outer;
    }
  }

  disable(): void {}
}

let storage: Storage | undefined;
/** How many probes are in flight. */
let inFlight = 0;

/** Not imported: bundlers for browsers would look for it. */
function newStorage(): Storage {
  const { process } = globalThis as { process?: Process };
  const Local = process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
  return Local === undefined ? new UntilAwait() : new Local();
}

/** Whether this is within a probe of the circuit. */
export function isWithinProbe(place: Place, circuit: string): boolean {
  if (inFlight === 0) return false;
  let frame = storage?.getStore();
  while (frame !== undefined) {
    if (frame.isOpen && frame.place === place && frame.circuit === circuit) return true;
    frame = frame.outer;
  }
  return false;
}

/** A probe, as what runs within it sees it. */
export class Probe {
  readonly #frame: Frame;

  constructor(place: Place, circuit: string) {
    storage ??= newStorage();
    inFlight++;
    this.#frame = { place, circuit, outer: storage.getStore(), isOpen: true };
  }

  /** Does `work` within the probe. */
  run<R>(work: () => R): R {
    return storage === undefined || !this.#frame.isOpen ? work() : storage.run(this.#frame, work);
  }

  /** The probe has its outcome. */
  end(): void {
    if (!this.#frame.isOpen) return;
    this.#frame.isOpen = false;
    inFlight--;
    if (inFlight === 0) storage?.disable();
  }
}
