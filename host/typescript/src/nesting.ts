/**
 * Guarded calls within guarded calls of the same circuit: the inner one goes with the permit of the
 * outer one, and is part of its outcome. It would need a probe of its own else, and a half-open
 * circuit has but the one that the outer call holds.
 *
 * What is called before the first `await` of a call is within it: that costs nothing to know. What
 * comes later is known by Node's `AsyncLocalStorage`. Up to Node 22, one that is in use makes every
 * promise of the process take three times as long; so there it is used only while a probe is in
 * flight, since nothing but a probe would wait for itself.
 */

/** Where circuits are: one memory or one ledger. */
type Place = object;

/** A guarded call that is being made. */
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

/** Not imported: bundlers for browsers would look for it. */
const { process } = globalThis as { process?: Process };
const Local = process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;

/**
 * Whether those who do not use it pay for it: it hooks into all promises then, which this method
 * switches on.
 */
const isDear = Local !== undefined && "_enable" in Local.prototype;

let local: Storage | undefined;
/** The call whose operation is on the stack. */
let running: Frame | undefined;
/** How many calls use the storage. */
let users = 0;

/** Whether this is within a call on the circuit. */
export function isWithin(place: Place, circuit: string): boolean {
  return holds(running, place, circuit) || (users > 0 && holds(local?.getStore(), place, circuit));
}

function holds(innermost: Frame | undefined, place: Place, circuit: string): boolean {
  for (let frame = innermost; frame !== undefined; frame = frame.outer) {
    if (frame.isOpen && frame.place === place && frame.circuit === circuit) return true;
  }
  return false;
}

/**
 * The innermost that is still open: a call that calls itself by a timer, again and again, must not
 * keep all that have ended.
 */
function opened(innermost: Frame | undefined): Frame | undefined {
  let frame = innermost;
  while (frame !== undefined && !frame.isOpen) frame = frame.outer;
  return frame;
}

/** A guarded call, as what is called within it sees it. */
export class Within {
  readonly #frame: Frame;
  readonly #isLocal: boolean;

  constructor(place: Place, circuit: string, isProbe: boolean) {
    this.#isLocal = Local !== undefined && (isProbe || !isDear);
    if (this.#isLocal) {
      if (Local !== undefined) local ??= new Local();
      users++;
    }
    const outer = this.#isLocal ? (local?.getStore() ?? running) : running;
    this.#frame = { place, circuit, outer: opened(outer), isOpen: true };
  }

  /** Does `work` within the call. */
  run<R>(work: () => R): R {
    const frame = this.#frame;
    if (!frame.isOpen) return work();
    const outer = running;
    running = frame;
    try {
      return this.#isLocal && local !== undefined ? local.run(frame, work) : work();
    } finally {
      running = outer;
    }
  }

  /** The call has its outcome. */
  end(): void {
    if (!this.#frame.isOpen) return;
    this.#frame.isOpen = false;
    if (!this.#isLocal) return;
    users--;
    if (users === 0 && isDear) local?.disable();
  }
}
