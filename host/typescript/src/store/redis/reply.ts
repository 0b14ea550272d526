/** What comes back from the commit script. The format is described at the top of `commit.lua`. */

import { away } from "../errors.js";
import type { Op, Outcome, Reply, Seen } from "../store.js";

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes: Uint8Array): string;
}

/**
 * Reads the script's answer to a commit of these operations on this many cells.
 *
 * @throws a StoreError that says what is wrong with it
 */
export function decodeReply(value: unknown, ops: readonly Op[], cells: number): Reply {
  if (!Array.isArray(value)) throw malformed(value, "an array");
  const [verdict, clockUs, foreign] = [number(value[0]), number(value[1]), number(value[2])];
  const rest: readonly unknown[] = value.slice(3);
  return { outcome: outcome(verdict, rest, ops, cells), clockUs, foreign };
}

/**
 * The clock in the script's answer to several commits that went out together, in microseconds since
 * 1970. The answer to each of them follows it.
 *
 * @throws a StoreError that says what is wrong with the answer
 */
export function clockOf(value: unknown, commits: number): number {
  if (!Array.isArray(value) || value.length !== commits + 1) throw malformed(value, `${commits} answers`);
  return number(value[0]);
}

/**
 * Reads the answer to one of several commits.
 *
 * @throws a StoreError that says what is wrong with it
 */
export function decodePart(part: unknown, clockUs: number, ops: readonly Op[], cells: number): Reply {
  // An advance that was applied, and nothing else: the number that it started from.
  if (!Array.isArray(part) && ops.length === 1 && ops[0]?.kind === "advance") {
    return { outcome: { kind: "applied", seen: [number(part)] }, clockUs, foreign: 0 };
  }
  return decodeReply(part, ops, cells);
}

function outcome(verdict: number, rest: readonly unknown[], ops: readonly Op[], cells: number): Outcome {
  switch (verdict) {
    case 0:
      return { kind: "applied", seen: applied(rest, ops) };
    case 1:
      if (rest.length !== cells) throw malformed(rest, `an array of ${cells}`);
      return { kind: "refused", values: rest.map(text) };
    case 2:
      if (rest.length !== 0) throw malformed(rest, "nothing");
      return { kind: "untimely" };
    default:
      throw malformed(verdict, "an outcome");
  }
}

function applied(rest: readonly unknown[], ops: readonly Op[]): Seen[] {
  let at = 0;
  const seen = ops.map((op): Seen => {
    if (op.kind === "get" || op.kind === "put") return undefined;
    if (at === rest.length) throw malformed("nothing", `an answer to ${op.kind}`);
    const item = rest[at++];
    return op.kind === "observe" ? text(item) : number(item);
  });
  if (at !== rest.length) throw malformed(rest[at], "the end");
  return seen;
}

/** Clients can be told to give integers as text or as a bigint. */
function number(item: unknown): number {
  const number = typeof item === "number" ? item : typeof item === "bigint" ? Number(item) : digits(item);
  if (!Number.isSafeInteger(number) && number !== 2 ** 53) throw malformed(item, "a number");
  if (number < 0) throw malformed(item, "a number from 0");
  return number;
}

function digits(item: unknown): number {
  return typeof item === "string" && /^[0-9]{1,16}$/.test(item) ? Number(item) : Number.NaN;
}

/** Clients can be told to give text as bytes. */
function text(item: unknown): string | undefined {
  if (item === null || item === undefined) return undefined;
  if (typeof item === "string") return item;
  if (!(item instanceof Uint8Array)) throw malformed(item, "a text");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(item);
  } catch (cause) {
    throw away("the server's reply is malformed: a text is not UTF-8", cause);
  }
}

function malformed(found: unknown, wanted: string): Error {
  const shown =
    typeof found === "string" ? JSON.stringify(found.slice(0, 100)) : Array.isArray(found) ? "an array" : `${found}`;
  return away(`the server's reply is malformed: ${shown} in place of ${wanted}`);
}
