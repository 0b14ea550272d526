/** What an error of a client library means for a commit. */

import { isTidegateError, type TidegateError } from "../../errors.js";
import { away, refused } from "../errors.js";
import { COMMIT_SCRIPT } from "./commit.generated.js";

/**
 * How a server's errors begin: `ERR`, `NOSCRIPT`, `OOM`. A client's own begin like a sentence, or
 * with a verb of the system's.
 */
const SERVER_CODE = /^[A-Z][A-Z0-9]{2,}(?: |$)/;

/**
 * An error of the server refuses the commit: a script that fails has written nothing, because ours
 * checks before it writes. With any other error nobody knows whether the commit arrived, but for
 * one of our own.
 */
export function storeError(error: unknown): TidegateError {
  if (isTidegateError(error)) return error;
  const message = withCommand(messageOf(error));
  const cause = withoutCommand(error);
  return isOfServer(error) ? refused(message, cause) : away(message, cause);
}

/**
 * An error as it is, but for the command that failed, which is long: it may be all of the script,
 * and that of a login has the password in it.
 */
export function withoutCommand(error: unknown): unknown {
  if (!(error instanceof Error) || !("command" in error)) return error;
  const { name, message, stack } = error;
  return Object.defineProperties(new Error(message), {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  });
}

/**
 * Redis up to 7.0 says of a command within a script that the user may not run it, and where, but
 * not which.
 */
function withCommand(message: string): string {
  if (!message.includes("can't run this command")) return message;
  const line = COMMIT_SCRIPT.split("\n")[Number(/@user_script: ?(\d+)/.exec(message)?.[1]) - 1];
  const command = /call\('([A-Z]+)'/.exec(line ?? "")?.[1]?.toLowerCase();
  if (command === undefined) return message;
  return `NOPERM this user has no permissions to run the '${command}' command in the script; the server said: ${message}`;
}

/** Whether it is the server that says so. */
export function isOfServer(error: unknown): boolean {
  return SERVER_CODE.test(messageOf(error));
}

/** The server does not know the script. */
export function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith("NOSCRIPT");
}

/**
 * The server may have refused several commits because of the keys of one, before it ran anything.
 */
export function isOfOne(error: unknown): boolean {
  return messageOf(error).startsWith("NOPERM");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
