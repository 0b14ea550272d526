/**
 * What all handles of one `Tidegate` share: where the entities are, and how to make a call there.
 */

import { Alone } from "./away/alone.js";
import type { Answer, Request } from "./call.js";
import type { Clock } from "./clock.js";
import { MisuseError } from "./errors.js";
import type { Namespace } from "./key.js";
import type { Ledger } from "./ledger/ledger.js";
import type { Runtime } from "./runtime/index.js";
import type { Policy } from "./runtime/policy.js";
import type { Signal } from "./signal.js";
import { weightOf } from "./store/forgetting.js";
import type { Memory } from "./store/memory.js";
import type { Transaction } from "./transaction/transaction.js";

/** Where a call goes. */
export class Core {
  /** Background work that is not done yet. */
  readonly #background = new Set<Promise<unknown>>();
  /** Background work that failed and was dropped. */
  lost = 0;
  /** What is decided here while the store is away. */
  readonly alone: Alone;
  readonly #run: (policy: Policy, request: Request, transaction: Transaction) => Answer;

  constructor(
    readonly runtime: Runtime,
    /** Here: a policy runs on the true cells. */
    readonly memory: Memory | undefined,
    /** Elsewhere: behind a ledger. */
    readonly ledger: Ledger | undefined,
    readonly clock: Clock,
  ) {
    const alone = new Alone(runtime, ledger?.maxKnown ?? 1, clock);
    this.alone = alone;
    if (ledger !== undefined) ledger.onReturn = () => alone.forgetCircuits();
    this.#run = (policy, request, transaction) => {
      const answer = runtime.run(policy, request, transaction);
      const entity = transaction.entity(0);
      entity.weight = weightOf(answer, entity.weight);
      return answer;
    };
  }

  /** The store's time in microseconds since 1970, as far as it is known here. */
  storeUs(): number {
    return this.ledger?.storeUs() ?? this.clock.nowUs();
  }

  /** Makes a call on the memory store. */
  callNow(
    namespace: Namespace,
    key: string,
    policy: Policy,
    request: Request,
    nowUs: number = this.clock.nowUs(),
  ): Answer {
    if (this.memory === undefined) throw new MisuseError("only the memory store can be called without waiting");
    return this.memory.run(namespace.tag(key), nowUs, this.#run, policy, request);
  }

  /** Makes a call on a shared store. What an aborted call was given is taken back. */
  call(namespace: Namespace, key: string, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    return this.shared.call(namespace.entity(key), policy, request, signal);
  }

  /** Takes an outcome in on a shared store, which may settle later. */
  record(namespace: Namespace, key: string, policy: Policy, request: Request): Promise<Answer> {
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
