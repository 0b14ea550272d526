/**
 * What all handles of one `Tidegate` share: where the entities are, and how to make a call there.
 */

import { Alone } from "./away/alone.js";
import type { Clock } from "./clock.js";
import { MisuseError } from "./errors.js";
import type { Namespace } from "./key.js";
import type { Ledger } from "./ledger/ledger.js";
import type { Runtime } from "./runtime/index.js";
import type { Signal } from "./signal.js";
import type { Memory } from "./store/memory.js";
import type { AnswerTo, AnyPolicy, AnyRequest, Policy, Types } from "./strategy.js";
import type { Transaction } from "./transaction/transaction.js";

/** Where a call goes. */
export class Core {
  /** Background work that is not done yet. */
  readonly #background = new Set<Promise<unknown>>();
  /** Background work that failed and was dropped. */
  lost = 0;
  /** What is decided here while the store is away. */
  readonly alone: Alone;
  readonly #run: (policy: AnyPolicy, request: AnyRequest, transaction: Transaction) => unknown;

  constructor(
    readonly runtime: Runtime,
    /** Here: a policy runs on the true cells. */
    readonly memory: Memory | undefined,
    /** Elsewhere: behind a ledger. */
    readonly ledger: Ledger | undefined,
    readonly clock: Clock,
  ) {
    const alone = new Alone(
      (policy, request, transaction) => runtime.run(policy, request, transaction),
      ledger?.maxKnown ?? 1,
      clock,
    );
    this.alone = alone;
    if (ledger !== undefined) ledger.onReturn = () => alone.storeIsBack();
    this.#run = (policy, request, transaction) => {
      const answer = runtime.run(policy, request, transaction);
      const entity = transaction.entity(0);
      entity.weight = policy.strategy.weight(answer, entity.weight);
      return answer;
    };
  }

  /** The store's time in microseconds since 1970, as far as it is known here. */
  storeUs(): number {
    return this.ledger?.storeUs() ?? this.clock.nowUs();
  }

  /** Makes a call on the memory store. */
  callNow<T extends Types, const R extends T["request"]>(
    namespace: Namespace,
    key: string,
    policy: Policy<T>,
    request: R,
    nowUs: number = this.clock.nowUs(),
  ): AnswerTo<T, R> {
    if (this.memory === undefined) throw new MisuseError("only the memory store can be called without waiting");
    return this.memory.run(namespace.tag(key), nowUs, this.#run, policy, request) as AnswerTo<T, R>;
  }

  /** Makes a call on a shared store. What an aborted call was given is taken back. */
  call<T extends Types, const R extends T["request"]>(
    namespace: Namespace,
    key: string,
    policy: Policy<T>,
    request: R,
    signal?: Signal,
  ): Promise<AnswerTo<T, R>> {
    return this.shared.call(namespace.entity(key), policy, request, signal);
  }

  /** Takes an outcome in on a shared store, which may settle later. */
  record<T extends Types, const R extends T["request"]>(
    namespace: Namespace,
    key: string,
    policy: Policy<T>,
    request: R,
  ): Promise<AnswerTo<T, R>> {
    return this.shared.record(namespace.entity(key), policy, request);
  }

  /** Does what nobody waits for; `flush` does. */
  background(work: Promise<unknown>): void {
    const done = work.then(
      () => void this.#background.delete(done),
      () => {
        this.lost++;
        this.#background.delete(done);
      },
    );
    this.#background.add(done);
  }

  /** Resolves when all background work is done. */
  async flush(): Promise<void> {
    await Promise.all(this.#background);
    await this.ledger?.flush();
  }

  /** Where the entities are; the same for all gates on one memory. */
  get place(): object {
    return this.memory ?? this.shared;
  }

  /** The ledger of the shared store. */
  get shared(): Ledger {
    if (this.ledger === undefined) throw new MisuseError("there is no shared store");
    return this.ledger;
  }
}
