/** Workers: tasks that handle items, in this process or in one of its own. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import type { Event, Events } from "./event.js";
import { type Plan, Workflow } from "./workflow.js";

/** What one worker has to do. It goes to a process as JSON, which is the same in every language. */
export interface Job {
  /** What all workers have in common. */
  plan: Plan;
  /** How many items there are in all. */
  items: number;
  /** This worker handles `first`, `first + step` and so on. */
  first: number;
  /** How many workers there are. */
  step: number;
  /** How many items it handles at once. */
  concurrency: number;
}

/** Does a job in this process. */
export async function run(job: Job, events: Events): Promise<void> {
  const workflow = await Workflow.open(job.plan, events);
  let next = job.first;
  const task = async () => {
    while (next < job.items) {
      const item = next;
      next += job.step;
      await workflow.handle(item);
    }
  };
  try {
    await Promise.all(Array.from({ length: job.concurrency }, task));
  } finally {
    await workflow.close();
  }
}

/** Does a job in a process of its own, and passes on what that tells. */
export async function runInProcess(job: Job, events: Events): Promise<void> {
  const name = `worker process ${job.first + 1} of ${job.step}`;
  const worker = start();
  const ended = once(worker, "close");
  // One that ends before it has read its job tells why by its status.
  worker.stdin.on("error", () => {});
  worker.stdin.end(JSON.stringify(job));
  for await (const line of createInterface({ input: worker.stdout })) {
    events(eventOf(line, name));
  }
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`${name} ended with ${signal ?? `exit status: ${code}`}`);
}

/**
 * The job comes by the standard input: a URL with a password is no business of the list of
 * processes.
 */
function start(): ChildProcessByStdio<Writable, Readable, null> {
  const program = fileURLToPath(new URL("main.js", import.meta.url));
  return spawn(process.execPath, [program, "--worker"], { stdio: ["pipe", "pipe", "inherit"] });
}

function eventOf(line: string, name: string): Event {
  try {
    return JSON.parse(line) as Event;
  } catch (cause) {
    throw new Error(`${name} said ${JSON.stringify(line)}`, { cause });
  }
}

/** The worker process: reads its job, and writes what happens as lines of JSON. */
export async function work(): Promise<void> {
  const job = (await json(process.stdin)) as Job;
  await run(job, event => process.stdout.write(`${JSON.stringify(event)}\n`));
}
