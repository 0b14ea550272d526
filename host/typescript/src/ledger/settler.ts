/** Settler: an outcome that may settle later is answered now and sent with what follows. */

import type { Clock } from "../clock.js";
import type { EntityKey } from "../key.js";
import { changes } from "../store/store.js";
import type { AnyPolicy, AnyRequest } from "../strategy.js";
import { Transaction } from "../transaction/transaction.js";
import type { Driver } from "./driver.js";
import { Call, type Lane, type Lanes } from "./lanes.js";
import type { Settings } from "./options.js";
import type { Run } from "./runs.js";
import type { LedgerStats } from "./stats.js";

/** What outcomes are settled with. */
export interface SettlerParts {
  readonly run: Run;
  readonly lanes: Lanes;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly stats: LedgerStats;
  readonly settings: Settings;
  /** The store's clock; undefined: not known yet. */
  readonly storeUs: () => number | undefined;
}

/** What the answer on what is known would be, and whether it changes anything. */
interface Guess {
  readonly answer: unknown;
  readonly isChange: boolean;
}

/** Settles outcomes later. */
export class Settler {
  readonly #parts: SettlerParts;
  /** What guesses are made on. */
  readonly #scratch = new Transaction();
  /** Lanes whose deferred outcomes go out when the delay is over. */
  #deferring = new Set<Lane>();

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  /**
   * Takes an outcome in, if the policy lets it settle later. The answer is what this host knows;
   * undefined: it must be committed first. The outcome goes out with the next batch of the entity,
   * after the flush delay at the latest: also one that changes nothing by what this host knows,
   * since others may know better. Of those that would change the same, one goes out.
   */
  record(entity: EntityKey, policy: AnyPolicy, request: AnyRequest): unknown {
    const guess = this.#guess(entity, policy, request);
    if (guess === undefined) return undefined;
    this.#defer(policy, request, this.#parts.lanes.of(entity), guess.isChange);
    return guess.answer;
  }

  #guess(entity: EntityKey, policy: AnyPolicy, request: AnyRequest): Guess | undefined {
    const { storeUs, lanes, run } = this.#parts;
    const nowUs = storeUs();
    if (nowUs === undefined) return undefined;
    const known = lanes.find(entity)?.known;
    this.#scratch.beginLogged(Math.max(nowUs, known?.seenUs ?? 0), [entity]);
    if (known !== undefined) this.#scratch.entity(0).copy(known.entity);
    let answer: unknown;
    try {
      answer = run(policy, request, this.#scratch);
    } catch {
      // It fails again where somebody waits for it, or it does not.
      return undefined;
    }
    if (!policy.strategy.settlesLater(answer)) return undefined;
    const commit = this.#scratch.commit;
    return { answer, isChange: commit !== undefined && changes(commit) };
  }

  #defer(policy: AnyPolicy, request: AnyRequest, lane: Lane, isChange: boolean): void {
    const { stats, settings, driver } = this.#parts;
    stats.deferred++;
    const last = lane.deferred.at(-1);
    if (!isChange && last?.policy === policy && policy.strategy.repeats(request, last.request)) return;
    lane.canWait = !isChange && last === undefined;
    lane.deferred.push(new Call(lane, policy, request, undefined, undefined));
    if (lane.isDriven && !lane.canWait) return;
    if (lane.deferred.length < settings.maxBatch || lane.isDriven) {
      this.#sendLater(lane);
    } else {
      lane.canWait = false;
      driver.drive(lane);
    }
  }

  /** Sends what is deferred in a lane when the delay is over. */
  #sendLater(lane: Lane): void {
    const { clock, settings } = this.#parts;
    if (this.#deferring.size === 0) clock.after(settings.flushDelayMs, () => this.#flush(), true);
    this.#deferring.add(lane);
  }

  #flush(): void {
    const lanes = this.#deferring;
    this.#deferring = new Set();
    for (const lane of lanes) {
      lane.canWait = false;
      if (!lane.isDriven && !lane.isEmpty) this.#parts.driver.drive(lane);
    }
  }
}
