/** Limits as text: `10/second`, `100/5minutes`, `1000 per day`. */

import type { WindowUnit } from "./window.js";

const WORDS: Readonly<Record<WindowUnit, readonly string[]>> = {
  millisecond: ["ms", "millisecond", "milliseconds"],
  second: ["s", "sec", "secs", "second", "seconds"],
  minute: ["min", "mins", "minute", "minutes"],
  hour: ["h", "hour", "hours"],
  day: ["d", "day", "days"],
};
const UNITS = new Map(
  (Object.entries(WORDS) as [WindowUnit, readonly string[]][]).flatMap(([unit, words]) =>
    words.map(word => [word, unit] as const),
  ),
);

const MAX_PERMITS = 0xffff_ffff;

/**
 * Reads a limit: `<permits>/<unit>` or `<permits>/<count><unit>`, with `per` in place of the slash.
 * The units are `ms`, `s`, `min`, `h` and `d`, or `millisecond`, `second` (`sec`), `minute`, `hour`
 * and `day`, also with an `s`.
 */
export function readLimit(text: string): { limit: number; window: WindowUnit; windowCount: number } | undefined {
  const [, permits, count, word] = /^\s*(\d+)\s*(?:\/| per )\s*(\d*)\s*([a-z]+)\s*$/.exec(text) ?? [];
  const [limit, window, windowCount] = [Number(permits), UNITS.get(word ?? ""), Number(count || 1)];
  if (window === undefined || limit > MAX_PERMITS || !Number.isSafeInteger(windowCount)) return undefined;
  return { limit, window, windowCount };
}
