/**
 * The summary: every number in it is counted from what happened. The fields are named as in its
 * JSON, which is the same in every language.
 */

import { type Settings, withoutPassword } from "./args.js";
import type { Change } from "./event.js";
import type { Log, Seen } from "./server.js";
import type { Tally } from "./tally.js";
import { msSince } from "./time.js";

const SECOND_US = 1_000_000;

/** The summary of a run. */
export interface Summary {
  store: string;
  workers: number;
  concurrency: number;
  took_ms: number;
  items: Items;
  fallback: Fallbacks;
  limiter: Limiter;
  circuit: Circuit;
  server: Requests;
}

/** What became of the items. `asked` is the sum of the others, unless a worker was lost. */
export interface Items {
  asked: number;
  passed: number;
  failed: number;
  failed_fast: number;
  denied: number;
  undecided: number;
  lost: number;
  /** What came instead of a good answer, and how often. */
  failures: Record<string, number>;
}

/** What the items that failed fast made do with. */
export interface Fallbacks {
  last_answer: number;
  default: number;
}

/** What the rate limiter did. */
export interface Limiter {
  limit: number;
  let_go: number;
  /** By the times of the decisions, on the store's clock. */
  most_in_any_second: number;
  waited_p50_us: number | null;
  waited_p99_us: number | null;
  waited_most_us: number | null;
}

/** What the circuit did. */
export interface Circuit {
  /** This many failures within ten seconds open it. */
  failures: number;
  open_ms: number;
  transitions: Transition[];
}

/** A state change of the circuit, and when since the start. */
export type Transition = { at_ms: number } & Change;

/** What the server saw. */
export interface Requests {
  seen: number;
  answered_well: number;
  answered_503: number;
  /** From when until when it failed, in milliseconds since the start. */
  failing_ms: [number, number] | null;
  /** For each second since the start. */
  per_second: Second[];
  most_in_any_second: number;
  /** The longest time between the decision of the limiter and the arrival of the request. */
  latest_us: number;
  /**
   * In any span of a second less `latest_us`: what the limiter's promise comes to where the
   * requests arrive.
   */
  most_in_promised_span: number;
}

/** A second of the server. */
export interface Second {
  answered_well: number;
  answered_503: number;
}

/** From when until when a run went on, in microseconds since 1970. */
export interface Run {
  startedUs: number;
  endedUs: number;
}

/** Sums up a run. */
export function summarize(settings: Settings, tally: Tally, log: Log, { startedUs, endedUs }: Run): Summary {
  return {
    store: settings.redis === null ? "memory" : withoutPassword(settings.redis),
    workers: settings.workers,
    concurrency: settings.concurrency,
    took_ms: msSince(startedUs, endedUs),
    items: itemsOf(settings.items, tally),
    fallback: { last_answer: tally.fellBackOnLastAnswer, default: tally.fellBackOnDefault },
    limiter: limiterOf(settings.rate, tally),
    circuit: circuitOf(settings, tally, startedUs),
    server: requestsOf(tally, log, startedUs),
  };
}

function itemsOf(asked: number, tally: Tally): Items {
  return {
    asked,
    passed: tally.passed,
    failed: tally.failed,
    failed_fast: tally.failedFast,
    denied: tally.denied,
    undecided: tally.undecided,
    lost: Math.max(0, asked - tally.done),
    failures: Object.fromEntries([...tally.failures].sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function limiterOf(limit: number, tally: Tally): Limiter {
  const permits = [...tally.permits.values()];
  const waitsUs = ascending(permits.map(permit => permit.waited_us));
  return {
    limit,
    let_go: waitsUs.length,
    most_in_any_second: mostInAny(
      SECOND_US,
      permits.map(permit => permit.at_us),
    ),
    waited_p50_us: percentile(waitsUs, 50),
    waited_p99_us: percentile(waitsUs, 99),
    waited_most_us: waitsUs.at(-1) ?? null,
  };
}

function circuitOf(settings: Settings, tally: Tally, startedUs: number): Circuit {
  const transitions = tally.changes.map(change => ({ at_ms: msSince(startedUs, change.at_us), ...change }));
  return { failures: settings.failures, open_ms: settings.openMs, transitions };
}

function requestsOf(tally: Tally, { requests, failingUs }: Log, startedUs: number): Requests {
  const timesUs = requests.map(seen => seen.atUs);
  const answeredWell = requests.filter(seen => seen.isGood).length;
  const latestUs = requests.reduce((latest, seen) => Math.max(latest, lateUs(seen, tally)), 0);
  return {
    seen: requests.length,
    answered_well: answeredWell,
    answered_503: requests.length - answeredWell,
    failing_ms: failingUs && [msSince(startedUs, failingUs[0]), msSince(startedUs, failingUs[1])],
    per_second: perSecond(requests, startedUs),
    most_in_any_second: mostInAny(SECOND_US, timesUs),
    latest_us: latestUs,
    most_in_promised_span: mostInAny(SECOND_US - latestUs, timesUs),
  };
}

/** How long after the limiter's decision a request came. */
function lateUs(seen: Seen, tally: Tally): number {
  const permit = seen.item === null ? undefined : tally.permits.get(seen.item);
  return permit === undefined ? 0 : seen.atUs - permit.at_us;
}

/** What came in each second since the start, those in which nothing came included. */
export function perSecond(requests: readonly Seen[], startedUs: number): Second[] {
  const seconds: Second[] = [];
  for (const { atUs, isGood } of requests) {
    const index = Math.floor(Math.max(0, atUs - startedUs) / SECOND_US);
    while (seconds.length <= index) seconds.push({ answered_well: 0, answered_503: 0 });
    const second = seconds[index];
    if (second !== undefined) second[isGood ? "answered_well" : "answered_503"] += 1;
  }
  return seconds;
}

/** The most of these times that lie in one such span, wherever it begins. */
export function mostInAny(spanUs: number, timesUs: readonly number[]): number {
  const sorted = ascending(timesUs);
  const span = Math.max(spanUs, 1);
  let first = 0;
  let most = 0;
  sorted.forEach((atUs, last) => {
    while ((sorted[first] ?? atUs) + span <= atUs) first += 1;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

/** The least of the sorted values that this many percent are not above; null of none. */
export function percentile(sorted: readonly number[], percent: number): number | null {
  const rank = Math.ceil((sorted.length * percent) / 100);
  return sorted[Math.max(rank, 1) - 1] ?? null;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((one, other) => one - other);
}
