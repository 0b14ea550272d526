/** Tidegate on the Redis that all workers share. */

import { Redis } from "ioredis";
import { redisStore, Tidegate } from "tidegate";

/** A gate, and how to close what it is on. */
export interface OpenGate {
  readonly gate: Tidegate;
  close(): Promise<void>;
}

/**
 * How long the store may take. An activity has more time than a web request has, and is tried again
 * a second later.
 */
const STORE_LIMIT_MS = 2_000;

export function openGate(url: string): OpenGate {
  const redis = new Redis(url);
  const gate = new Tidegate({ store: redisStore(redis, { timeoutMs: STORE_LIMIT_MS }) });
  return {
    gate,
    async close() {
      // Outcomes that are recorded in the background go out first.
      await gate.close();
      await redis.quit();
    },
  };
}
