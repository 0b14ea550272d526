/**
 * The settings of workflow nodes: the JSON that workflow engines send. The component checks them.
 */

/** A rate limiter node's settings. */
export interface RateLimiterNodeConfig {
  /**
   * How many calls may pass in any span of time as long as the window; 0 to 4,294,967,295, 0: none.
   */
  readonly limit: number;
  /** The unit of the window's length. */
  readonly window: "second" | "minute" | "hour" | "day";
  /** The window's length in that unit; 1 unless set; in all at most 366 days. */
  readonly windowCount?: number | undefined;
  /**
   * Who shares a limit: everyone, each `userId` of a context, each `resourceId` (or `workflowId`
   * where there is none), or each value of `customKeyField`.
   */
  readonly keyType: "global" | "per-user" | "per-resource" | "custom";
  /**
   * Where the key is in a context, as a dotted path or a JSONPath to one value. Required where
   * `keyType` is `custom`.
   */
  readonly customKeyField?: string | undefined;
  /**
   * What a call over the limit does: wait in a queue, be rejected, or wait for a reserved place.
   */
  readonly behavior: "queue" | "reject" | "delay";
  /** For `queue`: how many calls may wait in the queue of a key; 1 to 10,000; 100 unless set. */
  readonly maxQueueSize?: number | undefined;
  /**
   * For `queue` and `delay`: how long a call may wait, in milliseconds; 1 to 86,400,000, and for
   * `delay` at most 1,000 windows; 30,000 unless set.
   */
  readonly queueTimeoutMs?: number | undefined;
  /**
   * Where a call's priority is in a context, a whole number of 32 bits: higher goes first in the
   * queue. 0 where there is none.
   */
  readonly priorityField?: string | undefined;
  /** The name under which the result goes into a context. Without it, its fields are merged in. */
  readonly outputVariable?: string | undefined;
}

/** A circuit breaker node's settings. */
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

/** The JSON text of settings, for the component to judge. */
export function configText(config: unknown): string {
  if (typeof config === "string") return config;
  return jsonText(config) ?? "null";
}

/** JSON text, or what stands for what has none. */
function jsonText(config: unknown): string | undefined {
  try {
    return JSON.stringify(config);
  } catch {
    // A cycle or a bigint: the component says that a text is no object.
    return '"an object that is not plain data"';
  }
}
