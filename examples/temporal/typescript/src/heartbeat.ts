/** Heartbeats of an activity that waits: the server answers them with a cancellation. */

import { Context } from "@temporalio/activity";

const EVERY_MS = 5_000;

/** Runs `work` with a heartbeat now and every few seconds. */
export async function withHeartbeat<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  context.heartbeat();
  const timer = setInterval(() => context.heartbeat(), EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
