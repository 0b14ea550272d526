/**
 * The shape of settings, checked where they enter: a field that is not known, is missing or has a
 * value of the wrong type is named with its path and what was found there. Which values are allowed
 * is the component's to say.
 */

import { ConfigError } from "./errors.js";
import type { Problem } from "./problem.js";

/** Finds what is wrong with a value's shape. */
export type Check = (value: unknown, path: string, problems: Problem[]) => void;

/** The greatest number of milliseconds, units and calls that is told exactly. */
const MAX_WHOLE = Number.MAX_SAFE_INTEGER;
const MAX_U32 = 0xffff_ffff;

/** How much of a bad value is quoted. */
const QUOTED_CHARS = 100;

/** A bad value as text. */
export function quoted(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol" || typeof value === "number") return String(value);
  const text = inJson(value);
  return text.length <= QUOTED_CHARS ? text : `${text.slice(0, QUOTED_CHARS)}...`;
}

function inJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "nothing";
  } catch {
    return "an object that is not plain data";
  }
}

/** Tells what must be where something else is. */
export function must(holds: boolean, value: unknown, path: string, problems: Problem[], allowed: string): void {
  if (!holds) problems.push({ path, value: quoted(value), allowed });
}

/** A whole number that fits in 32 bits. */
export const u32: Check = (value, path, problems) => {
  const holds = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_U32;
  must(holds, value, path, problems, `a whole number from 0 to ${MAX_U32}`);
};

/** A whole number that is told exactly. */
export const u53: Check = (value, path, problems) => {
  const holds = Number.isSafeInteger(value) && (value as number) >= 0;
  must(holds, value, path, problems, `a whole number from 0 to ${MAX_WHOLE}`);
};

const HALF_A_PAIR = /\p{Surrogate}/u;
const { isWellFormed } = String.prototype as { isWellFormed?: () => boolean };

/** Whether a text can be told to others: JavaScript's may have halves of surrogate pairs. */
export const isUnicode: (value: string) => boolean =
  isWellFormed === undefined ? value => !HALF_A_PAIR.test(value) : value => isWellFormed.call(value);

/** Any text, also one with half of a surrogate pair: errors have such, and count all the same. */
export const anyText: Check = (value, path, problems) =>
  must(typeof value === "string", value, path, problems, "a text");

/** Any text that can be told to others. */
export const text: Check = (value, path, problems) => {
  must(typeof value === "string", value, path, problems, "a text");
  if (typeof value === "string" && !isUnicode(value))
    must(false, value, path, problems, "a text in Unicode, with no half of a surrogate pair");
};

/** Yes or no. */
export const flag: Check = (value, path, problems) =>
  must(typeof value === "boolean", value, path, problems, "true or false");

/** A few words as a phrase. */
export function oneOfWords(words: readonly string[]): string {
  return `one of ${words.map(each => JSON.stringify(each)).join(", ")}`;
}

/** One of a few texts. */
export function oneOf(...allowed: readonly string[]): Check {
  const list = oneOfWords(allowed);
  return (value, path, problems) =>
    must(typeof value === "string" && allowed.includes(value), value, path, problems, list);
}

/** A list. */
export function listOf(check: Check): Check {
  return (value, path, problems) => {
    if (!Array.isArray(value)) return must(false, value, path, problems, "a list");
    for (const [index, each] of value.entries()) check(each, `${path}[${index}]`, problems);
  };
}

type Fields = Readonly<Record<string, Check>>;

/** An object of these fields and no other. */
export function object(required: Fields, optional: Fields = {}): Check {
  const fields: Fields = { ...required, ...optional };
  const names = Object.keys(fields).join(", ");
  return (value, path, problems) => {
    if (!isPlain(value)) return must(false, value, path, problems, "an object");
    for (const name of Object.keys(value)) {
      const known = Object.hasOwn(fields, name);
      must(known, value[name], at(path, name), problems, `left out: the fields here are ${names}`);
    }
    for (const [name, check] of Object.entries(fields)) {
      if (value[name] !== undefined || Object.hasOwn(required, name)) check(value[name], at(path, name), problems);
    }
  };
}

/** Whether it is an object that is no list. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function at(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Throws all that is wrong with the shape of `value`. */
export function assertShape(check: Check, value: unknown, what: (name: unknown) => string): void {
  const problems: Problem[] = [];
  check(value, "", problems);
  if (problems.length > 0) throw new ConfigError(what(isPlain(value) ? value["name"] : undefined), problems);
}

/** A name or a path of the contract, as it is written here. */
export function spelt(contract: string): string {
  return contract.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A problem that the component found, with the names of settings as the caller wrote them. */
export function asWritten({ path, value, allowed }: Problem): Problem {
  // The share of a limiter is opened by the number of hosts alone.
  const renamed = path === "hosts" ? "when-away.share" : path;
  const named = allowed.replace(/`([^`]*)`/g, (_, name: string) => `\`${spelt(name)}\``);
  return { path: spelt(renamed), value, allowed: named };
}
