/** A rate limiter node's settings, as workflow engines send them. The component checks them. */

/** The settings. */
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
