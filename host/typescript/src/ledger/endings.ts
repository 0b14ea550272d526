/** Endings: gives calls their answers, and takes back what nobody hears of. */

import type { StoreWatch } from "../away/watch.js";
import type { StoreError } from "../errors.js";
import type { EntityKey } from "../key.js";
import type { AnyPolicy, AnyRequest } from "../strategy.js";
import { Call, type Lane, type Lanes } from "./lanes.js";
import type { Leases } from "./leases.js";
import { Parked } from "./parked.js";
import { DONE } from "./runs.js";
import type { LedgerStats } from "./stats.js";

/** What calls are ended with. */
export interface EndingsParts {
  readonly watch: StoreWatch;
  readonly lanes: Lanes;
  readonly leases: Leases;
  readonly stats: LedgerStats;
  /** Puts a call in its lane. */
  readonly push: (call: Call) => void;
}

/** Ends calls. */
export class Endings {
  readonly #watch: StoreWatch;
  readonly #lanes: Lanes;
  readonly #leases: Leases;
  readonly #stats: LedgerStats;
  readonly #push: (call: Call) => void;
  readonly #parked = new Parked();

  constructor({ watch, lanes, leases, stats, push }: EndingsParts) {
    this.#watch = watch;
    this.#lanes = lanes;
    this.#leases = leases;
    this.#stats = stats;
    this.#push = push;
  }

  /** Ends the calls of a batch, which have their answers or errors. */
  reply(batch: readonly Call[]): void {
    for (const call of batch) {
      this.#leases.keep(call);
      this.#reply(call);
    }
  }

  /**
   * What a call was given whose caller has gone on without it goes back, for nobody to wait for.
   */
  takeBack({ lane, policy, request, answer }: Call): void {
    if (answer === undefined || !policy?.strategy.gives(request)) return;
    const back = policy.strategy.undo(request, answer);
    if (back !== undefined) this.#push(new Call(lane, policy, back, undefined, undefined));
  }

  /** Keeps a call that nobody need wait for until the store is back; what is too much is lost. */
  park(entity: EntityKey, policy: AnyPolicy, request: AnyRequest): void {
    if (!this.#parked.park({ entity, policy, request })) this.#stats.lost++;
  }

  /** Sends what was parked where the store is back. */
  sendParked(): void {
    const isBack = (entity: EntityKey) => this.#watch.isAvailable(this.#watch.shardOf(entity));
    for (const { entity, policy, request } of this.#parked.take(isBack)) {
      this.#push(new Call(this.#lanes.of(entity), policy, request, undefined, undefined));
    }
  }

  /** Ends all calls in a lane, which have not run. What nobody waits for is parked. */
  turnBack(lane: Lane, failure: StoreError): void {
    for (const call of lane.takeAll()) {
      const { policy, request } = call;
      if (policy === undefined) call.answer = DONE;
      else if (call.resolve === undefined && this.#parked.park({ entity: lane.entity, policy, request })) continue;
      else call.error = failure;
      this.#reply(call);
    }
  }

  /** Answers a caller. One who has gone away gets what it was given taken back. */
  #reply(call: Call): void {
    call.unwatch?.();
    const { answer } = call;
    if (call.resolve === undefined) {
      if (answer === undefined) this.#stats.lost++;
    } else if (call.isGone) {
      this.takeBack(call);
    } else if (answer === undefined) {
      call.reject?.(call.error);
    } else {
      call.resolve(answer);
    }
  }
}
