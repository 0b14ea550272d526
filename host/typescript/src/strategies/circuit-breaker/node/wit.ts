/** The contract of circuit breaker nodes in `wit/nodes.wit`, as jco presents it, tuned. */

import type { WitError, WitReport } from "../wit.js";

/** One step of a circuit breaker node, as the component says it. */
export interface WitCircuitStep {
  allowed: boolean;
  /** Empty: no call was admitted. */
  token: string;
  /** JSON text. */
  result: string;
  report: WitReport;
}

/** What a refused call gets instead. */
export type FallbackAction = "error" | "default" | "skip";

/** A checked circuit breaker node's configuration in an instance. */
export interface BreakerNodeResource {
  circuitId(): string;
  fallbackAction(): FallbackAction;
  fallbackValue(): string | undefined;
  outputVariable(): string | undefined;
  admit(entity: number): WitCircuitStep;
  succeeded(entity: number, token: string): WitCircuitStep;
  failed(entity: number, token: string, errors: readonly WitError[]): WitCircuitStep;
  cancelled(entity: number, token: string): WitCircuitStep;
  status(entity: number): WitCircuitStep;
  output(context: string, result: string): string;
}

/** What the component exports of it. */
export interface CircuitBreakerNodeGuest {
  readonly nodes: { readonly CircuitBreakerNode: { open(config: string): BreakerNodeResource } };
}
