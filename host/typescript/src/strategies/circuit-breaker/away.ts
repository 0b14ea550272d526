/** What a circuit answers while the store is away. */

import type { Core } from "../../core.js";
import { isStoreError } from "../../errors.js";
import type { Namespace } from "../../key.js";
import type { CircuitWhenAway } from "../../when-away.js";
import { BLIND_PERMIT, blindReport, type CircuitReport, reportOf } from "./report.js";
import { ADMIT, type BreakerPolicy, isOutcome, type Outcome, type Request } from "./request.js";
import type { CircuitPermit, WitReport } from "./wit.js";

/**
 * The permit of an outcome that counts on this host, or nowhere: the call was admitted without the
 * store.
 */
export function degradedPermit(request: Request): CircuitPermit | undefined {
  return isOutcome(request) && request.permit.degraded === true ? request.permit : undefined;
}

/** Answers in place of the store. */
export class CircuitAway {
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #policy: BreakerPolicy;
  readonly #whenAway: CircuitWhenAway;

  constructor(core: Core, namespace: Namespace, policy: BreakerPolicy, whenAway: CircuitWhenAway) {
    this.#core = core;
    this.#namespace = namespace;
    this.#policy = policy;
    this.#whenAway = whenAway;
  }

  /** Whether this host's own circuit answers. */
  get #isShare(): boolean {
    return this.#whenAway === "share" || typeof this.#whenAway !== "string";
  }

  /** Whether calls are answered here rather than with an error. */
  get answers(): boolean {
    return this.#whenAway !== "error";
  }

  /** The answer in place of an error. Orders stay errors, and looks but at a share. */
  inPlaceOf(error: unknown, key: string, request: Request): CircuitReport {
    const answers = request.kind === "status" ? this.#isShare : this.answers;
    if (!answers || !isStoreError(error)) throw error;
    return this.report(key, request, true);
  }

  /**
   * The answer to an admission, an outcome or a look. An outcome of the store's that was not sent
   * is sent when it is back.
   */
  report(key: string, request: Request, isSent: boolean): CircuitReport {
    const entity = this.#namespace.entity(key);
    const { ledger } = this.#core;
    ledger?.degraded(entity, this.#policy);
    const isOfStore = isOutcome(request) && degradedPermit(request) === undefined;
    if (isOfStore && isSent) this.#core.lost++;
    else if (isOfStore) ledger?.park(entity, this.#policy, request);
    if (this.#isShare) return isOfStore ? this.#retold(key, request) : this.#share(key, request);
    if (request.kind !== "admit") return blindReport("ignored", undefined, 0);
    if (this.#whenAway === "open") return blindReport("admitted", BLIND_PERMIT, 0);
    return blindReport("refused-away", undefined, ledger?.retryAfterMs(entity) ?? 0);
  }

  /**
   * The outcome of a call that the store admitted, told to this host's own circuit by a permit of
   * its own.
   */
  #retold(key: string, request: Outcome): CircuitReport {
    const { permit } = this.#share(key, ADMIT);
    return permit === undefined ? blindReport("ignored", undefined, 0) : this.#share(key, { ...request, permit });
  }

  #share(key: string, request: Request): CircuitReport {
    let report: WitReport;
    try {
      report = this.#core.alone.run(this.#namespace.tag(key), this.#core.storeUs(), this.#policy, request);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      // There is no room for one more circuit.
      return blindReport(request.kind === "admit" ? "refused-away" : "ignored", undefined, 0);
    }
    return reportOf(report, true);
  }
}
