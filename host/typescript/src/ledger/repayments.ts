/** Charges what this host let go while the store could not be asked: see `debts.ts`. */

import { SteadyTime } from "../away/steady.js";
import type { StoreWatch } from "../away/watch.js";
import type { Clock } from "../clock.js";
import { isStoreError } from "../errors.js";
import type { EntityKey } from "../key.js";
import type { AnyPolicy, AnyRequest, Owed } from "../strategy.js";
import { type Debt, Debts } from "./debts.js";
import { Call, type Lane, type Lanes } from "./lanes.js";
import type { LedgerStats } from "./stats.js";

/**
 * How often debts are looked after that no call came to post, in milliseconds; and how many are
 * posted at once.
 */
const CHECK_MS = 1_000;
const MAX_POSTING = 16;

/** Where calls wait. */
interface Backlog {
  readonly lanes: Lanes;
  push(call: Call): void;
}

/** Posts debts. */
export class Repayments {
  readonly #backlog: Backlog;
  readonly #store: StoreWatch;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #stats: LedgerStats;
  readonly #debts: Debts;
  #isTimed = false;

  /** @param capacity on how many entities something may be owed */
  constructor(backlog: Backlog, watch: StoreWatch, clock: Clock, stats: LedgerStats, capacity: number) {
    this.#backlog = backlog;
    this.#store = watch;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
    this.#stats = stats;
    this.#debts = new Debts(capacity);
  }

  /** This many permits were let go. */
  owe(entity: EntityKey, policy: AnyPolicy, owed: Owed<AnyRequest>): void {
    if (this.#debts.add({ entity, policy, owed }, this.#time.nowUs())) this.#watch();
    else this.#stats.lost++;
  }

  /** This many permits were given back. */
  forgive(entity: EntityKey, cost: number): void {
    this.#debts.forgive(entity, cost);
  }

  /**
   * Puts what is owed on an entity in its lane, to be charged before what comes next. Resolves when
   * it is, or is not.
   */
  postOn(lane: Lane): Promise<void> | undefined {
    if (this.#debts.size === 0) return undefined;
    const debt = this.#debts.take(lane.entity, this.#time.nowUs());
    if (debt === undefined) return undefined;
    const { policy, owed } = debt;
    return new Promise(resolve => {
      const posted = () => {
        this.#stats.posted += owed.cost;
        resolve();
      };
      const failed = (error: unknown) => {
        this.#failed(debt, error);
        resolve();
      };
      this.#backlog.push(new Call(lane, policy, owed.post(owed.cost), posted, failed));
    });
  }

  /** Posts all that is owed where the store can be asked, a few at once. Never rejects. */
  async postAll(): Promise<void> {
    if (this.#debts.size === 0) return;
    const entities = this.#debts.entities();
    const next = async () => {
      for (let entity = entities.pop(); entity !== undefined; entity = entities.pop()) {
        if (this.#store.isAvailable(this.#store.shardOf(entity))) await this.postOn(this.#backlog.lanes.of(entity));
      }
    };
    await Promise.all(Array.from({ length: MAX_POSTING }, next));
  }

  /** A debt that the store did not take stays; one that the policy cannot charge is given up. */
  #failed({ entity, policy, owed }: Debt, error: unknown): void {
    if (isStoreError(error)) this.owe(entity, policy, owed);
    else this.#stats.lost++;
  }

  /**
   * Sees to it that debts are posted also where no call comes, and the store was not away long
   * enough to be said to come back.
   */
  #watch(): void {
    if (this.#isTimed || this.#debts.size === 0) return;
    this.#isTimed = true;
    const look = async () => {
      await this.postAll();
      this.#isTimed = false;
      this.#watch();
    };
    this.#clock.after(CHECK_MS, () => void look(), true);
  }
}
