/**
 * The shape of settings, checked where they enter: a field that is not known, is missing or has a value of the wrong type is
 * named with its path and what was found there. Which values are allowed is the component's to say.
 */

import { ConfigError, type Problem } from "./errors.js";

/** Finds what is wrong with a value's shape. */
export type Check = (value: unknown, path: string, problems: Problem[]) => void;

/** The greatest number of milliseconds, units and calls that is told exactly. */
const MOST = Number.MAX_SAFE_INTEGER;
const MOST_U32 = 0xffff_ffff;

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
  const holds = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_U32;
  must(holds, value, path, problems, `a whole number from 0 to ${MOST_U32}`);
};

/** A whole number that is told exactly. */
export const u53: Check = (value, path, problems) => {
  const holds = Number.isSafeInteger(value) && (value as number) >= 0;
  must(holds, value, path, problems, `a whole number from 0 to ${MOST}`);
};

/** Any number, also one that the component will refuse. */
export const float: Check = (value, path, problems) =>
  must(typeof value === "number" && !Number.isNaN(value), value, path, problems, "a number");

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

/** One of a few texts. */
export function oneOf(...allowed: readonly string[]): Check {
  const list = `one of ${allowed.map(each => JSON.stringify(each)).join(", ")}`;
  return (value, path, problems) =>
    must(typeof value === "string" && allowed.includes(value), value, path, problems, list);
}

/** What may also be null, which means that it is not set: so the other languages write it. */
export function orNull(check: Check): Check {
  return (value, path, problems) => {
    if (value !== null) check(value, path, problems);
  };
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
      must(known, value[name], at(path, name), problems, `absent: the fields here are ${names}`);
    }
    for (const [name, check] of Object.entries(fields)) {
      if (value[name] !== undefined || Object.hasOwn(required, name)) check(value[name], at(path, name), problems);
    }
  };
}

/** An object whose other fields depend on the text in one of them. */
export function tagged(tag: string, variants: Readonly<Record<string, [required: Fields, optional?: Fields]>>): Check {
  const which = oneOf(...Object.keys(variants));
  const checks = new Map(
    Object.entries(variants).map(([name, [required, optional]]) => [
      name,
      object({ [tag]: text, ...required }, optional),
    ]),
  );
  return (value, path, problems) => {
    if (!isPlain(value)) return must(false, value, path, problems, "an object");
    const name = value[tag];
    const check = typeof name === "string" ? checks.get(name) : undefined;
    if (check === undefined) which(name, at(path, tag), problems);
    else check(value, path, problems);
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

/** The paths of a policy's settings as the contract has them, where they are not only spelt otherwise. */
const RENAMED: readonly [RegExp, string][] = [
  [/^on-limit\.(queue|delay)\./, "on-limit."],
  [/\.algorithm\.(sliding-window|gcra|token-bucket)\./, ".algorithm."],
  [/^trip\.failure-rate\.percent$/, "trip.failure-rate-percent"],
  [/^hosts$/, "when-away.share"],
];

/** A problem that the component found, with its path as the caller wrote it. */
export function asWritten({ path, value, allowed }: Problem): Problem {
  const renamed = RENAMED.reduce((text, [from, to]) => text.replace(from, to), path);
  return { path: renamed.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()), value, allowed };
}
