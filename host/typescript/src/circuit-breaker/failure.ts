/** What a failed call failed with, as the patterns of the settings see it. */

import type { Failure, WitError } from "../call.js";

/** Where libraries put an error's code, by how telling it is. */
const CODES = ["code", "status", "statusCode", "errno"] as const;

/** The name, the message and the code (`code`, `status`, `statusCode` or `errno`) of what was thrown. */
export function failureOf(error: unknown): Failure {
  if (typeof error !== "object" || error === null) return { name: "", message: String(error), code: "" };
  const { name, message } = error as { name?: unknown; message?: unknown };
  return { name: textOf(name), message: textOf(message), code: codeOf(error) };
}

/** How many are handed in of an error and its causes: the contract looks at no more. */
export const MOST_ERRORS = 16;

/** The error and then its causes, each before its own. */
export function errorsOf(failure: Failure): readonly WitError[] {
  const errors: WitError[] = [];
  const add = ({ name, message, code, status = "", causes = [] }: Failure) => {
    if (errors.length === MOST_ERRORS) return;
    errors.push({ name, message, code, status });
    causes.forEach(add);
  };
  add(failure);
  return errors;
}

function codeOf(error: object): string {
  for (const field of CODES) {
    const code = textOf((error as Partial<Record<string, unknown>>)[field]);
    if (code !== "") return code;
  }
  return "";
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
