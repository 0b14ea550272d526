/**
 * What a failed call failed with, as the patterns of the settings see it.
 *
 * Nothing here throws, whatever was thrown: a getter that fails, a revoked proxy or a text that is
 * none is read as nothing.
 */

import type { WitError } from "./wit.js";

/** What a failed call failed with. Empty text where there is none. */
export interface Failure {
  /** The name of the error's type. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Its code, such as an errno. */
  readonly code: string;
  /** Its status, such as that of an HTTP reply; none unless set. */
  readonly status?: string | undefined;
  /** What caused it, which patterns see as well: of an error and its causes the first 16. */
  readonly causes?: readonly Failure[] | undefined;
}

/** How many are handed in of an error and its causes: the contract looks at no more. */
export const MAX_ERRORS = 16;

/**
 * How much of a text is taken; the component looks at 8 KiB, which this many characters are at
 * least.
 */
const MAX_CHARS = 8_192;

/** Names that tell nothing, since all have them. */
const ROOTS: ReadonlySet<string> = new Set(["Error", "Object", "Function", ""]);

/**
 * The name, the message, the code and the status of what was thrown, and as its `causes` those of
 * its base classes, of its `cause` and of its `errors`, of at most 16 in all.
 *
 * The status is that of the error or of its `response` (`status` or `statusCode`); the code is its
 * `code`, else its status, else its `errno`. Base classes are told by their names alone.
 */
export function failureOf(error: unknown): Failure {
  const [first, ...causes] = entriesOf(error);
  return { ...(first ?? NOTHING), causes };
}

/** The error and then its causes, each before its own. */
export function errorsOf(failure: Failure): readonly WitError[] {
  const errors: WitError[] = [];
  const add = ({ name, message, code, status = "", causes = [] }: Failure) => {
    if (errors.length === MAX_ERRORS) return;
    errors.push({ name, message, code, status });
    causes.forEach(add);
  };
  add(failure);
  return errors;
}

/** Whether it has the texts of a failure. What is read of it later has been read here first. */
export function isFailure(value: unknown): value is Failure {
  if (!isObject(value)) return false;
  const { name, message, code, status = "", causes = [] } = value as Partial<Failure>;
  const areTexts = [name, message, code, status].every(text => typeof text === "string");
  return areTexts && Array.isArray(causes) && causes.slice(0, MAX_ERRORS).every(isFailure);
}

const NOTHING: WitError = { name: "", message: "", code: "", status: "" };

function entriesOf(error: unknown): WitError[] {
  const entries: WitError[] = [];
  const seen = new Set<unknown>();
  // Those nearer to the error come first: a cause of a cause tells less.
  const queue = [error];
  for (const each of queue) {
    if (seen.has(each)) continue;
    seen.add(each);
    const entry = entryOf(each);
    entries.push(entry);
    for (const name of classesOf(each)) {
      if (name !== entry.name) entries.push({ ...NOTHING, name });
    }
    if (entries.length >= MAX_ERRORS) break;
    queue.push(...causesOf(each).slice(0, MAX_ERRORS));
  }
  return entries.slice(0, MAX_ERRORS);
}

function entryOf(error: unknown): WitError {
  if (!isObject(error)) return { ...NOTHING, message: textOf(tried(() => String(error))) };
  const status = statusOf(error);
  const [name, message] = [field(error, "name"), field(error, "message")];
  return { name, message, code: field(error, "code") || status || field(error, "errno"), status };
}

/** The status that an error or a reply tells, or the reply that an error has. */
export function statusOf(from: unknown): string {
  const own = ownStatus(from);
  if (own !== "") return own;
  const response = ownStatus(read(from, "response"));
  return response === "" ? field(read(from, "$metadata"), "httpStatusCode") : response;
}

function ownStatus(from: unknown): string {
  return field(from, "status") || field(from, "statusCode");
}

/** The names of an error's classes, its own first, but for those that all have. */
function classesOf(error: unknown): string[] {
  const names: string[] = [];
  let prototype = isObject(error) ? tried(() => Object.getPrototypeOf(error)) : undefined;
  while (isObject(prototype) && names.length < MAX_ERRORS) {
    const name = field(read(prototype, "constructor"), "name");
    if (!ROOTS.has(name)) names.push(name);
    const above = prototype;
    prototype = tried(() => Object.getPrototypeOf(above));
  }
  return names;
}

function causesOf(error: unknown): unknown[] {
  const cause = read(error, "cause");
  const errors = read(error, "errors");
  const several = tried(() => (Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : [])) ?? [];
  return cause === undefined || cause === null ? several : [cause, ...several];
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function read(from: unknown, name: string): unknown {
  return isObject(from) ? tried(() => (from as Partial<Record<string, unknown>>)[name]) : undefined;
}

function field(from: unknown, name: string): string {
  return textOf(read(from, name));
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value).slice(0, MAX_CHARS) : "";
}

function tried<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
