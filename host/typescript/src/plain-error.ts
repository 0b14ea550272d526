/** Errors as plain data: what a log, a queue or another process can keep of one. */

/** An error as plain data. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  /** Where it was made. Not for the eyes of whoever caused it. */
  readonly stack?: string | undefined;
  /** What it was caused by: the same of an error, else what JSON makes of it. */
  readonly cause?: unknown;
  /** Its own fields. */
  readonly [field: string]: unknown;
}

/** How deep causes are followed. One may be its own. */
const MAX_CAUSES = 8;

/** What is not told among the fields, since it is told by itself. */
const APART: ReadonlySet<string> = new Set(["name", "message", "stack", "cause"]);

/** An error as plain data, with all its own fields. */
export function plainError(error: Error, depth = 0): PlainError {
  const { name, message, stack, cause } = error;
  const fields = Object.entries(error).filter(([field, value]) => !APART.has(field) && typeof value !== "function");
  const told = Object.fromEntries(fields.map(([field, value]) => [field, plain(value, depth)]));
  const why = cause === undefined || depth === MAX_CAUSES ? {} : { cause: plain(cause, depth + 1) };
  return { name: `${name}`, message: `${message}`, ...told, ...(stack !== undefined && { stack }), ...why };
}

function plain(value: unknown, depth: number): unknown {
  if (value instanceof Error) return depth > MAX_CAUSES ? `${value}` : plainError(value, depth);
  try {
    const text = JSON.stringify(value);
    return text === undefined ? `${String(value)}` : JSON.parse(text);
  } catch {
    // A cycle, a bigint, or what throws when it is read.
    return "an object that is not plain data";
  }
}
