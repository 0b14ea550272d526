/** Work that happens after the operation has returned, and circuits that tell what it came to. */

import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { CircuitBreaker } from "../../../../src/index.js";
import { open } from "./support.js";

export type End = "ends" | "breaks" | "hangs";

export type Source = (n: number, end?: End) => AsyncIterable<unknown>;

export const broken = () => new Error("the source broke");
const never = () => new Promise<never>(() => undefined);

export async function* rows(n: number, end: End = "ends") {
  for (let row = 1; row <= n; row++) yield row;
  if (end === "breaks") throw broken();
  if (end === "hangs") await never();
  return "done";
}

export function* lines(n: number, end: "ends" | "breaks" = "ends"): Generator<number, string, unknown> {
  for (let line = 1; line <= n; line++) yield line;
  if (end === "breaks") throw broken();
  return "done";
}

export function webStream(n: number, end?: End, type?: "bytes"): ReadableStream {
  const source = rows(n, end);
  return new ReadableStream({
    ...(type && { type }),
    async pull(controller: ReadableStreamDefaultController) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(type === "bytes" ? Uint8Array.of(Number(value)) : value);
    },
  });
}

/**
 * One that can be destroyed while it waits for its source, as a socket can; a stream from a
 * generator cannot.
 */
export function nodeStream(n: number, end?: End): Readable {
  const source = rows(n, end);
  const read = async (stream: Readable) => {
    try {
      const { done, value } = await source.next();
      stream.push(done ? null : value);
    } catch (error) {
      stream.destroy(error as Error);
    }
  };
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      void read(this);
    },
  });
}

/** All that only somebody who waits can read. */
export const sources: [string, Source][] = [
  ["an async generator", rows],
  ["a web stream", webStream as unknown as Source],
  ["a web stream of bytes", ((n: number, end?: End) => webStream(n, end, "bytes")) as unknown as Source],
  ["a stream of Node's", nodeStream],
];

/** The circuit when all is told. */
export async function told(breaker: CircuitBreaker, flush: () => Promise<void>) {
  await setImmediate();
  await setImmediate();
  await flush();
  return breaker.status();
}

/** A circuit that counts all calls. */
export const counting = () => open({ trip: { failureRatePercent: 100, sample: { calls: 100 }, minimumCalls: 100 } });
