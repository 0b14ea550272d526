/** What is wrong with a configuration. */

/** One thing that is wrong with a configuration. */
export interface Problem {
  /**
   * Where, as a path from the root of the configuration: `limits[1].window`; empty, or `.` of a
   * workflow node's, is the root.
   */
  readonly path: string;
  /** The value found there, as text. */
  readonly value: string;
  /** What is allowed there, as a phrase that completes "must be ...". */
  readonly allowed: string;
}
