/** Policies: configurations that the component has checked. */

/** A checked configuration; which of the component's resources it is, is the runtime's business. */
export interface Policy {
  readonly kind: "limiter" | "breaker";
}
