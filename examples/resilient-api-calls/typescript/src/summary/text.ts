/** The summary for a person. */

import { whyOf } from "../event.js";
import type { Circuit, Items, Limiter, Requests, Second, Summary, Transition } from "../summary.js";
import { seconds } from "../time.js";

/** How long the longest bar is. */
const BAR_CELLS = 40;

/** The summary as text. */
export function textOf(summary: Summary): string {
  const { items, fallback, limiter, circuit, server } = summary;
  const lines = [
    `${items.asked} items in ${seconds(summary.took_ms)}: ${workers(summary)}, state in ${summary.store}`,
    "",
    ...itemLines(items),
    row(
      "fallback",
      fallback.last_answer + fallback.default,
      `for those that failed fast: ${fallback.last_answer} the last good answer, ${fallback.default} a fixed one`,
    ),
    ...limiterLines(limiter),
    ...circuitLines(circuit),
    ...serverLines(server, limiter.limit),
  ];
  return lines.join("\n");
}

function workers({ workers, concurrency }: Summary): string {
  return workers === 1
    ? `1 worker process with ${concurrency} tasks`
    : `${workers} worker processes with ${concurrency} tasks each`;
}

function itemLines(items: Items): string[] {
  const failures = Object.entries(items.failures).map(([what, count]) => `${count} with ${what}`);
  const usual = [
    row("passed", items.passed, "answered by the server"),
    row("failed", items.failed, failures.join(", ")),
    row("failed fast", items.failed_fast, "refused by the circuit, not sent"),
  ];
  const unusual: [string, number, string][] = [
    ["denied", items.denied, "not let go by the rate limiter in time, not sent"],
    ["undecided", items.undecided, "the store did not answer, not sent"],
    ["lost", items.lost, "their worker ended before it told of them"],
  ];
  return usual.concat(unusual.filter(([, count]) => count > 0).map(words => row(...words)));
}

function row(name: string, count: number, meaning: string): string {
  return `  ${name.padEnd(12)}${String(count).padStart(6)}   ${meaning}`.trimEnd();
}

function limiterLines(limiter: Limiter): string[] {
  const lines = [
    "",
    `the rate limiter, ${limiter.limit} a second`,
    `  let ${limiter.let_go} go, at most ${limiter.most_in_any_second} in any one second`,
  ];
  const [p50, p99, most] = [limiter.waited_p50_us, limiter.waited_p99_us, limiter.waited_most_us].map(waited);
  return p50 === undefined ? lines : [...lines, `  waited: p50 ${p50}, p99 ${p99}, longest ${most}`];
}

function waited(us: number | null): string | undefined {
  return us === null ? undefined : seconds(Math.floor(us / 1_000));
}

function circuitLines(circuit: Circuit): string[] {
  const openTime = seconds(circuit.open_ms);
  const transitions = circuit.transitions.map(transitionLine);
  return [
    "",
    `the circuit, opened by ${circuit.failures} failures within 10 s, for ${openTime}`,
    ...(transitions.length > 0 ? transitions : ["  stayed closed"]),
  ];
}

function transitionLine(transition: Transition): string {
  const change = `${transition.before} -> ${transition.after}`;
  return `${seconds(transition.at_ms).padStart(10)}  ${change.padEnd(22)}${whyOf(transition)}`;
}

function serverLines(server: Requests, limit: number): string[] {
  const failed = server.failing_ms?.map(seconds);
  const busiest = Math.max(0, ...server.per_second.map(second => second.answered_well + second.answered_503));
  const each = Math.max(1, Math.ceil(busiest / BAR_CELLS));
  return [
    "",
    "requests that the server saw (# answered, x refused with 503)",
    ...(failed === undefined ? [] : [`  it failed from ${failed[0]} to ${failed[1]}`]),
    ...server.per_second.map((second, at) => secondLine(second, at, each)),
    `  ${server.seen} in all: ${server.answered_well} answered, ${server.answered_503} refused`,
    `  at most ${server.most_in_any_second} in any one second${promised(server, limit)}`,
  ];
}

/** More than the limit may arrive in a second, where the requests took their time to come. */
function promised(server: Requests, limit: number): string {
  if (server.most_in_any_second <= limit) return "";
  const latestMs = Math.ceil(server.latest_us / 1_000);
  const spanMs = Math.max(0, 1_000 - latestMs);
  return (
    `: they came up to ${latestMs} ms after the limiter let them go, so ${limit} are promised in ` +
    `any ${spanMs} ms, where at most ${server.most_in_promised_span} came`
  );
}

function secondLine(second: Second, at: number, each: number): string {
  const count = second.answered_well + second.answered_503;
  const bar = "#".repeat(Math.ceil(second.answered_well / each)) + "x".repeat(Math.ceil(second.answered_503 / each));
  return `${String(at).padStart(6)} s  ${String(count).padStart(5)}  ${bar}`.trimEnd();
}
