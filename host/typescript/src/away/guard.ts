/**
 * The guard round a shared store: the component's own circuit breaker, on a memory of this host's own.
 *
 * A call must not wait again and again for what is known to be away. So after a few failures in a row nothing is sent any more but
 * a probe, in the background, until one comes through. A probe reads the store's clock and writes a cell that expires soon: a
 * replica that only reads, or a server without memory, answers the first and not the second.
 */

import type { CircuitPermit, Request, WitReport } from "../call.js";
import type { Clock } from "../clock.js";
import { ConfigError, isStoreError, type Problem, type StoreError } from "../errors.js";
import { EntityKey } from "../key.js";
import type { WitBreakerConfig } from "../runtime/guest.js";
import { Refused, type Runtime } from "../runtime/index.js";
import type { BreakerPolicy } from "../runtime/policy.js";
import { away, isOutage, timedOut } from "../store/errors.js";
import { Memory } from "../store/memory.js";
import { type Commit, changes, type Store } from "../store/store.js";
import type { StoreChange, StoreGuardOptions, StoreState } from "./state.js";
import { SteadyTime } from "./steady.js";

/** How long what a probe writes lives, in milliseconds. */
const PROBE_TTL_MS = 1_000;

/** How many names are tried to find one in the part of the store that is probed. A cluster has 64 parts. */
const MAX_NAMES = 16_384;

/** How long a probe may take where the store has no limit of its own, in milliseconds. */
const PROBE_LIMIT_MS = 5_000;

const ADMIT: Request = { kind: "admit" };

/** A part of the store that can be away by itself. */
class Group {
  state: StoreState = "available";
  /** Whether the circuit is closed and has counted nothing: a success changes nothing then, so it is not asked. */
  isSteady = true;
  /** When the next probe is due, on the guard's clock. */
  retryAtUs = 0;
  /** The last failure. */
  failure: StoreError | undefined;

  constructor(readonly number: number) {}
}

/** What a guard is made of. */
export interface GuardParts {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly clock: Clock;
  /** `false`: no part is ever taken to be away. */
  readonly options?: StoreGuardOptions | false | undefined;
  /** Told of each change, when it has happened. */
  readonly changed: (change: StoreChange) => void;
}

/** Knows which parts of a store are away. */
export class StoreGuard {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #runtime: Runtime;
  readonly #policy: BreakerPolicy;
  readonly #memory = new Memory();
  readonly #isOn: boolean;
  readonly #changed: (change: StoreChange) => void;
  readonly #groups: Group[] = [];
  /** How many groups are not available. */
  #away = 0;
  /** How many operations were turned away. */
  turnedAway = 0;

  /** @throws {ConfigError} for options that are wrong */
  constructor({ runtime, store, clock, options, changed }: GuardParts) {
    this.#store = store;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
    this.#runtime = runtime;
    this.#policy = opened(runtime, options || {});
    this.#isOn = options !== false;
    this.#changed = changed;
  }

  /** The state of the store: of its worst part. */
  get state(): StoreState {
    if (this.#away === 0) return "available";
    return this.#groups.some(group => group?.state === "away") ? "away" : "probing";
  }

  /** Whether all of the store is available. */
  get isAllAvailable(): boolean {
    return this.#away === 0;
  }

  /** Which part of the store an entity is in. */
  groupOf(entity: EntityKey): number {
    return this.#store.groupOf?.(entity) ?? 0;
  }

  /** Whether operations on a part of the store are sent. */
  isAvailable(number: number): boolean {
    return this.#away === 0 || this.#of(number).state === "available";
  }

  /** Whether an operation on a part of the store is turned away. It counts. */
  turnsAway(number: number): boolean {
    if (this.isAvailable(number)) return false;
    this.turnedAway++;
    return true;
  }

  /** Milliseconds until the next probe of a part; 0 where it is available or being probed. */
  retryAfterMs(number: number): number {
    const group = this.#of(number);
    if (group.state !== "away") return 0;
    return Math.max(Math.ceil((group.retryAtUs - this.#time.nowUs()) / 1_000), 0);
  }

  /** Why an operation on a part of the store is not sent. */
  refusal(number: number): StoreError {
    const { failure } = this.#of(number);
    return away(`its guard is open, after "${failure?.message ?? "nothing"}"`, failure);
  }

  /** A commit was applied. Whoever refuses to write reads all the same, so one that only read proves nothing after that. */
  answered(number: number, commit: Commit): void {
    const group = this.#groups[number];
    if (group === undefined || group.isSteady || group.state !== "available") return;
    if (group.failure?.reason === "refused" && !changes(commit)) return;
    this.#count(group, permit => ({ kind: "succeeded", permit, elapsedMs: 0 }));
  }

  /** An operation has failed. */
  failed(number: number, error: unknown): void {
    const group = this.#of(number);
    if (!this.#isOn || !isOutage(error) || group.state !== "available") return;
    group.failure = error;
    const report = this.#count(group, permit => ({ kind: "failed", permit, elapsedMs: 0, errors: [] }));
    if (report.state !== "closed") this.#turnAway(group, report);
  }

  #of(number: number): Group {
    let group = this.#groups[number];
    if (group === undefined) {
      group = new Group(number);
      this.#groups[number] = group;
    }
    return group;
  }

  /** Counts an outcome of an available part. */
  #count(group: Group, outcome: (permit: CircuitPermit) => Request): WitReport {
    const admitted = this.#ask(group, ADMIT);
    const report = admitted.effect === "admitted" ? this.#ask(group, outcome(admitted.permit)) : admitted;
    group.isSteady = report.state === "closed" && report.consecutive === 0;
    return report;
  }

  #ask(group: Group, request: Request): WitReport {
    const run = this.#runtime.run.bind(this.#runtime);
    const answer = this.#memory.run(`guard:${group.number}`, this.#time.nowUs(), run, this.#policy, request);
    if (answer.kind !== "report") throw new Error("a circuit breaker answers with a report");
    return answer.report;
  }

  #turn(group: Group, after: StoreState, cause: string): void {
    const before = group.state;
    if (before === "available") this.#away++;
    if (after === "available") this.#away--;
    group.state = after;
    this.#changed({ before, after, cause, group: group.number });
  }

  /** Nothing is sent until a probe comes through. */
  #turnAway(group: Group, { retryAfterMs }: WitReport): void {
    // A circuit that is half-open by the time it is asked is to be probed at once, but not in a loop.
    const waitMs = Math.max(retryAfterMs, 1);
    group.retryAtUs = this.#time.nowUs() + waitMs * 1_000;
    this.#turn(group, "away", group.failure?.message ?? "");
    this.#clock.after(waitMs, () => void this.#probe(group), true);
  }

  async #probe(group: Group): Promise<void> {
    const report = this.#ask(group, ADMIT);
    if (report.effect !== "admitted") {
      // The clock has not come as far as the timer.
      this.#clock.after(Math.max(report.retryAfterMs, 1), () => void this.#probe(group), true);
      return;
    }
    this.#turn(group, "probing", "its time to be probed has come");
    const failure = await this.#tryOut(group);
    const permit = { permit: report.permit, elapsedMs: 0 };
    if (failure === undefined) {
      this.#ask(group, { kind: "succeeded", ...permit });
      group.isSteady = true;
      this.#turn(group, "available", "a probe came through");
    } else {
      group.failure = failure;
      this.#turnAway(group, this.#ask(group, { kind: "failed", ...permit, errors: [] }));
    }
  }

  /** Reads and writes; what it failed with. */
  #tryOut({ number }: Group): Promise<StoreError | undefined> {
    // Each of the two has the limit of one operation.
    const limitMs = 2 * (this.#store.limitMs ?? PROBE_LIMIT_MS);
    return new Promise(resolve => {
      const forget = this.#clock.after(limitMs, () => resolve(timedOut(limitMs)), true);
      const done = (failure: StoreError | undefined) => {
        forget();
        resolve(failure);
      };
      this.#readAndWrite(this.#nameIn(number)).then(
        () => done(undefined),
        (error: unknown) => done(isStoreError(error) ? error : away(String(error), error)),
      );
    });
  }

  async #readAndWrite(entity: EntityKey): Promise<void> {
    const atUs = await this.#store.timeUs(entity);
    const cells = [{ entity: 0, field: 0 }];
    const put = { kind: "put", cell: 0, value: "1", ttlMs: PROBE_TTL_MS } as const;
    await this.#store.commit({ atUs, entities: [entity], cells, ops: [put] });
  }

  /** An entity in this part of the store that is nobody's. */
  #nameIn(number: number): EntityKey {
    for (let name = 0; name < MAX_NAMES; name++) {
      const entity = EntityKey.of("sg", "probe", `${name}`);
      if (this.groupOf(entity) === number) return entity;
    }
    return EntityKey.of("sg", "probe", "");
  }
}

/** The settings of a circuit by the guard's names. */
const NAMES: Readonly<Record<string, string>> = {
  "trip.consecutive": "storeGuard.failures",
  "open-ms": "storeGuard.openMs",
  "backoff.cap-ms": "storeGuard.capMs",
};

function opened(runtime: Runtime, { failures = 3, openMs = 500, capMs }: StoreGuardOptions): BreakerPolicy {
  const config: WitBreakerConfig = {
    trip: {
      failures: undefined,
      consecutive: failures,
      failureRate: undefined,
      slowRate: undefined,
      sample: { tag: "calls", val: 1 },
      minimumCalls: 1,
    },
    openMs,
    backoff: { factor: 2, capMs: capMs ?? Math.max(openMs, 5_000) },
    halfOpen: { probes: 1, successes: 1, permitMs: 86_400_000, rule: { tag: "first-failure" } },
    monitored: [],
    others: "ignored",
    ignored: [],
    mode: "normal",
  };
  const policy = runtime.openBreaker(config);
  if (policy instanceof Refused) throw new ConfigError("the gate", policy.problems.map(named));
  return policy;
}

function named({ path, value, allowed }: Problem): Problem {
  return { path: NAMES[path] ?? path, value, allowed };
}
