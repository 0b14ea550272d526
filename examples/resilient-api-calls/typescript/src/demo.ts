/** The demo: starts the server and the workers, follows what happens, and sums it up. */

import type { Settings } from "./args.js";
import type { Events } from "./event.js";
import { Progress } from "./progress.js";
import { Server } from "./server.js";
import { textOf } from "./summary/text.js";
import { type Summary, summarize } from "./summary.js";
import { Tally } from "./tally.js";
import { nowUs } from "./time.js";
import * as worker from "./worker.js";
import type { Plan } from "./workflow.js";

/** Runs the demo and prints its summary. */
export async function run(settings: Settings): Promise<void> {
  const server = await Server.start(settings);
  try {
    await runAgainst(server, settings);
  } finally {
    server.stop();
  }
}

async function runAgainst(server: Server, settings: Settings): Promise<void> {
  const startedUs = nowUs();
  const plan = planOf(settings, server.url, startedUs);
  const tally = new Tally();
  const progress = new Progress(settings, plan.key, tally, startedUs);
  const ended = await Promise.allSettled(
    startWorkers(settings, plan, event => {
      if ("changed" in event) progress.showChange(event.changed);
      tally.add(event);
    }),
  );
  progress.stop();
  const failed = ended.find(worker => worker.status === "rejected");
  if (tally.done === 0) {
    // Nothing happened that could be summed up.
    throw failed?.reason ?? new Error("the workers ended before they handled an item");
  }
  print(summarize(settings, tally, server, { startedUs, endedUs: nowUs() }), settings.isJson);
  if (failed !== undefined) throw failed.reason;
  if (tally.undecided > 0) throw new Error(`${tally.undecided} items had no decision: ${tally.lastTrouble}`);
  if (tally.unrecorded > 0) throw new Error(`${tally.unrecorded} outcomes were not recorded: ${tally.lastTrouble}`);
}

function planOf(settings: Settings, server: string, startedUs: number): Plan {
  return {
    redis: settings.redis,
    // Without a key given, runs that follow each other on one Redis do not meet.
    key: settings.key ?? `run-${startedUs}-${process.pid}`,
    rate: settings.rate,
    // Runs that share a key share the queue, too.
    queue_size: 10_000,
    queue_timeout_ms: settings.queueTimeoutMs,
    failures: settings.failures,
    open_ms: settings.openMs,
    server,
  };
}

/** A single worker needs no process of its own. */
function startWorkers(settings: Settings, plan: Plan, events: Events): Promise<void>[] {
  const { items, workers: step, concurrency } = settings;
  const jobs = Array.from({ length: step }, (_, first) => ({ plan, items, first, step, concurrency }));
  const start = step === 1 ? worker.run : worker.runInProcess;
  return jobs.map(job => start(job, events));
}

function print(summary: Summary, isJson: boolean): void {
  process.stdout.write(`${isJson ? JSON.stringify(summary, null, 2) : textOf(summary)}\n`);
}
