/** Nodes on a clock that stands still. */

import { type CircuitBreakerNodeConfig, ManualClock, type RateLimiterNodeConfig, Tidegate } from "../../src/index.js";

export const LIMIT = { limit: 2, window: "second", keyType: "per-user", behavior: "reject" } as const;

export const CIRCUIT = {
  circuitId: "payments",
  failureThreshold: 2,
  failureWindowMs: 10_000,
  successThreshold: 1,
  halfOpenTimeoutMs: 5_000,
  fallbackAction: "error",
  monitoredErrors: "all",
} as const;

export function gateAndClock() {
  const clock = new ManualClock();
  return { clock, gate: new Tidegate({ clock }) };
}

export function limiterNode(config: Partial<RateLimiterNodeConfig> = {}) {
  const { clock, gate } = gateAndClock();
  return { clock, gate, node: gate.rateLimiterNode({ ...LIMIT, ...config }) };
}

export function breakerNode(config: Partial<CircuitBreakerNodeConfig> = {}) {
  const { clock, gate } = gateAndClock();
  return { clock, gate, node: gate.circuitBreakerNode({ ...CIRCUIT, ...config }) };
}

/** Lets all that is ready to run do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** What a promise was rejected with. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
