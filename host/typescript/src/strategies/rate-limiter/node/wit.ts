/** The contract of rate limiter nodes in `wit/nodes.wit`, as jco presents it, tuned. */

/** One step of a rate limiter node, as the component says it. */
export interface WitStep {
  done: boolean;
  passed: boolean;
  waitMs: number;
  /** Empty: none. */
  token: string;
  /** JSON text; empty while it is not done. */
  result: string;
}

/** What a rate limiter node limits for one context. */
export interface Subject {
  /** The name of the limiter, which follows from the node's settings. */
  readonly name: string;
  /** The key, as text; empty where the key type is global. */
  readonly key: string;
  /** In a queue, higher goes first. */
  readonly priority: number;
}

/** A checked rate limiter node's configuration in an instance. */
export interface LimiterNodeResource {
  reads(): string[];
  outputVariable(): string | undefined;
  subject(context: string): Subject;
  step(entity: number, priority: number, token: string): WitStep;
  abandon(entity: number, token: string): boolean;
  output(context: string, result: string): string;
}

/** What the component exports of it. */
export interface RateLimiterNodeGuest {
  readonly nodes: { readonly RateLimiterNode: { open(config: string): LimiterNodeResource } };
}
