/**
 * Settings held to their declaration, which all languages share: a value that is not of its type is
 * told with the names as they are written here, all such values at once. What the settings say of
 * each other is the component's to check.
 */

import { type Check, flag, isPlain, must, oneOf, oneOfWords, spelt, text } from "./config.js";
import type { Problem } from "./problem.js";
import { readLimit } from "./strategies/rate-limiter/limit-text.js";

type Fields = Readonly<Record<string, Field>>;

/** A setting; see declaration.rs in host/rust/src/settings. */
export type Field = { readonly required?: boolean; readonly nullable?: boolean } & Kind;

type Kind =
  | { readonly kind: "text" | "flag" }
  | { readonly kind: "whole"; readonly least: number; readonly most: number; readonly bits: number }
  | { readonly kind: "number"; readonly above?: number; readonly least?: number; readonly most: number }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "list"; readonly of: Field }
  | { readonly kind: "object"; readonly text?: string; readonly fields: Fields }
  | { readonly kind: "tagged"; readonly tag: string; readonly variants: Readonly<Record<string, Fields>> }
  | { readonly kind: "either"; readonly words: readonly string[]; readonly fields: Fields };

/**
 * Problems. Those of values that are only out of range are by themselves the component's to tell.
 */
class Found {
  readonly problems: Problem[] = [];
  #malformed = 0;

  malformed(path: string, value: unknown, allowed: string): void {
    this.#malformed++;
    must(false, value, path, this.problems, allowed);
  }

  check(check: Check, value: unknown, path: string): void {
    const before = this.problems.length;
    check(value, path, this.problems);
    this.#malformed += this.problems.length - before;
  }

  outOfRange(path: string, value: unknown, allowed: string): void {
    must(false, value, path, this.problems, allowed);
  }

  get isMalformed(): boolean {
    return this.#malformed > 0;
  }
}

/** A check of the shape of settings: all that is wrong, unless all values are of their types. */
export function declared(field: Field): Check {
  return (value, path, problems) => {
    const found = new Found();
    checkField(found, path, field, value);
    if (found.isMalformed) problems.push(...found.problems);
  };
}

type Of<K extends Kind["kind"]> = Extract<Kind, { kind: K }>;
type Checks = { readonly [K in Kind["kind"]]: (found: Found, path: string, of: Of<K>, value: unknown) => void };

const CHECKS: Checks = {
  text: (found, path, _, value) => found.check(text, value, path),
  flag: (found, path, _, value) => found.check(flag, value, path),
  choice: (found, path, of, value) => found.check(oneOf(...of.of), value, path),
  whole: checkWhole,
  number: checkNumber,
  list: checkList,
  object: checkObject,
  tagged: checkTagged,
  either: checkEither,
};

function checkField(found: Found, path: string, field: Field, value: unknown): void {
  if (field.nullable && value === null) return;
  (CHECKS[field.kind] as Checks["text"])(found, path, field as Of<"text">, value);
}

function checkList(found: Found, path: string, { of }: Of<"list">, value: unknown): void {
  if (!Array.isArray(value)) found.malformed(path, value, "a list");
  else for (const [index, each] of value.entries()) checkField(found, `${path}[${index}]`, of, each);
}

function checkObject(found: Found, path: string, { fields, text }: Of<"object">, value: unknown): void {
  if (text !== undefined && typeof value === "string" && readLimit(value) !== undefined) return;
  const orText = text === undefined ? "" : ` or a text such as ${JSON.stringify(text)}`;
  if (isPlain(value)) checkFields(found, path, fields, value, []);
  else found.malformed(path, value, `an object${orText}`);
}

/** An object whose other fields depend on the word in one of them. */
function checkTagged(found: Found, path: string, { tag, variants }: Of<"tagged">, value: unknown): void {
  const words = oneOfWords(Object.keys(variants));
  const object = isPlain(value) ? value : undefined;
  const word = object?.[tag];
  const fields = typeof word === "string" && Object.hasOwn(variants, word) ? variants[word] : undefined;
  if (object === undefined) found.malformed(path, value, `an object whose ${tag} is ${words}`);
  else if (fields === undefined) found.malformed(below(path, tag), word, words);
  else checkFields(found, path, fields, object, [tag]);
}

function checkWhole(found: Found, path: string, { least, most, bits }: Of<"whole">, value: unknown): void {
  const fits = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** bits;
  if (!fits) found.malformed(path, value, `a whole number from ${least} to ${most}`);
  else if ((value as number) < least || (value as number) > most) found.outOfRange(path, value, `${least} to ${most}`);
}

function checkNumber(found: Found, path: string, { above, least = 0, most }: Of<"number">, value: unknown): void {
  const range = above === undefined ? `${least} to ${most}` : `more than ${above}, at most ${most}`;
  if (typeof value !== "number" || Number.isNaN(value)) found.malformed(path, value, `a number, ${range}`);
  else if (value > most || (above === undefined ? value < least : value <= above)) found.outOfRange(path, value, range);
}

/** One of a few words, or an object of just one of these fields. */
function checkEither(found: Found, path: string, { words, fields }: Of<"either">, value: unknown): void {
  if (typeof value === "string" && words.includes(value)) return;
  const given = isPlain(value) ? Object.keys(value).filter(name => value[name] !== undefined) : [];
  const known = Object.entries(fields).find(([name]) => given.length === 1 && spelt(name) === given[0]);
  const objects = Object.keys(fields).map(name => `{${JSON.stringify(spelt(name))}: ...}`);
  const all = [...words.map(word => JSON.stringify(word)), ...objects];
  if (known === undefined) found.malformed(path, value, all.length === 1 ? `${all[0]}` : `one of ${all.join(", ")}`);
  else checkField(found, below(path, spelt(known[0])), known[1], (value as Record<string, unknown>)[spelt(known[0])]);
}

function checkFields(
  found: Found,
  path: string,
  fields: Fields,
  value: Record<string, unknown>,
  others: readonly string[],
): void {
  const names = [...others, ...Object.keys(fields).map(spelt)];
  for (const name of Object.keys(value).filter(name => !names.includes(name)))
    found.malformed(below(path, name), value[name], `left out: the fields here are ${names.join(", ")}`);
  for (const [contract, field] of Object.entries(fields)) {
    const name = spelt(contract);
    if (value[name] !== undefined || field.required) checkField(found, below(path, name), field, value[name]);
  }
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
