/** What a circuit answers while the store is away. */

import type { CircuitPermit, Request } from "../call.js";
import type { Core } from "../core.js";
import { isStoreError, MisuseError } from "../errors.js";
import type { Namespace } from "../key.js";
import type { BreakerPolicy } from "../runtime/policy.js";
import type { WhenAway } from "../when-away.js";
import { blindPermit, blindReport, type CircuitReport, reportOf } from "./report.js";

/** The permit of an outcome that counts on this host, or nowhere: the call was admitted without the store. */
export function degradedPermit(request: Request): CircuitPermit | undefined {
  const hasPermit = request.kind === "succeeded" || request.kind === "failed" || request.kind === "cancelled";
  return hasPermit && request.permit.degraded === true ? request.permit : undefined;
}

/** Answers in place of the store. */
export class CircuitAway {
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #policy: BreakerPolicy;
  readonly #whenAway: WhenAway;

  constructor(core: Core, namespace: Namespace, policy: BreakerPolicy, whenAway: WhenAway) {
    this.#core = core;
    this.#namespace = namespace;
    this.#policy = policy;
    this.#whenAway = whenAway;
  }

  /** Whether calls are answered here rather than with an error. */
  get answers(): boolean {
    return this.#whenAway !== "error";
  }

  /** The answer to an admission or an outcome, in place of an error. */
  inPlaceOf(error: unknown, key: string, request: Request): CircuitReport {
    if (!this.answers || !isStoreError(error)) throw error;
    return this.report(key, request);
  }

  /** The answer to an admission or an outcome. */
  report(key: string, request: Request): CircuitReport {
    const entity = this.#namespace.entity(key);
    this.#core.ledger?.degraded(entity, this.#policy, 0);
    // The store's own permits mean nothing here, and outcomes that it has not heard of are lost.
    const isForeign = "permit" in request && degradedPermit(request) === undefined;
    if (isForeign && this.#core.ledger !== undefined) this.#core.lost++;
    if (typeof this.#whenAway !== "string" && !isForeign) return this.#share(key, request);
    if (request.kind !== "admit") return blindReport("ignored", undefined, 0);
    if (this.#whenAway === "open") return blindReport("admitted", blindPermit(this.#core.storeUs()), 0);
    return blindReport("refused-away", undefined, this.#core.ledger?.retryAfterMs(entity) ?? 0);
  }

  #share(key: string, request: Request): CircuitReport {
    const answer = this.#core.alone.guard(this.#namespace.tag(key), this.#core.storeUs(), this.#policy, request);
    if (answer.kind !== "report") throw new MisuseError("the answer to another question");
    return reportOf(answer.report, true);
  }
}
