/** What an error of a client library means for a commit. */

import { isTidegateError, type TidegateError } from "../../errors.js";
import { away, refused } from "../errors.js";

/** How a server's errors begin: `ERR`, `NOSCRIPT`, `OOM`. A client's own begin like a sentence, or with a verb of the system's. */
const SERVER_CODE = /^[A-Z][A-Z0-9]{2,}(?: |$)/;

/**
 * An error of the server refuses the commit: a script that fails has written nothing, because ours checks before it writes. With
 * any other error nobody knows whether the commit arrived, but for one of our own.
 */
export function storeError(error: unknown): TidegateError {
  if (isTidegateError(error)) return error;
  const message = messageOf(error);
  return isOfServer(error) ? refused(message, error) : away(message, error);
}

/** Whether it is the server that says so. */
export function isOfServer(error: unknown): boolean {
  return SERVER_CODE.test(messageOf(error));
}

/** The server does not know the script. */
export function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith("NOSCRIPT");
}

/** The server may have refused several commits because of the keys of one, before it ran anything. */
export function isOfOne(error: unknown): boolean {
  return messageOf(error).startsWith("NOPERM");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
