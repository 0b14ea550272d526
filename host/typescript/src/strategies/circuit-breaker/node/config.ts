/** A circuit breaker node's settings, as workflow engines send them. The component checks them. */

/** The settings. */
export interface CircuitBreakerNodeConfig {
  /**
   * The circuit's name. Nodes and circuit breakers without a key, of one name on one store, are one
   * circuit.
   */
  readonly circuitId: string;
  /** How many failures within the failure window open the circuit; 1 to 1,000. */
  readonly failureThreshold: number;
  /** The length of the failure window in milliseconds; 1 to 86,400,000. */
  readonly failureWindowMs: number;
  /**
   * How many successes close the half-open circuit; 1 to 1,000,000. As many probes may be in flight
   * at once, at most 1,000.
   */
  readonly successThreshold: number;
  /**
   * How long the circuit stays open before it is half-open, in milliseconds; 1 to 2,592,000,000,
   * which is 30 days.
   */
  readonly halfOpenTimeoutMs: number;
  /** What a refused call gets: a {@link CircuitOpenError}, `fallbackValue`, or no result. */
  readonly fallbackAction: "error" | "default" | "skip";
  /** The result of a refused call, any JSON value. Required where `fallbackAction` is `default`. */
  readonly fallbackValue?: unknown;
  /**
   * Errors that count as failures: all, or those in whose name or message one of these texts is
   * found; at most 100 of them. In a text `*` stands for any text and `?` for any one character.
   */
  readonly monitoredErrors: "all" | readonly string[];
  /** The name under which the result goes into a context. Without it, its fields are merged in. */
  readonly outputVariable?: string | undefined;
}
