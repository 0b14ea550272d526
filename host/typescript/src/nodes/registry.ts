/** The nodes as data for an editor. */

/** What goes into a node or comes out of it. */
export interface NodePort {
  /** Its name. */
  readonly name: string;
  /** The type of its value. */
  readonly type: string;
  /** What it means. */
  readonly description: string;
}

/** A node as an editor shows it. */
export interface NodeDefinition {
  /** Its type, by which a workflow names it. */
  readonly type: "rate-limiter" | "circuit-breaker";
  /** Its name, for people. */
  readonly name: string;
  /** What it does. */
  readonly description: string;
  /** Where an editor lists it. */
  readonly category: string;
  /** Where an editor lists it there. */
  readonly subcategory: string;
  /** Whether it is for enterprises. */
  readonly isEnterprise: boolean;
  /** By what it is found. */
  readonly keywords: readonly string[];
  /** What goes in. */
  readonly inputs: readonly NodePort[];
  /** What comes out. */
  readonly outputs: readonly NodePort[];
  /**
   * A JSON Schema of draft 2020-12, made of the very declaration by which the settings are read.
   */
  readonly configSchema: { readonly [keyword: string]: unknown };
}
