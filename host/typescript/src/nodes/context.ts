/** Contexts: what of them goes into the component, and how a result goes into them. */

import { InputError } from "../errors.js";

/** The longest text that goes into the component, in bytes. */
const MAX_BYTES = 2 ** 21;

declare class TextEncoder {
  encode(text: string): Uint8Array;
}

/**
 * The JSON text of those members of a context that have one of these names; of a text, all of it.
 */
export function membersOf(context: unknown, names: readonly string[], node: string): string {
  if (typeof context === "string") return boundedText(context, node);
  if (!isObject(context)) return json(context, []) ?? "null";
  const members = names.flatMap(name => {
    const isThere = Object.prototype.propertyIsEnumerable.call(context, name);
    const value = isThere ? json(context[name], [context]) : undefined;
    return value === undefined ? [] : [`${JSON.stringify(name)}:${value}`];
  });
  return `{${members.join(",")}}`;
}

/** A context with a result in it: a new object of the same members, in the same order. */
export function merged(context: unknown, variable: string | undefined, result: object, node: string): object {
  if (!isObject(context)) {
    throw new InputError(node, [{ path: "context", value: json(context, []) ?? "missing", allowed: "a JSON object" }]);
  }
  return variable === undefined ? { ...context, ...result } : { ...context, [variable]: result };
}

/** A text, if it is not too long for the component's memory. */
export function boundedText(text: string, node: string): string {
  // A character of a string has three bytes at most.
  if (text.length * 3 <= MAX_BYTES) return text;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_BYTES) return text;
  const allowed = `at most ${MAX_BYTES} bytes of JSON; a longer one can be an object that the result is put into`;
  throw new InputError(node, [{ path: "context", value: `${bytes} bytes`, allowed }]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * JSON text as `JSON.stringify` writes it, but a bigint is its digits and a cycle ends in null:
 * what has no JSON beside a key must not keep the key from being read.
 */
function json(value: unknown, inside: readonly unknown[]): string | undefined {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (inside.includes(value)) return "null";
  if ("toJSON" in value && typeof value.toJSON === "function") return json(value.toJSON(), [...inside, value]);
  return composite(value, [...inside, value]);
}

function composite(value: object, inside: readonly unknown[]): string {
  if (Array.isArray(value)) return `[${value.map(each => json(each, inside) ?? "null").join(",")}]`;
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = json(member, inside);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${members.join(",")}}`;
}
